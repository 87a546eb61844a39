/* Who the program is: process 1, root. */
#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#include <unibuild/process.h>

#define ANSWER(name, value)                                                                        \
    long ub_sys_##name(void);                                                                      \
    long ub_sys_##name(void)                                                                       \
    {                                                                                              \
        return (value);                                                                            \
    }

ANSWER(getpid, UB_PROCESS_ID)
ANSWER(getppid, 0)
ANSWER(getuid, 0)
ANSWER(geteuid, 0)
ANSWER(getgid, 0)
ANSWER(getegid, 0)
ANSWER(getgroups, 0)
ANSWER(setsid, UB_PROCESS_ID)
ANSWER(setgroups, 0)

/* There is one process, its own group and session. */
static long of_process(int process)
{
    return process == 0 || process == UB_PROCESS_ID ? UB_PROCESS_ID : -ESRCH;
}

long ub_sys_getpgid(int process)
{
    return of_process(process);
}

long ub_sys_getsid(int process)
{
    return of_process(process);
}

long ub_sys_setpgid(int process, int group)
{
    if (of_process(process) < 0) {
        return -ESRCH;
    }
    if (group < 0) {
        return -EINVAL;
    }
    return group == 0 || group == UB_PROCESS_ID ? 0 : -EPERM;
}

long ub_sys_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = *effective = *saved = 0;
    return 0;
}

long ub_sys_getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = *effective = *saved = 0;
    return 0;
}

/* -1 keeps an id; there is no other user to become. */
static long become(uint32_t id)
{
    return id == 0 || id == UINT32_MAX ? 0 : -EPERM;
}

long ub_sys_setuid(uint32_t id)
{
    return become(id);
}

long ub_sys_setgid(uint32_t id)
{
    return become(id);
}

long ub_sys_setreuid(uint32_t real, uint32_t effective)
{
    return become(real) | become(effective);
}

long ub_sys_setregid(uint32_t real, uint32_t effective)
{
    return become(real) | become(effective);
}

long ub_sys_setresuid(uint32_t real, uint32_t effective, uint32_t saved)
{
    return become(real) | become(effective) | become(saved);
}

long ub_sys_setresgid(uint32_t real, uint32_t effective, uint32_t saved)
{
    return become(real) | become(effective) | become(saved);
}
