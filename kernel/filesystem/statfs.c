/* statfs, fstatfs: a full, read-only file system of the archive's size. */
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <unibuild/filesystem.h>
#include <unibuild/image.h>

#define CPIO_MAGIC 0x858458f6UL /* as Linux reports its own archive root */
#define BLOCK 4096U

/* In images that have /proc. */
#pragma weak ub_procfs_magic

static void fill(const struct ub_node *node, struct statfs *result)
{
    memset(result, 0, sizeof *result);
    if (node != NULL && node->system != NULL && node->system->statistics != NULL) {
        node->system->statistics(result);
        return;
    }
    uint32_t magic = node != NULL && ub_procfs_magic != NULL ? ub_procfs_magic(node) : 0;
    if (magic != 0) {
        result->f_type = magic;
        result->f_bsize = BLOCK;
        result->f_frsize = BLOCK;
        result->f_namelen = UB_NAME_MAXIMUM;
        return;
    }
    result->f_type = CPIO_MAGIC;
    result->f_bsize = BLOCK;
    result->f_frsize = BLOCK;
    result->f_blocks = ((size_t)(ub_image_root_end - ub_image_root_start) + BLOCK - 1) / BLOCK;
    result->f_namelen = UB_NAME_MAXIMUM;
    result->f_flags = ST_RDONLY;
}

long ub_sys_statfs(const char *path, struct statfs *result)
{
    struct ub_node *node;
    ub_tree_lock();
    int error = ub_path_find(AT_FDCWD, path, UB_FOLLOW, &node);
    if (error == 0) {
        fill(node, result);
    }
    ub_tree_unlock();
    return error;
}

long ub_sys_fstatfs(long descriptor, struct statfs *result)
{
    int error;
    ub_tree_lock();
    struct ub_node *node = ub_tree_node_of(descriptor, &error);
    if (error == 0) {
        fill(node, result);
    }
    ub_tree_unlock();
    return error;
}
