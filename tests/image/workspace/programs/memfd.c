#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
    int made = memfd_create("name", 0);
    printf("%d %s\n", made, errno == ENOSYS ? "ENOSYS" : "other");
    return 0;
}
