/* Sending, blocking, queueing and waiting for signals. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fact.h"

static char order[64];
static volatile sig_atomic_t count;
static volatile int seen_code, seen_value;

static void note(int signal)
{
    size_t end = strlen(order);
    snprintf(order + end, sizeof order - end, " %d", signal);
    count++;
}

static void note_information(int signal, siginfo_t *information, void *context)
{
    (void)context;
    note(signal);
    seen_code = information->si_code;
    seen_value = information->si_value.sival_int;
}

static void handle(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = note_information, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &action, NULL);
}

static sigset_t set_of(int first, int second)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    if (second != 0) {
        sigaddset(&set, second);
    }
    return set;
}

static void senders(void)
{
    handle(SIGUSR1, 0);
    raise(SIGUSR1);
    FACT("raise: count %d, code %d", count, seen_code);
    kill(getpid(), SIGUSR1);
    FACT("kill: count %d, code %d", count, seen_code);
    union sigval value = {.sival_int = 42};
    FACT("sigqueue: %s", answer(sigqueue(getpid(), SIGUSR1, value)));
    FACT("count %d, code %d, value %d", count, seen_code, seen_value);
    FACT("kill 0: %s", answer(kill(getpid(), 0)));
    FACT("kill bad: %s", answer(kill(getpid(), 65)));
    FACT("tgkill nobody: %s", answer(syscall(SYS_tgkill, getpid(), 99999999, SIGUSR1)));
    FACT("tgkill bad: %s", answer(syscall(SYS_tgkill, getpid(), -1, SIGUSR1)));
    FACT("sigaction of SIGKILL: %s",
         answer(sigaction(SIGKILL, &(struct sigaction){.sa_handler = note}, NULL)));
    FACT("sigaction bad: %s", answer(syscall(SYS_rt_sigaction, 70, NULL, NULL, 8)));
    FACT("sigaction size: %s", answer(syscall(SYS_rt_sigaction, 10, NULL, NULL, 4)));
    FACT("sigaction fault: %s", answer(syscall(SYS_rt_sigaction, 10, 8, NULL, 8)));
}

/* Standard signals count once while they wait, realtime ones each time; low numbers first. */
static void blocking(void)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2), pending;
    int realtime = SIGRTMIN + 3;
    sigaddset(&set, realtime);
    handle(SIGUSR2, 0);
    handle(realtime, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    order[0] = 0;
    count = 0;
    for (int i = 0; i < 3; i++) {
        union sigval value = {.sival_int = i};
        sigqueue(getpid(), realtime, value);
        raise(SIGUSR2);
        raise(SIGUSR1);
    }
    sigpending(&pending);
    FACT("pending: %d %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
         sigismember(&pending, realtime));
    FACT("handled while blocked: %d", count);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    FACT("afterwards: %d, last value %d", count, seen_value);
    int first = 0;
    sscanf(order, "%d", &first);
    FACT("the highest ran first: %d", first == realtime);
}

static void ignoring(void)
{
    sigset_t set = set_of(SIGUSR1, 0), pending;
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    FACT("pending once ignored: %d", sigismember(&pending, SIGUSR1));
    raise(SIGUSR1);
    sigpending(&pending);
    FACT("sent while ignored and blocked: %d", sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGCHLD, SIG_DFL);
    raise(SIGCHLD);
    raise(SIGURG);
    raise(SIGWINCH);
    raise(SIGCONT);
    FACT("harmless by default");
}

static volatile int depth, deepest;

static void nest(int signal)
{
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (count++ < 3) {
        raise(signal);
    }
    depth--;
}

static void flags(void)
{
    struct sigaction action = {.sa_handler = nest, .sa_flags = SA_NODEFER}, now;
    sigaction(SIGUSR1, &action, NULL);
    count = deepest = 0;
    raise(SIGUSR1);
    FACT("with SA_NODEFER %d deep", deepest);
    action.sa_flags = 0;
    sigaction(SIGUSR1, &action, NULL);
    count = deepest = 0;
    raise(SIGUSR1);
    FACT("without %d deep, %d times", deepest, count);
    handle(SIGUSR1, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &now);
    FACT("SA_RESETHAND: default %d", now.sa_handler == SIG_DFL);
}

