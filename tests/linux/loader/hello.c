/* The smallest program: its text comes through puts and writev. */
#include <stdio.h>

int main(void)
{
    puts("hello from ring 3");
    return 3;
}
