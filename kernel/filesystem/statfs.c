/* statfs, fstatfs: a full, read-only file system of the archive's size. */
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <unibuild/filesystem.h>
#include <unibuild/image.h>

#define CPIO_MAGIC 0x858458f6UL /* as Linux reports its own archive root */
#define BLOCK 4096U

static void fill(struct statfs *result)
{
    memset(result, 0, sizeof *result);
    result->f_type = CPIO_MAGIC;
    result->f_bsize = BLOCK;
    result->f_frsize = BLOCK;
    result->f_blocks = ((size_t)(ub_image_root_end - ub_image_root_start) + BLOCK - 1) / BLOCK;
    result->f_namelen = 255;
    result->f_flags = ST_RDONLY;
}

long ub_sys_statfs(const char *path, struct statfs *result)
{
    struct ub_node *node;
    int error = ub_path_find(AT_FDCWD, path, UB_FOLLOW, &node);
    if (error == 0) {
        fill(result);
    }
    return error;
}

long ub_sys_fstatfs(long descriptor, struct statfs *result)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    ub_file_put(file);
    fill(result);
    return 0;
}
