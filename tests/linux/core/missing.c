/* A system call that no kernel has, twice, and one that these images have not. */
#include <stdio.h>

#include "call.h"

#define FORK 57
#define NONE 510

__attribute__((noinline)) static long from_here(volatile long number)
{
    return call6(number, 0, 0, 0, 0, 0, 0);
}

int main(void)
{
    long first = from_here(NONE);
    long second = from_here(NONE);
    printf("answers %ld %ld\n", first, second);
    printf("fork %ld\n", from_here(FORK));
    return 0;
}
