/*
 * What one thread takes away while another one's call uses it: timers and the signals that they
 * have sent, names of files that are told.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 2
#define TIMERS 16
#define FIRST_SIGNAL 40
#define SHORT_NAME "/tmp/a"

static atomic_bool over;
static char long_name[200];

static void ignore(int signal)
{
    (void)signal;
}

/* Timers that fire at once, and go while their signals wait. */
static void *timers_come_and_go(void *unused)
{
    const struct itimerspec soon = {.it_value = {0, 1000}, .it_interval = {0, 100000}};
    while (!atomic_load(&over)) {
        timer_t timers[TIMERS];
        for (int i = 0; i < TIMERS; i++) {
            struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                                     .sigev_signo = FIRST_SIGNAL + i % 4};
            if (timer_create(CLOCK_MONOTONIC, &event, &timers[i]) != 0) {
                timers[i] = NULL;
                continue;
            }
            (void)timer_settime(timers[i], 0, &soon, NULL);
        }
        (void)sigqueue(getpid(), FIRST_SIGNAL, (union sigval){.sival_int = 1});
        for (int i = 0; i < TIMERS; i++) {
            (void)timer_delete(timers[i]);
        }
    }
    return unused;
}

/* What waits is forgotten, or taken. */
static void *signals_are_forgotten(void *unused)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < 4; i++) {
        sigaddset(&set, FIRST_SIGNAL + i);
    }
    const struct timespec now = {0, 0};
    for (unsigned i = 0; !atomic_load(&over); i++) {
        int number = FIRST_SIGNAL + (int)(i % 4);
        (void)sigqueue(getpid(), number, (union sigval){.sival_int = 2});
        (void)sigaction(number, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
        (void)sigaction(number, &(struct sigaction){.sa_handler = ignore}, NULL);
        (void)sigtimedwait(&set, NULL, &now);
    }
    return unused;
}

static void *names_change(void *unused)
{
    while (!atomic_load(&over)) {
        (void)rename(SHORT_NAME, long_name);
        (void)rename(long_name, SHORT_NAME);
    }
    return unused;
}

static void *names_are_told(void *unused)
{
    static char text[16384];
    while (!atomic_load(&over)) {
        int maps = open("/proc/self/maps", O_RDONLY);
        while (read(maps, text, sizeof text) > 0) {}
        close(maps);
    }
    return unused;
}

int main(void)
{
    void *(*const work[])(void *) = {timers_come_and_go, signals_are_forgotten, names_change,
                                     names_are_told, names_are_told};
    pthread_t threads[sizeof work / sizeof *work];
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    memset(long_name, 'b', sizeof long_name - 1);
    memcpy(long_name, "/tmp/", 5);
    int file = open(SHORT_NAME, O_RDWR | O_CREAT, 0600);
    if (ftruncate(file, 4096) != 0 ||
        mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED) {
        return 1;
    }
    for (size_t i = 0; i < sizeof work / sizeof *work; i++) {
        if (pthread_create(&threads[i], NULL, work[i], NULL) != 0) {
            return 1;
        }
    }
    nanosleep(&(struct timespec){SECONDS, 0}, NULL);
    atomic_store(&over, true);
    for (size_t i = 0; i < sizeof work / sizeof *work; i++) {
        pthread_join(threads[i], NULL);
    }
    puts("probe races expect=ok got=ok");
    return 0;
}
