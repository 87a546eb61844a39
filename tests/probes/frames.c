/*
 * C8, C10: what the compiler adds to a frame. A frame larger than the guard page under a stack may
 * not reach the memory beyond it without touching the guard, and a variable that was never set
 * holds nothing of the frames that were there before.
 */
#include <alloca.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "probe.h"

#define PAGE 4096UL
#define BELOW (1UL << 20)
#define STACK (16 * PAGE)
#define FRAME (BELOW / 2)
#define FILLED 512

static volatile unsigned char *reached;

/* Writes the lowest byte of a large frame, and no other. */
static void *large_frame(void *unused)
{
    (void)unused;
    volatile unsigned char *frame = alloca(FRAME);
    frame[0] = 1;
    reached = frame;
    return NULL;
}

static int clash(void)
{
    char *memory = mmap(NULL, BELOW + PAGE + STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;
    if (memory == MAP_FAILED || mprotect(memory + BELOW, PAGE, PROT_NONE) != 0 ||
        pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, memory + BELOW + PAGE, STACK) != 0 ||
        pthread_create(&thread, &attributes, large_frame, NULL) != 0) {
        return probe_text("clash", "ready", "not ready");
    }
    pthread_join(thread, NULL);
    return probe_text("clash", "fault", reached != NULL ? "reached" : "not reached");
}

static __attribute__((noinline)) unsigned fill(void)
{
    volatile unsigned char bytes[FILLED];
    memset((void *)bytes, 0xaa, sizeof bytes);
    return bytes[FILLED / 2];
}

static __attribute__((noinline)) unsigned stale(void)
{
    volatile unsigned char bytes[FILLED];
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        sum += bytes[i];
    }
    return sum;
}

int main(int count, char **words)
{
    if (count > 1 && strcmp(words[1], "clash") == 0) {
        return clash();
    }
    unsigned filled = fill();
    return probe_text("stale", "170,0", filled == 170 && stale() == 0 ? "170,0" : "old bytes");
}
