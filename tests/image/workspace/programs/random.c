#include <stdio.h>
#include <sys/random.h>

int main(void)
{
    unsigned long number = 0;
    getrandom(&number, sizeof number, 0);
    printf("number %016lx\n", number);
    return 0;
}
