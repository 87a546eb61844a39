/* prctl(2): a name for the thread is accepted and ignored; the rest is not there. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

long ub_sys_prctl(long option, unsigned long argument)
{
    switch (option) {
    case PR_SET_NAME:
    case PR_SET_PDEATHSIG:
    case PR_SET_DUMPABLE:
        return 0;
    case PR_GET_NAME:
        memset((char *)argument, 0, 16);
        memcpy((char *)argument, "program", sizeof "program");
        return 0;
    case PR_GET_DUMPABLE:
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        return 0;
    default:
        return -EINVAL;
    }
}
