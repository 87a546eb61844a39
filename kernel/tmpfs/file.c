/* Contents of regular files. */
#include <string.h>

#include <unibuild/memory.h>

#include "inode.h"

#define FALLOCATE_KEEP_SIZE 1L
#define FALLOCATE_PUNCH_HOLE 2L
#define FALLOCATE_ZERO_RANGE 16L

static struct ub_open_file *opened_of(struct ub_file *file)
{
    return (struct ub_open_file *)file;
}

static struct ub_tmpfs_inode *inode_of(struct ub_file *file)
{
    return ub_tmpfs_inode_of(opened_of(file)->node);
}

static void *page_at(struct ub_tmpfs_inode *inode, uint64_t offset, bool make)
{
    unsigned long flags = ub_lock_acquire(&inode->pages_lock);
    void *page = make ? ub_tmpfs_pages_make(&inode->pages, offset / UB_PAGE_SIZE)
                      : ub_tmpfs_pages_find(&inode->pages, offset / UB_PAGE_SIZE);
    ub_lock_release(&inode->pages_lock, flags);
    return page;
}

static void size_set(struct ub_tmpfs_inode *inode, uint64_t size)
{
    unsigned long flags = ub_lock_acquire(&inode->pages_lock);
    inode->size = size;
    ub_lock_release(&inode->pages_lock, flags);
}

/* What of `left` bytes lies in the page of `offset`. */
static size_t step_of(uint64_t offset, uint64_t left)
{
    uint64_t step = UB_PAGE_SIZE - (offset & UB_PAGE_MASK);
    return step < left ? step : left;
}

/* The contents' lock is held from here on. */

static long read_locked(struct ub_tmpfs_inode *inode, char *buffer, size_t size, uint64_t offset)
{
    if (offset >= inode->size) {
        return 0;
    }
    size_t count = size < inode->size - offset ? size : inode->size - offset;
    for (size_t done = 0; done < count;) {
        size_t step = step_of(offset + done, count - done);
        const char *page = page_at(inode, offset + done, false);
        if (page != NULL) {
            memcpy(buffer + done, page + ((offset + done) & UB_PAGE_MASK), step);
        } else {
            memset(buffer + done, 0, step);
        }
        done += step;
    }
    inode->accessed = ub_tmpfs_now();
    return (long)count;
}

static long write_locked(struct ub_tmpfs_inode *inode, const char *buffer, size_t size,
                         uint64_t offset)
{
    if (size == 0) {
        return 0;
    }
    if (offset >= UB_TMPFS_SIZE_MAXIMUM) {
        return -EFBIG;
    }
    size = size < UB_TMPFS_SIZE_MAXIMUM - offset ? size : UB_TMPFS_SIZE_MAXIMUM - offset;
    size_t done = 0;
    while (done < size) {
        size_t step = step_of(offset + done, size - done);
        char *page = page_at(inode, offset + done, true);
        if (page == NULL) {
            break;
        }
        memcpy(page + ((offset + done) & UB_PAGE_MASK), buffer + done, step);
        done += step;
    }
    if (offset + done > inode->size && done > 0) {
        size_set(inode, offset + done);
    }
    inode->modified = inode->changed = ub_tmpfs_now();
    return done > 0 ? (long)done : -ENOSPC;
}

/* Zeroes between two offsets: whole pages are freed unless somebody may have them mapped. */
static void clear_locked(struct ub_tmpfs_inode *inode, uint64_t start, uint64_t end)
{
    while (start < end && (start & UB_PAGE_MASK) != 0) {
        size_t step = step_of(start, end - start);
        char *page = page_at(inode, start, false);
        if (page != NULL) {
            memset(page + (start & UB_PAGE_MASK), 0, step);
        }
        start += step;
    }
    if (start >= end) {
        return;
    }
    unsigned long flags = ub_lock_acquire(&inode->pages_lock);
    ub_tmpfs_pages_drop(&inode->pages, start / UB_PAGE_SIZE, end / UB_PAGE_SIZE, inode->mapped);
    ub_lock_release(&inode->pages_lock, flags);
    char *last = (end & UB_PAGE_MASK) != 0 ? page_at(inode, end, false) : NULL;
    if (last != NULL) {
        memset(last, 0, end & UB_PAGE_MASK);
    }
}

int ub_tmpfs_resize(struct ub_tmpfs_inode *inode, uint64_t size)
{
    if (size > UB_TMPFS_SIZE_MAXIMUM) {
        return -EFBIG;
    }
    ub_mutex_lock(&inode->contents_lock);
    uint64_t before = inode->size;
    size_set(inode, size);
    if (size < before) {
        clear_locked(inode, size, (before + UB_PAGE_MASK) & ~UB_PAGE_MASK);
    }
    inode->modified = ub_tmpfs_now();
    ub_mutex_unlock(&inode->contents_lock);
    return 0;
}

static int allocate_locked(struct ub_tmpfs_inode *inode, uint64_t offset, uint64_t end)
{
    for (uint64_t at = offset & ~UB_PAGE_MASK; at < end; at += UB_PAGE_SIZE) {
        if (page_at(inode, at, true) == NULL) {
            return -ENOSPC;
        }
    }
    return 0;
}

