/*
 * Into the kernel from ring 3 and back. All gates lead here in these images, also from ring 0.
 *
 * What came from ring 3 is on the thread's own kernel stack, by the task state segment or by
 * `syscall`, and the GS base is the program's until `swapgs`. Only NMI, double fault and machine
 * check can come while ring 0 has the program's base, for a few instructions at either end; none of
 * these ever returns, so it is enough that they look which base there is. A kernel address is
 * negative, and the program cannot have such a base: it sets one by arch_prctl only.
 *
 * An exception or interrupt leaves AC as it was, with which the program could switch SMAP off.
 */
#include <unibuild/exception_frame.h>

#define CPU_STACK_TOP 48
#define CPU_PROGRAM_STACK 56

#define USER_DATA 0x2b
#define USER_CODE 0x33
#define VECTOR_CALL 0x100
#define VECTOR_PAGE_FAULT 14
#define FIRST_INTERRUPT 32
#define INTERRUPT_COUNT 96
#define MSR_GS_BASE 0xc0000101
#define FLAGS_INITIAL 0x202

/* Of struct ub_exception_frame. */
#define FRAME_VECTOR 120
#define FRAME_CODE_SEGMENT 144
/* From FRAME_VECTOR on. */
#define REST_STACK_POINTER 40

    .section .text.ub_user_entry, "ax", @progbits
    .altmacro
    .macro exception_stub vector
    .balign 16
    push_vector \vector
    jmp common
    .endm

    .globl ub_user_exception_stubs
    .balign 16
ub_user_exception_stubs:
    .set vector, 0
    .rept FIRST_INTERRUPT
    exception_stub %vector
    .set vector, vector + 1
    .endr

    .macro interrupt_stub vector
    .balign 8
    pushq $\vector
    jmp interrupt
    .endm

    .globl ub_user_interrupt_stubs
    .balign 8
ub_user_interrupt_stubs:
    .set vector, FIRST_INTERRUPT
    .rept INTERRUPT_COUNT
    interrupt_stub %vector
    .set vector, vector + 1
    .endr

    .balign 16
interrupt:
    pushq (%rsp) /* the error's place holds the vector, too */
common:
    save_registers
    cld
    cmpb $0, ub_user_has_access_prevention(%rip)
    je 1f
    clac
1:  movq %rsp, %rdi
    testb $3, FRAME_CODE_SEGMENT(%rsp)
    jz from_kernel
    swapgs
    xorl %ebp, %ebp
    call ub_user_trapped
return_to_program:
    restore_registers
    addq $16, %rsp
    swapgs
    iretq

from_kernel:
    movl FRAME_VECTOR(%rsp), %eax
    cmpl $FIRST_INTERRUPT, %eax
    jae 2f
    cmpl $VECTOR_PAGE_FAULT, %eax
    je 1f
    movl $MSR_GS_BASE, %ecx
    rdmsr
    testl %edx, %edx
    js 1f
    swapgs
1:  call ub_user_kernel_fault
    jmp 3f
2:  call ub_user_interrupt
3:  restore_registers
    addq $16, %rsp
    iretq

    /* From `syscall`: RCX has the program's instruction pointer, R11 its flags. */
    .globl ub_user_call_entry
    .balign 16
ub_user_call_entry:
    swapgs
    movq %rsp, %gs:CPU_PROGRAM_STACK
    movq %gs:CPU_STACK_TOP, %rsp
    pushq $USER_DATA
    pushq %gs:CPU_PROGRAM_STACK
    pushq %r11
    pushq $USER_CODE
    pushq %rcx
    pushq %rax
    pushq $VECTOR_CALL
    save_registers
    xorl %ebp, %ebp
    movq %rsp, %rdi
    call ub_user_called
    testb %al, %al
    jz return_to_program
    restore_registers
    movq REST_STACK_POINTER(%rsp), %rsp
    swapgs
    sysretq

    .globl ub_user_return
ub_user_return:
    movq %rdi, %rsp
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    jmp return_to_program
