/* Calls that would change the file system: the answer is -EROFS, whatever they are given. */
#include <errno.h>

#define READ_ONLY(name)                                                                            \
    long ub_sys_##name(void);                                                                      \
    long ub_sys_##name(void)                                                                       \
    {                                                                                              \
        return -EROFS;                                                                             \
    }

READ_ONLY(unlinkat)
READ_ONLY(mkdirat)
READ_ONLY(mknodat)
READ_ONLY(symlinkat)
READ_ONLY(linkat)
READ_ONLY(renameat)
READ_ONLY(renameat2)
READ_ONLY(fchmodat)
READ_ONLY(fchmod)
READ_ONLY(fchownat)
READ_ONLY(fchown)
READ_ONLY(utimensat)
READ_ONLY(truncate)
READ_ONLY(ftruncate)
READ_ONLY(fallocate)
