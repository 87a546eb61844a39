/* Who the program is, and (in vain) becoming somebody else. */
#include "values.h"

#include <sys/types.h>

UB_LINUX_VALUES(getpid, ub_sys_getpid)
UB_LINUX_VALUES(getppid, ub_sys_getppid)
UB_LINUX_VALUES(getpgid, ub_sys_getpgid)
UB_LINUX_VALUES(getsid, ub_sys_getsid)
UB_LINUX_VALUES(setsid, ub_sys_setsid)
UB_LINUX_VALUES(setpgid, ub_sys_setpgid)
UB_LINUX_VALUES(getuid, ub_sys_getuid)
UB_LINUX_VALUES(geteuid, ub_sys_geteuid)
UB_LINUX_VALUES(getgid, ub_sys_getgid)
UB_LINUX_VALUES(getegid, ub_sys_getegid)
UB_LINUX_VALUES(setuid, ub_sys_setuid)
UB_LINUX_VALUES(setgid, ub_sys_setgid)
UB_LINUX_VALUES(setreuid, ub_sys_setreuid)
UB_LINUX_VALUES(setregid, ub_sys_setregid)
UB_LINUX_VALUES(setresuid, ub_sys_setresuid)
UB_LINUX_VALUES(setresgid, ub_sys_setresgid)
UB_LINUX_VALUES(getgroups, ub_sys_getgroups)
UB_LINUX_VALUES(setgroups, ub_sys_setgroups)
UB_LINUX_VALUES(umask, ub_sys_umask)

UB_LINUX_CALL(getpgrp)
{
    (void)frame;
    return ub_sys_getpgid(0, 0, 0);
}

/* Both answer who it was before. */
UB_LINUX_CALL(setfsuid)
{
    (void)frame;
    return ub_sys_geteuid(0, 0, 0);
}

UB_LINUX_CALL(setfsgid)
{
    (void)frame;
    return ub_sys_getegid(0, 0, 0);
}

#define THREE_IDS                                                                                  \
    {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(uid_t)},                                             \
        {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(uid_t)},                                         \
    {                                                                                              \
        UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(uid_t)                                            \
    }

UB_LINUX_SHAPED(getresuid, ub_sys_getresuid, THREE_IDS)
UB_LINUX_SHAPED(getresgid, ub_sys_getresgid, THREE_IDS)
