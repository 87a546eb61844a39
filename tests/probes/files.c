/* The root file system, against the files that BUILD.toml puts in: the first argument names the
 * check. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "probe.h"

static int read_probe(void)
{
    struct probe_checks checks = {0};
    char buffer[64] = {0};
    struct stat status;
    int file = open("/etc/greeting", O_RDONLY);
    PROBE_CHECK(&checks, file == 3);
    PROBE_CHECK(&checks, read(file, buffer, sizeof buffer) == 14);
    PROBE_CHECK(&checks, strcmp(buffer, "hello, reader\n") == 0);
    PROBE_CHECK(&checks, read(file, buffer, sizeof buffer) == 0);
    PROBE_CHECK(&checks, lseek(file, -7, SEEK_END) == 7);
    PROBE_CHECK(&checks, read(file, buffer, 6) == 6 && memcmp(buffer, "reader", 6) == 0);
    PROBE_CHECK(&checks, pread(file, buffer, 5, 0) == 5 && memcmp(buffer, "hello", 5) == 0);
    PROBE_CHECK(&checks, lseek(file, 0, SEEK_CUR) == 13);
    PROBE_CHECK(&checks, lseek(file, -1, SEEK_SET) == -1 && errno == EINVAL);
    PROBE_CHECK(&checks, lseek(file, 100, SEEK_SET) == 100 && read(file, buffer, 1) == 0);
    PROBE_CHECK(&checks,
                fstat(file, &status) == 0 && status.st_size == 14 && S_ISREG(status.st_mode));
    struct iovec pieces[2] = {{buffer, 5}, {buffer + 20, 9}};
    PROBE_CHECK(&checks, lseek(file, 0, SEEK_SET) == 0 && readv(file, pieces, 2) == 14);
    PROBE_CHECK(&checks, memcmp(buffer + 20, ", reader\n", 9) == 0);
    int copy = dup(file);
    PROBE_CHECK(&checks, copy == 4 && close(file) == 0 && lseek(copy, 0, SEEK_CUR) == 14);
    PROBE_CHECK(&checks, fcntl(copy, F_GETFD) == 0 && fcntl(copy, F_DUPFD, 10) == 10);

    FILE *stream = fopen("/etc/greeting", "r");
    PROBE_CHECK(&checks, stream != NULL && fgets(buffer, sizeof buffer, stream) != NULL);
    PROBE_CHECK(&checks, strcmp(buffer, "hello, reader\n") == 0);
    return probe_done("read", &checks);
}

static int errors_probe(void)
{
    struct probe_checks checks = {0};
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    PROBE_CHECK(&checks, open("/nowhere", O_RDONLY) == -1 && errno == ENOENT);
    PROBE_CHECK(&checks, open("", O_RDONLY) == -1 && errno == ENOENT);
    PROBE_CHECK(&checks, open(path, O_RDONLY) == -1 && errno == ENAMETOOLONG);
    PROBE_CHECK(&checks, open("/etc/greeting/x", O_RDONLY) == -1 && errno == ENOTDIR);
    PROBE_CHECK(&checks, open("/etc/greeting/", O_RDONLY) == -1 && errno == ENOTDIR);
    PROBE_CHECK(&checks, open("/etc/greeting", O_RDWR) == -1 && errno == EROFS);
    PROBE_CHECK(&checks, open("/etc/new", O_WRONLY | O_CREAT, 0600) == -1 && errno == EROFS);
    PROBE_CHECK(&checks, open("/etc", O_WRONLY) == -1 && errno == EISDIR);
    PROBE_CHECK(&checks, unlink("/etc/greeting") == -1 && errno == EROFS);
    PROBE_CHECK(&checks, mkdir("/etc/new", 0700) == -1 && errno == EROFS);
    PROBE_CHECK(&checks, rename("/etc/greeting", "/x") == -1 && errno == EROFS);
    PROBE_CHECK(&checks, access("/etc/greeting", R_OK) == 0);
    PROBE_CHECK(&checks, access("/etc/greeting", W_OK) == -1 && errno == EROFS);
    PROBE_CHECK(&checks, access("/etc/greeting", X_OK) == -1 && errno == EACCES);
    PROBE_CHECK(&checks, read(77, path, 1) == -1 && errno == EBADF);
    PROBE_CHECK(&checks, read(-1, path, 1) == -1 && errno == EBADF);
    PROBE_CHECK(&checks, readlink("/etc/greeting", path, 10) == -1 && errno == EINVAL);
    int directory = open("/etc", O_RDONLY);
    PROBE_CHECK(&checks, read(directory, path, 1) == -1 && errno == EISDIR);
    return probe_done("errors", &checks);
}

static int directory_probe(void)
{
    struct probe_checks checks = {0};
    char listing[256] = "";
    char path[64];
    DIR *directory = opendir("/etc/many");
    struct dirent *entry;
    PROBE_CHECK(&checks, directory != NULL);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        strcat(listing, entry->d_name);
        strcat(listing, entry->d_type == DT_DIR ? "/ " : " ");
    }
    PROBE_CHECK(&checks, strcmp(listing, "./ ../ a b inner/ ") == 0);
    if (directory != NULL) {
        rewinddir(directory);
        PROBE_CHECK(&checks, strcmp(readdir(directory)->d_name, ".") == 0);
    }
    PROBE_CHECK(&checks, strcmp(getcwd(path, sizeof path), "/") == 0);
    PROBE_CHECK(&checks, chdir("etc/many/inner/..") == 0);
    PROBE_CHECK(&checks, strcmp(getcwd(path, sizeof path), "/etc/many") == 0);
    PROBE_CHECK(&checks, access("a", R_OK) == 0 && access("inner/c", R_OK) == 0);
    PROBE_CHECK(&checks, getcwd(path, 5) == NULL && errno == ERANGE);
    int inner = open("/etc/many/inner", O_RDONLY | O_DIRECTORY);
    PROBE_CHECK(&checks, openat(inner, "../b", O_RDONLY) >= 0);
    PROBE_CHECK(&checks, openat(inner, "//etc//./greeting", O_RDONLY) >= 0);
    PROBE_CHECK(&checks, access("/../../etc/greeting", R_OK) == 0);
    return probe_done("directory", &checks);
}

static int devices_probe(void)
{
    struct probe_checks checks = {0};
    unsigned char buffer[16] = {1}, other[16];
    struct stat status;
    int null = open("/dev/null", O_RDWR);
    int zero = open("/dev/zero", O_RDONLY);
    int full = open("/dev/full", O_WRONLY);
    int random = open("/dev/urandom", O_RDONLY);
    PROBE_CHECK(&checks, write(null, "x", 1) == 1 && read(null, buffer, 1) == 0);
    PROBE_CHECK(&checks, read(zero, buffer, 16) == 16 && buffer[0] == 0);
    PROBE_CHECK(&checks, write(full, "x", 1) == -1 && errno == ENOSPC);
    PROBE_CHECK(&checks, read(random, buffer, 16) == 16 && read(random, other, 16) == 16);
    PROBE_CHECK(&checks, memcmp(buffer, other, 16) != 0);
    PROBE_CHECK(&checks, stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));
    return probe_done("devices", &checks);
}

static const struct {
    const char *name;
    int (*run)(void);
} probes[] = {
    {"read", read_probe},
    {"errors", errors_probe},
    {"directory", directory_probe},
    {"devices", devices_probe},
};

int main(int count, char **arguments)
{
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (count > 1 && strcmp(arguments[1], probes[i].name) == 0) {
            return probes[i].run();
        }
    }
    return probe_text("files", "a known check", count > 1 ? arguments[1] : "");
}
