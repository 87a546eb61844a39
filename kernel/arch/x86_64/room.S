/*
 * Pages that the image keeps room for, all zeroed by the monitor: page tables, which entry.S fills,
 * and stacks, each above a page that entry.S leaves unmapped. Two of the stacks hold the tables for
 * memory where it is (the way up); those are gone before a stack is used.
 */

    .section .ub_page_tables, "aw", @nobits
    .align 4096
    .globl ub_page_root
ub_page_root:
    .skip 4096
    .globl ub_direct_pointers
ub_direct_pointers:
    .skip 4096
    .globl ub_direct_directory
ub_direct_directory:
    .skip 4096
    .globl ub_image_pointers
ub_image_pointers:
    .skip 4096
    .globl ub_image_directory
ub_image_directory:
    .skip 4096

    .section .ub_stacks, "aw", @nobits
    .align 4096
    .globl ub_stack_guard_boot
ub_stack_guard_boot:
    .skip 4096
    .skip 16384
    .globl ub_boot_stack_top
ub_boot_stack_top:
    .globl ub_stack_guard_double_fault
ub_stack_guard_double_fault:
    .skip 4096
    .skip 4096
    .globl ub_double_fault_stack_top
ub_double_fault_stack_top:
    .globl ub_stack_guard_nmi
ub_stack_guard_nmi:
    .skip 4096
    .globl ub_way_pointers
ub_way_pointers:
    .skip 4096
    .globl ub_nmi_stack_top
ub_nmi_stack_top:
    .globl ub_stack_guard_page_fault
ub_stack_guard_page_fault:
    .skip 4096
    .globl ub_way_directory
ub_way_directory:
    .skip 4096
    .globl ub_page_fault_stack_top
ub_page_fault_stack_top:
