/* mremap: shrinks, grows in place where there is room, else moves pages to a new place. */
#include "space.h"

#include <unibuild/file.h>
#include <unibuild/linux_call.h>

#include <errno.h>
#include <sys/mman.h>

struct wish {
    uint64_t old, old_size, new_size, flags, wanted;
};

static bool overlap(const struct wish *wish)
{
    return wish->old < wish->wanted + wish->new_size && wish->wanted < wish->old + wish->old_size;
}

static long check(struct wish *wish)
{
    bool fixed = (wish->flags & MREMAP_FIXED) != 0;
    if ((wish->flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0 ||
        (fixed && (wish->flags & MREMAP_MAYMOVE) == 0) ||
        !ub_range_valid(wish->old, &wish->old_size) ||
        !ub_range_valid(wish->old, &wish->new_size) || wish->old_size == 0 || wish->new_size == 0 ||
        wish->old > UB_USER_END - wish->old_size) {
        return -EINVAL;
    }
    if (fixed && ((wish->wanted & UB_PAGE_MASK) != 0 ||
                  !ub_space_valid(wish->wanted, wish->new_size) || overlap(wish))) {
        return -EINVAL;
    }
    return 0;
}

static bool grow_in_place(struct ub_area *area, const struct wish *wish)
{
    uint64_t end = wish->old + wish->new_size;
    if (area->end != wish->old + wish->old_size || !ub_space_valid(wish->old, wish->new_size) ||
        !ub_areas_free(&ub_space.areas, area->end, end) ||
        !ub_space_commit(area, (end - area->end) / UB_PAGE_SIZE)) {
        return false;
    }
    ub_space.mapped += (end - area->end) / UB_PAGE_SIZE;
    ub_areas_resize(area, area->start, end);
    ub_space_merge(end);
    return true;
}

/* Everything that can fail comes before the first change of the old place. */
static long move(const struct ub_area *area, const struct wish *wish)
{
    uint64_t kept = wish->old_size < wish->new_size ? wish->old_size : wish->new_size;
    struct ub_area moved = *area;
    moved.offset += wish->old - area->start;
    if ((wish->flags & MREMAP_FIXED) != 0) {
        if (!ub_space_clear(wish->wanted, wish->wanted + wish->new_size)) {
            return -ENOMEM;
        }
        moved.start = wish->wanted;
    } else {
        moved.start = ub_space_room(wish->new_size);
    }
    moved.end = moved.start + wish->new_size;
    if (moved.start == 0 || !ub_space_split(wish->old, wish->old + wish->old_size) ||
        !ub_page_move(wish->old, moved.start, kept)) {
        return -ENOMEM;
    }
    if (moved.file != NULL) {
        ub_file_hold(moved.file);
    }
    if (!ub_space_add(&moved)) {
        /* Back again: the tables of the old place are all still there. */
        ub_page_move(moved.start, wish->old, kept);
        if (moved.file != NULL) {
            ub_file_put(moved.file); /* the old area has another */
        }
        return -ENOMEM;
    }
    ub_space_clear(wish->old, wish->old + wish->old_size);
    return (long)moved.start;
}

static long remap(const struct wish *wish)
{
    struct ub_area *area = ub_areas_find(&ub_space.areas, wish->old);
    if (area == NULL || area->start > wish->old || area->end < wish->old + wish->old_size) {
        return -EFAULT;
    }
    if ((wish->flags & MREMAP_FIXED) == 0) {
        if (wish->new_size <= wish->old_size) {
            uint64_t end = wish->old + wish->old_size;
            return wish->new_size == wish->old_size ||
                           ub_space_clear(wish->old + wish->new_size, end)
                       ? (long)wish->old
                       : -ENOMEM;
        }
        if (grow_in_place(area, wish)) {
            return (long)wish->old;
        }
        if ((wish->flags & MREMAP_MAYMOVE) == 0) {
            return -ENOMEM;
        }
    }
    return move(area, wish);
}

UB_LINUX_CALL(mremap)
{
    struct wish wish = {ub_argument(frame, 0), ub_argument(frame, 1), ub_argument(frame, 2),
                        ub_argument(frame, 3), ub_argument(frame, 4)};
    long result = check(&wish);
    if (result == 0) {
        unsigned long flags = ub_space_enter();
        result = remap(&wish);
        ub_space_leave(flags);
    }
    return result;
}
