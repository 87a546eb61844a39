/* Signals of a program to itself and its threads, waiting for them, and alarms: the first argument
 * names the check. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    handled = signal;
}

static int raise_probe(void)
{
    struct probe_checks checks = {0};
    sigset_t set, before;
    signal(SIGUSR1, handler);
    PROBE_CHECK(&checks, raise(SIGUSR1) == 0 && handled == SIGUSR1);

    handled = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    PROBE_CHECK(&checks, kill(getpid(), SIGUSR1) == 0 && handled == 0);
    PROBE_CHECK(&checks, sigpending(&set) == 0 && sigismember(&set, SIGUSR1));
    sigprocmask(SIG_SETMASK, &before, NULL);
    PROBE_CHECK(&checks, handled == SIGUSR1);

    signal(SIGUSR1, SIG_IGN);
    PROBE_CHECK(&checks, raise(SIGUSR1) == 0);
    PROBE_CHECK(&checks, raise(SIGCHLD) == 0);
    return probe_done("raise", &checks);
}

static pthread_t main_thread;

static void *send_later(void *signal)
{
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    pthread_kill(main_thread, (int)(long)signal);
    return NULL;
}

static int wait_probe(void)
{
    struct probe_checks checks = {0};
    struct timespec soon = {.tv_nsec = 10000000};
    pthread_t sender;
    sigset_t set, empty;
    int number = 0;
    main_thread = pthread_self();
    signal(SIGUSR1, handler);
    sigemptyset(&empty);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);

    PROBE_CHECK(&checks, sigtimedwait(&set, NULL, &soon) == -1 && errno == EAGAIN);
    pthread_create(&sender, NULL, send_later, (void *)SIGUSR1);
    PROBE_CHECK(&checks, sigwait(&set, &number) == 0 && number == SIGUSR1 && handled == 0);
    pthread_join(sender, NULL);

    pthread_create(&sender, NULL, send_later, (void *)SIGUSR1);
    PROBE_CHECK(&checks, sigsuspend(&empty) == -1 && errno == EINTR && handled == SIGUSR1);
    pthread_join(sender, NULL);
    sigprocmask(SIG_SETMASK, NULL, &set);
    PROBE_CHECK(&checks, sigismember(&set, SIGUSR1));
    return probe_done("wait", &checks);
}

static int alarm_probe(void)
{
    struct probe_checks checks = {0};
    struct itimerval setting = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}};
    struct timespec long_time = {.tv_sec = 1000};
    signal(SIGALRM, handler);
    PROBE_CHECK(&checks, setitimer(ITIMER_REAL, &setting, NULL) == 0);
    for (int i = 0; i < 3; i++) {
        handled = 0;
        PROBE_CHECK(&checks, nanosleep(&long_time, NULL) == -1 && errno == EINTR);
        PROBE_CHECK(&checks, handled == SIGALRM);
    }
    setting = (struct itimerval){0};
    PROBE_CHECK(&checks, setitimer(ITIMER_REAL, &setting, NULL) == 0);
    PROBE_CHECK(&checks, alarm(100) == 0 && alarm(0) == 100);
    return probe_done("alarm", &checks);
}

int main(int count, char **arguments)
{
    const char *wanted = count > 1 ? arguments[1] : "";
    if (strcmp(wanted, "raise") == 0) {
        return raise_probe();
    }
    if (strcmp(wanted, "wait") == 0) {
        return wait_probe();
    }
    if (strcmp(wanted, "alarm") == 0) {
        return alarm_probe();
    }
    return probe_text("signals", "a known check", wanted);
}
