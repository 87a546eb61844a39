/*
 * The first instructions of every exception: one stub a vector, which makes the processor's frame the
 * same for all (an error code, 0 where it gives none, and the vector), and one common part that
 * saves the general registers as struct ub_exception_frame and calls C.
 */

    .section .text.ub_exception, "ax", @progbits
    .altmacro
    .macro stub vector
    .align 16
    /* Vectors 8, 10-14, 17, 21, 29 and 30 bring an error code. */
    .if ((1 << \vector) & 0x60227d00) == 0
    pushq $0
    .endif
    pushq $\vector
    jmp common
    .endm

    .globl ub_exception_stubs
    .align 16
ub_exception_stubs:
    .set vector, 0
    .rept 32
    stub %vector
    .set vector, vector + 1
    .endr

    .align 16
common:
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
    movq %rsp, %rdi
    cld
    call ub_exception
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
    addq $16, %rsp
    iretq
