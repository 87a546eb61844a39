/* Mappings of files that can be written: what a mapping, the file and another mapping see. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)

static const char path[] = "/tmp/unibuild-memory-test";

int main(void)
{
    char bytes[16] = {0};
    unlink(path);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    FACT(ftruncate(file, 3 * (long)PAGE + 100));
    FACT(pwrite(file, "beginning", 9, 0));
    char *shared = mmap(NULL, 4 * PAGE, BOTH, MAP_SHARED, file, 0);
    char *other = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, file, (long)PAGE);
    char *private = mmap(NULL, 4 * PAGE, BOTH, MAP_PRIVATE, file, 0);
    NUMBER(memcmp(shared, "beginning", 9));
    NUMBER(memcmp(private, "beginning", 9));
    /* Through one mapping, seen by the other and by read. */
    memcpy(shared + PAGE + 10, "mapped", 6);
    NUMBER(memcmp(other + 10, "mapped", 6));
    FACT(pread(file, bytes, 6, (long)PAGE + 10));
    NUMBER(memcmp(bytes, "mapped", 6));
    FACT(pwrite(file, "written", 7, (long)PAGE + 10));
    NUMBER(memcmp(shared + PAGE + 10, "written", 7));
    /* A private page is the program's own once it was written to. */
    private[2 * PAGE] = 'p';
    shared[2 * PAGE] = 's';
    shared[2 * PAGE + 1] = 't';
    FACT(pread(file, bytes, 2, 2 * (long)PAGE));
    NUMBER(bytes[0]);
    NUMBER(private[2 * PAGE]);
    NUMBER(private[2 * PAGE + 1]);
    FACT(madvise(private, 4 * PAGE, MADV_DONTNEED));
    NUMBER(private[2 * PAGE]);
    /* Given back and taken again, it is still the file. */
    FACT(madvise(shared, 4 * PAGE, MADV_DONTNEED));
    NUMBER(shared[2 * PAGE]);
    FACT(mprotect(other, PAGE, BOTH));
    other[1] = 'o';
    NUMBER(shared[PAGE + 1]);
    FACT(mprotect(shared, PAGE, PROT_READ));
    FACT(mprotect(shared, PAGE, BOTH));
    shared[1] = 'E';
    FACT(pread(file, bytes, 3, 0));
    NUMBER(memcmp(bytes, "bEg", 3));
    /* Behind the end of the file, on its last page, are zeroes that are no part of it. */
    NUMBER(shared[3 * PAGE + 200]);
    FACT(msync(shared, 4 * PAGE, MS_SYNC));
    /* Gone as a name and as a descriptor, the mappings keep it. */
    FACT(unlink(path));
    FACT(close(file));
    shared[0] = 'B';
    NUMBER(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED);
    char *moved = mremap(shared, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    NUMBER(memcmp(moved, "BEginning", 9));
    FACT(munmap(moved, 4 * PAGE));
    NUMBER(memcmp(other + 10, "written", 7));
    FACT(munmap(other, 2 * PAGE));
    FACT(munmap(private, 4 * PAGE));
    /* Modes of opening. */
    int reader = open("/dev/null", O_RDONLY);
    FACT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, reader, 0));
    int zero = open("/dev/zero", O_RDWR);
    char *zeroes = mmap(NULL, 2 * PAGE, BOTH, MAP_PRIVATE, zero, 0);
    NUMBER(zeroes[PAGE]);
    zeroes[PAGE] = 1;
    FACT(munmap(zeroes, 2 * PAGE));
    file = open(path, O_WRONLY | O_CREAT, 0600);
    FACT(write(file, "x", 1));
    FACT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0));
    FACT(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, file, 0));
    FACT(unlink(path));
    return 0;
}
