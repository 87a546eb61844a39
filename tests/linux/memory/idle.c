/* Has memory of every kind, says so, and waits to be looked at. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

int main(int count, char **words)
{
    (void)count;
    char *pages = mmap(NULL, 8 * PAGE, BOTH, PRIVATE, -1, 0);
    memset(pages, 1, 8 * PAGE);
    FACT(mprotect(pages, PAGE, PROT_NONE));
    FACT(mprotect(pages + 2 * PAGE, PAGE, PROT_READ));
    int file = open(words[0], O_RDONLY);
    volatile char *bytes = mmap(NULL, 4 * PAGE, BOTH, MAP_PRIVATE, file, 0);
    bytes[0]++;
    NUMBER(bytes[PAGE] == bytes[PAGE]);
    volatile char *code = mmap(NULL, 4 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    NUMBER(code[PAGE] == bytes[PAGE]);
    char *heap = (char *)syscall(SYS_brk, 0); /* musl's sbrk refuses */
    NUMBER(syscall(SYS_brk, heap + PAGE) == (long)(heap + PAGE));
    heap[0] = 1;
    printf("ready\n");
    fflush(stdout);
    return pause();
}
