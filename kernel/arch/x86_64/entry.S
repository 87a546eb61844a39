/*
 * From the monitor to C. A PVH monitor enters here in 32-bit protected mode without paging, EBX
 * holding the physical address of its start_info. The tables built here are the final ones of the
 * image: text read-execute, constants read-only, data read-write, both without execution, nothing
 * below 64 KiB, and the guard page under every stack left out. The machine never runs with a page
 * both writable and executable, not even before the first C function.
 */

#define PAGE_PRESENT 0x001
#define PAGE_WRITE 0x002
#define PAGE_NO_EXECUTE_HIGH 0x80000000 /* bit 63, in the entry's upper half */

#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800
#define MSR_GS_BASE 0xc0000101

#define CR0_INITIAL 0x80010033 /* PG WP NE ET MP PE */
#define CR4_INITIAL 0x000006a0 /* OSXMMEXCPT OSFXSR PGE PAE */

#define LOWEST_MAPPED 0x10000
#define SERIAL_PORT 0x3f8

    /* Type 18, XEN_ELFNOTE_PHYS32_ENTRY: the address to enter at, a word of the file's class. */
    .section .note.Xen, "a", @note
    .align 4
    .long 4
    .long 8
    .long 18
    .asciz "Xen"
    .quad ub_entry

    .section .text.ub_entry, "ax", @progbits
    .code32
    .globl ub_entry
    .type ub_entry, @function
ub_entry:
    cli
    cld
    movl $ub_boot_stack_top, %esp
    movl %ebx, %ebp

    /* Long mode and no-execute pages, or there is no safe way to go on. */
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb unsupported
    movl $0x80000001, %eax
    cpuid
    andl $0x20100000, %edx
    cmpl $0x20100000, %edx
    jne unsupported

    /* EDI walks the entries of the page tables, EAX the addresses; EDX is the upper half. */
    movl $ub_entry_tables + (LOWEST_MAPPED >> 9), %edi
    movl $LOWEST_MAPPED, %eax
1:  movl $PAGE_NO_EXECUTE_HIGH, %edx
    movl $(PAGE_PRESENT | PAGE_WRITE), %ecx
    cmpl $ub_image_start, %eax
    jb 3f
    cmpl $ub_image_data_start, %eax
    jae 3f
    movl $PAGE_PRESENT, %ecx
    cmpl $ub_image_text_end, %eax
    jae 3f
    xorl %edx, %edx
3:  orl %eax, %ecx
    movl %ecx, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $4096, %eax
    cmpl $ub_entry_tables_end, %edi
    jb 1b

    /* The guards under the stacks. */
    xorl %ecx, %ecx
2:  movl ub_stack_guards(,%ecx,4), %eax
    shrl $9, %eax
    andl $~7, %eax
    movl $0, ub_entry_tables(%eax)
    movl $0, ub_entry_tables + 4(%eax)
    incl %ecx
    cmpl $(ub_stack_guards_end - ub_stack_guards) / 4, %ecx
    jb 2b

    /* The upper levels: one directory (1 GiB), one entry in each table above it. */
    movl $ub_entry_tables + PAGE_PRESENT + PAGE_WRITE, %eax
    movl $ub_page_directory, %edi
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    cmpl $ub_entry_tables_end, %eax
    jb 1b
    movl $ub_page_directory + PAGE_PRESENT + PAGE_WRITE, ub_page_directory_pointers
    movl $ub_page_directory_pointers + PAGE_PRESENT + PAGE_WRITE, ub_page_root

    movl $CR4_INITIAL, %eax
    movl %eax, %cr4
    movl $ub_page_root, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $(EFER_LME | EFER_NXE), %eax
    wrmsr
    movl $CR0_INITIAL, %eax
    movl %eax, %cr0
    lgdtl ub_descriptor_table_register
    ljmpl $8, $long_mode

unsupported:
    movl $unsupported_message, %esi
    movw $SERIAL_PORT, %dx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  hlt
    jmp 2b

    .code64
long_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $MSR_GS_BASE, %ecx
    movl $ub_boot_cpu, %eax
    xorl %edx, %edx
    wrmsr
    fninit
    movl $ub_boot_stack_top, %esp
    movl %ebp, %edi
    xorl %ebp, %ebp
    pushq $0
    pushq $0
    call ub_start
    ud2
    .size ub_entry, . - ub_entry

    .section .rodata.ub_entry, "a", @progbits
unsupported_message:
    .asciz "unibuild: this processor has no long mode or no no-execute pages\n"

    .align 4
ub_stack_guards:
    .long ub_stack_guard_boot
    .long ub_stack_guard_double_fault
    .long ub_stack_guard_nmi
    .long ub_stack_guard_page_fault
ub_stack_guards_end:

    /* Null, 64-bit code, data, and the task state segment, which ub_cpu_initialize fills in. */
    .section .data.ub_descriptor_table, "aw", @progbits
    .align 16
    .globl ub_descriptor_table
ub_descriptor_table:
    .quad 0
    .quad 0x00af9b000000ffff
    .quad 0x00cf93000000ffff
    .quad 0, 0
ub_descriptor_table_register:
    .word . - ub_descriptor_table - 1
    .quad ub_descriptor_table

    .section .bss.ub_page_tables, "aw", @nobits
    .align 4096
    .globl ub_page_root
ub_page_root:
    .skip 4096
ub_page_directory_pointers:
    .skip 4096
ub_page_directory:
    .skip 4096

    .section .ub_stacks, "aw", @nobits
    .align 4096
ub_stack_guard_boot:
    .skip 4096
    .skip 16384
    .globl ub_boot_stack_top
ub_boot_stack_top:
ub_stack_guard_double_fault:
    .skip 4096
    .skip 4096
    .globl ub_double_fault_stack_top
ub_double_fault_stack_top:
ub_stack_guard_nmi:
    .skip 4096
    .skip 4096
    .globl ub_nmi_stack_top
ub_nmi_stack_top:
ub_stack_guard_page_fault:
    .skip 4096
    .skip 4096
    .globl ub_page_fault_stack_top
ub_page_fault_stack_top:
