/*
 * The first and last instructions of every interrupt. Handlers are compiled for general registers
 * only, so the caller-saved ones are all that a handler can change; the vector state is saved only
 * when the interrupted context gives way to another one here.
 */
#define CPU_INTERRUPT_DEPTH 8
#define CPU_PREEMPT_COUNT 12
#define CPU_PREEMPT_REQUESTED 16
#define FIRST_VECTOR 32
#define VECTOR_COUNT 96
#define VECTOR_STATE_SIZE 512

    .section .text.ub_interrupt, "ax", @progbits
    .altmacro
    .macro stub vector
    .balign 8
    pushq $\vector
    jmp common
    .endm

    .globl ub_interrupt_stubs
    .balign 8
ub_interrupt_stubs:
    .set vector, FIRST_VECTOR
    .rept VECTOR_COUNT
    stub %vector
    .set vector, vector + 1
    .endr

    .balign 16
common:
    /*
     * The processor has pushed its five words on the interrupt stack, which is always there. Had it
     * used the interrupted stack, whose next page may never have been touched, its push would have
     * faulted and the interrupt been lost after its acknowledgement. Here the words move to the
     * interrupted stack, and a page fault on the way is an ordinary one.
     */
    pushq %rax
    pushq %rcx
    movq 48(%rsp), %rax
    andq $-16, %rax
    .irp word, 56, 48, 40, 32, 24, 16, 8
    movq \word(%rsp), %rcx
    movq %rcx, (\word - 64)(%rax)
    .endr
    movq (%rsp), %rcx
    leaq -56(%rax), %rsp
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    /* A frame for backtraces: the interrupted instruction as return address. */
    movq 80(%rsp), %rax
    movq 72(%rsp), %rdi
    pushq %rax
    pushq %rbp
    movq %rsp, %rbp
    cld
    incl %gs:CPU_INTERRUPT_DEPTH
    /* Aligned to 16 before the processor's 5 words; 12 more, and 8 for alignment. */
    subq $8, %rsp
    call ub_interrupt_dispatch
    decl %gs:CPU_INTERRUPT_DEPTH
    jnz 1f
    cmpl $0, %gs:CPU_PREEMPT_REQUESTED
    je 1f
    cmpl $0, %gs:CPU_PREEMPT_COUNT
    jne 1f
    movl $0, %gs:CPU_PREEMPT_REQUESTED
    subq $VECTOR_STATE_SIZE, %rsp
    fxsave64 (%rsp)
    call ub_preempt
    fxrstor64 (%rsp)
1:  movq %rbp, %rsp
    popq %rbp
    addq $8, %rsp
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $8, %rsp
    iretq
