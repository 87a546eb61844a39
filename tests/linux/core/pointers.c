/*
 * Bad pointers in system calls: each gives the same error as on Linux, and nothing else happens.
 * The pointers: next to null, the end of the program's half, addresses that are not canonical, the
 * upper half, the last byte, a page without access, and for results one that is only readable.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "call.h"

#define P 0x5a5a5a5a /* where the bad pointer goes */
#define BUFFER 0x6b6b6b6b
#define FILE_HANDLE 0x7c7c7c7c
#define PIPE_READ 0x7d7d7d7d
#define PIPE_WRITE 0x7e7e7e7e

struct attempt {
    const char *name;
    long number;
    long arguments[6];
    int to_program; /* a result: also into what is only readable */
};

static const struct attempt attempts[] = {
    {"read", 0, {FILE_HANDLE, P, 16}, 1},
    {"read pipe", 0, {PIPE_READ, P, 16}, 1},
    {"write", 1, {PIPE_WRITE, P, 16}, 0},
    {"open", 2, {P, 0, 0}, 0},
    {"stat path", 4, {P, BUFFER}, 0},
    {"fstat", 5, {FILE_HANDLE, P}, 1},
    {"poll", 7, {P, 1, 0}, 1},
    {"rt_sigaction new", 13, {10, P, 0, 8}, 0},
    {"rt_sigaction old", 13, {10, 0, P, 8}, 1},
    {"rt_sigprocmask new", 14, {0, P, 0, 8}, 0},
    {"rt_sigprocmask old", 14, {0, 0, P, 8}, 1},
    {"pread64", 17, {FILE_HANDLE, P, 16, 0}, 1},
    {"readv", 19, {FILE_HANDLE, P, 1}, 0},
    {"writev", 20, {PIPE_WRITE, P, 1}, 0},
    {"access", 21, {P, 0}, 0},
    {"pipe", 22, {P}, 1},
    {"nanosleep", 35, {P, 0}, 0},
    {"socketpair", 53, {1, 1, 0, P}, 1},
    {"uname", 63, {P}, 1},
    {"getcwd", 79, {P, 4096}, 1},
    {"chdir", 80, {P}, 0},
    {"readlink path", 89, {P, BUFFER, 16}, 0},
    {"getrusage", 98, {0, P}, 1},
    {"sysinfo", 99, {P}, 1},
    {"times", 100, {P}, 1},
    {"sigaltstack new", 131, {P, 0}, 0},
    {"sigaltstack old", 131, {0, P}, 1},
    {"arch_prctl get", 158, {0x1003, P}, 1},
    {"futex wait", 202, {P, 128, 0, 0}, 0},
    {"sched_getaffinity", 204, {0, 128, P}, 1},
    {"getdents64", 217, {FILE_HANDLE, P, 256}, 0},
    {"clock_gettime", 228, {1, P}, 1},
    {"clock_getres", 229, {1, P}, 1},
    {"clock_nanosleep", 230, {1, 0, P, 0}, 0},
    {"openat", 257, {-100, P, 0, 0}, 0},
    {"newfstatat", 262, {-100, P, BUFFER, 0}, 0},
    {"ppoll", 271, {P, 1, BUFFER, 0, 8}, 1},
    {"pipe2", 293, {P, 0}, 1},
    {"prlimit64 old", 302, {0, 7, 0, P}, 1},
    {"prlimit64 new", 302, {0, 7, P, 0}, 0},
    {"getrandom", 318, {P, 1, 0}, 1},
    {"statx", 332, {FILE_HANDLE, P, 0, 0xfff, BUFFER}, 0},
};

static long handles[3];
static char buffer[4096];

static void try(const struct attempt *attempt, uint64_t bad)
{
    long words[6];
    for (int i = 0; i < 6; i++) {
        long word = attempt->arguments[i];
        words[i] = word == P             ? (long)bad
                   : word == BUFFER      ? (long)buffer
                   : word == FILE_HANDLE ? handles[0]
                   : word == PIPE_READ   ? handles[1]
                   : word == PIPE_WRITE  ? handles[2]
                                         : word;
    }
    long result =
        call6(attempt->number, words[0], words[1], words[2], words[3], words[4], words[5]);
    printf(" %ld", result);
}

int main(int count_of_arguments, char **arguments)
{
    int ends[2];
    /* Something of one byte waits in the pipe, and the program's own file is read. */
    if (pipe2(ends, O_NONBLOCK) != 0 || write(ends[1], "x", 1) != 1) {
        return 1;
    }
    handles[0] = count_of_arguments > 0 ? open(arguments[0], O_RDONLY) : -1;
    handles[1] = ends[0];
    handles[2] = ends[1];
    char *closed = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *readable = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (handles[0] < 0 || closed == MAP_FAILED || readable == MAP_FAILED) {
        return 2;
    }
    if (mprotect(closed + 4096, 4096, PROT_READ | PROT_WRITE) != 0) {
        return 3;
    }
    const uint64_t bad[] = {
        8,
        0x7ffffffff000,
        0x7fffffffefff,
        0x800000000000,
        0xffff800000000000,
        0xffffffff80000000,
        UINT64_MAX,
        (uint64_t)closed,
        (uint64_t)closed + 2 * 4096 - 1,
        (uint64_t)readable,
    };
    const size_t count = sizeof bad / sizeof *bad;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        printf("%s:", attempts[i].name);
        closed[2 * 4096 - 1] = 'x'; /* so that a string there has no end */
        for (size_t j = 0; j + 1 < count; j++) {
            try(&attempts[i], bad[j]);
        }
        if (attempts[i].to_program) {
            try(&attempts[i], bad[count - 1]);
        }
        printf("\n");
    }
    return 0;
}
