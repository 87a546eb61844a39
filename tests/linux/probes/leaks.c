/*
 * Calls with sound arguments at random: whatever they write into the program's memory, no address
 * of the kernel is in it. Arguments: seed, calls.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "draw.h"

#define ROOM 32768UL /* of the calls' memory; its last page is for what they read */
#define PAGE 4096UL
#define NUMBERS 460
#define OUTPUT 100
#define ERRORS 4096

/* As in fuzz.c; calls that wait by themselves or that take the program's own; and getrandom. */
static const unsigned short left_out[] = {
    2,   3,   7,   9,   10,  11,  12,  13,  14,  15,  23,  25,  28,  34,  35,  56,  57,  58,  60,
    61,  62,  85,  128, 129, 130, 131, 158, 169, 200, 202, 216, 218, 219, 222, 230, 231, 232, 234,
    247, 257, 270, 271, 273, 281, 297, 318, 334, 424, 435, 436, 437, 441, 449, 454, 455, 456,
};

static const char *const paths[] = {"/tmp/f",          "/",
                                    "/tmp/l",          "/dev/zero",
                                    "/proc/self/maps", "/proc/self/fd",
                                    "/proc/self/fd/8", "/proc/self/fd/10",
                                    "/proc/self/stat", "/proc/self/auxv"};

static unsigned char *memory;
static int files[32];
static unsigned file_count;
static uint64_t state;

static unsigned below(unsigned limit)
{
    return (unsigned)(draw_from(&state) >> 33) % limit;
}

static bool is_left_out(unsigned number)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (left_out[i] == number) {
            return true;
        }
    }
    return false;
}

static void keep(int file)
{
    (void)fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK);
    files[file_count++] = file;
}

static void keep_sockets(void)
{
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons(3000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    (void)bind(listener, (struct sockaddr *)&here, sizeof here);
    (void)listen(listener, 3);
    (void)connect(client, (struct sockaddr *)&here, sizeof here);
    keep(accept(listener, NULL, NULL));
    (void)bind(datagrams, (struct sockaddr *)&here, sizeof here);
    (void)sendto(datagrams, "datagram", 8, 0, (struct sockaddr *)&here, sizeof here);
    keep(listener);
    keep(client);
    keep(datagrams);
    keep(socket(AF_NETLINK, SOCK_RAW, 0));
}

static void keep_all(void)
{
    int pair[2];
    int file = open("/tmp/f", O_RDWR | O_CREAT, 0600);
    (void)ftruncate(file, 100000);
    (void)symlink("/tmp/f", "/tmp/l");
    keep(file);
    for (size_t i = 1; i < sizeof paths / sizeof *paths; i++) {
        int other = open(paths[i], O_RDONLY);
        if (other >= 0) {
            keep(other);
        }
    }
    (void)pipe(pair);
    keep(pair[0]);
    keep(pair[1]);
    (void)socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    keep(pair[0]);
    keep(pair[1]);
    keep(epoll_create1(0));
    keep(eventfd(3, 0));
    keep(timerfd_create(CLOCK_MONOTONIC, 0));
    keep_sockets();
}

/* A path, a vector and a message whose pieces lie in the memory, and a size, on the last page. */
static void fill(void)
{
    unsigned char *read_only = memory + ROOM - PAGE;
    uint64_t *vector = (uint64_t *)(read_only + 1024);
    uint64_t *message = (uint64_t *)(read_only + 2048);
    memset(memory, 0, ROOM);
    strcpy((char *)read_only, paths[below(sizeof paths / sizeof *paths)]);
    for (unsigned i = 0; i < 8; i += 2) {
        vector[i] = (uint64_t)memory + below(8) * 512;
        vector[i + 1] = below(1200);
    }
    const uint64_t header[] = {
        (uint64_t)memory, 128, (uint64_t)vector, 4, (uint64_t)memory + 1024, 256, 0};
    memcpy(message, header, sizeof header);
    *(uint32_t *)(read_only + 3072) = below(300);
}

static uint64_t argument(void)
{
    switch (below(6)) {
    case 0:
        return (uint64_t)memory + below(4) * 1024;
    case 1:
        return (uint64_t)memory + ROOM - PAGE + below(4) * 1024;
    case 2:
        return (uint64_t)files[below(file_count)];
    case 3:
        return below(64);
    case 4:
        return below(8192);
    default:
        return 0;
    }
}

/* In the kernel's half, and neither a small negative number nor one cut in two. */
static bool is_of_kernel(uint64_t word)
{
    return word >> 47 == 0x1ffff && word < 0xffffffffffff0000UL && (uint32_t)word != 0;
}

static unsigned leaks_of(unsigned number, long result)
{
    unsigned found = result < -ERRORS && is_of_kernel((uint64_t)result);
    for (size_t at = 0; at + 8 <= ROOM; at += 4) {
        uint64_t word;
        memcpy(&word, memory + at, sizeof word);
        found += is_of_kernel(word);
    }
    if (found != 0) {
        dprintf(OUTPUT, "call %u\n", number);
    }
    return found;
}

static void ignore(int signal)
{
    (void)signal;
}

int main(int count, char **arguments)
{
    const struct itimerval soon = {.it_value = {0, 2000}, .it_interval = {0, 2000}};
    state = ((count > 1 ? strtoul(arguments[1], NULL, 0) : 1) + 1) * 0x9e3779b97f4a7c15UL;
    unsigned long calls = count > 2 ? strtoul(arguments[2], NULL, 0) : 20000;
    unsigned found = 0;
    memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)dup2(1, OUTPUT);
    for (int signal = 1; signal < _NSIG; signal++) {
        sigaction(signal, &(struct sigaction){.sa_handler = ignore}, NULL);
    }
    keep_all();
    for (unsigned long i = 0; i < calls; i++) {
        unsigned number = below(NUMBERS);
        if (is_left_out(number)) {
            continue;
        }
        uint64_t words[6];
        for (unsigned j = 0; j < 6; j++) {
            words[j] = argument();
        }
        words[0] = below(3) != 0 ? (uint64_t)files[below(file_count)] : words[0];
        fill();
        setitimer(ITIMER_REAL, &soon, NULL);
        found += leaks_of(number, call_with(number, words));
    }
    dprintf(OUTPUT, "\nprobe leaks expect=0 got=%u\n", found);
    return 0;
}
