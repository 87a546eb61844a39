/*
 * System calls at random, with random arguments: handles, lengths, good and bad pointers, by
 * several threads in the same memory. Whatever they answer, the kernel has to stand, and the
 * program is what it was: its own memory, which no argument points at, stays. For images only; on
 * Linux it might do harm. argv: seed, calls of each thread.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "call.h"

#define LAST_CALL 450
#define STATUS 42
#define ARENA_PAGES 64
#define SLACK_PAGES 16
#define INTERVAL_US 2000
#define THREADS 3

/* Calls that end the program, wait for what never comes, or take its own footing away. */
static const short excluded[] = {
    13,  /* rt_sigaction */
    14,  /* rt_sigprocmask */
    15,  /* rt_sigreturn */
    34,  /* pause */
    37,  /* alarm */
    38,  /* setitimer */
    56,  /* clone */
    60,  /* exit */
    62,  /* kill */
    130, /* rt_sigsuspend */
    131, /* sigaltstack */
    129, /* rt_sigqueueinfo */
    158, /* arch_prctl */
    200, /* tkill */
    222, /* timer_create, with any signal */
    231, /* exit_group */
    234, /* tgkill */
    273, /* set_robust_list */
    12,  /* brk */
    218, /* set_tid_address */
    297, /* rt_tgsigqueueinfo */
    424, /* pidfd_send_signal */
    435, /* clone3 */
    436, /* close_range */
};

/* Calls on memory: these get a range of the arena, or they would take the program's own away. */
static const short on_memory[] = {9, 10, 11, 25, 26, 27, 28, 149, 150, 216, 237, 256, 325, 329};

/* Calls on a handle: half of all, and that handle is mostly one of open_some's. */
static const short on_handles[] = {
    0,   1,   3,   5,   8,   16,  17,  18,  19,  20,  32,  33,  40,  42,  43,  44,  45,  46,
    47,  48,  49,  50,  51,  52,  54,  55,  72,  73,  74,  75,  77,  81,  91,  93,  138, 187,
    217, 221, 232, 233, 257, 258, 262, 263, 264, 267, 269, 275, 276, 278, 280, 281, 285, 286,
    287, 288, 292, 295, 296, 299, 306, 307, 326, 327, 328, 332, 436, 437, 439, 441,
};

static _Thread_local uint64_t state;
static unsigned char *arena;
static _Thread_local volatile long number; /* in memory, so that a scan cannot tell it */
static _Thread_local sigjmp_buf back;
static _Thread_local volatile sig_atomic_t filling;
static atomic_ulong answered;
static unsigned long seed, calls;
static pthread_t threads[THREADS];
static atomic_int running = THREADS;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int is_among(const short *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == number) {
            return 1;
        }
    }
    return 0;
}

static long argument(void)
{
    static const uint64_t odd[] = {
        0,          1,          2,          0x7fffffffefff,     0x7ffffffff000,     0x800000000000,
        UINT64_MAX, INT64_MAX,  INT64_MIN,  0xffff800000000000, 0xffffffff80000000, 4096,
        0x7fffffff, 0x80000000, 0xffffffff,
    };
    uint64_t random = next();
    switch (random % 8) {
    case 0:
        return (long)odd[(random >> 8) % (sizeof odd / sizeof *odd)];
    case 1:
    case 2:
        return (long)(arena + (random >> 8) % (ARENA_PAGES * 4096UL));
    case 3:
        return (long)(arena + (random >> 8) % ARENA_PAGES * 4096UL);
    case 4:
        return (long)(3 + (random >> 8) % 40); /* a handle, perhaps; never one of the console's */
    case 5:
        return (long)((random >> 8) % 8192);
    case 6:
        return (long)(random >> 8);
    default:
        return (long)(1UL << (random >> 8) % 64);
    }
}

static void handle(int signal_number)
{
    (void)signal_number;
}

/* Another thread may take the arena away while this one fills it. */
static void skip(int signal_number)
{
    if (!filling) {
        _exit(signal_number);
    }
    siglongjmp(back, 1);
}

