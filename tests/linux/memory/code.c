/* Code that a program makes itself: an image whose rule says allow_exec_mappings runs it. */
#include <stdint.h>
#include <sys/mman.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

/* mov eax, number; ret */
static int run(unsigned char *at, unsigned char number)
{
    const unsigned char code[] = {0xb8, number, 0, 0, 0, 0xc3};
    memcpy(at, code, sizeof code);
    int (*function)(void) = (int (*)(void))(uintptr_t)at;
    return function();
}

int main(void)
{
    unsigned char *both = mmap(NULL, PAGE, BOTH | PROT_EXEC, PRIVATE, -1, 0);
    NUMBER(run(both, 1));
    NUMBER(run(both, 2));
    unsigned char *later = mmap(NULL, 2 * PAGE, BOTH, PRIVATE, -1, 0);
    memset(later, 0xc3, 2 * PAGE);
    FACT(mprotect(later, PAGE, BOTH | PROT_EXEC));
    NUMBER(run(later, 3));
    FACT(mprotect(later, PAGE, PROT_READ | PROT_EXEC));
    int (*function)(void) = (int (*)(void))(uintptr_t)later;
    NUMBER(function());
    FACT(mprotect(later, 2 * PAGE, BOTH));
    later[1] = 4;
    FACT(mprotect(later, 2 * PAGE, PROT_READ | PROT_EXEC));
    NUMBER(function());
    return 0;
}
