/* Where things of the program lie: drawn, so that no address can be foretold. */
#include "space.h"

#include <unibuild/random.h>

/* Places are drawn in the upper three quarters; below lie programs with addresses of their own. */
#define DRAWN_LOWEST (1UL << 45)
#define TOP_LOWEST (1UL << 46)
#define DRAWN_END ((1UL << 47) - (1UL << 40))
#define TRIES 64

static uint64_t draw(uint64_t lowest, uint64_t end)
{
    return lowest + ub_random_u64() % ((end - lowest) / UB_PAGE_SIZE) * UB_PAGE_SIZE;
}

uint64_t ub_space_room(uint64_t size)
{
    if (ub_space.top == 0) {
        ub_space.top = draw(TOP_LOWEST, DRAWN_END);
    }
    uint64_t found = ub_areas_room(&ub_space.areas, size, UB_PROGRAM_LOWEST, ub_space.top);
    return found != 0 ? found
                      : ub_areas_room(&ub_space.areas, size, UB_PROGRAM_LOWEST, UB_USER_END);
}

uint64_t ub_program_place(uint64_t size, uint64_t alignment)
{
    if (size == 0 || size > DRAWN_LOWEST || alignment > DRAWN_LOWEST) {
        return 0;
    }
    uint64_t found = 0;
    unsigned long flags = ub_space_enter();
    for (unsigned i = 0; found == 0 && i < TRIES; i++) {
        uint64_t at = draw(DRAWN_LOWEST, DRAWN_END - size) & ~(alignment - 1);
        if (ub_areas_free(&ub_space.areas, at - UB_GUARD_SIZE, at + size + UB_GUARD_SIZE)) {
            found = at;
        }
    }
    ub_space_leave(flags);
    return found;
}
