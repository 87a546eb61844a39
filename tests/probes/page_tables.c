/*
 * C3, C5: walks the page tables of the processor itself (a unikernel may) and looks at every page:
 * none may be writable and executable, not even through two addresses of the same memory, and
 * nothing may be mapped at the null page. The processor must enforce it: write protection in ring 0
 * and no-execute switched on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe.h"

#define PRESENT 1ULL
#define WRITABLE 2ULL
#define LARGE 128ULL
#define NO_EXECUTE (1ULL << 63)
#define ADDRESS 0x000ffffffffff000ULL
#define RANGES_MAXIMUM 512

struct range {
    uint64_t start, end; /* physical */
};

struct found {
    struct range executable[RANGES_MAXIMUM];
    size_t executable_count;
    unsigned long pages;
    unsigned long both;    /* writable and executable at once */
    unsigned long aliases; /* writable here, executable elsewhere */
    unsigned long low;     /* below 64 KiB */
    bool overflow;
};

static struct found found;

/* The kernel's: where physical memory is mapped. */
extern const uint64_t ub_direct_map;

static bool is_executable(uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < found.executable_count; i++) {
        if (start < found.executable[i].end && found.executable[i].start < end) {
            return true;
        }
    }
    return false;
}

static void executable_add(uint64_t start, uint64_t end)
{
    size_t count = found.executable_count;
    if (count > 0 && found.executable[count - 1].end == start) {
        found.executable[count - 1].end = end;
    } else if (count < RANGES_MAXIMUM) {
        found.executable[found.executable_count++] = (struct range){start, end};
    } else {
        found.overflow = true;
    }
}

/* First pass: what is executable. Second pass: what is writable. */
static void leaf(uint64_t virtual, uint64_t physical, uint64_t size, uint64_t rights, int pass)
{
    bool writable = (rights & WRITABLE) != 0;
    bool executable = (rights & NO_EXECUTE) == 0;
    if (pass == 0) {
        found.pages++;
        found.both += writable && executable;
        found.low += virtual < 0x10000;
        if (executable) {
            executable_add(physical, physical + size);
        }
    } else if (writable && is_executable(physical, physical + size)) {
        found.aliases++;
    }
}

/* `rights`: WRITABLE where all levels allow it, NO_EXECUTE where any forbids it. */
static void walk(uint64_t table, int level, uint64_t virtual, uint64_t rights, int pass)
{
    const uint64_t *entries = (const uint64_t *)(ub_direct_map + table);
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t entry = entries[i];
        uint64_t size = 1ULL << (12 + 9 * (level - 1));
        uint64_t address = virtual + i * size;
        if (!(entry & PRESENT)) {
            continue;
        }
        uint64_t inherited = (rights & entry & WRITABLE) | ((rights | entry) & NO_EXECUTE);
        if (level == 1 || ((entry & LARGE) && level < 4)) {
            leaf(address, entry & ADDRESS & ~(size - 1), size, inherited, pass);
        } else {
            walk(entry & ADDRESS, level - 1, address, inherited, pass);
        }
    }
}

static bool enforced(void)
{
    uint64_t control0;
    uint32_t low, high;
    __asm__("movq %%cr0, %0" : "=r"(control0));
    __asm__("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000080U));
    (void)high;
    return (control0 & (1ULL << 16)) != 0 && (low & (1U << 11)) != 0;
}

int main(void)
{
    uint64_t root;
    char got[96];
    __asm__("movq %%cr3, %0" : "=r"(root));
    walk(root & ADDRESS, 4, 0, WRITABLE, 0);
    walk(root & ADDRESS, 4, 0, WRITABLE, 1);
    if (found.pages == 0 || found.executable_count == 0 || found.overflow) {
        return probe_text("page-tables", "walkable", "not walkable");
    }
    snprintf(got, sizeof got, "wx:%lu,alias:%lu,low:%lu,enforced:%d", found.both, found.aliases,
             found.low, enforced());
    return probe_text("page-tables", "wx:0,alias:0,low:0,enforced:1", got);
}
