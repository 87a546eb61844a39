/* mincore: which pages have memory. */
#include "space.h"

#include <unibuild/linux_call.h>
#include <unibuild/paging.h>

#include <errno.h>

#define PIECE 256U

static bool is_there(uint64_t page)
{
    const uint64_t *entry = ub_page_entry(page, false);
    return entry != NULL && *entry != 0;
}

UB_LINUX_CALL(mincore)
{
    uint64_t start = ub_argument(frame, 0);
    uint64_t size = ub_argument(frame, 1);
    uint64_t to = ub_argument(frame, 2);
    if (!ub_range_valid(start, &size)) {
        return -EINVAL;
    }
    if (start > UB_USER_END - size) {
        return -ENOMEM;
    }
    while (size > 0) {
        unsigned char told[PIECE];
        size_t pages = size / UB_PAGE_SIZE < PIECE ? size / UB_PAGE_SIZE : PIECE;
        unsigned long flags = ub_space_enter();
        bool covered = ub_space_covered(start, start + pages * UB_PAGE_SIZE);
        for (size_t i = 0; i < pages; i++) {
            told[i] = is_there(start + i * UB_PAGE_SIZE);
        }
        ub_space_leave(flags);
        if (!covered) {
            return -ENOMEM;
        }
        if (!ub_user_copy_out(to, told, pages)) {
            return -EFAULT;
        }
        start += pages * UB_PAGE_SIZE;
        size -= pages * UB_PAGE_SIZE;
        to += pages;
    }
    return 0;
}
