/* What the assembly files of this folder define for its C files. */
#ifndef UNIBUILD_ENTRY_H
#define UNIBUILD_ENTRY_H

#include <stdint.h>

/* entry.S: the descriptors (null, code, data, task state), the highest page table, stacks. */
extern uint64_t ub_descriptor_table[];
extern uint64_t ub_page_root[];
extern char ub_double_fault_stack_top[], ub_nmi_stack_top[], ub_page_fault_stack_top[];

/* exception.S: 32 stubs of 16 bytes. */
extern const char ub_exception_stubs[];

/* context.S: where a new context begins. */
extern const char ub_context_begin[];

#endif
