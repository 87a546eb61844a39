/* Reads and writes in pieces, at bad addresses, and larger than what the kernel copies at once. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "facts.h"

#define PAGE 4096L

static char *edge; /* one page, and nothing behind it */

static void pieces(void)
{
    char first[8] = {0};
    char second[8] = {0};
    struct iovec out[4] = {{"hello", 5}, {NULL, 0}, {", ", 2}, {"vector", 6}};
    struct iovec in[3] = {{first, 3}, {second, 8}, {first + 4, 2}};
    int file = open("v", O_RDWR | O_CREAT, 0600);
    FACT(writev(file, out, 4));
    facts_content("v");
    FACT(lseek(file, 0, SEEK_SET));
    FACT(readv(file, in, 3));
    printf("[%.3s] [%.8s] [%.2s]\n", first, second, first + 4);
    FACT(pwritev(file, out, 1, 7));
    FACT(preadv(file, in, 2, 2));
    printf("[%.3s] [%.8s]\n", first, second);
    FACT(preadv(file, in, 2, -1));
    FACT(readv(file, in, 0));
    FACT(writev(file, NULL, 0));
    FACT(readv(file, in, -1));
    FACT(readv(file, in, 1025));
    FACT(readv(file, (struct iovec *)16, 1));
    in[1].iov_len = (size_t)-1;
    FACT(readv(file, in, 2));
    FACT(readv(77, in, 2));
    FACT(close(file));
    file = open("v", O_WRONLY);
    in[1].iov_len = 8;
    FACT(readv(file, in, 1));
    FACT(close(file));
}

static void bad_addresses(void)
{
    struct iovec half[2] = {{edge, PAGE}, {edge + PAGE, 10}};
    int file = open("v", O_RDWR | O_CREAT | O_TRUNC, 0600);
    memset(edge, 'e', PAGE);
    FACT(write(file, edge + PAGE, 1));
    FACT(write(file, NULL, 1));
    FACT(write(file, NULL, 0));
    FACT(write(file, (char *)-4096, 10));
    FACT(write(file, (char *)0xffff800000000000, 10));
    FACT(write(file, edge + PAGE - 10, 20));
    FACT(writev(file, half, 2));
    FACT(lseek(file, 0, SEEK_END));
    FACT(lseek(file, 0, SEEK_SET));
    FACT(read(file, edge + PAGE - 4, 20));
    FACT(lseek(file, 0, SEEK_CUR));
    FACT(read(file, edge + PAGE, 20));
    FACT(read(file, (char *)0xffff800000000000, 20));
    FACT(read(file, "constant", 4));
    FACT(pread(file, edge + PAGE - 100, 3000, 0));
    FACT(lseek(file, 0, SEEK_SET));
    FACT(readv(file, half, 2));
    int pipes[2];
    FACT(pipe(pipes));
    FACT(write(pipes[1], edge + PAGE, 4));
    FACT(write(pipes[1], "abcdefgh", 8));
    FACT(read(pipes[0], edge + PAGE, 4));
    FACT(pipe((int *)(edge + PAGE)));
    FACT(open(edge + PAGE, O_RDONLY));
    memcpy(edge + PAGE - 5, "none!", 5);
    FACT(open(edge + PAGE - 5, O_RDONLY));
    memcpy(edge + PAGE - 5, "none", 5);
    FACT(open(edge + PAGE - 5, O_RDONLY));
    FACT(syscall(SYS_fstat, file, edge + PAGE - 16));
    FACT(syscall(SYS_getcwd, edge + PAGE - 4, 100));
    close(pipes[0]);
    close(pipes[1]);
    close(file);
}

static void large(void)
{
    static char bytes[300000];
    static char back[300000];
    struct iovec vector[3] = {{back, 100000}, {back + 100000, 70000}, {back + 170000, 130000}};
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 2654435761U >> 24);
    }
    int file = open("v", O_RDWR | O_CREAT | O_TRUNC, 0600);
    FACT(write(file, bytes, sizeof bytes));
    FACT(lseek(file, 0, SEEK_SET));
    FACT(read(file, back, sizeof back));
    FACT(memcmp(bytes, back, sizeof back));
    memset(back, 0, sizeof back);
    FACT(preadv(file, vector, 3, 0));
    FACT(memcmp(bytes, back, sizeof back));
    FACT(pwritev(file, vector, 3, 100));
    FACT(pread(file, back, sizeof back, 100));
    FACT(memcmp(bytes, back, sizeof back));
    FACT(pread(file, back, (size_t)1 << 40, 300000));
    FACT(close(file));
    FACT(unlink("v"));
}

int main(void)
{
    facts_begin();
    edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + PAGE, PAGE);
    pieces();
    bad_addresses();
    large();
    facts_end();
    return 0;
}
