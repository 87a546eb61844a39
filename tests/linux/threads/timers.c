/* Signals that come by themselves: interval timers, POSIX timers, and signals to threads that
 * compute. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "fact.h"

#define THREAD_ID 4 /* SIGEV_THREAD_ID */

static atomic_int alarms, interruptions, spinning, profiled, elsewhere;
static volatile int stop;
static volatile int seen_code, seen_value;
static pthread_t spinner;

static void note_alarm(int signal)
{
    (void)signal;
    alarms++;
}

static void note_timer(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    (void)context;
    seen_code = information->si_code;
    seen_value = information->si_value.sival_int;
    alarms++;
}

static void note_interruption(int signal)
{
    (void)signal;
    interruptions += pthread_self() == spinner;
}

static void note_profile(int signal)
{
    (void)signal;
    profiled++;
    elsewhere += !pthread_equal(pthread_self(), spinner);
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(signal, &action, NULL);
}

/* Without a system call, so only an interrupt can bring the signal to it. */
static void *spin(void *argument)
{
    (void)argument;
    spinning = 1;
    while (!stop) {}
    return NULL;
}

static void spinning_thread(void)
{
    handle(SIGURG, note_interruption);
    pthread_create(&spinner, NULL, spin, NULL);
    while (!spinning) {
        sleep_milliseconds(1);
    }
    for (int i = 0; i < 50; i++) {
        int before = interruptions;
        pthread_kill(spinner, SIGURG);
        for (int waited = 0; interruptions == before && waited < 1000; waited++) {
            sleep_milliseconds(1);
        }
    }
    stop = 1;
    pthread_join(spinner, NULL);
    FACT("interruptions of a thread that computes: %d", interruptions);
}

static void interval(void)
{
    struct itimerval setting = {{0, 10000}, {0, 10000}}, now;
    struct timespec start;
    handle(SIGALRM, note_alarm);
    clock_gettime(CLOCK_MONOTONIC, &start);
    setitimer(ITIMER_REAL, &setting, NULL);
    while (alarms < 5) {
        pause();
    }
    long took = milliseconds_since(&start);
    getitimer(ITIMER_REAL, &now);
    FACT("five alarms: in time %d, interval %d", took >= 49 && took < 500,
         (int)now.it_interval.tv_usec);
    while (alarms < 8) { /* computing */
    }
    setitimer(ITIMER_REAL, &(struct itimerval){0}, &now);
    FACT("was running: %d", now.it_value.tv_usec > 0);
    alarms = 0;
    sleep_milliseconds(30);
    FACT("stopped: %d", alarms);
    alarm(10);
    FACT("alarm: %u", alarm(0));
    FACT("bad time: %s",
         answer(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 1000000}}, NULL)));
    FACT("bad timer: %s", answer(setitimer(7, &setting, NULL)));
}

static void *spin_profiled(void *argument)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (milliseconds_since(&start) < 2000 && profiled < 5) {}
    return argument;
}

/* The signal goes to the thread whose time it was, not to the one that waits. */
static void profile(void)
{
    struct itimerval setting = {{0, 10000}, {0, 10000}};
    handle(SIGPROF, note_profile);
    pthread_create(&spinner, NULL, spin_profiled, NULL);
    setitimer(ITIMER_PROF, &setting, NULL);
    pthread_join(spinner, NULL);
    setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
    FACT("profiled while computing: %d, most of it there %d", profiled >= 5,
         elsewhere <= profiled / 2);
}

static void posix_timers(void)
{
    struct sigaction action = {.sa_sigaction = note_timer, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec setting = {{0, 0}, {0, 10000000}}, now;
    sigset_t blocked;
    siginfo_t information;
    timer_t timer;
    event.sigev_value.sival_int = 31;
    sigaction(SIGUSR1, &action, NULL);
    alarms = 0;
    FACT("create: %s", answer(timer_create(CLOCK_MONOTONIC, &event, &timer)));
    FACT("set: %s", answer(timer_settime(timer, 0, &setting, NULL)));
    while (alarms == 0) {
        pause();
    }
    timer_gettime(timer, &now);
    FACT("code %d, value %d, left %ld", seen_code, seen_value, now.it_value.tv_nsec);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    setting.it_interval.tv_nsec = 5000000;
    setting.it_value.tv_nsec = 5000000;
    timer_settime(timer, 0, &setting, NULL);
    sleep_milliseconds(53);
    sigwaitinfo(&blocked, &information);
    FACT("overran: %d", information.si_overrun >= 8);
    FACT("delete: %s", answer(timer_delete(timer)));
    FACT("again: %s", answer(timer_delete(timer)));
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    FACT("bad clock: %s", answer(timer_create(77, &event, &timer)));
}

static void compute(long milliseconds)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (milliseconds_since(&start) < milliseconds) {}
}

/* Time counts only while the thread has the processor. */
static void processor_timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec setting = {{0, 0}, {0, 30000000}}, now;
    timer_t timer;
    alarms = 0;
    FACT("create: %s", answer(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer)));
    timer_settime(timer, 0, &setting, NULL);
    sleep_milliseconds(60);
    timer_gettime(timer, &now);
    FACT("slept: %d, left much %d", alarms, now.it_value.tv_nsec > 15000000);
    for (int i = 0; i < 40 && alarms == 0; i++) {
        compute(10);
    }
    FACT("computed: %d", alarms);
    timer_delete(timer);
}

static void *told_by_timer(void *argument)
{
    sigset_t set;
    int got = 0;
    struct sigevent event = {.sigev_notify = THREAD_ID, .sigev_signo = SIGUSR2};
    struct itimerspec setting = {{0, 0}, {0, 5000000}};
    int timer;
    (void)argument;
    int words[16] = {0};
    memcpy(words, &event, sizeof words);
    words[2] = SIGUSR2;
    words[3] = THREAD_ID;
    words[4] = (int)syscall(SYS_gettid);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    syscall(SYS_timer_create, CLOCK_MONOTONIC, words, &timer);
    syscall(SYS_timer_settime, timer, 0, &setting, NULL);
    sigwait(&set, &got);
    syscall(SYS_timer_delete, timer);
    FACT("told by a timer of its own: %d", got == SIGUSR2);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    spinning_thread();
    interval();
    profile();
    posix_timers();
    processor_timers();
    pthread_create(&thread, NULL, told_by_timer, NULL);
    pthread_join(thread, NULL);
    return 0;
}
