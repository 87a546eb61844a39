/*
 * void ub_user_switch(struct ub_context *from, struct ub_context *to)
 *
 * What context.S of kernel/arch/x86_64 does, on the same layout of the stack, but for the control
 * words of x87 and SSE: these are part of the program's vector state here and stay as they are.
 */
#define CPU_THREAD_POINTER 24
#define MSR_FS_BASE 0xc0000100

    .section .text.ub_user_switch, "ax", @progbits
    .globl ub_user_switch
    .type ub_user_switch, @function
ub_user_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    movq %rsp, 0(%rdi)
    movq %gs:CPU_THREAD_POINTER, %rax
    movq %rax, 8(%rdi)
    movq 0(%rsi), %rsp
    movq 8(%rsi), %rdx
    cmpq %rax, %rdx
    je 1f
    movq %rdx, %gs:CPU_THREAD_POINTER
    movl %edx, %eax
    shrq $32, %rdx
    movl $MSR_FS_BASE, %ecx
    wrmsr
1:  addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size ub_user_switch, . - ub_user_switch
