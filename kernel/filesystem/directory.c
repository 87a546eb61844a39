/* Reading directories: ".", "..", then the entries in the archive's order. The position counts
 * entries, so that seekdir and rewinddir work. */
#include <dirent.h>
#include <string.h>

#include "open_file.h"

#define FIXED_PART __builtin_offsetof(struct dirent, d_name)

static long directory_read(struct ub_file *file, void *buffer, size_t size)
{
    (void)file;
    (void)buffer;
    (void)size;
    return -EISDIR;
}

static int64_t directory_seek(struct ub_file *file, int64_t offset, int whence)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    if (whence != SEEK_SET || offset < 0) {
        return -EINVAL;
    }
    ub_mutex_lock(&opened->lock);
    opened->position = offset;
    ub_mutex_unlock(&opened->lock);
    return offset;
}

/* The node after `previous` in the listing, and its name there. */
static struct ub_node *entry_at(struct ub_node *directory, int64_t position,
                                struct ub_node *previous, const char **name, size_t *length)
{
    struct ub_node *node;
    if (position < 2) {
        *name = "..";
        *length = (size_t)position + 1;
        return position == 0 ? directory : directory->parent;
    }
    if (previous != NULL && position > 2) {
        node = previous->sibling;
    } else {
        node = directory->children;
        for (int64_t i = 2; node != NULL && i < position; i++) {
            node = node->sibling;
        }
    }
    if (node != NULL) {
        *name = node->name;
        *length = node->name_length;
    }
    return node;
}

static unsigned char type_of(const struct ub_node *node)
{
    return (unsigned char)((node->mode & S_IFMT) >> 12); /* DT_* are the mode's type bits */
}

static long directory_entries(struct ub_file *file, void *buffer, size_t size)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    struct ub_node *node = NULL;
    const char *name;
    size_t length;
    size_t used = 0;
    long error = 0;
    ub_mutex_lock(&opened->lock);
    while ((node = entry_at(opened->node, opened->position, node, &name, &length)) != NULL) {
        size_t record = (FIXED_PART + length + 1 + 7) & ~(size_t)7;
        if (record > size - used) {
            error = used == 0 ? -EINVAL : 0;
            break;
        }
        struct dirent *entry = (struct dirent *)((char *)buffer + used);
        opened->position++;
        entry->d_ino = node->inode;
        entry->d_off = opened->position;
        entry->d_reclen = (unsigned short)record;
        entry->d_type = type_of(node);
        memcpy(entry->d_name, name, length);
        entry->d_name[length] = '\0';
        used += record;
        if (opened->position <= 2) {
            node = NULL; /* "." and ".." have no place in the list of siblings */
        }
    }
    ub_mutex_unlock(&opened->lock);
    return error != 0 ? error : (long)used;
}

const struct ub_file_operations ub_directory_operations = {
    .read = directory_read,
    .seek = directory_seek,
    .entries = directory_entries,
    .status = ub_open_file_status,
    .close = ub_open_file_close,
};

long ub_sys_getdents64(long descriptor, void *buffer, size_t size)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = file->operations->entries != NULL ? file->operations->entries(file, buffer, size)
                                                    : -ENOTDIR;
    ub_file_put(file);
    return result;
}
