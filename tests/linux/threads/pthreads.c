/* pthreads: storms of creation, mutex, condition, rwlock, barrier, once, specific data,
 * cancellation, robust mutexes, semaphores. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fact.h"

#define WORKERS 8
#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_mutex_t robust;
static pthread_key_t key;
static sem_t semaphore;
static long counter;
static atomic_long destroyed;
static int turn;

static void *number_plus_one(void *argument)
{
    return (void *)((intptr_t)argument + 1);
}

static void storm(void)
{
    long sum = 0;
    for (int round = 0; round < 40; round++) {
        pthread_t threads[25];
        for (int i = 0; i < 25; i++) {
            if (pthread_create(&threads[i], NULL, number_plus_one, (void *)(intptr_t)i) != 0) {
                FACT("create failed");
                return;
            }
        }
        for (int i = 0; i < 25; i++) {
            void *result;
            pthread_join(threads[i], &result);
            sum += (intptr_t)result;
        }
    }
    FACT("storm of 1000 joined: %ld", sum);
}

static atomic_int detached_ran;

static void *detached(void *argument)
{
    (void)argument;
    detached_ran++;
    return NULL;
}

static void detached_storm(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int made = 0;
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        made += pthread_create(&thread, &attributes, detached, NULL) == 0;
    }
    for (int i = 0; i < 2000 && detached_ran < made; i++) {
        sleep_milliseconds(1);
    }
    FACT("detached: %d of %d", detached_ran, made);
}

static void *work(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        if (i % 50 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            pthread_rwlock_unlock(&rwlock);
            pthread_barrier_wait(&barrier);
        }
        pthread_rwlock_rdlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
    }
    return argument;
}

static void locks(void)
{
    pthread_t threads[WORKERS];
    pthread_barrier_init(&barrier, NULL, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        pthread_create(&threads[i], NULL, work, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    FACT("counted under a mutex: %ld", counter);
}

static void *take_turns(void *argument)
{
    int own = (int)(intptr_t)argument;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != own) {
            pthread_cond_wait(&condition, &mutex);
        }
        turn = (turn + 1) % 4;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void conditions(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, take_turns, (void *)(intptr_t)i);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&mutex);
    int error = pthread_cond_timedwait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    FACT("turns taken, then a timed wait: %s", strerror(error));
}

static void destroy(void *value)
{
    destroyed += (intptr_t)value;
}

static void *with_specific(void *argument)
{
    pthread_setspecific(key, argument);
    return NULL;
}

static void specific(void)
{
    pthread_t threads[4];
    pthread_key_create(&key, destroy);
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, with_specific, (void *)(intptr_t)(i + 1));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    FACT("destructors of specific data: %ld", destroyed);
}

static void *dies_with_mutex(void *argument)
{
    pthread_mutex_lock(&robust);
    sem_post(&semaphore);
    sleep_milliseconds(30); /* so that main waits in the kernel for the mutex */
    return argument;
}

static void robust_mutex(void)
{
    pthread_mutexattr_t attributes;
    pthread_t thread;
    sem_init(&semaphore, 0, 0);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    pthread_create(&thread, NULL, dies_with_mutex, NULL);
    sem_wait(&semaphore);
    FACT("robust lock: %s", strerror(pthread_mutex_lock(&robust)));
    FACT("consistent: %s", strerror(pthread_mutex_consistent(&robust)));
    FACT("unlock: %s", strerror(pthread_mutex_unlock(&robust)));
    pthread_join(thread, NULL);
    FACT("again: %s", strerror(pthread_mutex_lock(&robust)));
}

static pthread_mutex_t inheriting;

static void *count_inheriting(void *argument)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&inheriting);
        counter++;
        if (i % 20 == 0) {
            sched_yield();
        }
        pthread_mutex_unlock(&inheriting);
    }
    return argument;
}

static void priority_inheritance(void)
{
    pthread_mutexattr_t attributes;
    pthread_t threads[WORKERS];
    struct timespec past = {0, 0};
    counter = 0;
    pthread_mutexattr_init(&attributes);
    FACT("protocol: %s",
         strerror(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT)));
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&inheriting, &attributes);
    for (int i = 0; i < WORKERS; i++) {
        pthread_create(&threads[i], NULL, count_inheriting, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    FACT("counted under it: %ld", counter);
    pthread_mutex_lock(&inheriting);
    FACT("twice: %s", strerror(pthread_mutex_lock(&inheriting)));
    FACT("twice, with a time: %s", strerror(pthread_mutex_timedlock(&inheriting, &past)));
    pthread_mutex_unlock(&inheriting);
    FACT("unlocked: %s", strerror(pthread_mutex_unlock(&inheriting)));
}

static void *waits_for_ever(void *argument)
{
    sem_post(&semaphore);
    for (;;) {
        struct timespec time = {1000, 0};
        nanosleep(&time, NULL);
    }
    return argument;
}

static void cancellation(void)
{
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, waits_for_ever, NULL);
    sem_wait(&semaphore);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    FACT("cancelled: %s", result == PTHREAD_CANCELED ? "yes" : "no");
}

static void *outlives_main(void *argument)
{
    pthread_join(*(pthread_t *)argument, NULL);
    FACT("main has ended before");
    return NULL;
}

int main(void)
{
    static pthread_t self;
    pthread_t thread;
    storm();
    detached_storm();
    locks();
    conditions();
    specific();
    robust_mutex();
    priority_inheritance();
    cancellation();
    self = pthread_self();
    pthread_create(&thread, NULL, outlives_main, &self);
    pthread_exit(NULL);
}
