/*
 * One system call that is not there, as a component that shows: UB_STUB(name) in a file of its own
 * defines ub_sys_name, which answers -ENOSYS. A call is named here only when programs and the C
 * library are written to live without it; any other call that is missing is an error at link time.
 */
#ifndef UNIBUILD_STUB_H
#define UNIBUILD_STUB_H

#include <errno.h>

#define UB_STUB(name)                                                                              \
    long ub_sys_##name(void);                                                                      \
    long ub_sys_##name(void)                                                                       \
    {                                                                                              \
        return -ENOSYS;                                                                            \
    }

#endif
