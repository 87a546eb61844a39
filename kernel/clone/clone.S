/*
 * long ub_sys_clone(flags, stack, parent_tid, child_tid, tls): returns twice, as the system call
 * does. The parent gets the child's id; the child returns 0 from the same call, on its own stack
 * (stack pointer = `stack`), with the parent's callee-saved registers.
 */
    .text
    .globl ub_sys_clone
    .type ub_sys_clone, @function
ub_sys_clone:
    movq (%rsp), %rax            /* where the call returns to */
    pushq %rbp
    movq %rsp, %rbp
    pushq $0                     /* struct clone_frame, last member first: stack (set in C) */
    pushq %rax
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq (%rbp)
    pushq %rbx
    movq %rsp, %r9
    call ub_clone
    leave
    ret
    .size ub_sys_clone, . - ub_sys_clone

/* void ub_clone_start(struct clone_frame *): the child's first instructions. */
    .globl ub_clone_start
    .type ub_clone_start, @function
ub_clone_start:
    movq 0(%rdi), %rbx
    movq 8(%rdi), %rbp
    movq 16(%rdi), %r12
    movq 24(%rdi), %r13
    movq 32(%rdi), %r14
    movq 40(%rdi), %r15
    movq 56(%rdi), %rsp
    xorl %eax, %eax
    jmpq *48(%rdi)
    .size ub_clone_start, . - ub_clone_start

    .section .note.GNU-stack, "", @progbits
