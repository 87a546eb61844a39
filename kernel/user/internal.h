/* What the parts of kernel/user share with each other only. */
#ifndef UNIBUILD_USER_INTERNAL_H
#define UNIBUILD_USER_INTERNAL_H

#include <unibuild/cpu.h>
#include <unibuild/user.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a thread has that leaves ring 0. Its registers lie at the top of its kernel stack. */
struct ub_user {
    uint64_t stack_top;    /* where the processor begins when it comes from ring 3 */
    uint64_t gs_base;      /* the program's */
    unsigned char *vector; /* aligned to 64: x87, SSE, AVX as XSAVE or FXSAVE write them */
    void *vector_memory;   /* the heap's block around it */
    bool vector_rewritten; /* `vector` is being filled: not to be loaded meanwhile */
};

/*
 * A processor's data, with what is added for ring 3: the GS base points here in these images, and
 * in ring 3 the program's own base takes its place.
 */
struct ub_user_cpu {
    struct ub_cpu cpu;
    uint64_t stack_top;           /* of `user`, for `syscall`, which changes no stack itself */
    uint64_t program_stack;       /* the program's stack pointer for three instructions */
    uint64_t gs_base;             /* the program's, as it is loaded */
    struct ub_user *user;         /* whose stack and GS base are set */
    struct ub_user *vector_owner; /* whose vector state the registers hold; NULL: nobody's */
};
_Static_assert(offsetof(struct ub_user_cpu, stack_top) == 48, "used by entry.S");
_Static_assert(offsetof(struct ub_user_cpu, program_stack) == 56, "used by entry.S");

static inline struct ub_user_cpu *ub_user_cpu(void)
{
    return (struct ub_user_cpu *)ub_cpu_current();
}

/* The state of the thread that boots the image, which is no thread where no scheduler is linked. */
extern struct ub_user ub_user_main;

/* Whether the processor has SMAP: only then it knows the instructions that lift it. */
extern bool ub_user_has_access_prevention;

/* entry.S */
extern const char ub_user_exception_stubs[], ub_user_interrupt_stubs[];
void ub_user_call_entry(void);
/* Loads the registers of a frame and goes on there. Interrupts disabled, nothing pending. */
_Noreturn void ub_user_return(struct ub_exception_frame *frame);

/* copy.S: the one range whose faults at the program's addresses are answered, and how. */
extern const char ub_user_access_start[], ub_user_access_end[], ub_user_access_fault[];

/* Makes the processor the running thread's: stack, FS and GS base, vector state. Interrupts
 * disabled. */
void ub_user_adopt(struct ub_user *user);

/* Serves what is pending before a return to ring 3; interrupts disabled before and after. */
void ub_user_settle(struct ub_exception_frame *frame);

static inline struct ub_exception_frame *ub_user_frame_of(const struct ub_user *user)
{
    return (struct ub_exception_frame *)user->stack_top - 1;
}

/* ---- Vector state -----------------------------------------------------------------------------
 */

/* Learns what the processor has and switches it on. Once, at boot. */
void ub_user_vector_initialize(void);
/* Room for the state of one thread, the default in it; false when memory is out. */
bool ub_user_vector_create(struct ub_user *user);
void ub_user_vector_free(struct ub_user *user);
/* Brings the registers to `user`, or what they hold of `user` to its memory. Interrupts disabled.
 */
void ub_user_vector_load(struct ub_user *user);
void ub_user_vector_store(struct ub_user *user);
/* The running thread's state becomes that of a new one. */
void ub_user_vector_copy(struct ub_user *to);

#endif
