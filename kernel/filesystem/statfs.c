/* statfs, fstatfs: a full, read-only file system of the archive's size. */
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <unibuild/filesystem.h>
#include <unibuild/image.h>

#define CPIO_MAGIC 0x858458f6UL /* as Linux reports its own archive root */
#define BLOCK 4096U

static void fill(const struct ub_node *node, struct statfs *result)
{
    memset(result, 0, sizeof *result);
    if (node != NULL && node->system != NULL && node->system->statistics != NULL) {
        node->system->statistics(result);
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
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    fill(ub_file_node(file), result);
    ub_file_put(file);
    return 0;
}
