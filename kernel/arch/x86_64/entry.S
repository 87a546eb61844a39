/*
 * From the monitor to C. A PVH monitor enters here in 32-bit protected mode without paging, EBX
 * holding the physical address of its start_info. The image is position independent: where it runs
 * is drawn here, from the processor's generator and its time stamp, and every word that holds an
 * address of the image is moved there before paging begins.
 *
 * The tables built here are the final ones of the image: text read-execute, constants read-only,
 * data read-write, both without execution, nothing below 64 KiB, and the guard page under every
 * stack left out. Memory is mapped a second time, in order, from another address that is drawn
 * here (ub_direct_map); of the image only its page tables are in there. For the way up the same
 * tables map memory where it is, and that goes with the first instructions there, so the lower half
 * of the address space is empty when C begins. The machine never runs with a page both writable and
 * executable, not even before the first C function.
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

#define CPUID_RDRAND 0x40000000 /* leaf 1, ECX */
#define RDRAND_TRIES 16
#define MIXER 0x9e3779b1 /* odd: spreads the time stamp's quick bits over the word */

#define LOWEST_MAPPED 0x10000
#define SERIAL_PORT 0x3f8
#define DESCRIPTOR_TABLE_SIZE 40
#define RELR_BITS 63
#define RELA_SIZE 24
#define HALF_PAGES 0x3f800 /* of 1 GiB, less so many that the last of the tables is in it, too */
#define TABLE_ENTRIES 512
#define DIRECT_MAP_LOWEST_HIGH 0xffff8000 /* the upper half of the address space, less 32 bits */
#define DIRECT_MAP_PLACE_BITS 15          /* places in steps of 1 GiB: the lowest 32 TiB of it */

/* A part of the image as it is addressed before paging: EBP holds the address of ub_entry. */
#define AT(part) (part - ub_entry)(%ebp)

    .section .text.ub_entry, "ax", @progbits
    .code32
    .globl ub_entry
    .type ub_entry, @function
ub_entry:
    cli
    cld
    movl $ub_entry_address, %ebp
    movl $ub_boot_stack_address, %esp
    pushl %ebx

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

    call draw_slide
    call draw_direct_map
    call relocate

    /* The lowest level: memory, with the image in its rights. */
    leal AT(ub_entry_tables), %esi
    movl $LOWEST_MAPPED, %eax
    leal AT(ub_image_start), %edx
    movl $(PAGE_PRESENT | PAGE_WRITE), %ecx
    movl $PAGE_NO_EXECUTE_HIGH, %ebx
    call map
    leal AT(ub_image_text_end), %edx
    movl $PAGE_PRESENT, %ecx
    xorl %ebx, %ebx
    call map
    leal AT(ub_image_data_start), %edx
    movl $PAGE_NO_EXECUTE_HIGH, %ebx
    call map
    leal AT(ub_entry_tables_end), %edx
    subl %esi, %edx
    shll $9, %edx
    movl $(PAGE_PRESENT | PAGE_WRITE), %ecx
    call map

    /* The guards under the stacks. */
    leal AT(ub_stack_guards), %edx
    xorl %ecx, %ecx
