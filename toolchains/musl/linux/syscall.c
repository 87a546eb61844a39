/* syscall() of programs on Linux whose objects were compiled for images.
 *
 * Their SYS_ names are addresses of entry points (see linux_calls), not numbers. No program has
 * code below the first page, so the two cannot be mistaken for each other.
 */

#include "syscall.h"
#undef syscall /* the internal header has a macro of this name */
#include <stdarg.h>

typedef long entry_point(long, long, long, long, long, long);

enum { FIRST_ADDRESS = 4096 };

long syscall(long call, ...)
{
    long arguments[6];
    va_list list;
    va_start(list, call);
    for (int i = 0; i < 6; i++) {
        arguments[i] = va_arg(list, long);
    }
    va_end(list);
    if (call >= FIRST_ADDRESS) {
        return __syscall_ret(((entry_point *)call)(arguments[0], arguments[1], arguments[2],
                                                   arguments[3], arguments[4], arguments[5]));
    }
    return __syscall_ret(__syscall(call, arguments[0], arguments[1], arguments[2], arguments[3],
                                   arguments[4], arguments[5]));
}
