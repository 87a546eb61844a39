/* A program that breaks without a handler ends with 128 and the signal's number. */
#include <stdio.h>

__attribute__((noinline)) static void store(volatile int *to)
{
    *to = 1;
}

int main(void)
{
    printf("before the end\n");
    fflush(stdout);
    store((int *)0x1000);
    printf("not reached\n");
    return 0;
}
