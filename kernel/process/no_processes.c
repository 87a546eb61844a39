/* There are no other processes: none to start, none to wait for. */
#include <errno.h>

#define REFUSE(name, error)                                                                        \
    long ub_sys_##name(void);                                                                      \
    long ub_sys_##name(void)                                                                       \
    {                                                                                              \
        return -(error);                                                                           \
    }

REFUSE(execve, ENOSYS)
REFUSE(execveat, ENOSYS)
REFUSE(wait4, ECHILD)
REFUSE(waitid, ECHILD)
