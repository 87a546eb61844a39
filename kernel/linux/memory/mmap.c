/*
 * mmap: anonymous memory, and files that say what they hold (file.h: `contents`). Shared anonymous
 * memory is private, since there is no second process to share it with.
 */
#include "space.h"

#include <unibuild/file.h>
#include <unibuild/linux_call.h>

#include <errno.h>
#include <sys/mman.h>

#define TYPE_MASK 0x0f
#define LOW_START (1UL << 30) /* MAP_32BIT: the second GiB, as on Linux */
#define LOW_END (2UL << 30)

struct wish {
    uint64_t address, size, offset;
    unsigned protection, flags;
};

static bool is_shared(const struct wish *wish)
{
    return (wish->flags & TYPE_MASK) != MAP_PRIVATE;
}

static bool is_fixed(const struct wish *wish)
{
    return (wish->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
}

/* Checks what holds for all mappings, and makes the size whole pages. */
static long check(struct wish *wish)
{
    unsigned type = wish->flags & TYPE_MASK;
    if (wish->size == 0 || (wish->offset & UB_PAGE_MASK) != 0 || type < MAP_SHARED ||
        type > MAP_SHARED_VALIDATE || (is_fixed(wish) && (wish->address & UB_PAGE_MASK) != 0)) {
        return -EINVAL;
    }
    if (wish->size > UB_USER_END || (wish->flags & MAP_HUGETLB) != 0) {
        return -ENOMEM;
    }
    wish->size = ub_page_up(wish->size);
    if (wish->offset > INT64_MAX - wish->size) {
        return -EOVERFLOW;
    }
    if (is_fixed(wish) && wish->address < UB_PROGRAM_LOWEST) {
        return -EPERM;
    }
    if (is_fixed(wish) && !ub_space_valid(wish->address, wish->size)) {
        return -ENOMEM;
    }
    return ub_space_may_have(wish->protection & UB_ACCESS_MASK) ? 0 : -EACCES;
}

/* What a mapping of the file is made of; takes over the reference when it succeeds. */
static long describe_file(const struct wish *wish, struct ub_file *file, struct ub_area *area)
{
    struct ub_file_contents contents = {NULL, 0};
    unsigned mode = file->flags & O_ACCMODE;
    bool shared = is_shared(wish);
    if (mode == O_WRONLY || (shared && (wish->protection & PROT_WRITE) != 0 && mode != O_RDWR)) {
        return -EACCES;
    }
    if (file->operations->contents == NULL) {
        return -ENODEV;
    }
    long result = file->operations->contents(file, &contents);
    if (result != 0) {
        return result;
    }
    if (contents.bytes == NULL && file->operations->page == NULL) {
        return 0; /* zeroes: /dev/zero */
    }
    area->source = contents.bytes != NULL ? UB_SOURCE_BYTES : UB_SOURCE_PAGES;
    area->bytes = contents.bytes;
    area->limit = contents.bytes != NULL ? contents.size : 0;
    area->offset = wish->offset;
    area->file = file;
    if (shared) {
        area->flags |= UB_AREA_SHARED | (mode != O_RDWR ? UB_AREA_FIXED_ACCESS : 0);
    }
    return 0;
}

static uint64_t low_room(uint64_t size)
{
    unsigned long flags = ub_space_enter();
    uint64_t room = ub_areas_room(&ub_space.areas, size, LOW_START, LOW_END);
    ub_space_leave(flags);
    return room;
}

static long place(const struct wish *wish, struct ub_area *area)
{
    long error = -ENOMEM;
    uint64_t mapped = 0;
    if (is_fixed(wish)) {
        area->start = wish->address;
        bool replace = (wish->flags & MAP_FIXED_NOREPLACE) == 0;
        mapped = ub_space_map(area, wish->size, replace, &error);
        return mapped != 0 ? (long)mapped : error;
    }
    /* An address that is only wished for is taken when it is free. */
    uint64_t hint = wish->address > UB_USER_END ? 0 : ub_page_up(wish->address);
    if ((wish->flags & MAP_32BIT) != 0) {
        hint = low_room(wish->size);
        if (hint == 0) {
            return -ENOMEM;
        }
    }
    if (hint != 0 && ub_space_valid(hint, wish->size)) {
        area->start = hint;
        mapped = ub_space_map(area, wish->size, false, &error);
    }
    if (mapped == 0 && (wish->flags & MAP_32BIT) == 0) {
        area->start = 0;
        mapped = ub_space_map(area, wish->size, false, &error);
    }
    return mapped != 0 ? (long)mapped : error;
}

static long map(struct wish *wish, long descriptor)
{
    struct ub_area area = {
        .access = wish->protection & UB_ACCESS_MASK,
        .flags = ((wish->flags & MAP_NORESERVE) != 0 ? UB_AREA_UNRESERVED : 0) |
                 ((wish->flags & MAP_GROWSDOWN) != 0 ? UB_AREA_GROWS_DOWN : 0),
    };
    if ((wish->flags & MAP_ANONYMOUS) != 0) {
        /* Nothing that the image does not hold becomes code. */
        if ((wish->protection & PROT_EXEC) != 0 &&
            !ub_space_may_have(UB_PROGRAM_WRITE | UB_PROGRAM_EXECUTE)) {
            return -EACCES;
        }
        return place(wish, &area);
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    long result = describe_file(wish, file, &area);
    if (result == 0) {
        result = place(wish, &area);
    }
    if (area.file == NULL || (result < 0 && result > -4096)) {
        ub_file_put(file);
    }
    return result;
}

UB_LINUX_CALL(mmap)
{
    struct wish wish = {
        .address = ub_argument(frame, 0),
        .size = ub_argument(frame, 1),
        .offset = ub_argument(frame, 5),
        .protection = (unsigned)ub_argument(frame, 2),
        .flags = (unsigned)ub_argument(frame, 3),
    };
    long result = check(&wish);
    if (result == 0) {
        result = map(&wish, (int)ub_argument(frame, 4));
    }
    if (result > 0 && (wish.flags & (MAP_POPULATE | MAP_LOCKED)) != 0) {
        (void)ub_space_fill((uint64_t)result, (uint64_t)result + wish.size);
    }
    return result;
}
