#include <errno.h>
#include <stdio.h>
#include <sys/swap.h>
#include <unistd.h>

int main(void)
{
    errno = 0;
    printf("swapoff: %d\n", swapoff("/none") < 0 ? errno : 0);
    printf("fork: %d\n", fork() < 0 ? errno : 0);
    return 3;
}
