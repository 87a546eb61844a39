/*
 * C2, C30: where things lie is drawn at boot, not fixed in the image: what the program maps, its
 * heap and stack, where memory is mapped, and the image itself, the program's text and data and the
 * C library's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "probe.h"

static int data = 1;

/* The kernel's: where physical memory is mapped. */
extern const uint64_t ub_direct_map;

int main(void)
{
    int local = data;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *heap = malloc(100);
    printf("probe layout expect=another-each-boot got=%p\n", page);
    printf("direct=%#lx\n", ub_direct_map);
    printf("heap=%p\nstack=%p\ntext=%p\ndata=%p\nlibrary=%p\n", heap, (void *)&local,
           (void *)(uintptr_t)main, (void *)&data, (void *)(uintptr_t)printf);
    return page == MAP_FAILED || heap == NULL;
}
