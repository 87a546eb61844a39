/* What a program of this folder prints: each call as it is written, its result and its error. The
 * same lines on Linux and in an image are what is tested. */
#ifndef TESTS_LINUX_FILES_FACTS_H
#define TESTS_LINUX_FILES_FACTS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FACT(call)                                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long fact_result = (long)(call);                                                           \
        if (fact_result < 0) {                                                                     \
            printf("%s: %s\n", #call, strerrorname(errno));                                        \
        } else {                                                                                   \
            printf("%s: %ld\n", #call, fact_result);                                               \
        }                                                                                          \
    } while (0)

static inline const char *strerrorname(int error)
{
    static char text[16];
    snprintf(text, sizeof text, "E%d", error);
    return text;
}

static char facts_folder[] = "/tmp/facts-XXXXXX";

/* Into an empty folder of the program's own. */
static inline void facts_begin(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    umask(022);
    if (mkdtemp(facts_folder) == NULL || chdir(facts_folder) != 0) {
        printf("no folder: %d\n", errno);
        exit(1);
    }
}

static inline int facts_compare(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* The entries of a folder, sorted, with their types. */
static inline void facts_list(const char *path)
{
    char *names[64];
    unsigned count = 0;
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && count < 64 && (entry = readdir(folder)) != NULL) {
        names[count] = malloc(300);
        snprintf(names[count++], 300, "%s(%u)", entry->d_name, entry->d_type);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    qsort(names, count, sizeof names[0], facts_compare);
    printf("%s has", path);
    for (unsigned i = 0; i < count; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    printf("\n");
}

static inline void facts_content(const char *path)
{
    char buffer[128];
    int file = open(path, O_RDONLY);
    long size = read(file, buffer, sizeof buffer - 1);
    buffer[size > 0 ? size : 0] = '\0';
    for (long i = 0; i < size; i++) {
        if (buffer[i] == '\0') {
            buffer[i] = '.';
        }
    }
    printf("%s holds %ld [%s]\n", path, size, buffer);
    close(file);
}

static inline void facts_end(void)
{
    fflush(stdout);
    if (chdir("/") != 0 || rmdir(facts_folder) != 0) {
        printf("# the folder stays: %d\n", errno);
    }
}

#endif
