/* Calls that would work without end, or deeper than the kernel's stack: each has its limit. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#define CHAIN 2000
#define HUGE_SIZE (1L << 44)
#define TRANSFER_MAXIMUM 0x7ffff000L /* Linux: MAX_RW_COUNT */
#define PAGE 4096L
#define AREAS 70000L /* more than Linux's vm.max_map_count */

static atomic_long ticks;

static int join(int set, int file)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(set, EPOLL_CTL_ADD, file, &event);
}

/* A chain of sets, each in the one before: a change of what is in the last wakes them all. */
static int chain_ends(void)
{
    int first = epoll_create1(0);
    int last = first;
    int length = 0;
    for (; length < CHAIN; length++) {
        int next = epoll_create1(0);
        if (next < 0 || join(last, next) != 0) {
            break;
        }
        last = next;
    }
    int refused = errno;
    int counter = eventfd(0, 0);
    uint64_t one = 1;
    struct epoll_event event;
    if (join(last, counter) != 0 || write(counter, &one, sizeof one) != sizeof one ||
        epoll_wait(first, &event, 1, 0) != 1) {
        return 0;
    }
    return length < CHAIN && refused == ELOOP;
}

static int file_with_hole(void)
{
    int file = open("/tmp/hole", O_RDWR | O_CREAT | O_TRUNC, 0600);
    return ftruncate(file, HUGE_SIZE) == 0 ? file : -1;
}

/* Nothing of it is there, and all of it can be sent. */
static int sending_ends(void)
{
    int nowhere = open("/dev/null", O_WRONLY);
    return sendfile(nowhere, file_with_hole(), NULL, HUGE_SIZE) == TRANSFER_MAXIMUM;
}

static void *tick(void *unused)
{
    for (;;) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        atomic_fetch_add(&ticks, 1);
    }
    return unused;
}

/* What is filled at once is more than there is memory; other threads run meanwhile. */
static int filling_ends(void)
{
    pthread_t thread;
    long size = HUGE_SIZE / 64;
    void *memory =
        mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || pthread_create(&thread, NULL, tick, NULL) != 0) {
        return 0;
    }
    while (atomic_load(&ticks) == 0) {}
    long before = atomic_load(&ticks);
    int refused = mlock(memory, (size_t)size) == -1 && errno == ENOMEM;
    return refused && atomic_load(&ticks) > before + 2 && munmap(memory, (size_t)size) == 0;
}

/* Every second page with a right of its own. */
static int splitting_ends(void)
{
    char *memory = mmap(NULL, 2 * AREAS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long split = 0;
    while (split < AREAS && mprotect(memory + 2 * split * PAGE, PAGE, PROT_READ) == 0) {
        split++;
    }
    return split < AREAS && errno == ENOMEM && munmap(memory, 2 * AREAS * PAGE) == 0;
}

int main(void)
{
    int ends[] = {chain_ends(), sending_ends(), splitting_ends(), filling_ends()};
    printf("probe limits expect=1111 got=%d%d%d%d\n", ends[0], ends[1], ends[2], ends[3]);
    return 0;
}
