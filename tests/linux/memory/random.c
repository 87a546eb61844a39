/*
 * Random requests on a window of pages, against a model: what each page holds and allows must be
 * what the model says, seen by system calls (a pipe takes from a page that may be read, gives to
 * one that may be written to) and by the program's own reads.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define PAGES 256U
#define ROUNDS 30000U
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

enum state { UNMAPPED, NONE, READABLE, WRITABLE };

static const int protections[] = {
    [NONE] = PROT_NONE, [READABLE] = PROT_READ, [WRITABLE] = PROT_READ | PROT_WRITE};

struct page {
    enum state state;
    unsigned char value; /* of its first byte */
};

static struct page model[PAGES];
static char *window;
static int pipes[2];
static int file;
static unsigned char file_bytes[PAGES];
static unsigned counts[5];
static uint64_t state = 88172645463325252ULL;

/* Marsaglia's xorshift: the same everywhere. */
static unsigned draw(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 20) % limit;
}

static void set(unsigned from, unsigned to, enum state new_state, int value)
{
    for (; from < to; from++) {
        model[from].state = new_state;
        if (value >= 0) {
            model[from].value = (unsigned char)value;
        }
    }
}

static int covered(unsigned from, unsigned to)
{
    for (; from < to; from++) {
        if (model[from].state == UNMAPPED) {
            return 0;
        }
    }
    return 1;
}

static int request(unsigned kind, unsigned from, unsigned to)
{
    char *at = window + from * PAGE;
    size_t size = (to - from) * PAGE;
    enum state wanted = NONE + draw(3);
    switch (kind) {
    case 0:
        set(from, to, UNMAPPED, 0);
        return munmap(at, size) == 0;
    case 1:
        set(from, to, wanted, 0);
        return mmap(at, size, protections[wanted], PRIVATE | MAP_FIXED, -1, 0) == at;
    case 2: /* the program's own file, from its page on that has the window's number */
        for (unsigned i = from; i < to; i++) {
            model[i] = (struct page){wanted, file_bytes[i]};
        }
        return mmap(at, size, protections[wanted], MAP_PRIVATE | MAP_FIXED, file,
                    (off_t)(from * PAGE)) == at;
    case 3: {
        int fine = covered(from, to);
        if (!fine) {
            return 1; /* how much of it changes is not told */
        }
        set(from, to, wanted, -1);
        return mprotect(at, size, protections[wanted]) == 0;
    }
    default: { /* moves pages to another place of the same window */
        unsigned count = to - from;
        unsigned target = draw(PAGES - count);
        int apart = target + count <= from || target >= to;
        for (unsigned i = from + 1; i < to && apart; i++) {
            apart = model[i].state == model[from].state;
        }
        if (!apart || model[from].state == UNMAPPED) {
            return 1;
        }
        void *moved = mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, window + target * PAGE);
        if (moved == MAP_FAILED) { /* of several mappings; the target may be gone, or not */
            munmap(window + target * PAGE, size);
            set(target, target + count, UNMAPPED, 0);
            return errno == EFAULT;
        }
        memcpy(model + target, model + from, count * sizeof *model);
        set(from, to, UNMAPPED, 0);
        return 1;
    }
    }
}

static int check(unsigned at)
{
    struct page *page = &model[at];
    char *memory = window + at * PAGE;
    unsigned char byte = 0;
    if (write(pipes[1], memory, 1) == 1) {
        if (page->state < READABLE || read(pipes[0], &byte, 1) != 1 || byte != page->value ||
            (unsigned char)*(volatile char *)memory != byte) {
            return 0;
        }
    } else if (page->state >= READABLE || errno != EFAULT) {
        return 0;
    }
    if (page->state == WRITABLE && draw(2) == 0) {
        page->value = (unsigned char)draw(256);
        if (draw(2) == 0) {
            *memory = (char)page->value;
        } else if (write(pipes[1], &page->value, 1) != 1 || read(pipes[0], memory, 1) != 1) {
            return 0;
        }
    }
    return 1;
}

int main(int count, char **words)
{
    (void)count;
    file = open(words[0], O_RDONLY);
    /* Behind the end of the file are no pages, so the model keeps to those that are there. */
    off_t size = lseek(file, 0, SEEK_END);
    unsigned pages = (unsigned)((size_t)size / PAGE);
    for (unsigned i = 0; i < pages; i++) {
        if (pread(file, &file_bytes[i], 1, (off_t)(i * PAGE)) != 1) {
            return 1;
        }
    }
    window = mmap(NULL, PAGES * PAGE, PROT_NONE, PRIVATE, -1, 0);
    set(0, PAGES, NONE, 0);
    if (pipe(pipes) != 0) {
        return 1;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned kind = draw(5);
        unsigned limit = kind == 2 ? pages : PAGES;
        unsigned from = draw(limit - 1);
        unsigned to = from + 1 + draw(limit - from - 1 < 24 ? limit - from - 1 : 24);
        counts[kind]++;
        if (!request(kind, from, to)) {
            printf("round %u: request %u of [%u, %u): %s\n", round, kind, from, to,
                   strerror(errno));
            return 1;
        }
        for (unsigned i = 0; i < 8; i++) {
            unsigned at = draw(2) == 0 ? draw(PAGES) : from + draw(to - from);
            if (!check(at)) {
                printf("round %u, after request %u of [%u, %u): page %u is not as it should be\n",
                       round, kind, from, to, at);
                return 1;
            }
        }
    }
    printf("fine\n# requests: %u %u %u %u %u\n", counts[0], counts[1], counts[2], counts[3],
           counts[4]);
    return 0;
}
