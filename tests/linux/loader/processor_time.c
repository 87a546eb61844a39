/* Processor time: work adds to it, sleep does not; each thread has its own. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND 1000000LL

static void fact(const char *what, bool holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

static long long read_clock(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? time.tv_sec * 1000000000LL + time.tv_nsec : -1;
}

static void work(long long duration)
{
    long long end = read_clock(CLOCK_THREAD_CPUTIME_ID) + duration;
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < end) {}
}

static void *worker(void *argument)
{
    (void)argument;
    work(40 * MILLISECOND);
    fact("a thread begins at zero", read_clock(CLOCK_THREAD_CPUTIME_ID) < 60 * MILLISECOND);
    return NULL;
}

int main(void)
{
    long long begin = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    fact("the process has a clock", begin >= 0);
    work(50 * MILLISECOND);
    long long worked = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    fact("work adds", worked - begin >= 50 * MILLISECOND);
    usleep(100000);
    fact("sleep does not", read_clock(CLOCK_PROCESS_CPUTIME_ID) - worked < 50 * MILLISECOND);

    long long own = read_clock(CLOCK_THREAD_CPUTIME_ID);
    pthread_t thread;
    clockid_t clock;
    pthread_create(&thread, NULL, worker, NULL);
    fact("another thread's clock", pthread_getcpuclockid(thread, &clock) == 0);
    pthread_join(thread, NULL);
    printf("its clock when it is over: %d\n", read_clock(clock) < 0 ? errno : 0);
    fact("its work is not mine", read_clock(CLOCK_THREAD_CPUTIME_ID) - own < 30 * MILLISECOND);
    fact("but the process's", read_clock(CLOCK_PROCESS_CPUTIME_ID) - worked >= 40 * MILLISECOND);

    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long long used = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    fact("getrusage counts it", used >= 70 && used < 5000);
    struct tms ticks;
    times(&ticks);
    fact("times counts it", ticks.tms_utime + ticks.tms_stime >= 7);
    fact("clock_getcpuclockid", clock_getcpuclockid(0, &clock) == 0 && read_clock(clock) > 0);
    printf("no such process: %d\n", read_clock(-8 * 0x3fffff + 2) < 0 ? errno : 0);
    struct timespec now = {.tv_nsec = -1};
    printf("setting a wrong time: %d\n", clock_settime(CLOCK_REALTIME, &now) < 0 ? errno : 0);
    printf("setting what cannot be set: %d\n",
           clock_settime(CLOCK_MONOTONIC, &now) < 0 ? errno : 0);
    return 0;
}