1:  movl (%edx,%ecx,4), %eax
    addl %edx, %eax
    shrl $9, %eax
    movl $0, (%esi,%eax)
    movl $0, 4(%esi,%eax)
    incl %ecx
    cmpl $(ub_stack_guards_end - ub_stack_guards) / 4, %ecx
    jb 1b

    /* The same pages of the image where it will run. */
    leal AT(ub_image_start), %ebx
    leal AT(ub_image_end), %ecx
    subl %ebx, %ecx
    shrl $12 - 1, %ecx
    shrl $9, %ebx
    addl %ebx, %esi
    movl AT(slide_page), %edx
    andl $(TABLE_ENTRIES - 1), %edx
    leal AT(ub_image_tables), %edi
    leal (%edi,%edx,8), %edi
    rep movsl

    /* The upper levels: one directory (1 GiB) for memory, one for the way up, one for the image. */
    leal AT(ub_entry_tables_end), %ecx
    leal AT(ub_entry_tables), %esi
    subl %esi, %ecx
    shrl $12, %ecx
    leal AT(ub_way_directory), %edi
    leal AT(ub_entry_tables), %eax
    call link
    movl AT(ub_direct_map), %edx
    shrl $21, %edx
    andl $(TABLE_ENTRIES - 1), %edx
    leal AT(ub_direct_directory), %edi
    leal (%edi,%edx,8), %edi
    leal AT(ub_entry_tables), %eax
    call link
    incl %ecx
    movl AT(slide_page), %edx
    shrl $9, %edx
    leal AT(ub_image_directory), %edi
    leal (%edi,%edx,8), %edi
    leal AT(ub_image_tables), %eax
    call link
    movl $1, %ecx
    leal AT(ub_way_pointers), %edi
    leal AT(ub_way_directory), %eax
    call link
    movl AT(ub_direct_map), %edx
    movl AT(ub_direct_map + 4), %ebx
    shldl $2, %edx, %ebx
    movl %ebx, %edx
    andl $(TABLE_ENTRIES - 1), %edx
    leal AT(ub_direct_pointers), %edi
    leal (%edi,%edx,8), %edi
    leal AT(ub_direct_directory), %eax
    call link
    shrl $9, %ebx
    andl $(TABLE_ENTRIES - 1), %ebx
    leal AT(ub_page_root), %edi
    leal (%edi,%ebx,8), %edi
    leal AT(ub_direct_pointers), %eax
    call link
    movl AT(slide_half), %edx
    leal AT(ub_image_pointers + 510 * 8), %edi
    leal (%edi,%edx,8), %edi
    leal AT(ub_image_directory), %eax
    call link
    leal AT(ub_page_root), %edi
    leal AT(ub_way_pointers), %eax
    call link
    leal AT(ub_page_root + 511 * 8), %edi
    leal AT(ub_image_pointers), %eax
    call link

    movl $CR4_INITIAL, %eax
    movl %eax, %cr4
    leal AT(ub_page_root), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $(EFER_LME | EFER_NXE), %eax
    wrmsr
    movl $CR0_INITIAL, %eax
    movl %eax, %cr0
    leal AT(ub_descriptor_table), %eax
    pushl %eax
    pushl $(DESCRIPTOR_TABLE_SIZE - 1) << 16
    lgdtl 2(%esp)
    pushl $8
    leal AT(long_mode), %eax
    pushl %eax
    lretl

/* ESI: one of 2^32 numbers. Without the processor's generator there is the time stamp alone. */
draw:
    movl $1, %eax
    cpuid
    movl %ecx, %ebx
    rdtsc
    imull $MIXER, %eax, %esi
    bswapl %esi
    testl $CPUID_RDRAND, %ebx
    jz 3f
    movl $RDRAND_TRIES, %ecx
1:  rdrandl %eax
    jc 2f
    loop 1b
    ret
2:  xorl %eax, %esi
3:  ret

/*
 * Draws the slide: a whole number of pages that brings the image into the highest 2 GiB, and into
 * one half of them, so that one directory holds it: about 19 bits. There an address is what its
 * lower 32 bits say, sign-extended, which programs that keep the number of a system call in an int
 * rely on.
 */
draw_slide:
    call draw
    /* ECX places in each half, ESI / 2^32 of both chosen. */
    leal AT(ub_image_end), %eax
    shrl $12, %eax
    movl $HALF_PAGES, %ecx
    subl %eax, %ecx
    leal (%ecx,%ecx), %eax
    mull %esi
    xorl %ebx, %ebx
    cmpl %ecx, %edx
    jb 4f
    incl %ebx
    subl %ecx, %edx
4:  movl %ebx, AT(slide_half)
    shll $30, %ebx
    movl %edx, %eax
    shll $12, %eax
    leal 0x80000000(%eax,%ebx), %eax
    movl %eax, AT(ub_image_slide)
    movl $-1, AT(ub_image_slide + 4)
    leal AT(ub_image_start), %eax
    shrl $12, %eax
    addl %edx, %eax
    movl %eax, AT(slide_page)
    ret

/*
 * Draws where memory is mapped: a multiple of 2 MiB, so that large pages fit, of which one directory
 * holds all that is mapped here: 15 bits of place, and nearly 9 for the directory's first entry.
 * Above the highest place is room for 64 TiB of memory.
 */
draw_direct_map:
    call draw
    leal AT(ub_entry_tables), %eax
    leal AT(ub_entry_tables_end), %ecx
    subl %eax, %ecx
    shrl $12, %ecx
    subl $(TABLE_ENTRIES + 1), %ecx
    negl %ecx
    movl %esi, %eax
    shll $DIRECT_MAP_PLACE_BITS, %eax
    mull %ecx
    shll $21, %edx
    shrl $32 - DIRECT_MAP_PLACE_BITS, %esi
    movl %esi, %eax
    shll $30, %eax
    orl %edx, %eax
    shrl $2, %esi
    orl $DIRECT_MAP_LOWEST_HIGH, %esi
    movl %eax, AT(ub_direct_map)
    movl %esi, AT(ub_direct_map + 4)
    ret

