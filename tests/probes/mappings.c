/* C3, C5: memory that a program asks for is never executable, and never at the null page. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "probe.h"

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

int main(void)
{
    struct probe_checks checks = {0};
    volatile uintptr_t null = 0;

    PROBE_CHECK(&checks, mmap(NULL, 4096, PROT_READ | PROT_EXEC, PRIVATE, -1, 0) == MAP_FAILED);
    PROBE_CHECK(&checks,
                mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, PRIVATE, -1, 0) == MAP_FAILED);
    PROBE_CHECK(&checks, mmap((void *)null, 4096, PROT_READ | PROT_WRITE, PRIVATE | MAP_FIXED, -1,
                              0) == MAP_FAILED);

    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    PROBE_CHECK(&checks, page != MAP_FAILED);
    PROBE_CHECK(&checks, mprotect(page, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);

    /* A hint at the null page gives memory somewhere else. */
    void *hinted = mmap((void *)(null + 4096), 4096, PROT_READ, PRIVATE, -1, 0);
    PROBE_CHECK(&checks, hinted == MAP_FAILED || (uintptr_t)hinted >= 65536);
    return probe_done("mappings", &checks);
}
