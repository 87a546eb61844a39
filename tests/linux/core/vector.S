/* 16 vector registers from and to 32 bytes each: all of them, or their lower halves. */
    .macro function name
    .globl \name
    .type \name, @function
\name:
    .endm

    .text

function load_whole
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu 32*\number(%rdi), %ymm\number
    .endr
    ret

function store_whole
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmovdqu %ymm\number, 32*\number(%rdi)
    .endr
    ret

function load_half
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu 32*\number(%rdi), %xmm\number
    .endr
    ret

function store_half
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\number, 32*\number(%rdi)
    .endr
    ret

    .section .note.GNU-stack, "", @progbits
