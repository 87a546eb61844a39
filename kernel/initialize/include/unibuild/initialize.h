/*
 * Initializers: what must run before main, in order of level.
 *
 * UB_INITIALIZER(level, function) puts a pointer to `void function(void)` in a section of the
 * image. Only object files that the linker took are there, so a device joins only when something
 * needs it. They run on the boot stack with interrupts disabled until UB_INITIALIZE_INTERRUPTS is
 * done and enabled after; memory, the console, the random generator and the canary are ready before
 * the first.
 */
#ifndef UNIBUILD_INITIALIZE_H
#define UNIBUILD_INITIALIZE_H

/* Two digits, so that the linker's sort by name is the order. */
#define UB_INITIALIZE_EARLY 10      /* interrupt controllers */
#define UB_INITIALIZE_TIMER 15      /* timers, which signal through a controller */
#define UB_INITIALIZE_THREAD 20     /* scheduler: the running context becomes the first thread */
#define UB_INITIALIZE_USER 25       /* ring 3: gates and descriptor table of its own */
#define UB_INITIALIZE_INTERRUPTS 30 /* interrupts are enabled when this level is done */
#define UB_INITIALIZE_BUS 40        /* discovery of devices */
#define UB_INITIALIZE_DEVICE 50     /* drivers */
#define UB_INITIALIZE_NETWORK 60    /* protocol stacks, interface bring-up */
#define UB_INITIALIZE_FILE 70       /* descriptors, file systems */
#define UB_INITIALIZE_LATE 90

#define UB_INITIALIZER_NAMED(level, function)                                                      \
    static void (*const ub_initializer_##function)(void)                                           \
        __attribute__((used, retain, section(".ub_initialize." #level))) = (function)
#define UB_INITIALIZER(level, function) UB_INITIALIZER_NAMED(level, function)

#endif
