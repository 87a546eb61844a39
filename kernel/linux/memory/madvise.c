/*
 * madvise: memory that is not needed goes back at once (also that which Linux would keep a while:
 * MADV_FREE); MADV_POPULATE_* fill it. Advice on what to expect is taken and has no effect.
 */
#include "space.h"

#include <unibuild/linux_call.h>

#include <errno.h>
#include <sys/mman.h>

enum effect {
    EFFECT_NONE,
    EFFECT_DISCARD,
    EFFECT_POPULATE,
    EFFECT_REFUSED,
};

static enum effect effect_of(int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
    case 24: /* MADV_DONTNEED_LOCKED */
        return EFFECT_DISCARD;
    case 22: /* MADV_POPULATE_READ */
    case 23: /* MADV_POPULATE_WRITE */
        return EFFECT_POPULATE;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case 25: /* MADV_COLLAPSE */
        return EFFECT_NONE;
    default:
        return EFFECT_REFUSED;
    }
}

static void discard(uint64_t start, uint64_t end)
{
    for (const struct ub_area *area = ub_areas_find(&ub_space.areas, start);
         area != NULL && area->start < end; area = ub_areas_next(area)) {
        uint64_t from = area->start > start ? area->start : start;
        uint64_t to = area->end < end ? area->end : end;
        ub_page_release(from, to, from, to);
    }
}

UB_LINUX_CALL(madvise)
{
    uint64_t start = ub_argument(frame, 0);
    uint64_t size = ub_argument(frame, 1);
    enum effect effect = effect_of((int)ub_argument(frame, 2));
    if (!ub_range_valid(start, &size) || effect == EFFECT_REFUSED) {
        return -EINVAL;
    }
    if (size == 0) {
        return 0;
    }
    if (start > UB_USER_END - size) {
        return -ENOMEM;
    }
    if (effect == EFFECT_POPULATE) {
        return ub_space_fill(start, start + size) ? 0 : -ENOMEM;
    }
    unsigned long flags = ub_space_enter();
    long result = ub_space_covered(start, start + size) ? 0 : -ENOMEM;
    if (effect == EFFECT_DISCARD) {
        /* What is mapped of a range with holes is discarded all the same. */
        discard(start, start + size);
    }
    ub_space_leave(flags);
    return result;
}
