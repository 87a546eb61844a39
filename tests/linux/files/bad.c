/* Bad arguments: each call by its number, with descriptors, addresses and paths that are not right.
 * What it answers is the error number that Linux has for it. */
#include "facts.h"

/* Numbers of x86-64. */
enum {
    CALL_read = 0,
    CALL_write = 1,
    CALL_open = 2,
    CALL_close = 3,
    CALL_stat = 4,
    CALL_fstat = 5,
    CALL_lstat = 6,
    CALL_lseek = 8,
    CALL_ioctl = 16,
    CALL_pread64 = 17,
    CALL_pwrite64 = 18,
    CALL_readv = 19,
    CALL_writev = 20,
    CALL_access = 21,
    CALL_dup = 32,
    CALL_dup2 = 33,
    CALL_sendfile = 40,
    CALL_fcntl = 72,
    CALL_flock = 73,
    CALL_fsync = 74,
    CALL_truncate = 76,
    CALL_ftruncate = 77,
    CALL_getcwd = 79,
    CALL_chdir = 80,
    CALL_fchdir = 81,
    CALL_rename = 82,
    CALL_mkdir = 83,
    CALL_rmdir = 84,
    CALL_link = 86,
    CALL_unlink = 87,
    CALL_symlink = 88,
    CALL_readlink = 89,
    CALL_chmod = 90,
    CALL_fchmod = 91,
    CALL_fchown = 93,
    CALL_lchown = 94,
    CALL_statfs = 137,
    CALL_fstatfs = 138,
    CALL_getxattr = 191,
    CALL_getdents64 = 217,
    CALL_fadvise64 = 221,
    CALL_openat = 257,
    CALL_mkdirat = 258,
    CALL_newfstatat = 262,
    CALL_unlinkat = 263,
    CALL_linkat = 265,
    CALL_readlinkat = 267,
    CALL_utimensat = 280,
    CALL_fallocate = 285,
    CALL_dup3 = 292,
    CALL_pipe2 = 293,
    CALL_memfd_create = 319,
    CALL_statx = 332,
    CALL_close_range = 436,
    CALL_openat2 = 437,
    CALL_faccessat2 = 439,
};

#define BAD_DESCRIPTOR 999L
#define UNMAPPED 4096L
#define KERNEL ((long)0xffff888000000000)
#define AT_HERE ((long)AT_FDCWD)

static char long_path[5000];
static char buffer[4096];

