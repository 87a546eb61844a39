/*
 * The frame of a signal on the program's stack: Linux's struct rt_sigframe for x86-64, in the words
 * of its uapi headers asm/sigcontext.h and asm/ucontext.h. Above it, aligned to 64 bytes, is the
 * vector state; above that the red zone.
 */
#ifndef UNIBUILD_LINUX_SIGNAL_FRAME_H
#define UNIBUILD_LINUX_SIGNAL_FRAME_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "signals.h"

#define RED_ZONE 128
#define VECTOR_ALIGNMENT 64UL
#define VECTOR_SIZE_LEGACY 512 /* of FXSAVE; more is XSAVE */

struct signal_registers {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, cr2;
    uint64_t vector_state; /* its address, or 0 */
    uint64_t reserved[8];
};
_Static_assert(sizeof(struct signal_registers) == 256, "struct sigcontext_64");

#define CONTEXT_XSAVE 1UL          /* UC_FP_XSTATE */
#define CONTEXT_STACK_SEGMENT 2UL  /* UC_SIGCONTEXT_SS */
#define CONTEXT_STRICT_SEGMENT 4UL /* UC_STRICT_RESTORE_SS */

struct signal_context {
    uint64_t flags;
    uint64_t link;
    struct signal_stack stack;
    struct signal_registers registers;
    uint64_t mask;
};
_Static_assert(sizeof(struct signal_context) == 304, "struct ucontext");
_Static_assert(offsetof(struct signal_context, registers) == offsetof(ucontext_t, uc_mcontext) &&
                   offsetof(struct signal_context, mask) == offsetof(ucontext_t, uc_sigmask) &&
                   offsetof(struct signal_registers, rip) == sizeof(greg_t) * REG_RIP &&
                   offsetof(struct signal_registers, cr2) == sizeof(greg_t) * REG_CR2 &&
                   offsetof(struct signal_registers, vector_state) ==
                       offsetof(mcontext_t, fpregs) &&
                   offsetof(struct signal_information, address) == offsetof(siginfo_t, si_addr) &&
                   offsetof(struct signal_information, value) == offsetof(siginfo_t, si_value),
               "as a program's C library has them");

struct signal_frame {
    uint64_t return_address;
    struct signal_context context;
    struct signal_information information;
    uint8_t information_rest[128 - sizeof(struct signal_information)];
};
_Static_assert(sizeof(struct signal_frame) == 440, "struct rt_sigframe");

#endif
