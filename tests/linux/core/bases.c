/*
 * The FS and GS bases: each thread has its own, from its first instruction on, whoever interrupts
 * it when; and none can be set to an address that is not the program's.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "call.h"

#define ARCH_PRCTL 158
#define SET_GS 0x1001
#define SET_FS 0x1002
#define GET_FS 0x1003
#define GET_GS 0x1004
#define SCHED_YIELD 24
#define ROUNDS 60
#define THREADS 8

static _Thread_local uint64_t own = 7;
static atomic_int done;

static long control(long code, uint64_t address)
{
    return call6(ARCH_PRCTL, code, (long)address, 0, 0, 0, 0);
}

static uint64_t through_gs(void)
{
    uint64_t word;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(word));
    return word;
}

static void *work(void *argument)
{
    long wrong = own != 7;
    uint64_t word = (uint64_t)argument;
    uint64_t found = 1;
    own = word;
    wrong += control(SET_GS, (uint64_t)&word) != 0;
    for (int i = 0; i < 20; i++) {
        (void)call6(SCHED_YIELD, 0, 0, 0, 0, 0, 0);
        for (volatile int spin = 0; spin < 2000; spin++) {}
        wrong += own != (uint64_t)argument || through_gs() != (uint64_t)argument;
    }
    wrong += control(GET_GS, (uint64_t)&found) != 0 || found != (uint64_t)&word;
    return (void *)wrong;
}

/* Brings timer interrupts, some of them just when another thread begins. */
static void *disturb(void *argument)
{
    while (!done) {
        usleep(20);
    }
    return argument;
}

int main(void)
{
    static const uint64_t bad[] = {0x7ffffffff000, 0x800000000000, 0xffff800000000000,
                                   0xffffffff80000000, UINT64_MAX};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        printf("%lx: FS %ld, GS %ld\n", bad[i], control(SET_FS, bad[i]), control(SET_GS, bad[i]));
    }
    uint64_t gs = 1;
    long result = control(GET_GS, (uint64_t)&gs);
    printf("GS at first: %ld %lx\n", result, gs);
    printf("unknown: %ld\n", control(0x7777, 0));

    long wrong = 0;
    pthread_t disturber;
    if (pthread_create(&disturber, NULL, disturb, NULL) != 0) {
        return 2;
    }
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (long i = 0; i < THREADS; i++) {
            if (pthread_create(&threads[i], NULL, work, (void *)(round * 100 + i + 1)) != 0) {
                return 1;
            }
        }
        for (long i = 0; i < THREADS; i++) {
            void *count;
            pthread_join(threads[i], &count);
            wrong += (long)count;
        }
    }
    done = 1;
    pthread_join(disturber, NULL);
    printf("wrong: %ld\n", wrong);
    return 0;
}
