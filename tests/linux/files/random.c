/* Thousands of requests drawn from one seed, on few names, so that they meet: the same on Linux and
 * in an image. A line has the request, its result and its error; contents are summed up. */
#include <stdbool.h>
#include <stdint.h>

#include "facts.h"

#define ROUNDS 4000
#define NAMES 6U
#define OPEN 4U
#define LARGEST 60000U

static const char *const names[NAMES] = {"a", "b", "d/a", "d/b", "e/c", "d/e"};
static int open_files[OPEN] = {-1, -1, -1, -1};
static uint64_t state = 88172645463325252ULL;
static unsigned char bytes[LARGEST];

static unsigned draw(unsigned below)
{
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % below);
}

static unsigned sum(long size)
{
    unsigned result = 2166136261U;
    for (long i = 0; i < size; i++) {
        result = (result ^ bytes[i]) * 16777619U;
    }
    return result;
}

static long open_one(unsigned slot, const char *name)
{
    static const int access_modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
    static const int others[] = {0,         O_CREAT,  O_CREAT | O_EXCL,   O_CREAT | O_TRUNC,
                                 O_TRUNC,   O_APPEND, O_CREAT | O_APPEND, O_DIRECTORY,
                                 O_NOFOLLOW};
    int how = access_modes[draw(4)];
    how |= others[draw(9)];
    if (how == (O_RDONLY | O_TRUNC)) {
        how = O_RDONLY; /* not defined */
    }
    if (open_files[slot] >= 0) {
        close(open_files[slot]);
    }
    open_files[slot] = open(name, how, 0600);
    return open_files[slot] >= 0 ? 0 : -1;
}

static long write_one(int file)
{
    unsigned size = draw(8) == 0 ? draw(LARGEST) : draw(700);
    memset(bytes, (int)draw(256), size);
    return draw(3) == 0 ? pwrite(file, bytes, size, draw(100000)) : write(file, bytes, size);
}

static long read_one(int file, unsigned *content)
{
    unsigned size = draw(8) == 0 ? draw(LARGEST) : draw(700);
    long got = draw(3) == 0 ? pread(file, bytes, size, draw(100000)) : read(file, bytes, size);
    *content = sum(got);
    return got;
}

static long status_one(const char *name, unsigned *content)
{
    struct stat status;
    long result = draw(2) == 0 ? stat(name, &status) : lstat(name, &status);
    if (result == 0) {
        *content = status.st_mode;
        *content += S_ISDIR(status.st_mode) ? 0 : (unsigned)(status.st_size + status.st_nlink * 7);
    }
    return result;
}

/* What positions folders have differs from one file system of Linux to the next. */
static long seek_one(int file)
{
    struct stat status;
    long offset = (long)draw(120000) - 10000;
    int whence = (int)draw(3);
    bool folder = fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
    return folder ? 0 : lseek(file, offset, whence);
}

static long request(unsigned what, unsigned *content)
{
    const char *name = names[draw(NAMES)];
    const char *other = names[draw(NAMES)];
    int file = open_files[draw(OPEN)];
    switch (what) {
    case 0:
    case 1:
    case 2:
        return open_one(draw(OPEN), name);
    case 3:
    case 4:
        return write_one(file);
    case 5:
    case 6:
        return read_one(file, content);
    case 7:
        return seek_one(file);
    case 8:
        return ftruncate(file, draw(90000));
    case 9:
        return truncate(name, draw(90000));
    case 10:
        return rename(name, other);
    case 11:
        return link(name, other);
    case 12:
        return unlink(name);
    case 13:
        return draw(2) == 0 ? mkdir(name, 0700) : rmdir(name);
    case 14:
        return draw(4) == 0 ? symlink(draw(2) == 0 ? "a" : "../b", name) : access(name, R_OK);
    case 15:
        return readlink(name, (char *)bytes, 100);
    default:
        return status_one(name, content);
    }
}

int main(void)
{
    facts_begin();
    FACT(mkdir("d", 0700));
    FACT(mkdir("e", 0700));
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned content = 0;
        unsigned what = draw(17);
        errno = 0;
        long result = request(what, &content);
        printf("%u: %u %ld %d %08x\n", round, what, result, result < 0 ? errno : 0, content);
    }
    facts_list(".");
    facts_list("d");
    facts_list("e");
    for (unsigned i = 0; i < NAMES; i++) {
        (void)unlink(names[i]);
        (void)rmdir(names[i]);
    }
    (void)rmdir("d");
    (void)rmdir("e");
    facts_end();
    return 0;
}
