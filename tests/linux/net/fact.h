/* Facts that hold on Linux; the image has to print the same. */
#ifndef UNIBUILD_TEST_FACT_H
#define UNIBUILD_TEST_FACT_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a call answered: its number, or what its error says. */
#define FACT(call)                                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long fact_result = (long)(call);                                                           \
        if (fact_result == -1) {                                                                   \
            printf("%s: %s\n", #call, strerror(errno));                                            \
        } else {                                                                                   \
            printf("%s: %ld\n", #call, fact_result);                                               \
        }                                                                                          \
        fflush(stdout);                                                                            \
    } while (0)

/* A system call by its number in Linux's table, for those that libc makes of others. */
static inline long raw(long number, long one, long two, long three, long four, long five)
{
    register long fourth __asm__("r10") = four;
    register long fifth __asm__("r8") = five;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(one), "S"(two), "d"(three), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* An address that no program has. */
#define NOWHERE ((void *)0x10)

#endif
