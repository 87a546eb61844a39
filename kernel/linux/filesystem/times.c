/* utimensat and its forebears. Without a path utimensat means the descriptor. */
#include <sys/time.h>
#include <time.h>

#include "path_call.h"

#define NANOSECONDS 1000L
#define MICROSECONDS 1000000L

long ub_sys_utimensat(long directory, const char *path, const struct timespec times[2], long flags);

static long utimensat_here(long a, long b, long c, long d, long e, long f)
{
    (void)e;
    (void)f;
    return ub_sys_utimensat(a, (const char *)b, (const struct timespec *)c, d);
}

UB_LINUX_CALL(utimensat)
{
    static const struct ub_shape of_path[UB_ARGUMENTS_MAXIMUM] = {
        UB_VALUE, UB_PATH, {UB_SHAPE_IN, 2 * sizeof(struct timespec)}};
    static const struct ub_shape of_descriptor[UB_ARGUMENTS_MAXIMUM] = {
        UB_VALUE, UB_VALUE, {UB_SHAPE_IN, 2 * sizeof(struct timespec)}};
    return ub_call_shaped(frame, frame->rsi != 0 ? of_path : of_descriptor, utimensat_here);
}

static long set_microseconds(long directory, long path, const struct timeval *times)
{
    struct timespec precise[2];
    for (int i = 0; times != NULL && i < 2; i++) {
        if (times[i].tv_usec < 0 || times[i].tv_usec >= MICROSECONDS) {
            return -EINVAL;
        }
        precise[i].tv_sec = times[i].tv_sec;
        precise[i].tv_nsec = times[i].tv_usec * NANOSECONDS;
    }
    return ub_sys_utimensat(directory, (const char *)path, times != NULL ? precise : NULL, 0);
}

UB_LINUX_PATH_CALL(utimes, UB_PATH, {UB_SHAPE_IN, 2 * sizeof(struct timeval)})
{
    return set_microseconds(AT_FDCWD, a, (const struct timeval *)b);
}

UB_LINUX_PATH_CALL(futimesat, UB_VALUE, UB_PATH, {UB_SHAPE_IN, 2 * sizeof(struct timeval)})
{
    return set_microseconds(a, b, (const struct timeval *)c);
}

UB_LINUX_PATH_CALL(utime, UB_PATH, {UB_SHAPE_IN, 2 * sizeof(int64_t)})
{
    const int64_t *seconds = (const int64_t *)b;
    if (seconds == NULL) {
        return set_microseconds(AT_FDCWD, a, NULL);
    }
    struct timeval times[2] = {{.tv_sec = seconds[0]}, {.tv_sec = seconds[1]}};
    return set_microseconds(AT_FDCWD, a, times);
}
