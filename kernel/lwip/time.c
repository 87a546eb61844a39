/* Milliseconds for lwIP's timers. */
#include <unibuild/clock.h>

#include "lwip/sys.h"

u32_t sys_now(void)
{
    return (u32_t)(ub_clock_monotonic() / 1000000);
}
