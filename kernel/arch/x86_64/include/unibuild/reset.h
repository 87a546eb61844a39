/* The processor's last resort: a triple fault, on which every machine resets. */
#ifndef UNIBUILD_RESET_H
#define UNIBUILD_RESET_H

static inline _Noreturn void ub_processor_reset(void)
{
    static const struct __attribute__((packed)) {
        unsigned short limit;
        unsigned long base;
    } no_gates = {0, 0};
    __asm__ volatile("lidt %0; ud2" : : "m"(no_gates));
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

#endif
