/* getrandom: never short, never waits; the generator was seeded before the program began. */
#include <unibuild/random.h>

#include <errno.h>
#include <sys/random.h>

long ub_sys_getrandom(long buffer, long count, long flags);

long ub_sys_getrandom(long buffer, long count, long flags)
{
    if ((flags & ~(long)(GRND_NONBLOCK | GRND_RANDOM)) != 0) {
        return -EINVAL;
    }
    ub_random_bytes((void *)buffer, (size_t)count);
    return count;
}
