.section .note.Xen,"a",@note
.balign 4
.long 4, 8, 18
.asciz "Xen"
.quad start
.section .note.GNU-stack,"",@progbits