/* Strings, vectors and structures with pointers in them, made of the same pool. */
static void fill_arena(void)
{
    char *map = mmap(arena, ARENA_PAGES * 4096UL, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (map == MAP_FAILED) {
        return; /* memory is out for now */
    }
    for (size_t i = 0; i < ARENA_PAGES * 4096UL; i += 64) {
        uint64_t *words = (uint64_t *)(arena + i);
        if (next() % 4 == 0) {
            snprintf((char *)words, 64, "/tmp/%lu", next() % 16);
        } else {
            for (int j = 0; j < 8; j++) {
                words[j] = next() % 3 == 0 ? 0 : (uint64_t)argument();
            }
        }
    }
}

/* Something of every kind that a handle can stand for; whatever is closed comes back in time. */
static void open_some(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int pair[2];
    (void)open("/tmp/storm", O_RDWR | O_CREAT, 0600);
    (void)open("/proc/self/maps", O_RDONLY);
    (void)open("/bin", O_RDONLY | O_DIRECTORY);
    (void)open("/dev/zero", O_RDWR);
    (void)epoll_create1(0);
    (void)eventfd(3, next() % 2 != 0 ? EFD_NONBLOCK : 0);
    (void)timerfd_create(CLOCK_MONOTONIC, 0);
    (void)pipe(pair);
    (void)socketpair(AF_UNIX, next() % 2 != 0 ? SOCK_STREAM : SOCK_DGRAM, 0, pair);
    (void)socket(AF_INET, SOCK_DGRAM, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)(5000 + next() % 16));
    (void)bind(listener, (struct sockaddr *)&address, sizeof address);
    (void)listen(listener, 4);
    int caller = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(caller, (struct sockaddr *)&address, sizeof address);
    if (next() % 4 == 0) {
        for (int handle_number = 3; handle_number < 48; handle_number++) {
            (void)close(handle_number);
        }
    }
}

static void *work(void *argument_of_thread)
{
    state = 0x9e3779b97f4a7c15 * (seed * THREADS + (unsigned long)argument_of_thread + 1);
    for (unsigned long i = 0; i < calls; i++) {
        filling = i % 512 == 0 && sigsetjmp(back, 1) == 0;
        if (filling) {
            fill_arena();
            filling = 0;
            open_some();
        }
        int with_handle = next() % 2 == 0;
        number = with_handle ? on_handles[next() % (sizeof on_handles / sizeof *on_handles)]
                             : (long)(next() % (LAST_CALL + 1));
        if (is_among(excluded, sizeof excluded / sizeof *excluded)) {
            continue;
        }
        long arguments[6];
        for (int j = 0; j < 6; j++) {
            arguments[j] = argument();
        }
        if (with_handle && next() % 8 != 0) {
            arguments[0] = (long)(3 + next() % 40);
        }
        if (is_among(on_memory, sizeof on_memory / sizeof *on_memory)) {
            arguments[0] = (long)(arena + next() % ARENA_PAGES * 4096UL + (next() % 16 == 0));
            arguments[1] = (long)(next() % (SLACK_PAGES * 4096UL));
            arguments[2] = number == 25 ? (long)(next() % (SLACK_PAGES * 4096UL)) : arguments[2];
            arguments[4] = number == 25 ? arguments[0] : arguments[4];
        }
        /* A mask of chance could keep away the signal that ends a wait: pselect6, ppoll, epoll_*.
         */
        if (number == 270) {
            arguments[5] = 0;
        } else if (number == 271) {
            arguments[3] = 0;
        } else if (number == 281 || number == 441) {
            arguments[4] = 0;
        }
        long result = call6(number, arguments[0], arguments[1], arguments[2], arguments[3],
                            arguments[4], arguments[5]);
        answered += result >= 0;
    }
    running--;
    return NULL;
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
    calls = argc > 2 ? strtoul(argv[2], NULL, 0) : 20000;
    arena = mmap(NULL, (ARENA_PAGES + SLACK_PAGES) * 4096UL, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 1; i < 32; i++) {
        if (i != SIGBUS && i != SIGILL) {
            signal(i, i == SIGSEGV ? skip : handle);
            siginterrupt(i, 1);
        }
    }
    for (unsigned long i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
            return 1;
        }
    }
    /* What waits for long is cut short. */
    while (running > 0) {
        usleep(INTERVAL_US);
        for (int i = 0; i < THREADS; i++) {
            pthread_kill(threads[i], SIGALRM);
        }
    }
    return answered > 0 ? STATUS : 1; /* standard output may be closed by now */
}
