/* The program's end is the image's end: by exit, by abort, by the last thread. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe.h"

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    handled = signal;
}

static void *outlive(void *main_thread)
{
    pthread_join(*(pthread_t *)main_thread, NULL);
    puts("probe last-thread expect=ok got=ok");
    return NULL;
}

static int raise_handled(void)
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
    sigprocmask(SIG_SETMASK, &before, NULL);
    PROBE_CHECK(&checks, handled == SIGUSR1);

    signal(SIGUSR1, SIG_IGN);
    PROBE_CHECK(&checks, raise(SIGUSR1) == 0);
    PROBE_CHECK(&checks, raise(SIGCHLD) == 0);
    return probe_done("signals", &checks);
}

int main(int count, char **arguments)
{
    static pthread_t self;
    const char *wanted = count > 1 ? arguments[1] : "";
    if (strcmp(wanted, "abort") == 0) {
        abort();
    }
    if (strcmp(wanted, "terminate") == 0) {
        raise(SIGTERM);
    }
    if (strcmp(wanted, "signals") == 0) {
        return raise_handled();
    }
    if (strcmp(wanted, "last-thread") == 0) {
        pthread_t other;
        self = pthread_self();
        if (pthread_create(&other, NULL, outlive, &self) == 0) {
            pthread_exit(NULL);
        }
    }
    if (strcmp(wanted, "exit") == 0) {
        exit(42);
    }
    return probe_text("status", "an end", "no end");
}
