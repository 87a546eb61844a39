/*
 * Threads that compute with vector registers while others do, with and without system calls, faults
 * and signals between: none sees a register of another.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "call.h"

#define THREADS 5
#define ROUNDS 60
#define SCHED_YIELD 24

static int has_avx;
static volatile sig_atomic_t signals;

static void load(const vector_registers *from)
{
    has_avx ? load_whole(from) : load_half(from);
}

static void store(vector_registers *to)
{
    has_avx ? store_whole(to) : store_half(to);
}

static void handle(int number)
{
    (void)number;
    vector_registers other;
    memset(other, 0x5a, sizeof other);
    load((const vector_registers *)&other);
    signals++;
}

/* What a round does while the registers hold their pattern. */
static void disturb(unsigned round, volatile char *fresh)
{
    switch (round % 4) {
    case 0: /* long enough for others to run */
        for (volatile long i = 0; i < 300000; i++) {}
        break;
    case 1:
        (void)call6(SCHED_YIELD, 0, 0, 0, 0, 0, 0);
        break;
    case 2: /* a page fault */
        fresh[(round / 4) * 4096] = 1;
        break;
    default:
        (void)call6(200, call6(186, 0, 0, 0, 0, 0, 0), SIGUSR1, 0, 0, 0, 0); /* tkill(gettid()) */
    }
}

static void *work(void *argument)
{
    const long number = (long)argument;
    unsigned control = 0x1f80 | (unsigned)(number % 4) << 13;
    uint16_t float_control = (uint16_t)(0x37f | (number % 4) << 10);
    long wrong = 0;
    volatile char *fresh =
        mmap(NULL, ROUNDS * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(control), "m"(float_control));
    for (unsigned round = 0; round < ROUNDS; round++) {
        vector_registers before, after;
        for (unsigned i = 0; i < sizeof before; i++) {
            ((uint8_t *)before)[i] = (uint8_t)(number * 41 + round * 7 + i);
        }
        load((const vector_registers *)&before);
        disturb(round, fresh);
        store(&after);
        for (unsigned i = 0; i < 16; i++) {
            wrong += memcmp(before[i], after[i], has_avx ? 32 : 16) != 0;
        }
        unsigned control_after;
        uint16_t float_control_after;
        __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(control_after), "=m"(float_control_after));
        wrong += (control_after & 0xffc0) != (control & 0xffc0);
        wrong += float_control_after != float_control;
    }
    return (void *)wrong;
}

int main(void)
{
    unsigned a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    int is_kept = (c >> 27 & 1) != 0; /* the system keeps more than SSE */
    a = 7, c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    has_avx = is_kept && (b >> 5 & 1) != 0; /* AVX2, where the processor's AVX is on, too */
    printf("# AVX %d\n", has_avx);
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
            return 1;
        }
    }
    for (long i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        printf("thread %ld: wrong %ld\n", i, (long)wrong);
    }
    printf("signals %d\n", (int)signals == THREADS * ROUNDS / 4);
    return 0;
}
