/*
 * The first instructions of every exception: one stub a vector, which makes the processor's frame the
 * same for all (an error code, 0 where it gives none, and the vector), and one common part that
 * saves the general registers as struct ub_exception_frame and calls C.
 */
#include <unibuild/exception_frame.h>

    .section .text.ub_exception, "ax", @progbits
    .altmacro
    .macro stub vector
    .align 16
    push_vector \vector
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
    save_registers
    movq %rsp, %rdi
    cld
    call ub_exception
    restore_registers
    addq $16, %rsp
    iretq
