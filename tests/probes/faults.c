/*
 * C3, C4, C5, C6, C7: acts that must fault. The first argument says which; the test looks for the
 * fault report. Only an act that did not fault prints the probe's line.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "probe.h"

typedef void function(void);

static unsigned char data_code[16] = {0xc3}; /* ret */
static const volatile int constant = 1;
static const char *const volatile names[] = {"constant"};

/* Keeps the compiler from knowing where a pointer leads. */
static void *hidden(uintptr_t address)
{
    __asm__("" : "+r"(address));
    return (void *)address;
}

static void call(void *address)
{
    ((function *)address)();
}

static void write_text(void)
{
    *(volatile unsigned char *)hidden((uintptr_t)write_text) = 0xc3;
}

static void write_constant(void)
{
    *(volatile int *)hidden((uintptr_t)&constant) = 2;
}

static void write_pointer_table(void)
{
    *(volatile uintptr_t *)hidden((uintptr_t)&names[0]) = 0;
}

static void call_data(void)
{
    call(hidden((uintptr_t)data_code));
}

static void call_heap(void)
{
    unsigned char *code = malloc(16);
    code[0] = 0xc3;
    call(hidden((uintptr_t)code));
}

static void call_mapping(void)
{
    unsigned char *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    code[0] = 0xc3;
    call(hidden((uintptr_t)code));
}

static void call_stack(void)
{
    volatile unsigned char code[16] = {0xc3};
    call(hidden((uintptr_t)code));
}

static void read_null(void)
{
    (void)*(volatile int *)hidden(0);
}

static void write_null(void)
{
    *(volatile int *)hidden(0) = 1;
}

static void call_null(void)
{
    call(hidden(0));
}

static void read_8(void)
{
    (void)*(volatile int *)hidden(8);
}

static void write_8(void)
{
    *(volatile int *)hidden(8) = 1;
}

static void call_8(void)
{
    call(hidden(8));
}

__attribute__((noinline)) static int recurse(volatile char *above, int depth)
{
    volatile char frame[256];
    frame[0] = (char)(above[0] + 1);
    int deeper = depth < 1 << 30 ? recurse(frame, depth + 1) : 0;
    return deeper + frame[0];
}

static void overflow_stack(void)
{
    volatile char first = 0;
    (void)recurse(&first, 0);
}

static void *overflow_thread(void *argument)
{
    (void)argument;
    overflow_stack();
    return NULL;
}

static void overflow_thread_stack(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, overflow_thread, NULL) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

__attribute__((noinline)) static void fill(volatile char *buffer, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        buffer[i] = 'A';
    }
}

__attribute__((noinline)) static void smash_stack(void)
{
    char buffer[16];
    fill(buffer, 64);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"write-text", write_text},
    {"write-constant", write_constant},
    {"write-pointer-table", write_pointer_table},
    {"call-data", call_data},
    {"call-heap", call_heap},
    {"call-mapping", call_mapping},
    {"call-stack", call_stack},
    {"read-null", read_null},
    {"write-null", write_null},
    {"call-null", call_null},
    {"read-8", read_8},
    {"write-8", write_8},
    {"call-8", call_8},
    {"overflow-stack", overflow_stack},
    {"overflow-thread-stack", overflow_thread_stack},
    {"smash-stack", smash_stack},
};

int main(int count, char **arguments)
{
    const char *wanted = count > 1 ? arguments[1] : "";
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(acts[i].name, wanted) == 0) {
            acts[i].act();
            return probe_text(wanted, "fault", "no fault");
        }
    }
    return probe_text("faults", "a known act", wanted);
}
