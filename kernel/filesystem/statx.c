/* statx(2): the basic statistics, from newfstatat. */
#include <string.h>

#include <unibuild/filesystem.h>

#define STATX_BASIC_STATS 0x7ffU
#define SYNC_FLAGS 0x6000L

struct statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t padding;
};

struct statx {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, padding;
    uint64_t inode, size, blocks, attributes_mask;
    struct statx_time accessed, born, changed, modified;
    uint32_t special_major, special_minor, device_major, device_minor;
    uint64_t spare[14];
};

_Static_assert(sizeof(struct statx) == 256, "struct statx of Linux");

long ub_sys_newfstatat(long directory, const char *path, struct stat *status, long flags);

static struct statx_time time_of(const struct timespec *time)
{
    return (struct statx_time){.seconds = time->tv_sec, .nanoseconds = (uint32_t)time->tv_nsec};
}

long ub_sys_statx(long directory, const char *path, long flags, unsigned long mask,
                  struct statx *result)
{
    struct stat status;
    (void)mask;
    long error = ub_sys_newfstatat(directory, path, &status, flags & ~SYNC_FLAGS);
    if (error != 0) {
        return error;
    }
    memset(result, 0, sizeof *result);
    result->mask = STATX_BASIC_STATS;
    result->block_size = (uint32_t)status.st_blksize;
    result->links = (uint32_t)status.st_nlink;
    result->user = status.st_uid;
    result->group = status.st_gid;
    result->mode = (uint16_t)status.st_mode;
    result->inode = status.st_ino;
    result->size = (uint64_t)status.st_size;
    result->blocks = (uint64_t)status.st_blocks;
    result->accessed = time_of(&status.st_atim);
    result->changed = time_of(&status.st_ctim);
    result->modified = time_of(&status.st_mtim);
    result->special_major = (uint32_t)(status.st_rdev >> 8);
    result->special_minor = (uint32_t)status.st_rdev & 0xff;
    result->device_minor = (uint32_t)status.st_dev;
    return 0;
}
