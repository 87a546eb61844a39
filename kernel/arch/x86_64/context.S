/*
 * void ub_context_switch(struct ub_context *from, struct ub_context *to)
 *
 * The callee-saved registers and the control words of x87 and SSE go on the leaving stack. The FS base
 * is a model-specific register and slow to write, so it is written only when it changes; what is
 * loaded is kept in struct ub_cpu.
 *
 * Weak, for images with ring 3 switch in another way (kernel/user); begin and layout are the same.
 */
#define CPU_THREAD_POINTER 24
#define MSR_FS_BASE 0xc0000100

    .section .text.ub_context_switch, "ax", @progbits
    .weak ub_context_switch
    .type ub_context_switch, @function
ub_context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
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
1:  ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size ub_context_switch, . - ub_context_switch

    /* A new context's first instructions: r12 holds its entry, r13 the argument. */
    .section .text.ub_context_begin, "ax", @progbits
    .globl ub_context_begin
    .type ub_context_begin, @function
ub_context_begin:
    xorl %ebp, %ebp
    movq %r13, %rdi
    sti
    call *%r12
    ud2
    .size ub_context_begin, . - ub_context_begin
