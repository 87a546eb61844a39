/* futex(2) itself: answers, timeouts, bitsets, requeue, wake-op, faults. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fact.h"

/* The numbers of futex(2); not every C library has linux/futex.h. */
enum {
    FUTEX_WAIT = 0,
    FUTEX_WAKE = 1,
    FUTEX_CMP_REQUEUE = 4,
    FUTEX_WAKE_OP = 5,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET = 10,
    FUTEX_PRIVATE = 128,
    FUTEX_CLOCK_REALTIME = 256,
};
enum { OP_SET, OP_ADD, OP_OR, OP_ANDN, OP_XOR, OP_SHIFT = 8 };
enum { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };

static uint32_t word, other, nobody;

static long futex(uint32_t *address, int operation, uint32_t value, const void *timeout,
                  uint32_t *target, uint32_t value3)
{
    return syscall(SYS_futex, address, operation, value, timeout, target, value3);
}

static void *wait_on_word(void *argument)
{
    return (void *)futex(&word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE, 0, NULL, NULL,
                         (uint32_t)(uintptr_t)argument);
}

/* Threads that wait with these bitsets. */
static void begin(pthread_t *threads, const uint32_t *bitsets, int count)
{
    for (int i = 0; i < count; i++) {
        pthread_create(&threads[i], NULL, wait_on_word, (void *)(uintptr_t)bitsets[i]);
        sleep_milliseconds(15);
    }
}

static void errors(void)
{
    struct timespec bad = {0, 1000000000}, past = {0, 0}, shortly = {0, 5000000};
    FACT("other value: %s", answer(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0)));
    FACT("misaligned: %s",
         answer(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0)));
    FACT("no page: %s", answer(futex((uint32_t *)0x1000, FUTEX_WAIT, 0, NULL, NULL, 0)));
    FACT("kernel's half: %s",
         answer(futex((uint32_t *)0xffffffff80000000, FUTEX_WAIT, 0, NULL, NULL, 0)));
    FACT("bad time: %s", answer(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0)));
    FACT("no time there: %s", answer(futex(&word, FUTEX_WAIT, 0, (void *)16, NULL, 0)));
    FACT("short time: %s", answer(futex(&word, FUTEX_WAIT, 0, &shortly, NULL, 0)));
    FACT("time past: %s", answer(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, ~0U)));
    FACT("real time past: %s",
         answer(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, ~0U)));
    FACT("no bits: %s", answer(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0)));
    FACT("wake nobody: %s", answer(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0)));
    FACT("unknown: %s", answer(futex(&word, 99, 1, NULL, NULL, 0)));
    FACT("requeue, other value: %s",
         answer(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 7)));
}

static void untouched_page(void)
{
    uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct timespec shortly = {0, 1000000};
    FACT("untouched page: %s", answer(futex(page, FUTEX_WAIT, 0, &shortly, NULL, 0)));
    mprotect(page, 4096, PROT_NONE);
    FACT("no access: %s", answer(futex(page, FUTEX_WAIT, 0, &shortly, NULL, 0)));
    munmap(page, 4096);
}

static void bitsets(void)
{
    pthread_t threads[3];
    const uint32_t bits[] = {1, 2, 6};
    begin(threads, bits, 3);
    FACT("wake bits 2: %s",
         answer(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, 9, NULL, NULL, 2)));
    FACT("wake bits 4: %s",
         answer(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, 9, NULL, NULL, 4)));
    FACT("wake all: %s", answer(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0)));
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void requeue(void)
{
    pthread_t threads[4];
    const uint32_t bits[] = {~0U, ~0U, ~0U, ~0U};
    begin(threads, bits, 4);
    FACT("requeue 1 and 2: %s",
         answer(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, (void *)2, &other, 0)));
    FACT("left: %s", answer(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0)));
    FACT("moved: %s", answer(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0)));
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

static const struct {
    int operation, operand, comparison, against;
} operations[] = {
    {OP_SET, 5, CMP_EQ, 0},     {OP_SET, 5, CMP_EQ, 1},           {OP_ADD, 7, CMP_GT, -1},
    {OP_OR, 1, CMP_NE, 0},      {OP_ANDN, 2, CMP_LE, 0},          {OP_XOR, 0xfff, CMP_LT, 0},
    {OP_ADD, 0xfff, CMP_GE, 0}, {OP_OR | OP_SHIFT, 8, CMP_GT, 0},
};

/* One waits for the word that is changed: it is woken only where the comparison holds. */
static void wake_operation(void)
{
    for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++) {
        pthread_t thread;
        const uint32_t bits = ~0U;
        word = 0;
        begin(&thread, &bits, 1);
        uint32_t code = (uint32_t)operations[i].operation << 28 |
                        (uint32_t)operations[i].comparison << 24 |
                        ((uint32_t)operations[i].operand & 0xfff) << 12 |
                        ((uint32_t)operations[i].against & 0xfff);
        long woken = futex(&nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE, 1, (void *)1, &word, code);
        int after = (int)word;
        FACT("wake-op %u: woken %ld, word %d, left %ld", i, woken, after,
             futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 9, NULL, NULL, 0));
        pthread_join(thread, NULL);
    }
    word = 0;
    FACT("wake-op unknown: %s",
         answer(futex(&nobody, FUTEX_WAKE_OP, 1, (void *)1, &word, 7U << 28)));
}

static void nothing(int signal)
{
    (void)signal;
}

static void *interrupt(void *argument)
{
    sleep_milliseconds(20);
    pthread_kill(*(pthread_t *)argument, SIGUSR1);
    return NULL;
}

static void interrupted(void)
{
    struct sigaction action = {.sa_handler = nothing};
    struct timespec long_time = {5, 0};
    pthread_t thread, self = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, interrupt, &self);
    FACT("signal: %s", answer(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0)));
    pthread_join(thread, NULL);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, interrupt, &self);
    FACT("signal, restart, time: %s", answer(futex(&word, FUTEX_WAIT, 0, &long_time, NULL, 0)));
    pthread_join(thread, NULL);
}

int main(void)
{
    errors();
    untouched_page();
    bitsets();
    requeue();
    wake_operation();
    interrupted();
    return 0;
}
