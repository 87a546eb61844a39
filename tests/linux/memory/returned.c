/*
 * Memory that a program gave back is free again, to the page: its own pages, the tables that mapped
 * them, and what the kernel noted about the areas. Only an image can be asked to the page.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned long free_pages(void)
{
    struct sysinfo information;
    sysinfo(&information);
    return information.freeram * information.mem_unit / PAGE;
}

/* A page in each of many tables, and tables of tables. */
static void use_far(void)
{
    size_t size = 1UL << 42;
    char *range = mmap(NULL, size, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0);
    for (size_t i = 0; i < 200; i++) {
        char *at = range + size / 200 * i / PAGE * PAGE;
        mprotect(at, PAGE, BOTH);
        *at = 1;
    }
    munmap(range, size);
}

static void use_dense(void)
{
    char *pages = mmap(NULL, 1000 * PAGE, BOTH, PRIVATE, -1, 0);
    memset(pages, 1, 1000 * PAGE);
    pages = mremap(pages, 1000 * PAGE, 500 * PAGE, MREMAP_MAYMOVE);
    pages = mremap(pages, 500 * PAGE, 3000 * PAGE, MREMAP_MAYMOVE);
    memset(pages, 2, 3000 * PAGE);
    madvise(pages, 3000 * PAGE, MADV_DONTNEED);
    pages[700 * PAGE] = 1;
    for (size_t i = 0; i < 3000; i += 2) {
        munmap(pages + i * PAGE, PAGE);
    }
    munmap(pages, 3000 * PAGE);
}

static void use_files(char *path)
{
    int file = open(path, O_RDONLY);
    char *bytes = mmap(NULL, 5 * PAGE, BOTH, MAP_PRIVATE, file, 0);
    bytes[0] = 1;
    bytes[4 * PAGE] = 1;
    close(file);
    munmap(bytes, 5 * PAGE);
}

int main(int count, char **words)
{
    (void)count;
    unsigned long before = 0;
    for (int round = 0; round < 3; round++) {
        use_far();
        use_dense();
        use_files(words[0]);
        /* The first round leaves what the kernel makes once. */
        if (round == 0) {
            before = free_pages();
        }
    }
    NUMBER(before - free_pages());
    return 0;
}
