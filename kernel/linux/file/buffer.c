/* Buffers for transfers, in two sizes; of each, the one given back last waits for the next call. */
#include <unibuild/memory.h>

#include "transfer.h"

#define MEDIUM_PAGES 4UL
#define LARGE_PAGES (UB_TRANSFER_MAXIMUM / UB_PAGE_SIZE)

static void *spare_medium;
static void *spare_large;

static bool is_medium(size_t size)
{
    return size <= MEDIUM_PAGES * UB_PAGE_SIZE;
}

void *ub_transfer_buffer_take(size_t size)
{
    void **spare = is_medium(size) ? &spare_medium : &spare_large;
    void *buffer = __atomic_exchange_n(spare, NULL, __ATOMIC_ACQUIRE);
    return buffer != NULL ? buffer : ub_page_allocate(is_medium(size) ? MEDIUM_PAGES : LARGE_PAGES);
}

void ub_transfer_buffer_give(void *buffer, size_t size)
{
    void **spare = is_medium(size) ? &spare_medium : &spare_large;
    void *before = __atomic_exchange_n(spare, buffer, __ATOMIC_ACQ_REL);
    if (before != NULL) {
        ub_page_free(before, is_medium(size) ? MEDIUM_PAGES : LARGE_PAGES);
    }
}
