/* A program of this folder prints facts that hold on Linux; the image has to print the same. */
#ifndef FACT_H
#define FACT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FACT(...) (printf(__VA_ARGS__), putchar('\n'), fflush(stdout))

/* The answer of a system call, with what its error says. */
static inline const char *answer(long result)
{
    static char number[32];
    if (result == -1) {
        return strerror(errno);
    }
    snprintf(number, sizeof number, "%ld", result);
    return number;
}

static inline void sleep_milliseconds(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR) {}
}

static inline long milliseconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

#endif
