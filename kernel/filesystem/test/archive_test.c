/*
 * The archive reader on Linux, against archives that are right, cut off, and broken. Each archive
 * ends exactly where a page without access begins, so that one byte read too far ends the test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "archive.h"

#define ROOM 65536UL
#define PAGE 4096UL
#define MUTATIONS 200000

static unsigned char *room; /* ROOM bytes, then a page without access */
static unsigned char made[ROOM];
static size_t made_size;
static int failures;

static void expect(bool condition, const char *what)
{
    if (!condition) {
        printf("not as expected: %s\n", what);
        failures++;
    }
}

static void pad(void)
{
    while (made_size % 4 != 0) {
        made[made_size++] = 0;
    }
}

/* `padding`: NULs behind the name's own. */
static void entry_padded(const char *name, unsigned padding, unsigned mode, const char *content)
{
    unsigned size = (unsigned)strlen(content);
    unsigned length = (unsigned)strlen(name);
    unsigned name_size = length + 1 + padding;
    made_size += (size_t)sprintf((char *)made + made_size,
                                 "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1U,
                                 mode, 0U, 0U, 1U, 77U, size, 0U, 0U, 0U, 0U, name_size, 0U);
    memset(made + made_size, 0, name_size);
    memcpy(made + made_size, name, length);
    made_size += name_size;
    pad();
    memcpy(made + made_size, content, size);
    made_size += size;
    pad();
}

static void entry(const char *name, unsigned mode, const char *content)
{
    entry_padded(name, 0, mode, content);
}

/* Reads all entries of the first `size` bytes; returns how many, with `error` set when refused. */
static int read_all(const unsigned char *bytes, size_t size, const char **error)
{
    unsigned char *start = room + ROOM - size;
    memcpy(start, bytes, size);
    struct ub_archive archive = {.bytes = start, .size = size};
    struct ub_archive_entry one;
    int count = 0;
    volatile unsigned char sum = 0;
    while (ub_archive_next(&archive, &one)) {
        for (size_t i = 0; i < one.path_length; i++) {
            sum += (unsigned char)one.path[i];
        }
        for (size_t i = 0; i < one.size; i++) {
            sum += ((const unsigned char *)one.content)[i];
        }
        count++;
    }
    *error = archive.error;
    return count;
}

static void refused(const char *name, unsigned mode, const char *content, const char *what)
{
    const char *error;
    made_size = 0;
    entry(name, mode, content);
    entry("TRAILER!!!", 0, "");
    (void)read_all(made, made_size, &error);
    expect(error != NULL, what);
}

static void make_good(void)
{
    made_size = 0;
    entry("etc", S_IFDIR | 0555, "");
    entry("etc/zone", S_IFREG | 0444, "example. SOA\n");
    entry("./link", S_IFLNK | 0777, "etc/zone");
    entry("empty", S_IFREG | 0444, "");
    entry("TRAILER!!!", 0, "");
}

static void test_good(void)
{
    const char *error;
    make_good();
    expect(read_all(made, made_size, &error) == 4 && error == NULL, "four entries");
}

static void test_padded_names(void)
{
    const char *error;
    made_size = 0;
    entry("bin", S_IFDIR | 0555, "");
    entry_padded("bin/program", 3930, S_IFREG | 0555, "begins on a page");
    entry("TRAILER!!!", 0, "");
    expect(read_all(made, made_size, &error) == 2 && error == NULL, "a name with NULs behind it");
    *(char *)memchr(made, 'm', made_size) = '\0'; /* "progra" and nothing but NULs */
    expect(read_all(made, made_size, &error) == 2 && error == NULL, "a shorter name");
    *(char *)memchr(made, 'g', made_size) = '\0'; /* letters behind the first NUL */
    (void)read_all(made, made_size, &error);
    expect(error != NULL, "a name with letters behind its NUL is refused");

    made_size = 0;
    entry_padded("far", 13000, S_IFREG | 0555, "");
    entry("TRAILER!!!", 0, "");
    (void)read_all(made, made_size, &error);
    expect(error != NULL, "padding of more than two pages is refused");
}

static void test_cut_off(void)
{
    make_good();
    for (size_t size = 0; size < made_size; size++) {
        const char *error;
        (void)read_all(made, size, &error);
        /* Only the padding after the trailer's name may be missing. */
        expect(error != NULL || made_size - size < 4, "an archive that is cut off is refused");
    }
}

static void test_refused(void)
{
    char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    refused("../x", S_IFREG, "", "a path that leaves the root");
    refused("a/../b", S_IFREG, "", "a path with ..");
    refused("a//b", S_IFREG, "", "a path with an empty part");
    refused("a/./b", S_IFREG, "", "a path with .");
    refused("a/", S_IFDIR, "", "a path that ends with a slash");
    refused(longest, S_IFREG, "", "a name that is too long");
    refused("pipe", S_IFIFO, "", "a named pipe");
    refused("disk", S_IFBLK, "", "a block device");
    refused("directory", S_IFDIR, "content", "a directory with content");
    refused("link", S_IFLNK, "", "a link that leads nowhere");
}

static void test_broken_fields(void)
{
    const char *error;
    for (size_t at = 6; at < 110; at++) {
        bool used =
            (at - 6) / 8 == 1 || (at - 6) / 8 == 5 || (at - 6) / 8 == 6 || (at - 6) / 8 == 11;
        make_good();
        made[at] = 'G';
        (void)read_all(made, made_size, &error);
        expect(!used || error != NULL, "a field that is not a number is refused");
    }
    make_good();
    memcpy(made + 6 + 6 * 8, "FFFFFFFF", 8);
    (void)read_all(made, made_size, &error);
    expect(error != NULL, "content of 4 GiB is refused");
    make_good();
    memcpy(made + 6 + 11 * 8, "FFFFFFFF", 8);
    (void)read_all(made, made_size, &error);
    expect(error != NULL, "a name of 4 GiB is refused");
}

/* Whatever the bytes are: no read outside, and it ends. */
static void test_mutations(void)
{
    unsigned long state = 88172645463325252UL;
    unsigned char copy[ROOM];
    make_good();
    for (int round = 0; round < MUTATIONS; round++) {
        const char *error;
        memcpy(copy, made, made_size);
        for (int change = 0; change < 1 + round % 5; change++) {
            state ^= state << 13; /* xorshift64 */
            state ^= state >> 7;
            state ^= state << 17;
            static const char digits[] = "0123456789ABCDEFabcdef/.";
            unsigned char byte = (state & 1) ? (unsigned char)digits[(state >> 8) % 24]
                                             : (unsigned char)(state >> 16);
            copy[(state >> 24) % made_size] = byte;
        }
        (void)read_all(copy, made_size, &error);
    }
}

int main(void)
{
    room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect(room + ROOM, PAGE, PROT_NONE) != 0) {
        return EXIT_FAILURE;
    }
    test_good();
    test_padded_names();
    test_cut_off();
    test_refused();
    test_broken_fields();
    test_mutations();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
