/*
 * For assembly: how a struct ub_exception_frame (exception.h) gets on the stack and off it again.
 * The processor pushes its words, the stub completes them, and the general registers follow. The
 * formatter knows C only.
 */
#ifndef UNIBUILD_EXCEPTION_FRAME_H
#define UNIBUILD_EXCEPTION_FRAME_H

/* clang-format off */
/* An error code, 0 for a vector that brings none (8, 10-14, 17, 21, 29 and 30 do), and the vector. */
    .macro push_vector vector
    .if ((1 << \vector) & 0x60227d00) == 0
    pushq $0
    .endif
    pushq $\vector
    .endm

    .macro save_registers
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm

    .macro restore_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    .endm

#endif