static void waiting(void)
{
    sigset_t set = set_of(SIGUSR1, SIGRTMIN + 1);
    struct timespec none = {0, 0}, shortly = {0, 5000000};
    siginfo_t information;
    union sigval value = {.sival_int = 7};
    int got;
    handle(SIGUSR1, 0);
    count = 0;
    sigprocmask(SIG_BLOCK, &set, NULL);
    FACT("sigtimedwait, nothing: %s", answer(sigtimedwait(&set, NULL, &none)));
    FACT("sigtimedwait, shortly: %s", answer(sigtimedwait(&set, NULL, &shortly)));
    sigqueue(getpid(), SIGRTMIN + 1, value);
    got = sigwaitinfo(&set, &information);
    FACT("sigwaitinfo: %d, code %d, value %d, own %d", got == SIGRTMIN + 1, information.si_code,
         information.si_value.sival_int, information.si_pid == getpid());
    raise(SIGUSR1);
    sigwait(&set, &got);
    FACT("sigwait: %d, handlers run %d", got, count);
    sigset_t none_blocked;
    sigemptyset(&none_blocked);
    raise(SIGUSR1);
    FACT("sigsuspend: %s", answer(sigsuspend(&none_blocked)));
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    FACT("handlers run %d, blocked again %d", count, sigismember(&now, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void *send_to(void *argument)
{
    sleep_milliseconds(20);
    pthread_kill(*(pthread_t *)argument, SIGUSR1);
    return NULL;
}

static void *wait_with_sigwait(void *argument)
{
    sigset_t set = set_of(SIGUSR2, 0);
    int got = 0;
    (void)argument;
    sigwait(&set, &got);
    return (void *)(intptr_t)got;
}

static void threads(void)
{
    pthread_t thread, self = pthread_self();
    sigset_t set = set_of(SIGUSR2, 0);
    void *result;
    pthread_create(&thread, NULL, send_to, &self);
    FACT("pause: %s", answer(pause()));
    pthread_join(thread, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, wait_with_sigwait, NULL);
    sleep_milliseconds(20);
    kill(getpid(), SIGUSR2);
    pthread_join(thread, &result);
    FACT("a thread takes the process's: %d", (int)(intptr_t)result);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- signalfd ----------------------------------------------------------------------------------
 */

static void read_one(int descriptor)
{
    struct signalfd_siginfo record[3];
    long got = read(descriptor, record, sizeof record);
    if (got < 0) {
        FACT("read: %s", answer(got));
        return;
    }
    for (long i = 0; i < got / (long)sizeof *record; i++) {
        FACT("read: signal %d, code %d, value %d, own %d", (int)record[i].ssi_signo,
             record[i].ssi_code, record[i].ssi_int, record[i].ssi_pid == (uint32_t)getpid());
    }
}

static void *raise_later(void *argument)
{
    sleep_milliseconds(20);
    kill(getpid(), SIGUSR1);
    return argument;
}

static void descriptors(void)
{
    sigset_t set = set_of(SIGUSR1, SIGRTMIN + 2);
    union sigval value = {.sival_int = 19};
    pthread_t thread;
    sigprocmask(SIG_BLOCK, &set, NULL);
    int descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    FACT("signalfd, no such flag: %s", answer(signalfd(-1, &set, 1)));
    FACT("signalfd, another descriptor: %s", answer(signalfd(1, &set, 0)));
    read_one(descriptor);
    FACT("poll: %d", poll(&entry, 1, 0));
    sigqueue(getpid(), SIGRTMIN + 2, value);
    raise(SIGUSR1);
    FACT("poll: %d", poll(&entry, 1, 0));
    read_one(descriptor);
    FACT("too small: %s", answer(read(descriptor, &entry, 1)));
    fcntl(descriptor, F_SETFL, 0);
    pthread_create(&thread, NULL, raise_later, NULL);
    read_one(descriptor);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, raise_later, NULL);
    FACT("poll: %d", poll(&entry, 1, 5000));
    pthread_join(thread, NULL);
    read_one(descriptor);
    close(descriptor);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
    senders();
    blocking();
    ignoring();
    flags();
    waiting();
    threads();
    descriptors();
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
    FACT("still here");
    return 0;
}
