.section .rodata.ub_image_label,"a",@progbits
.balign 1
.globl ub_image_label
.type ub_image_label, @object
ub_image_label:
    .byte 47, 47, 115, 97, 109, 112, 108, 101, 58, 105, 109, 97, 103, 101, 0
.section .rodata.ub_image_identity,"a",@progbits
.balign 1
.globl ub_image_identity
.type ub_image_identity, @object
ub_image_identity:
    .zero 32
.size ub_image_identity, 32
.section .rodata.ub_image_arguments,"a",@progbits
.balign 1
.globl ub_image_arguments
.type ub_image_arguments, @object
ub_image_arguments:
    .byte 115, 97, 109, 112, 108, 101, 0, 116, 119, 111, 32, 119, 111, 114, 100, 115, 0, 98, 97, 99, 107, 92, 115, 108, 97, 115, 104, 32, 34, 113, 117, 111
    .byte 116, 101, 100, 34, 0
.section .rodata.ub_image_arguments_length,"a",@progbits
.balign 8
.globl ub_image_arguments_length
.type ub_image_arguments_length, @object
ub_image_arguments_length:
    .quad 37
.section .rodata.ub_image_environment,"a",@progbits
.balign 1
.globl ub_image_environment
.type ub_image_environment, @object
ub_image_environment:
    .byte 65, 61, 195, 188, 0, 80, 76, 65, 67, 69, 61, 104, 101, 114, 101, 0
.section .rodata.ub_image_environment_length,"a",@progbits
.balign 8
.globl ub_image_environment_length
.type ub_image_environment_length, @object
ub_image_environment_length:
    .quad 16
.section .rodata.ub_image_network,"a",@progbits
.balign 1
.globl ub_image_network
.type ub_image_network, @object
ub_image_network:
    .byte 49, 48, 46, 48, 46, 50, 46, 49, 53, 47, 50, 52, 44, 49, 48, 46, 48, 46, 50, 46, 50, 0
.section .ub_root,"a",@progbits
    .incbin "root.cpio"
.section .note.GNU-stack,"",@progbits
