/* Threads as POSIX has them: the first argument names the check. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

#define MANY 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;
static _Thread_local long own = 7;

static void *add(void *argument)
{
    for (long i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        long before = counter;
        if (i % 512 == 0) {
            sched_yield(); /* others must wait, whatever happens here */
        }
        counter = before + 1;
        pthread_mutex_unlock(&mutex);
    }
    own += (long)argument;
    return (void *)own;
}

static int mutex_probe(void)
{
    pthread_t threads[MANY];
    long values = 0;
    for (long i = 0; i < MANY; i++) {
        if (pthread_create(&threads[i], NULL, add, (void *)i) != 0) {
            return probe_text("mutex", "threads", "no threads");
        }
    }
    for (int i = 0; i < MANY; i++) {
        void *value;
        pthread_join(threads[i], &value);
        values += (long)value;
    }
    /* Each thread's own variable began at 7; main's is untouched. */
    return probe_number("mutex", MANY * 20000L + MANY * 7 + 28 + 7, counter + values + own);
}

static volatile int spinning = 1;

static void *spin(void *argument)
{
    while (spinning) {
        __asm__ volatile("");
    }
    return argument;
}

/* A thread that never calls the kernel does not keep the others from running, and its vector
 * registers survive being interrupted. */
static void *compute(void *argument)
{
    volatile double start = (double)(long)argument;
    double sum = start;
    for (int i = 1; i <= 3000000; i++) {
        sum += 1.0 / i;
        sum -= 1.0 / (i + 1.0);
    }
    return (void *)(long)(sum * 1000);
}

static int preemption_probe(void)
{
    pthread_t spinner, threads[4];
    struct timespec pause = {.tv_nsec = 30000000};
    struct probe_checks checks = {0};
    PROBE_CHECK(&checks, pthread_create(&spinner, NULL, spin, NULL) == 0);
    nanosleep(&pause, NULL);
    for (long i = 0; i < 4; i++) {
        PROBE_CHECK(&checks, pthread_create(&threads[i], NULL, compute, (void *)(i * 10)) == 0);
    }
    for (long i = 0; i < 4; i++) {
        void *value;
        pthread_join(threads[i], &value);
        long expected = i * 10000 + 1000; /* telescopes to almost 1 */
        PROBE_CHECK(&checks, (long)value >= expected - 2 && (long)value <= expected + 2);
    }
    spinning = 0;
    PROBE_CHECK(&checks, pthread_join(spinner, NULL) == 0);
    return probe_done("preemption", &checks);
}

static int turn;

