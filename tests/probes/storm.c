/*
 * A storm of calls: threads open, use and close the same few descriptors at random, so that files
 * go away while others read, poll or watch them. Nothing may break, and when all is closed the
 * memory is back. The first argument is the seed, the second the number of calls of each thread.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "probe.h"

#define THREADS 4
#define DESCRIPTORS 40 /* 3 to 39 */

static unsigned long calls = 20000;
static uint64_t seed = 1;

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13; /* xorshift64 */
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int any(uint64_t *state)
{
    return 3 + (int)((next(state) >> 20) % (DESCRIPTORS - 3));
}

static void make(uint64_t *state)
{
    int ends[2];
    switch ((next(state) >> 20) % 6) {
    case 0:
        (void)eventfd((unsigned)next(state) & 3, EFD_NONBLOCK | (next(state) & EFD_SEMAPHORE));
        break;
    case 1:
        (void)timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        break;
    case 2:
        (void)!pipe2(ends, O_NONBLOCK);
        break;
    case 3:
        (void)epoll_create1(0);
        break;
    case 4:
        (void)open("/etc/greeting", O_RDONLY);
        break;
    default:
        (void)open("/etc", O_RDONLY | O_DIRECTORY);
        break;
    }
}

static void transfer(uint64_t *state)
{
    char buffer[600];
    size_t size = (size_t)next(state) % sizeof buffer;
    if (next(state) & 256) {
        (void)!read(any(state), buffer, size);
    } else {
        uint64_t small = next(state) % 4;
        memset(buffer, 0, sizeof buffer);
        memcpy(buffer, &small, sizeof small);
        (void)!write(any(state), buffer, size);
    }
}

static void watch(uint64_t *state)
{
    struct epoll_event event = {
        .events =
            (uint32_t)next(state) & (EPOLLIN | EPOLLOUT | EPOLLET | EPOLLONESHOT | EPOLLRDHUP),
        .data = {.u64 = next(state)},
    };
    (void)epoll_ctl(any(state), 1 + (int)((next(state) >> 30) % 3), any(state), &event);
}

static void wait_for(uint64_t *state)
{
    struct epoll_event events[3];
    struct pollfd files[12];
    int patience = (next(state) >> 40) % 32 == 0;
    if (next(state) & 512) {
        (void)epoll_wait(any(state), events, 3, patience);
        return;
    }
    int count = 1 + (int)((next(state) >> 20) % 12);
    for (int i = 0; i < count; i++) {
        files[i] = (struct pollfd){.fd = any(state), .events = POLLIN};
    }
    (void)poll(files, (nfds_t)count, patience);
}

static void change(uint64_t *state)
{
    struct itimerspec setting = {.it_value = {.tv_nsec = (long)(next(state) % 100000)},
                                 .it_interval = {.tv_nsec = (long)(next(state) % 200000)}};
    struct stat status;
    int target = any(state);
    switch ((next(state) >> 20) % 5) {
    case 0:
        (void)dup2(any(state), target);
        break;
    case 1:
        (void)timerfd_settime(target, 0, &setting, NULL);
        break;
    case 2:
        (void)lseek(target, (long)(next(state) % 20), SEEK_SET);
        break;
    case 3:
        (void)fstat(target, &status);
        break;
    default:
        (void)fcntl(target, F_GETFL);
        break;
    }
}

static void *storm(void *argument)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15ULL + (uint64_t)argument + 1;
    for (unsigned long i = 0; i < calls; i++) {
        switch ((next(&state) >> 24) % 10) {
        case 0:
        case 1:
            make(&state);
            break;
        case 2:
        case 3:
            (void)close(any(&state));
            break;
        case 4:
        case 5:
            transfer(&state);
            break;
        case 6:
            watch(&state);
            break;
        case 7:
        case 8:
            wait_for(&state);
            break;
        default:
            change(&state);
            break;
        }
        if (i % 64 == 0) { /* descriptors beyond those that are drawn */
            for (int file = DESCRIPTORS; file < DESCRIPTORS + 64; file++) {
                (void)close(file);
            }
        }
    }
    return NULL;
}

static unsigned long free_memory(void)
{
    struct sysinfo information;
    (void)sysinfo(&information);
    return information.freeram;
}

static void round_of_threads(void)
{
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) {
        (void)pthread_create(&threads[i], NULL, storm, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (int file = 3; file < 256; file++) {
        (void)close(file);
    }
}

int main(int count, char **arguments)
{
    char got[64] = "ok";
    if (count > 2) {
        seed = strtoul(arguments[1], NULL, 10);
        calls = strtoul(arguments[2], NULL, 10);
    }
    round_of_threads(); /* the heap and the tables take their size */
    unsigned long before = free_memory();
    seed += 1000;
    round_of_threads();
    long lost = (long)before - (long)free_memory();
    if (lost > 16) {
        (void)snprintf(got, sizeof got, "%ld pages lost", lost);
    }
    return probe_text("storm", "ok", got);
}
