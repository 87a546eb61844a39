/* Touches more memory than there is: the image ends and says what the limit was. */
#include <sys/mman.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL

int main(int count, char **words)
{
    (void)words;
    size_t size = 256UL << 20;
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NUMBER(pages != MAP_FAILED);
    FACT(mlock(pages, size)); /* a call that needs memory answers */
    FACT(munmap(pages, size));
    pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (count > 2) {
        /* The report has no memory for the frame that it wants to look at. */
        __asm__ volatile("movq %0, %%rbp\n"
                         "1: movb $1, (%1)\n\t"
                         "addq $4096, %1\n\t"
                         "jmp 1b"
                         :
                         : "a"(pages + size - 64), "d"(pages)
                         : "memory");
    }
    if (count > 1) {
        /* The kernel's own touch runs out. */
        int pipes[2];
        FACT(pipe(pipes));
        for (size_t at = 0; at < size; at += PAGE) {
            write(pipes[1], "x", 1);
            read(pipes[0], pages + at, 1);
        }
    }
    for (size_t at = 0; at < size; at += PAGE) {
        pages[at] = 1;
    }
    printf("all was there\n");
    return 0;
}
