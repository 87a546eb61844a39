/*
 * Threads that share everything and agree on nothing: calls with sound arguments, on the same few
 * descriptors, names and pages, while others close, replace, cut off, unmap and rename them. Which
 * calls they are depends on the seed; what they answer, on chance. The kernel stands, and ends none
 * of them. Arguments: seed, calls of each thread.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

#include "draw.h"

#define THREADS 5
#define FIRST 10 /* descriptors that are shared */
#define DESCRIPTORS 24
#define OUTPUT 100
#define PAGES 64
#define PAGE 4096UL
#define PIECE 9000
#define PLACE ((void *)0x100000000) /* far from where new mappings come: holes in it stay holes */

static _Thread_local uint64_t state;
static char *shared; /* PAGES pages, mapped and unmapped */
static atomic_int running = THREADS;
static unsigned long calls;
static uint32_t words[4];
static atomic_int extra;

static unsigned below(unsigned limit)
{
    return (unsigned)(draw_from(&state) >> 33) % limit;
}

static int one(void)
{
    return FIRST + (int)below(DESCRIPTORS);
}

/* At one of the shared places, in place of what was there. */
static void keep(int file)
{
    if (file >= 0) {
        (void)dup2(file, one());
        (void)close(file);
    }
}

static const char *name(void)
{
    static const char *const names[] = {
        "/tmp/a",
        "/tmp/b",
        "/tmp/d",
        "/tmp/d/a",
        "/tmp/d/e",
        "/tmp/d/e/a",
        "/tmp/l",
        "/tmp/a-name-that-is-much-longer-than-all-of-the-others-are-in-this-program",
        "/proc/self/fd/12",
        "/proc/self/fd/15",
        "/proc/self/maps",
        "/dev/shm/x",
        "/tmp/d/e/../b"};
    return names[below(sizeof names / sizeof *names)];
}

static void *end_soon(void *unused)
{
    (void)sched_yield();
    return unused;
}

static void make(void)
{
    int pair[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    switch (below(12)) {
    case 0:
        if (pipe2(pair, O_NONBLOCK) == 0) {
            keep(pair[0]);
            keep(pair[1]);
        }
        break;
    case 1:
        if (socketpair(AF_UNIX, (below(2) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0, pair) ==
            0) {
            keep(pair[0]);
            keep(pair[1]);
        }
        break;
    case 2:
        keep(epoll_create1(0));
        break;
    case 3:
        keep(eventfd(below(2), EFD_NONBLOCK));
        break;
    case 4: {
        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        (void)timerfd_settime(timer, 0, &(struct itimerspec){{0, 300000}, {0, 200000}}, NULL);
        keep(timer);
        break;
    }
    case 5:
        keep(signalfd(-1, &set, SFD_NONBLOCK));
        break;
    case 6:
        keep(memfd_create("m", 0));
        break;
    case 7:
        keep(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        break;
    case 8:
        keep(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
        break;
    case 9:
        keep(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0));
        break;
    default:
        keep(open(name(),
                  (below(4) ? O_CREAT : 0) | (below(5) ? O_RDWR : O_PATH) |
                      (below(6) ? 0 : O_TRUNC) | O_NONBLOCK,
                  0700));
    }
}

static void transfer(char *buffer)
{
    struct iovec pieces[3] = {
        {buffer, below(PIECE)}, {shared + below(PAGES) * PAGE, below(PIECE)}, {buffer, below(100)}};
    switch (below(10)) {
    case 0:
        (void)read(one(), shared + below(PAGES) * PAGE, below(PIECE));
        break;
    case 1:
        (void)write(one(), shared + below(PAGES) * PAGE, below(PIECE));
        break;
    case 2:
        (void)readv(one(), pieces, 3);
        break;
    case 3:
        (void)writev(one(), pieces, 3);
        break;
    case 4:
        (void)sendfile(one(), one(), NULL, below(100000));
        break;
    case 5:
        (void)copy_file_range(one(), NULL, one(), NULL, below(100000), 0);
        break;
    case 6:
        (void)send(one(), buffer, below(PIECE), MSG_NOSIGNAL);
        break;
    case 7:
        (void)recv(one(), buffer, below(PIECE), below(2) ? MSG_PEEK : 0);
        break;
    case 8:
        (void)pwrite(one(), buffer, below(PIECE), below(1000000));
        break;
    default:
        (void)ftruncate(one(), below(300000));
    }
}

static void watch(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | (below(2) ? EPOLLET : 0),
                                .data.u64 = below(100)};
    struct epoll_event events[8];
    struct pollfd list[12];
    for (unsigned i = 0; i < 12; i++) {
        list[i] = (struct pollfd){.fd = one(), .events = (short)below(8)};
    }
    switch (below(6)) {
    case 0:
        (void)epoll_wait(one(), events, 8, (int)below(2));
        break;
    case 1:
        (void)poll(list, below(13), (int)below(2));
        break;
    case 2:
        (void)epoll_ctl(one(), EPOLL_CTL_DEL, one(), &event);
        break;
    case 3:
        (void)epoll_ctl(one(), EPOLL_CTL_MOD, one(), &event);
        break;
    default:
        (void)epoll_ctl(one(), EPOLL_CTL_ADD, one(), &event);
    }
}

static void rename_and_remove(char *buffer)
{
    switch (below(10)) {
    case 0:
        (void)rename(name(), name());
        break;
    case 1:
        (void)unlink(name());
        break;
    case 2:
        (void)mkdir(name(), 0700);
        break;
    case 3:
        (void)rmdir(name());
        break;
    case 4:
        (void)link(name(), name());
        break;
    case 5:
        (void)symlink(name(), name());
        break;
    case 6:
        (void)readlink(name(), buffer, PIECE);
        break;
    case 7:
        (void)syscall(SYS_renameat2, AT_FDCWD, name(), AT_FDCWD, name(), 2);
        break;
    case 8:
        (void)chdir(below(2) ? name() : "/tmp");
        (void)getcwd(buffer, PIECE);
        break;
    default:
        (void)syscall(SYS_getdents64, one(), buffer, PIECE);
    }
}

static void move_memory(void)
{
    static const int accesses[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                   PROT_READ | PROT_EXEC};
    char *at = shared + below(PAGES - 8) * PAGE;
    size_t size = (1 + below(8)) * PAGE;
    int access = accesses[below(4)];
    switch (below(7)) {
    case 0:
        (void)mmap(at, size, access, MAP_FIXED | (below(2) ? MAP_SHARED : MAP_PRIVATE), one(),
                   (long)(below(40) * PAGE));
        break;
    case 1:
        (void)mmap(at, size, access, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        break;
    case 2:
        (void)munmap(at, size);
        break;
    case 3:
        (void)mprotect(at, size, access);
        break;
    case 4:
        (void)madvise(at, size, below(2) ? MADV_DONTNEED : 23 /* MADV_POPULATE_WRITE */);
        break;
    case 5:
        (void)mremap(at, size, (1 + below(8)) * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                     shared + below(PAGES - 8) * PAGE);
        break;
    default:
        (void)mlock(at, size);
    }
}

/* This machine, its neighbour, all of them, none, and ports that are there and not. */
static struct sockaddr_in address(void)
{
    static const uint32_t hosts[] = {0x7f000001, 0x7f000001, 0x7f000001, 0x7f000002, 0x0a00020f,
                                     0x0a000202, 0x0a0002ff, 0xffffffff, 0xe0000001, 0};
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)(below(8) ? 2000 + below(4) : below(3))),
        .sin_addr.s_addr = htonl(hosts[below(sizeof hosts / sizeof *hosts)]),
    };
}

