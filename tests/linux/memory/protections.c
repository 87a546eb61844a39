/*
 * What Linux allows and these images do not: memory that is writable and executable, at once or one
 * after the other. Each line names a property and what was found.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

int main(int count, char **words)
{
    (void)count;
    char *page = mmap(NULL, PAGE, BOTH, PRIVATE, -1, 0);
    FACT(mmap(NULL, PAGE, BOTH | PROT_EXEC, PRIVATE, -1, 0));
    FACT(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, PRIVATE, -1, 0));
    FACT(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
    FACT(mprotect(page, PAGE, PROT_EXEC | PROT_WRITE));
    int file = open(words[0], O_RDONLY);
    FACT(mmap(NULL, PAGE, BOTH | PROT_EXEC, MAP_PRIVATE, file, 0));
    char *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    NUMBER(code != MAP_FAILED);
    FACT(mprotect(code, PAGE, BOTH | PROT_EXEC));
    FACT(mprotect(code, PAGE, BOTH));
    FACT(mprotect(code, PAGE, PROT_READ | PROT_EXEC));
    FACT(mmap((void *)0x1000, PAGE, BOTH, PRIVATE | MAP_FIXED, -1, 0));
    struct timespec now; /* whoever asks for the time has a vDSO */
    FACT(clock_gettime(CLOCK_MONOTONIC, &now));
    printf("mmap=%p\nstack=%p\nheap=%p\nvdso=%#lx\n", (void *)page, (void *)&page, sbrk(0),
           getauxval(AT_SYSINFO_EHDR));
    return 0;
}
