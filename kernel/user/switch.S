/*
 * void ub_user_switch(struct ub_context *from, struct ub_context *to)
 *
 * What context.S of kernel/arch/x86_64 does, on the same layout of the stack, but for what only the
 * program uses: the control words of x87 and SSE, which are part of its vector state here, and the
 * FS base. These stay as they are until a thread of the program runs again (ub_user_adopt).
 *
 * An interrupt from ring 3 leaves SS null, a system call does not; the thread that goes on here may
 * have come by one, and `sysret` of AMD's processors takes the hidden part of SS as it finds it.
 */
#define KERNEL_DATA 0x10

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
    movq 0(%rsi), %rsp
    movl %ss, %eax
    cmpl $KERNEL_DATA, %eax
    je 1f
    movl $KERNEL_DATA, %eax
    movl %eax, %ss
1:  addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size ub_user_switch, . - ub_user_switch
