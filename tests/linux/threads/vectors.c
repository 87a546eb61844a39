/* Vector and x87 state of many threads at once: each computes what it alone knows, while signals
 * interrupt it, handlers use the same registers, and the threads give way to each other. */
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fact.h"

#define THREADS 6
#define STEPS 30000

static pthread_t threads[THREADS];
static atomic_int running, handled;
static volatile double sink;

static void disturb(int signal)
{
    double value = signal;
    long double extended = signal;
    for (int i = 0; i < 20; i++) {
        value = value * 1.5 + i;
        extended = extended * 1.25L + i;
    }
    sink = value + (double)extended;
    handled++;
}

struct result {
    double numbers[4];
    long double extended;
    uint64_t words[2];
    float above;
};

static const struct {
    _Alignas(16) uint64_t words[2];
} pattern = {{0x9e3779b97f4a7c15, 0x12345}};

/* As programs find out: the processor has AVX, and the kernel keeps its registers. */
static int has_avx(void)
{
    unsigned a, b, c, d, low = 0, high;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX)) {
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    }
    return (low & 6) == 6;
}

/* A sum that stays in the upper half of an AVX register all the time. */
static float sum_above(int seed)
{
    float from[8], to[8];
    uint64_t steps = STEPS;
    for (int i = 0; i < 8; i++) {
        from[i] = (float)(seed + i);
    }
    __asm__ volatile("vmovups %1, %%ymm9\n\t"
                     "vxorps %%ymm10, %%ymm10, %%ymm10\n"
                     "1:\n\t"
                     "vaddps %%ymm9, %%ymm10, %%ymm10\n\t"
                     "decq %2\n\t"
                     "jnz 1b\n\t"
                     "vmovups %%ymm10, %0\n\t"
                     "vzeroupper"
                     : "=m"(to), "+m"(from), "+r"(steps)
                     :
                     : "xmm9", "xmm10", "cc");
    return to[7];
}

static struct result compute(int seed, int gives_way)
{
    struct result result = {.numbers = {seed, seed + 1, seed + 2, seed + 3},
                            .extended = seed,
                            .words = {(uint64_t)seed + 1, (uint64_t)seed + 2}};
    for (int i = 0; i < STEPS; i++) {
        for (int k = 0; k < 4; k++) {
            result.numbers[k] = result.numbers[k] * 0.9999 + seed * 0.001 + k;
        }
        result.extended = result.extended * 0.9999L + seed;
        /* Sixteen bytes at a time, in a register that nothing saves by itself. */
        __asm__ volatile("movdqu %0, %%xmm13\n\t"
                         "paddq %%xmm13, %%xmm13\n\t"
                         "pxor %1, %%xmm13\n\t"
                         "movdqu %%xmm13, %0"
                         : "+m"(result.words)
                         : "m"(pattern)
                         : "xmm13");
        if (gives_way && i % 4096 == 0) {
            sched_yield();
        }
    }
    result.above = has_avx() ? sum_above(seed) : 0;
    return result;
}

static int equal(const struct result *left, const struct result *right)
{
    return memcmp(left->numbers, right->numbers, sizeof left->numbers) == 0 &&
           left->extended == right->extended && left->above == right->above &&
           memcmp(left->words, right->words, sizeof left->words) == 0;
}

static void *check(void *argument)
{
    int seed = (int)(intptr_t)argument;
    struct result alone = compute(seed, 0);
    intptr_t wrong = 0;
    running++;
    for (int round = 0; round < 12; round++) {
        struct result again = compute(seed, 1);
        wrong += !equal(&again, &alone);
    }
    running--;
    return (void *)wrong;
}

int main(void)
{
    struct sigaction action = {.sa_handler = disturb, .sa_flags = SA_RESTART};
    intptr_t wrong = 0;
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, check, (void *)(intptr_t)(i + 3));
    }
    while (running < THREADS) {
        sleep_milliseconds(1);
    }
    while (running == THREADS) {
        for (int i = 0; i < THREADS; i++) {
            pthread_kill(threads[i], SIGUSR1);
        }
        sleep_milliseconds(1);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        wrong += (intptr_t)result;
    }
    FACT("wrong results: %d", (int)wrong);
    FACT("disturbed: %d", handled > 20);
    FACT("# %d signals, avx %d", handled, has_avx());
    return 0;
}
