#include "path_call.h"
#include "wanted.h"

UB_PROCFS_WANTED();

long ub_sys_readlinkat(long directory, const char *path, char *buffer, long size);

/* The size is an int, and looked at before all else. */
static long read_link(struct ub_exception_frame *frame, long size, const struct ub_shape shapes[6],
                      ub_entry_point *entry)
{
    return (int)size <= 0 ? -EINVAL : ub_call_shaped(frame, shapes, entry);
}

static long readlink_here(long a, long b, long c, long d, long e, long f)
{
    (void)d;
    (void)e;
    (void)f;
    return ub_sys_readlinkat(AT_FDCWD, (const char *)a, (char *)b, c);
}

static long readlinkat_entry(long a, long b, long c, long d, long e, long f)
{
    (void)e;
    (void)f;
    return ub_sys_readlinkat(a, (const char *)b, (char *)c, d);
}

UB_LINUX_CALL(readlink)
{
    static const struct ub_shape shapes[UB_ARGUMENTS_MAXIMUM] = {UB_PATH, {UB_SHAPE_BYTES_OUT, 2}};
    return read_link(frame, (long)frame->rdx, shapes, readlink_here);
}

UB_LINUX_CALL(readlinkat)
{
    static const struct ub_shape shapes[UB_ARGUMENTS_MAXIMUM] = {
        UB_VALUE, UB_PATH, {UB_SHAPE_BYTES_OUT, 3}};
    return read_link(frame, (long)frame->r10, shapes, readlinkat_entry);
}