/* The instruction itself, so that no C library looks at the arguments first. */
static inline __attribute__((always_inline)) long call(long number, long a, long b, long c, long d,
                                                       long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define FIVE(a, b, c, d, e, ...) (long)(a), (long)(b), (long)(c), (long)(d), (long)(e)
#define CALL(number, ...) call(number, __VA_ARGS__)
#define TRY(name, ...)                                                                             \
    printf("%s: %ld\n", #name " " #__VA_ARGS__, CALL(CALL_##name, FIVE(__VA_ARGS__, 0, 0, 0, 0, 0)))
#define TEXT(string) ((long)(string))
#define HERE ((long)buffer)
#define LONG_PATH ((long)long_path)

static void descriptors(void)
{
    TRY(read, BAD_DESCRIPTOR, HERE, 1);
    TRY(read, -1, UNMAPPED, 1);
    TRY(read, 3, UNMAPPED, 1);
    TRY(read, 3, KERNEL, 1);
    TRY(read, 3, HERE, -1);
    TRY(write, BAD_DESCRIPTOR, HERE, 1);
    TRY(write, 3, HERE, 1);
    TRY(write, 4, UNMAPPED, 1);
    TRY(write, 4, KERNEL, 1);
    TRY(pread64, BAD_DESCRIPTOR, HERE, 1, 0);
    TRY(pread64, 3, HERE, 1, -1);
    TRY(pwrite64, 4, HERE, 1, -5);
    TRY(pwrite64, 3, HERE, 1, 0);
    TRY(readv, BAD_DESCRIPTOR, HERE, 1);
    TRY(readv, 3, UNMAPPED, 1);
    TRY(readv, 3, HERE, 5000);
    TRY(writev, 4, KERNEL, 1);
    TRY(lseek, BAD_DESCRIPTOR, 0, 0);
    TRY(lseek, 4, 0, 9);
    TRY(lseek, 4, -1, 0);
    TRY(fstat, BAD_DESCRIPTOR, HERE);
    TRY(fstat, 4, UNMAPPED);
    TRY(fstat, 4, KERNEL);
    TRY(close, BAD_DESCRIPTOR);
    TRY(dup, -1);
    TRY(dup2, BAD_DESCRIPTOR, 5);
    TRY(dup3, 4, 5, 1);
    TRY(fcntl, BAD_DESCRIPTOR, F_GETFD);
    TRY(fcntl, 4, F_SETLK, UNMAPPED);
    TRY(ioctl, BAD_DESCRIPTOR, 0x5421, HERE);
    TRY(ioctl, 4, 0x5421, UNMAPPED);
    TRY(ioctl, 4, 0x12345, HERE);
    TRY(pipe2, UNMAPPED, 0);
    TRY(pipe2, HERE, 1);
    TRY(ftruncate, BAD_DESCRIPTOR, 0);
    TRY(ftruncate, 3, 0);
    TRY(ftruncate, 4, -1);
    TRY(fallocate, 4, 0, -1, 5);
    TRY(fallocate, 4, 0, 0, 0);
    TRY(fallocate, 3, 0, 0, 10);
    TRY(fsync, BAD_DESCRIPTOR);
    TRY(fsync, 4);
    TRY(fchmod, BAD_DESCRIPTOR, 0600);
    TRY(fchown, BAD_DESCRIPTOR, 0, 0);
    TRY(flock, BAD_DESCRIPTOR, 2);
    TRY(sendfile, 4, BAD_DESCRIPTOR, 0, 5);
    TRY(sendfile, 4, 3, UNMAPPED, 5);
    TRY(sendfile, 3, 4, 0, 5);
    TRY(fchdir, BAD_DESCRIPTOR);
    TRY(fchdir, 4);
    TRY(getdents64, BAD_DESCRIPTOR, HERE, 4096);
    TRY(getdents64, 4, HERE, 4096);
    TRY(getdents64, 3, HERE, 5);
    TRY(getdents64, 3, UNMAPPED, 4096);
    TRY(fstatfs, BAD_DESCRIPTOR, HERE);
    TRY(fadvise64, BAD_DESCRIPTOR, 0, 0, 0);
    TRY(close_range, 5, 4, 0);
    TRY(close_range, 100, 200, 8);
}

static void paths(void)
{
    TRY(open, UNMAPPED, O_RDONLY);
    TRY(open, KERNEL, O_RDONLY);
    TRY(open, LONG_PATH, O_RDONLY);
    TRY(open, TEXT(""), O_RDONLY);
    TRY(openat, BAD_DESCRIPTOR, TEXT("x"), O_RDONLY);
    TRY(openat, 4, TEXT("x"), O_RDONLY);
    TRY(openat, BAD_DESCRIPTOR, TEXT("/none"), O_RDONLY);
    TRY(stat, UNMAPPED, HERE);
    TRY(stat, TEXT("file"), UNMAPPED);
    TRY(stat, TEXT("none"), HERE);
    TRY(lstat, LONG_PATH, HERE);
    TRY(newfstatat, BAD_DESCRIPTOR, TEXT("x"), HERE, 0);
    TRY(newfstatat, AT_HERE, TEXT("file"), HERE, 0x10000000);
    TRY(newfstatat, 4, TEXT(""), HERE, 0);
    TRY(newfstatat, 4, TEXT(""), HERE, AT_EMPTY_PATH);
    TRY(statx, AT_HERE, TEXT("none"), 0, 0x7ff, HERE);
    TRY(statx, AT_HERE, TEXT("file"), 0, 0x7ff, UNMAPPED);
    TRY(access, TEXT("file"), 77);
    TRY(access, UNMAPPED, 0);
    TRY(faccessat2, AT_HERE, TEXT("file"), 0, 0x100000);
    TRY(readlink, TEXT("file"), HERE, 10);
    TRY(readlink, TEXT("link"), HERE, 0);
    TRY(readlink, TEXT("link"), UNMAPPED, 10);
    TRY(readlink, TEXT("link"), HERE, -1);
    TRY(readlinkat, BAD_DESCRIPTOR, TEXT("link"), HERE, 10);
    TRY(getcwd, HERE, 0);
    TRY(getcwd, HERE, 2);
    TRY(chdir, UNMAPPED);
    TRY(chdir, TEXT("file"));
    TRY(mkdir, UNMAPPED, 0700);
    TRY(mkdir, LONG_PATH, 0700);
    TRY(mkdir, TEXT("file/x"), 0700);
    TRY(mkdirat, BAD_DESCRIPTOR, TEXT("x"), 0700);
    TRY(rmdir, TEXT("file"));
    TRY(rmdir, TEXT("none"));
    TRY(rmdir, TEXT("/"));
    TRY(unlink, UNMAPPED);
    TRY(unlink, TEXT("."));
    TRY(unlink, TEXT("/"));
    TRY(unlinkat, AT_HERE, TEXT("file"), 1);
    TRY(rename, TEXT("file"), UNMAPPED);
    TRY(rename, TEXT("file"), TEXT(""));
    TRY(rename, TEXT("."), TEXT("x"));
    TRY(rename, TEXT("file"), LONG_PATH);
    TRY(link, TEXT("file"), TEXT("file"));
    TRY(linkat, AT_HERE, TEXT("file"), AT_HERE, TEXT("x"), 1);
    TRY(symlink, TEXT(""), TEXT("x"));
    TRY(symlink, TEXT("x"), TEXT("link"));
    TRY(symlink, TEXT("x"), TEXT("none/x"));
    TRY(truncate, TEXT("none"), 0);
    TRY(truncate, TEXT("file"), -1);
    TRY(truncate, TEXT("."), 0);
    TRY(chmod, TEXT("none"), 0);
    TRY(lchown, UNMAPPED, 0, 0);
    TRY(utimensat, AT_HERE, TEXT("none"), 0, 0);
    TRY(utimensat, AT_HERE, TEXT("file"), UNMAPPED, 0);
    TRY(utimensat, AT_HERE, TEXT("file"), 0, 1);
    TRY(utimensat, BAD_DESCRIPTOR, 0, 0, 0);
    TRY(statfs, TEXT("none"), HERE);
    TRY(statfs, TEXT("file"), UNMAPPED);
    TRY(getxattr, TEXT("none"), TEXT("user.x"), HERE, 10);
    TRY(memfd_create, UNMAPPED, 0);
    TRY(memfd_create, TEXT("x"), 0x10000000);
    TRY(openat2, AT_HERE, TEXT("file"), UNMAPPED, 24);
    TRY(openat2, AT_HERE, TEXT("file"), HERE, 5);
}

int main(void)
{
    facts_begin();
    memset(long_path, 'l', sizeof long_path - 1);
    FACT(open(".", O_RDONLY));
    FACT(open("file", O_RDWR | O_CREAT, 0600));
    FACT(symlink("file", "link"));
    descriptors();
    memset(buffer, 0, sizeof buffer);
    paths();
    FACT(unlink("file"));
    FACT(unlink("link"));
    facts_end();
    return 0;
}
