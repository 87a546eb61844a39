/*
 * What the monitor hands over, checked before use. The checks are numbered as their messages are:
 *
 *  1. start_info lies at a multiple of 4 above 0 and ends below 4 GiB.
 *  2. Its magic is 0x336ec578 and its version at least 1 (which has a memory map).
 *  3. The memory map has 1 to 128 entries and ends below 2^52.
 *  4. No entry wraps around or ends above 2^46.
 *  5. RAM fits in the table of ranges after sorting; entries do not overlap.
 *  6. One range of RAM holds the whole image.
 *  7. The command line, when there is one, ends within UB_PVH_COMMAND_LINE_MAXIMUM bytes.
 */
#include "pvh.h"

#include <unibuild/layout.h>
#include <unibuild/paging.h>
#include <unibuild/panic.h>

#define MAGIC 0x336ec578
#define ENTRIES_MAXIMUM 128
#define TYPE_RAM 1
#define ADDRESS_LIMIT (1UL << 46)
#define PHYSICAL_LIMIT (1UL << 52)

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_map_entries;
    uint32_t reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "layout of version 1");

struct memory_map_entry {
    uint64_t address;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct memory_map_entry) == 24, "layout of version 1");

struct ub_pvh ub_pvh;

static void require(int holds, unsigned check, const char *what)
{
    if (!holds) {
        ub_panic("boot information refused, check %u: %s", check, what);
    }
}

static void add_range(struct memory_map_entry entry)
{
    uint64_t start = (entry.address + UB_PAGE_MASK) & ~UB_PAGE_MASK;
    uint64_t end = (entry.address + entry.size) & ~UB_PAGE_MASK;
    if (start < UB_MEMORY_LOWEST) {
        start = UB_MEMORY_LOWEST;
    }
    if (start >= end) {
        return;
    }
    require(ub_pvh.range_count < UB_PVH_RANGES_MAXIMUM, 5, "too many ranges of memory");
    size_t at = ub_pvh.range_count++;
    for (; at > 0 && ub_pvh.ranges[at - 1].start > start; at--) {
        ub_pvh.ranges[at] = ub_pvh.ranges[at - 1];
    }
    ub_pvh.ranges[at] = (struct ub_memory_range){start, end};
}

static void read_memory_map(const struct start_info *info)
{
    uint32_t count = info->memory_map_entries;
    require(count >= 1 && count <= ENTRIES_MAXIMUM &&
                info->memory_map < PHYSICAL_LIMIT - count * sizeof(struct memory_map_entry),
            3, "memory map size or address");
    for (uint32_t i = 0; i < count; i++) {
        struct memory_map_entry entry;
        ub_physical_read(&entry, info->memory_map + i * sizeof entry, sizeof entry);
        require(entry.size <= PHYSICAL_LIMIT && entry.address <= PHYSICAL_LIMIT, 4,
                "memory map entry wraps around");
        if (entry.type == TYPE_RAM) {
            require(entry.address + entry.size <= ADDRESS_LIMIT, 4, "memory above 64 TiB");
            add_range(entry);
        }
    }
    int holds_image = 0;
    for (size_t i = 0; i < ub_pvh.range_count; i++) {
        const struct ub_memory_range *range = &ub_pvh.ranges[i];
        require(i == 0 || range[-1].end <= range->start, 5, "ranges of memory overlap");
        holds_image |= range->start <= ub_image_physical(ub_image_start) &&
                       range->end >= ub_image_physical(ub_image_end);
    }
    require(holds_image, 6, "the image does not lie in memory (too little memory?)");
}

static void read_command_line(uint64_t address)
{
    if (address == 0) {
        return;
    }
    require(address < PHYSICAL_LIMIT - UB_PVH_COMMAND_LINE_MAXIMUM, 7, "command line address");
    for (size_t i = 0; i < UB_PVH_COMMAND_LINE_MAXIMUM; i++) {
        ub_physical_read(&ub_pvh.command_line[i], address + i, 1);
        if (ub_pvh.command_line[i] == '\0') {
            return;
        }
    }
    require(0, 7, "command line too long");
}

void ub_pvh_read(uint64_t start_info)
{
    struct start_info info;
    require(start_info != 0 && start_info % 4 == 0 && start_info < (1UL << 32) - sizeof info, 1,
            "start_info address");
    ub_physical_read(&info, start_info, sizeof info);
    require(info.magic == MAGIC && info.version >= 1, 2, "start_info magic or version");
    read_memory_map(&info);
    read_command_line(info.command_line);
    ub_pvh.rsdp = info.rsdp;
}