/*
 * Adds the slide to every word that .relr.dyn names (gABI, SHT_RELR): an even entry is the address
 * of one, and an odd one says by its upper 63 bits which of the words behind the last are, too.
 * Words at odd places are in .rela.dyn: place, type (R_X86_64_RELATIVE, as nothing else is left in
 * an image without symbols), and what to add the slide to.
 */
relocate:
    pushl %ebp
    leal AT(ub_relocations_start), %esi
    leal AT(ub_relocations_end), %eax
    pushl %eax
    movl AT(ub_image_slide), %ebx
    movl AT(ub_image_slide + 4), %ebp
1:  cmpl (%esp), %esi
    jae 5f
    movl (%esi), %eax
    movl 4(%esi), %edx
    addl $8, %esi
    testb $1, %al
    jnz 2f
    movl %eax, %edi
    addl %ebx, (%edi)
    adcl %ebp, 4(%edi)
    addl $8, %edi
    jmp 1b
2:  movl $RELR_BITS, %ecx
3:  shrdl $1, %edx, %eax
    shrl $1, %edx
    testb $1, %al
    jz 4f
    addl %ebx, (%edi)
    adcl %ebp, 4(%edi)
4:  addl $8, %edi
    loop 3b
    jmp 1b
5:  popl %eax
    movl (%esp), %edx
    leal (ub_addend_relocations_start - ub_entry)(%edx), %esi
    leal (ub_addend_relocations_end - ub_entry)(%edx), %edx
6:  cmpl %edx, %esi
    jae 7f
    movl (%esi), %edi
    movl 16(%esi), %eax
    movl 20(%esi), %ecx
    addl %ebx, %eax
    adcl %ebp, %ecx
    movl %eax, (%edi)
    movl %ecx, 4(%edi)
    addl $RELA_SIZE, %esi
    jmp 6b
7:  popl %ebp
    ret

/* Fills the tables at ESI for the pages from EAX to below EDX: entry flags ECX, upper half EBX. */
map:
    movl %eax, %edi
    shrl $9, %edi
    addl %esi, %edi
1:  cmpl %edx, %eax
    jae 2f
    movl %eax, (%edi)
    orl %ecx, (%edi)
    movl %ebx, 4(%edi)
    addl $8, %edi
    addl $4096, %eax
    jmp 1b
2:  ret

/* Enters ECX tables, which lie one after the other at EAX, from the entry at EDI on. ECX stays. */
link:
    movl %ecx, %edx
    orl $(PAGE_PRESENT | PAGE_WRITE), %eax
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    decl %edx
    jnz 1b
    ret

unsupported:
    leal AT(unsupported_message), %esi
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
    leaq 1f(%rip), %rax
    addq ub_image_slide(%rip), %rax
    jmpq *%rax
1:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    leaq ub_boot_stack_top(%rip), %rsp
    movl -4(%rsp), %ebx
    lgdt ub_descriptor_table_register(%rip)

    /* The image where it was loaded goes, all below its page tables. */
    leaq ub_image_start(%rip), %rax
    leaq ub_page_tables(%rip), %rcx
    subq %rax, %rcx
    shrq $12, %rcx
    subq ub_image_slide(%rip), %rax
    shrq $9, %rax
    leaq ub_entry_tables(%rip), %rdi
    addq %rax, %rdi
    xorl %eax, %eax
    rep stosq
    /* And so does memory where it is. */
    movq %rax, ub_page_root(%rip)
    movq %cr3, %rax
    movq %rax, %cr3

    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    leaq ub_boot_cpu(%rip), %rax
    movq %rax, %rdx
    shrq $32, %rdx
    movl $MSR_GS_BASE, %ecx
    wrmsr
    fninit
    movl %ebx, %edi
    xorl %ebp, %ebp
    pushq $0
    pushq $0
    call ub_start
    ud2
    .size ub_entry, . - ub_entry

    .section .rodata.ub_entry, "a", @progbits
unsupported_message:
    .asciz "unibuild: this processor has no long mode or no no-execute pages\n"

    /* As distances from here. */
    .align 4
ub_stack_guards:
    .long ub_stack_guard_boot - ub_stack_guards
    .long ub_stack_guard_double_fault - ub_stack_guards
    .long ub_stack_guard_nmi - ub_stack_guards
    .long ub_stack_guard_page_fault - ub_stack_guards
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

    .section .bss.ub_image_slide, "aw", @nobits
    .align 8
    .globl ub_image_slide
    .size ub_image_slide, 8
ub_image_slide:
    .skip 8
    /* Which half of the highest 2 GiB, and in it the page at which the image begins. */
slide_half:
    .skip 4
slide_page:
    .skip 4

    .section .bss.ub_direct_map, "aw", @nobits
    .align 8
    .globl ub_direct_map
    .size ub_direct_map, 8
ub_direct_map:
    .skip 8
