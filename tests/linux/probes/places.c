/* Where things of a program in ring 3 lie is drawn at boot: mappings, heap, stack, vDSO. */
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct timespec now;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("mapping=%p\nheap=%p\nstack=%p\nvdso=%#lx\n", page, (void *)syscall(SYS_brk, 0),
           (void *)&page, getauxval(AT_SYSINFO_EHDR));
    return page == MAP_FAILED;
}
