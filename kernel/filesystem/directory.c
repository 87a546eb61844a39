/* Reading directories: ".", "..", then the entries by their order. The position is the order of the
 * next one, so that seekdir and rewinddir work, and removing entries on the way skips none. */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include <unibuild/filesystem.h>

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
    ub_mutex_lock(&opened->lock);
    int64_t result = whence == SEEK_CUR ? opened->position + offset : offset;
    if ((whence != SEEK_SET && whence != SEEK_CUR) || result < 0) {
        result = -EINVAL;
    } else {
        opened->position = result;
    }
    ub_mutex_unlock(&opened->lock);
    return result;
}

/* The entry at the position, and its name there. `before`: the one that was there last. */
static struct ub_node *entry_at(struct ub_node *directory, int64_t position,
                                const struct ub_node *before, const char **name, size_t *length)
{
    bool listed = directory->system == NULL || directory->system->next == NULL;
    if (position < 2) {
        *name = "..";
        *length = (size_t)position + 1;
        return position == 0 ? directory : directory->parent;
    }
    struct ub_node *node = before != NULL && position > 2 && listed
                               ? before->sibling
                               : ub_node_next(directory, position);
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

static void entry_fill(struct dirent *entry, const struct ub_node *node, const char *name,
                       size_t length, size_t record)
{
    struct stat status;
    ub_node_status(node, &status);
    memset(entry, 0, record);
    entry->d_ino = status.st_ino;
    entry->d_reclen = (unsigned short)record;
    entry->d_type = type_of(node);
    memcpy(entry->d_name, name, length);
}

static long entries_locked(struct ub_open_file *opened, char *buffer, size_t size)
{
    struct ub_node *node = NULL;
    const char *name;
    size_t length;
    size_t used = 0;
    if (opened->node->name == NULL && opened->node != ub_filesystem_root()) {
        return -ENOENT; /* removed */
    }
    while ((node = entry_at(opened->node, opened->position, node, &name, &length)) != NULL) {
        size_t record = (FIXED_PART + length + 1 + 7) & ~(size_t)7;
        if (record > size - used) {
            return used == 0 ? -EINVAL : (long)used;
        }
        struct dirent *entry = (struct dirent *)(buffer + used);
        entry_fill(entry, node, name, length, record);
        if (opened->position < 2) {
            opened->position++;
            node = NULL; /* "." and ".." have no place in the list */
        } else {
            opened->position = (int64_t)node->order + 1;
        }
        entry->d_off = opened->position;
        used += record;
    }
    return (long)used;
}

static long directory_entries(struct ub_file *file, void *buffer, size_t size)
{
    struct ub_open_file *opened = (struct ub_open_file *)file;
    ub_mutex_lock(&opened->lock);
    ub_tree_lock();
    long result = entries_locked(opened, buffer, size);
    ub_tree_unlock();
    ub_mutex_unlock(&opened->lock);
    return result;
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
