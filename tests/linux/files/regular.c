/* Regular files: how they are opened, written, read, made longer and shorter, and removed. */
#include <sys/statfs.h>
#include <time.h>

#include "facts.h"

static void open_flags(void)
{
    int file = open("one", O_RDWR | O_CREAT | O_EXCL, 0666);
    FACT(file);
    FACT(open("one", O_RDWR | O_CREAT | O_EXCL, 0666));
    FACT(write(file, "hello, world\n", 13));
    FACT(lseek(file, 0, SEEK_CUR));
    FACT(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    FACT(close(file));
    facts_content("one");
    file = open("one", O_WRONLY | O_APPEND);
    FACT(lseek(file, 0, SEEK_SET));
    FACT(write(file, "more", 4));
    FACT(lseek(file, 0, SEEK_CUR));
    FACT(pwrite(file, "at end", 6, 0));
    FACT(read(file, "x", 0));
    FACT(close(file));
    facts_content("one");
    file = open("one", O_RDONLY);
    FACT(write(file, "x", 1));
    FACT(ftruncate(file, 0));
    FACT(close(file));
    file = open("one", O_RDWR | O_TRUNC);
    struct stat status;
    FACT(fstat(file, &status));
    FACT(status.st_size);
    FACT(status.st_mode);
    FACT(status.st_nlink);
    FACT(status.st_uid + status.st_gid);
    FACT(close(file));
    FACT(open("one", O_RDONLY | O_DIRECTORY));
    FACT(open("none", O_RDWR));
    FACT(open("none/", O_RDWR | O_CREAT, 0600));
    FACT(open(".", O_RDWR));
    FACT(open(".", O_RDWR | O_CREAT, 0600));
    FACT(open("one/", O_RDONLY));
    FACT(open("one/two", O_RDONLY));
    FACT(unlink("one"));
    FACT(unlink("one"));
}

static void positions(void)
{
    char buffer[64] = {0};
    int file = open("two", O_RDWR | O_CREAT, 0640);
    FACT(pwrite(file, "0123456789", 10, 5));
    FACT(lseek(file, 0, SEEK_CUR));
    FACT(lseek(file, 0, SEEK_END));
    FACT(pread(file, buffer, 4, 8));
    printf("%.4s\n", buffer);
    FACT(pread(file, buffer, 10, 12));
    FACT(pread(file, buffer, 10, 15));
    FACT(pread(file, buffer, 10, 1000));
    FACT(pread(file, buffer, 10, -1));
    FACT(lseek(file, -16, SEEK_END));
    FACT(lseek(file, 100, SEEK_SET));
    FACT(read(file, buffer, 10));
    FACT(write(file, "end", 3));
    FACT(lseek(file, 0, SEEK_END));
    FACT(pread(file, buffer, 64, 13));
    FACT(buffer[0] + buffer[1] * 256 + buffer[2] * 65536);
    FACT(lseek(file, 0, 77));
    FACT(close(file));
    FACT(unlink("two"));
}

static void sizes(void)
{
    static char large[200000];
    struct stat status;
    int file = open("three", O_RDWR | O_CREAT, 0600);
    memset(large, 'x', sizeof large);
    FACT(write(file, large, sizeof large));
    FACT(ftruncate(file, 5000));
    FACT(lseek(file, 0, SEEK_END));
    FACT(ftruncate(file, 9000));
    FACT(pread(file, large, 4000, 4998));
    FACT(large[0] + large[1] + large[2] + large[3999]);
    FACT(truncate("three", 3));
    facts_content("three");
    FACT(ftruncate(file, -1));
    FACT(truncate("none", 3));
    FACT(truncate(".", 3));
    FACT(ftruncate(file, 3L << 30));
    FACT(fstat(file, &status));
    FACT(status.st_size);
    FACT(status.st_blocks < 100);
    FACT(pread(file, large, 100, 2L << 30));
    FACT(pwrite(file, "far", 3, 2L << 30));
    FACT(pread(file, large, 100, (2L << 30) - 1));
    FACT(large[0] * 1000 + large[1]);
    FACT(posix_fallocate(file, 0, 10000));
    FACT(fallocate(file, 3, 0, 4096));
    FACT(pread(file, large, 3, 0));
    FACT(large[0]);
    FACT(unlink("three"));
    FACT(fstat(file, &status));
    FACT(status.st_nlink);
    FACT(write(file, "still here", 10));
    FACT(pread(file, large, 10, 0));
    printf("%.10s\n", large);
    FACT(open("three", O_RDONLY));
    FACT(close(file));
}

static void times(void)
{
    struct timespec set[2] = {{1000, 5}, {2000, 7}};
    struct stat status;
    int file = open("four", O_RDWR | O_CREAT, 0600);
    FACT(fstat(file, &status));
    FACT(status.st_mtim.tv_sec > 1700000000 && status.st_mtim.tv_sec <= time(NULL));
    FACT(futimens(file, set));
    FACT(stat("four", &status));
    FACT(status.st_atim.tv_sec * 1000 + status.st_atim.tv_nsec);
    FACT(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec);
    set[0].tv_nsec = UTIME_OMIT;
    set[1].tv_nsec = 1000000000;
    FACT(utimensat(AT_FDCWD, "four", set, 0));
    set[1].tv_nsec = 9;
    FACT(utimensat(AT_FDCWD, "four", set, 0));
    FACT(stat("four", &status));
    FACT(status.st_atim.tv_nsec + status.st_mtim.tv_nsec);
    FACT(fchmod(file, 04751));
    FACT(chmod("none", 0600));
    FACT(fchown(file, 12, 34));
    FACT(stat("four", &status));
    FACT(status.st_uid * 1000 + status.st_gid);
    FACT(access("four", R_OK | W_OK));
    FACT(chmod("four", 0600));
    FACT(access("four", X_OK));
    FACT(access("none", F_OK));
    FACT(access("four", 8));
    FACT(close(file));
    FACT(unlink("four"));
}

int main(void)
{
    facts_begin();
    open_flags();
    positions();
    sizes();
    times();
    facts_end();
    return 0;
}
