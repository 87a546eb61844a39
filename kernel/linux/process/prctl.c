/*
 * prctl(2): what belongs to the process is kept and told; what would change how the kernel treats
 * it is refused, as by a kernel that was built without it.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include <unibuild/linux_call.h>
#include <unibuild/loader.h>
#include <unibuild/scheduler.h>

#define NAME_SIZE 16
#define CAPABILITY_LAST 40
#define CAPABILITY_SYS_TIME 25 /* the one that the program has not */
#define TIMER_SLACK_NANOSECONDS 50000

static struct {
    char name[NAME_SIZE];
    int death_signal;
    bool dumpable, keep_capabilities, subreaper, no_new_privileges;
    uint64_t timer_slack;
} process = {.dumpable = true, .timer_slack = TIMER_SLACK_NANOSECONDS};

/* The calling thread's name, or where it is when there are no threads. Empty: the program's. */
static char *own_name(void)
{
    struct ub_thread *self = ub_cpu_current()->thread;
    return self != NULL ? self->linux.name : process.name;
}

static long set_name(uint64_t from)
{
    char name[NAME_SIZE] = {0};
    long length = ub_user_string_in(name, from, NAME_SIZE);
    if (length < 0 && length != -ENAMETOOLONG) {
        return length;
    }
    name[NAME_SIZE - 1] = '\0';
    memcpy(own_name(), name, NAME_SIZE);
    return 0;
}

static long get_name(uint64_t to)
{
    char name[NAME_SIZE] = {0};
    const char *own = own_name();
    strncpy(name, own[0] != '\0' ? own : strrchr(ub_image_program, '/') + 1, NAME_SIZE - 1);
    return ub_user_copy_out(to, name, NAME_SIZE) ? 0 : -EFAULT;
}

static long tell(uint64_t to, int value)
{
    return ub_user_copy_out(to, &value, sizeof value) ? 0 : -EFAULT;
}

static long set_flag(bool *flag, uint64_t value)
{
    if (value > 1) {
        return -EINVAL;
    }
    *flag = value != 0;
    return 0;
}

/* What a process may be asked about itself. */
static long get(int option, uint64_t to)
{
    switch (option) {
    case PR_GET_NAME:
        return get_name(to);
    case PR_GET_PDEATHSIG:
        return tell(to, process.death_signal);
    case PR_GET_CHILD_SUBREAPER:
        return tell(to, process.subreaper);
    case PR_GET_DUMPABLE:
        return process.dumpable;
    case PR_GET_KEEPCAPS:
        return process.keep_capabilities;
    case PR_GET_NO_NEW_PRIVS:
        return process.no_new_privileges;
    case PR_GET_TIMERSLACK:
        return (long)process.timer_slack;
    case PR_GET_THP_DISABLE:
    case PR_GET_SECCOMP:
        return 0;
    case PR_CAPBSET_READ:
        return to <= CAPABILITY_LAST ? to != CAPABILITY_SYS_TIME : -EINVAL;
    default:
        return -EINVAL;
    }
}

UB_LINUX_CALL(prctl)
{
    int option = (int)ub_argument(frame, 0);
    uint64_t value = ub_argument(frame, 1);
    switch (option) {
    case PR_SET_NAME:
        return set_name(value);
    case PR_SET_DUMPABLE:
        return set_flag(&process.dumpable, value);
    case PR_SET_KEEPCAPS:
        return set_flag(&process.keep_capabilities, value);
    case PR_SET_CHILD_SUBREAPER:
        process.subreaper = value != 0;
        return 0;
    case PR_SET_PDEATHSIG:
        if (value >= _NSIG) {
            return -EINVAL;
        }
        process.death_signal = (int)value;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        if (value != 1 || ub_argument(frame, 2) != 0) {
            return -EINVAL;
        }
        process.no_new_privileges = true;
        return 0;
    case PR_SET_TIMERSLACK:
        process.timer_slack = value != 0 ? value : TIMER_SLACK_NANOSECONDS;
        return 0;
    default:
        return get(option, value);
    }
}
