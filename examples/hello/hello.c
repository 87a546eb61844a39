/* The smallest program with a word to say. */
#include <stdio.h>

int main(void)
{
    puts("Hello, world");
    return 0;
}