static void *take_turns(void *argument)
{
    int mine = (int)(long)argument;
    for (int round = 0; round < 500; round++) {
        pthread_mutex_lock(&mutex);
        while (turn != mine) {
            pthread_cond_wait(&condition, &mutex);
        }
        turn = (turn + 1) % MANY;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static int condition_probe(void)
{
    pthread_t threads[MANY];
    for (long i = 0; i < MANY; i++) {
        pthread_create(&threads[i], NULL, take_turns, (void *)i);
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
    }
    return probe_number("condition", 0, turn);
}

static long since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static int timed_wait_probe(void)
{
    struct probe_checks checks = {0};
    struct timespec start, deadline;
    sem_t semaphore;
    clock_gettime(CLOCK_MONOTONIC, &start);
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += 40000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&mutex);
    PROBE_CHECK(&checks, pthread_cond_timedwait(&condition, &mutex, &deadline) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    PROBE_CHECK(&checks, since(&start) >= 39);
    sem_init(&semaphore, 0, 0);
    PROBE_CHECK(&checks, sem_timedwait(&semaphore, &deadline) == -1 && errno == ETIMEDOUT);
    PROBE_CHECK(&checks, since(&start) < 2000);
    return probe_done("timed-wait", &checks);
}

static void *nothing(void *argument)
{
    return argument;
}

/* Threads end and give everything back: far more of them than memory would hold at once. */
static int turnover_probe(void)
{
    pthread_attr_t detached;
    int made = 0;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 500; i++) {
        pthread_t thread;
        made +=
            pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
        made += pthread_create(&thread, &detached, nothing, NULL) == 0;
        sched_yield();
    }
    return probe_number("turnover", 1000, made);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int once_count, destroyed;

static void make_key(void)
{
    once_count++;
}

static void destroy(void *value)
{
    destroyed += (int)(long)value;
}

static void *use_key(void *argument)
{
    pthread_once(&once, make_key);
    pthread_setspecific(key, argument);
    return NULL;
}

static int specific_probe(void)
{
    struct probe_checks checks = {0};
    pthread_t threads[MANY];
    pthread_key_create(&key, destroy);
    for (long i = 0; i < MANY; i++) {
        pthread_create(&threads[i], NULL, use_key, (void *)(i + 1));
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
    }
    PROBE_CHECK(&checks, once_count == 1);
    PROBE_CHECK(&checks, destroyed == MANY * (MANY + 1) / 2);
    return probe_done("specific", &checks);
}

/*
 * Interrupts come while the stack pointer stands just above a page of the stack that was never
 * touched: what the processor pushes goes there. `pages` below the caller, for some milliseconds.
 */
static void spin_above_untouched(unsigned long pages)
{
    unsigned long stack;
    __asm__ volatile("movq %%rsp, %0" : "=r"(stack));
    stack = (stack & ~4095UL) - pages * 4096 + 16;
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %0, %%rsp\n\t"
                     "movq $0, (%%rsp)\n\t"
                     "movq $30000000, %%rcx\n"
                     "1: decq %%rcx\n\t"
                     "jnz 1b\n\t"
                     "movq %%rbx, %%rsp"
                     :
                     : "r"(stack)
                     : "rbx", "rcx", "memory", "cc");
}

static void *spin_deep(void *argument)
{
    for (unsigned long pages = 2; pages < 10; pages += 2) {
        spin_above_untouched(pages);
    }
    return argument;
}

static int untouched_stack_probe(void)
{
    struct probe_checks checks = {0};
    struct timespec pause = {.tv_nsec = 30000000};
    pthread_t spinner, thread;
    PROBE_CHECK(&checks, pthread_create(&spinner, NULL, spin, NULL) == 0);
    PROBE_CHECK(&checks, pthread_create(&thread, NULL, spin_deep, NULL) == 0);
    (void)spin_deep(NULL);
    PROBE_CHECK(&checks, pthread_join(thread, NULL) == 0);
    nanosleep(&pause, NULL); /* the timer still works */
    spinning = 0;
    PROBE_CHECK(&checks, pthread_join(spinner, NULL) == 0);
    return probe_done("untouched-stack", &checks);
}

static int ends[2];
static sem_t never;
static int cleaned;
static pthread_t interrupted;

static void clean(void *argument)
{
    cleaned += (int)(long)argument;
}

static void unlock(void *locked)
{
    (void)pthread_mutex_unlock(locked);
}

static void wait_somewhere(long where)
{
    struct timespec long_time = {.tv_sec = 1000};
    struct pollfd file = {.fd = ends[0], .events = POLLIN};
    struct epoll_event event;
    char byte;
    switch (where) {
    case 0:
        nanosleep(&long_time, NULL);
        break;
    case 1:
        (void)!read(ends[0], &byte, 1);
        break;
    case 2:
        sem_wait(&never);
        break;
    case 3:
        (void)poll(&file, 1, -1);
        break;
    case 4:
        (void)epoll_wait(epoll_create1(0), &event, 1, -1);
        break;
    default:
        pthread_mutex_lock(&mutex);
        pthread_cleanup_push(unlock, &mutex);
        pthread_cond_wait(&condition, &mutex);
        pthread_cleanup_pop(1);
        break;
    }
}

static void *wait_for_ever(void *where)
{
    pthread_cleanup_push(clean, (void *)1);
    for (;;) {
        wait_somewhere((long)where);
    }
    pthread_cleanup_pop(0);
    return NULL;
}

/* A thread that waits, wherever it does, can be cancelled; its cleanup runs. */
static int cancel_probe(void)
{
    struct probe_checks checks = {0};
    struct timespec pause = {.tv_nsec = 20000000};
    sem_init(&never, 0, 0);
    PROBE_CHECK(&checks, pipe(ends) == 0);
    for (long where = 0; where < 6; where++) {
        pthread_t thread;
        void *value = NULL;
        PROBE_CHECK(&checks, pthread_create(&thread, NULL, wait_for_ever, (void *)where) == 0);
        nanosleep(&pause, NULL);
        PROBE_CHECK(&checks, pthread_cancel(thread) == 0);
        PROBE_CHECK(&checks, pthread_join(thread, &value) == 0 && value == PTHREAD_CANCELED);
        PROBE_CHECK(&checks, cleaned == where + 1);
    }
    PROBE_CHECK(&checks, pthread_mutex_trylock(&mutex) == 0);
    return probe_done("cancel", &checks);
}

static void note(int signal)
{
    (void)signal;
    interrupted = pthread_self();
}

static void *wait_to_be_interrupted(void *argument)
{
    struct timespec time = {.tv_sec = 1000}, left = {0};
    (void)argument;
    int result = nanosleep(&time, &left);
    return (void *)(long)(result == -1 && errno == EINTR && left.tv_sec > 900);
}

/* A signal to another thread ends its wait, and the handler runs in that thread. */
static int interrupt_probe(void)
{
    struct probe_checks checks = {0};
    struct timespec pause = {.tv_nsec = 20000000};
    struct sigaction action = {.sa_handler = note};
    pthread_t thread;
    void *value = NULL;
    sigaction(SIGUSR1, &action, NULL);
    PROBE_CHECK(&checks, pthread_create(&thread, NULL, wait_to_be_interrupted, NULL) == 0);
    nanosleep(&pause, NULL);
    PROBE_CHECK(&checks, pthread_kill(thread, 0) == 0 && pthread_kill(thread, SIGUSR1) == 0);
    PROBE_CHECK(&checks, pthread_join(thread, &value) == 0 && value == (void *)1);
    PROBE_CHECK(&checks, interrupted == thread);
    return probe_done("interrupt", &checks);
}

static const struct {
    const char *name;
    int (*run)(void);
} probes[] = {
    {"mutex", mutex_probe},
    {"preemption", preemption_probe},
    {"condition", condition_probe},
    {"timed-wait", timed_wait_probe},
    {"turnover", turnover_probe},
    {"specific", specific_probe},
    {"cancel", cancel_probe},
    {"interrupt", interrupt_probe},
    {"untouched-stack", untouched_stack_probe},
};

int main(int count, char **arguments)
{
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (count > 1 && strcmp(arguments[1], probes[i].name) == 0) {
            return probes[i].run();
        }
    }
    return probe_text("threads", "a known check", count > 1 ? arguments[1] : "");
}
