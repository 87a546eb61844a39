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
ANSWER(getpgid, UB_PROCESS_ID)
ANSWER(getsid, UB_PROCESS_ID)
ANSWER(getuid, 0)
ANSWER(geteuid, 0)
ANSWER(getgid, 0)
ANSWER(getegid, 0)
ANSWER(getgroups, 0)
ANSWER(setsid, UB_PROCESS_ID)
ANSWER(setpgid, 0)
ANSWER(setgroups, 0)

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