int ub_tmpfs_allocate(struct ub_node *node, long mode, uint64_t offset, uint64_t size)
{
    struct ub_tmpfs_inode *inode = ub_tmpfs_inode_of(node);
    uint64_t end = offset + size;
    int error = 0;
    if (end > UB_TMPFS_SIZE_MAXIMUM) {
        return -EFBIG;
    }
    ub_mutex_lock(&inode->contents_lock);
    switch (mode & ~FALLOCATE_KEEP_SIZE) {
    case FALLOCATE_PUNCH_HOLE:
        if (mode & FALLOCATE_KEEP_SIZE) {
            clear_locked(inode, offset, end);
        } else {
            error = -EOPNOTSUPP;
        }
        break;
    case FALLOCATE_ZERO_RANGE:
        clear_locked(inode, offset, end);
        error = allocate_locked(inode, offset, end);
        break;
    case 0:
        error = allocate_locked(inode, offset, end);
        break;
    default:
        error = -EOPNOTSUPP;
    }
    if (error == 0 && !(mode & FALLOCATE_KEEP_SIZE) && end > inode->size) {
        size_set(inode, end);
    }
    inode->modified = inode->changed = ub_tmpfs_now();
    ub_mutex_unlock(&inode->contents_lock);
    return error;
}

/* ---- The operations ---------------------------------------------------------------------- */

static long read_at(struct ub_file *file, void *buffer, size_t size, int64_t offset)
{
    struct ub_tmpfs_inode *inode = inode_of(file);
    ub_mutex_lock(&inode->contents_lock);
    long count = read_locked(inode, buffer, size, (uint64_t)offset);
    ub_mutex_unlock(&inode->contents_lock);
    return count;
}

/* Linux appends with pwrite too, when the file was opened so. */
static long write_at(struct ub_file *file, const void *buffer, size_t size, int64_t offset)
{
    struct ub_tmpfs_inode *inode = inode_of(file);
    ub_mutex_lock(&inode->contents_lock);
    uint64_t at = (file->flags & O_APPEND) ? inode->size : (uint64_t)offset;
    long count = write_locked(inode, buffer, size, at);
    ub_mutex_unlock(&inode->contents_lock);
    return count;
}

static long read_file(struct ub_file *file, void *buffer, size_t size)
{
    struct ub_open_file *opened = opened_of(file);
    ub_mutex_lock(&opened->lock);
    long count = read_at(file, buffer, size, opened->position);
    opened->position += count;
    ub_mutex_unlock(&opened->lock);
    return count;
}

static long write_file(struct ub_file *file, const void *buffer, size_t size)
{
    struct ub_open_file *opened = opened_of(file);
    struct ub_tmpfs_inode *inode = inode_of(file);
    ub_mutex_lock(&opened->lock);
    ub_mutex_lock(&inode->contents_lock);
    if (file->flags & O_APPEND) {
        opened->position = (int64_t)inode->size;
    }
    long count = write_locked(inode, buffer, size, (uint64_t)opened->position);
    ub_mutex_unlock(&inode->contents_lock);
    opened->position += count > 0 ? count : 0;
    ub_mutex_unlock(&opened->lock);
    return count;
}

static int64_t seek(struct ub_file *file, int64_t offset, int whence)
{
    struct ub_open_file *opened = opened_of(file);
    ub_mutex_lock(&opened->lock);
    int64_t result = ub_open_file_seek(opened, inode_of(file)->size, offset, whence);
    ub_mutex_unlock(&opened->lock);
    return result;
}

static long contents(struct ub_file *file, struct ub_file_contents *result)
{
    struct ub_tmpfs_inode *inode = inode_of(file);
    ub_mutex_lock(&inode->contents_lock);
    inode->mapped = true;
    inode->accessed = ub_tmpfs_now();
    *result = (struct ub_file_contents){.size = inode->size};
    ub_mutex_unlock(&inode->contents_lock);
    return 0;
}

static void *page(struct ub_file *file, uint64_t offset)
{
    struct ub_tmpfs_inode *inode = inode_of(file);
    unsigned long flags = ub_lock_acquire(&inode->pages_lock);
    void *result =
        offset < inode->size ? ub_tmpfs_pages_make(&inode->pages, offset / UB_PAGE_SIZE) : NULL;
    ub_lock_release(&inode->pages_lock, flags);
    return result;
}

const struct ub_file_operations ub_tmpfs_file_operations = {
    .read = read_file,
    .write = write_file,
    .read_at = read_at,
    .write_at = write_at,
    .seek = seek,
    .status = ub_open_file_status,
    .contents = contents,
    .page = page,
    .close = ub_open_file_close,
};

struct ub_file *ub_tmpfs_open_unnamed(void)
{
    struct ub_open_file *opened = ub_heap_allocate_zeroed(sizeof *opened);
    struct ub_tmpfs_entry *entry = ub_tmpfs_entry_make(NULL, 0, S_IFREG | 0777);
    if (opened == NULL || entry == NULL) {
        ub_heap_free(opened);
        if (entry != NULL) {
            ub_tmpfs_release(&entry->node);
        }
        return NULL;
    }
    entry->inode->links = 0;
    opened->file.operations = &ub_tmpfs_file_operations;
    opened->file.flags = O_RDWR | O_LARGEFILE;
    opened->file.references = 1;
    opened->node = &entry->node;
    return &opened->file;
}
