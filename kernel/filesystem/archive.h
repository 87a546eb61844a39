/* Inside kernel/filesystem: reading the archive, entry by entry. */
#ifndef UNIBUILD_FILESYSTEM_ARCHIVE_H
#define UNIBUILD_FILESYSTEM_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ub_archive {
    const unsigned char *bytes;
    size_t size;
    size_t position;   /* of the next entry */
    const char *error; /* why the archive is refused, or NULL */
};

struct ub_archive_entry {
    const char *path; /* not NUL-terminated, no leading "/" or "./"; empty for the root itself */
    size_t path_length;
    uint32_t mode;
    uint32_t modified;
    const void *content;
    size_t size;
};

/* Reads the next entry. False at the end, and when the archive is broken (then `error` is set). */
bool ub_archive_next(struct ub_archive *archive, struct ub_archive_entry *entry);

#endif