static void change_socket(void)
{
    static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP};
    char value[64] = {0};
    socklen_t size = below(sizeof value);
    int level = levels[below(3)];
    value[below(16)] = (char)below(256);
    if (below(2)) {
        (void)setsockopt(one(), level, (int)below(64), value, size);
    } else {
        (void)getsockopt(one(), level, (int)below(64), value, &size);
    }
    size = sizeof value;
    (void)getpeername(one(), (struct sockaddr *)value, &size);
    (void)getsockname(one(), (struct sockaddr *)value, &size);
}

static void other(void)
{
    struct sockaddr_in here = address();
    const struct timespec soon = {0, 200000};
    pthread_t thread;
    switch (below(16)) {
    case 0:
        (void)bind(one(), (struct sockaddr *)&here, sizeof here);
        break;
    case 1:
        (void)listen(one(), 4);
        break;
    case 2:
        (void)connect(one(), (struct sockaddr *)&here, sizeof here);
        break;
    case 3:
        keep(accept4(one(), NULL, NULL, SOCK_NONBLOCK));
        break;
    case 4:
        (void)shutdown(one(), (int)below(3));
        break;
    case 5:
        (void)syscall(SYS_futex, &words[below(4)], 0, 0, &soon, NULL, 0);
        break;
    case 6:
        (void)syscall(SYS_futex, &words[below(4)], 3, below(2), 5, &words[below(4)], 0);
        break;
    case 7:
        (void)syscall(SYS_futex, &words[below(4)], 1, 3, NULL, NULL, 0);
        break;
    case 8:
        (void)sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 1});
        break;
    case 9:
        if (atomic_fetch_add(&extra, 1) < 20 &&
            pthread_create(&thread, NULL, end_soon, NULL) == 0) {
            (void)pthread_detach(thread);
        }
        (void)atomic_fetch_sub(&extra, 1);
        break;
    case 10:
        (void)dup2(one(), one());
        break;
    case 11:
    case 12:
        (void)sendto(one(), &here, sizeof here, 0, (struct sockaddr *)&here, sizeof here);
        break;
    case 13:
        change_socket();
        break;
    default:
        (void)close(one());
    }
}

static void *work(void *seed)
{
    char buffer[PIECE];
    state = (uint64_t)seed;
    for (unsigned long i = 0; i < calls; i++) {
        switch (below(8)) {
        case 0:
            make();
            break;
        case 1:
        case 2:
            transfer(buffer);
            break;
        case 3:
            watch();
            break;
        case 4:
            rename_and_remove(buffer);
            break;
        case 5:
        case 6:
            move_memory();
            break;
        default:
            other();
        }
    }
    running--;
    return NULL;
}

static void ignore(int signal)
{
    (void)signal;
}

int main(int count, char **arguments)
{
    uint64_t seed = count > 1 ? strtoul(arguments[1], NULL, 0) : 1;
    calls = count > 2 ? strtoul(arguments[2], NULL, 0) : 20000;
    state = (seed + 1) * 0x9e3779b97f4a7c15UL;
    shared = mmap(PLACE, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    (void)dup2(1, OUTPUT);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)(state + i * 0x1234567UL)) != 0) {
            return 1;
        }
    }
    while (running > 0) { /* no call waits for long */
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_kill(threads[i], SIGUSR1);
        }
    }
    static const char line[] = "\nprobe sharing expect=ok got=ok\n";
    _exit(write(OUTPUT, line, sizeof line - 1) == sizeof line - 1 ? 0 : 1);
}
