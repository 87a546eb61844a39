/* C30: where memory that a program maps lies is drawn at boot, not fixed in the image. */
#include <stdint.h>
#include <sys/mman.h>

#include "probe.h"

int main(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("probe layout expect=another-each-boot got=%p\n", page);
    return page == MAP_FAILED;
}
