/*
 * The newc format (cpio(5)): a header of 110 bytes (six of magic, 13 fields of eight hexadecimal
 * digits), the name with its NUL, the content; name and content are each padded so that what
 * follows starts at a multiple of four. The entry "TRAILER!!!" ends the archive. A name may have
 * more NULs than one: so contents that are to be mapped begin on a page.
 *
 * Every length is compared with what is left of the archive before it is used.
 */
#include <string.h>
#include <sys/stat.h>

#include "archive.h"

#define HEADER_SIZE 110U
#define FIELD_DIGITS 8U
#define NAME_MAXIMUM 4096U
#define PADDING_MAXIMUM 8192U

enum field {
    INODE,
    MODE,
    UID,
    GID,
    LINKS,
    MTIME,
    FILE_SIZE,
    MAJOR,
    MINOR,
    RMAJOR,
    RMINOR,
    NAME_SIZE
};

static const char trailer[] = "TRAILER!!!";

static bool fail(struct ub_archive *archive, const char *error)
{
    archive->error = error;
    return false;
}

/* A field's value; -1 when it is not eight hexadecimal digits. */
static int64_t field_value(const unsigned char *header, enum field field)
{
    const unsigned char *digits = header + 6 + FIELD_DIGITS * field;
    int64_t value = 0;
    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        unsigned digit = digits[i];
        if (digit - '0' <= 9) {
            digit -= '0';
        } else if ((digit | 0x20) - 'a' <= 5) {
            digit = (digit | 0x20) - 'a' + 10;
        } else {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* Moves over `size` bytes and the padding. False when they are not all there. */
static bool take(struct ub_archive *archive, size_t size)
{
    size_t left = archive->size - archive->position;
    if (size > left) {
        return false;
    }
    size_t end = (archive->position + size + 3) & ~(size_t)3;
    archive->position = end < archive->size ? end : archive->size;
    return true;
}

/* At least one, and nothing else. */
static bool only_nuls(const char *bytes, size_t size)
{
    size_t nuls = 0;
    while (nuls < size && bytes[nuls] == '\0') {
        nuls++;
    }
    return size > 0 && nuls == size;
}

/* "./a/b" is "a/b", "." is the root. Parts may not be empty, "." or "..". */
static bool path_normalise(struct ub_archive_entry *entry)
{
    const char *path = entry->path;
    size_t length = entry->path_length;
    if (length >= 1 && path[0] == '/') {
        path++;
        length--;
    } else if (length >= 2 && path[0] == '.' && path[1] == '/') {
        path += 2;
        length -= 2;
    } else if (length == 1 && path[0] == '.') {
        length = 0;
    }
    entry->path = path;
    entry->path_length = length;

    size_t part = 0;
    for (size_t i = 0; length > 0 && i <= length; i++) {
        if (i < length && path[i] != '/') {
            continue;
        }
        size_t part_length = i - part;
        if (part_length == 0 || part_length > 255 || (part_length == 1 && path[part] == '.') ||
            (part_length == 2 && path[part] == '.' && path[part + 1] == '.')) {
            return false;
        }
        part = i + 1;
    }
    return true;
}

bool ub_archive_next(struct ub_archive *archive, struct ub_archive_entry *entry)
{
    const unsigned char *header = archive->bytes + archive->position;

    /* 1. The header is there, its magic is that of newc, the fields used are numbers. */
    if (archive->size - archive->position < HEADER_SIZE) {
        return fail(archive, "the archive ends without its trailer");
    }
    if (memcmp(header, "070701", 6) != 0) {
        return fail(archive, "an entry has no newc header");
    }
    int64_t mode = field_value(header, MODE);
    int64_t modified = field_value(header, MTIME);
    int64_t size = field_value(header, FILE_SIZE);
    int64_t name_size = field_value(header, NAME_SIZE);
    if (mode < 0 || modified < 0 || size < 0 || name_size < 0) {
        return fail(archive, "a header field is not a number");
    }

    /* 2. The name is inside the archive, NULs alone follow it, and it is a path of the root. */
    entry->path = (const char *)header + HEADER_SIZE;
    if (name_size < 1 || name_size > NAME_MAXIMUM + PADDING_MAXIMUM ||
        !take(archive, HEADER_SIZE + (size_t)name_size)) {
        return fail(archive, "an entry's name has an impossible length");
    }
    entry->path_length = strnlen(entry->path, (size_t)name_size);
    if (entry->path_length >= NAME_MAXIMUM ||
        !only_nuls(entry->path + entry->path_length, (size_t)name_size - entry->path_length)) {
        return fail(archive, "an entry's name does not end where its length says");
    }
    if (entry->path_length == sizeof trailer - 1 &&
        memcmp(entry->path, trailer, sizeof trailer) == 0) {
        return false;
    }
    if (!path_normalise(entry)) {
        return fail(archive, "an entry's name is not a plain relative path");
    }

    /* 3. The content is inside the archive. */
    entry->content = archive->bytes + archive->position;
    if (!take(archive, (size_t)size)) {
        return fail(archive, "an entry's content reaches past the end");
    }
    entry->size = (size_t)size;
    entry->mode = (uint32_t)mode;
    entry->modified = (uint32_t)modified;

    /* 4. Only what a read-only root is made of. */
    bool plain = S_ISREG(entry->mode) || (S_ISDIR(entry->mode) && size == 0) ||
                 (S_ISLNK(entry->mode) && size > 0 && size < NAME_MAXIMUM);
    return plain || fail(archive, "an entry is neither file, directory nor symbolic link");
}
