/* <unibuild/memory.h> as far as pages of files need it, answered by the test. */
#ifndef UNIBUILD_MEMORY_H
#define UNIBUILD_MEMORY_H

#include <stddef.h>

#define UB_PAGE_SIZE 4096UL
#define UB_PAGE_MASK (UB_PAGE_SIZE - 1)

void *ub_page_allocate(size_t count);
void ub_page_free(void *pages, size_t count);
size_t ub_page_total_count(void);

#endif
