.section .rodata.ub_image_program,"a",@progbits
.balign 1
.globl ub_image_program
.type ub_image_program, @object
ub_image_program:
    .byte 47, 98, 105, 110, 47, 109, 97, 105, 110, 0
.section .rodata.ub_image_allow_exec_mappings,"a",@progbits
.balign 1
.globl ub_image_allow_exec_mappings
.type ub_image_allow_exec_mappings, @object
ub_image_allow_exec_mappings:
    .byte 1
.section .ub_root,"a",@progbits
.balign 4096
.section .text.ub_program_start,"ax",@progbits
.globl ub_program_start
.type ub_program_start, @function
ub_program_start:
    jmp ub_linux_start
.size ub_program_start, . - ub_program_start
