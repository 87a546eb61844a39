/* The machine: memory, processor, time, names. */
#include <string.h>
#include <sys/utsname.h>

#include <unibuild/clock.h>
#include <unibuild/memory.h>
#include <unibuild/random.h>
#include <unibuild/registers.h>

#include "text.h"

#define KIB_PER_PAGE (UB_PAGE_SIZE / 1024)
#define NANOSECONDS_PER_TICK (UB_NANOSECONDS_PER_SECOND / UB_TICKS_PER_SECOND)
#define UUID_BYTES 16U

#pragma weak ub_tmpfs_used
uint64_t ub_tmpfs_used(void);

long ub_sys_uname(struct utsname *name);

void ub_make_meminfo(struct ub_text *text)
{
    uint64_t total = ub_page_total_count() * KIB_PER_PAGE;
    uint64_t free = ub_page_free_count() * KIB_PER_PAGE;
    uint64_t shared = ub_tmpfs_used != NULL ? ub_tmpfs_used() * KIB_PER_PAGE : 0;
    ub_text_print(text, "MemTotal:       %8u kB\nMemFree:        %8u kB\n", total, free);
    ub_text_print(text, "MemAvailable:   %8u kB\nBuffers:        %8u kB\n", free, (uint64_t)0);
    ub_text_print(text, "Cached:         %8u kB\nSwapCached:     %8u kB\n", shared, (uint64_t)0);
    ub_text_print(text, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", (uint64_t)0,
                  (uint64_t)0);
    ub_text_print(text, "Shmem:          %8u kB\n", shared);
    ub_text_print(text, "HugePages_Total:%8u\nHugepagesize:   %8u kB\n", (uint64_t)0,
                  (uint64_t)2048);
}

/* Names of CPUID's feature bits, in Linux's words; leaf 1 in EDX and ECX, leaf 7 in EBX. */
static const struct {
    char name[11];
    uint8_t word, bit; /* 0: 1.EDX, 1: 1.ECX, 2: 7.EBX */
} features[] = {
    {"fpu", 0, 0},     {"tsc", 0, 4},       {"msr", 0, 5},         {"pae", 0, 6},
    {"cx8", 0, 8},     {"apic", 0, 9},      {"cmov", 0, 15},       {"clflush", 0, 19},
    {"mmx", 0, 23},    {"fxsr", 0, 24},     {"sse", 0, 25},        {"sse2", 0, 26},
    {"pni", 1, 0},     {"pclmulqdq", 1, 1}, {"ssse3", 1, 9},       {"fma", 1, 12},
    {"cx16", 1, 13},   {"sse4_1", 1, 19},   {"sse4_2", 1, 20},     {"movbe", 1, 22},
    {"popcnt", 1, 23}, {"aes", 1, 25},      {"xsave", 1, 26},      {"avx", 1, 28},
    {"f16c", 1, 29},   {"rdrand", 1, 30},   {"hypervisor", 1, 31}, {"fsgsbase", 2, 0},
    {"bmi1", 2, 3},    {"avx2", 2, 5},      {"smep", 2, 7},        {"bmi2", 2, 8},
    {"erms", 2, 9},    {"avx512f", 2, 16},  {"rdseed", 2, 18},     {"adx", 2, 19},
    {"smap", 2, 20},   {"sha_ni", 2, 29},
};

static void add_name(struct ub_text *text)
{
    char name[49] = {0};
    if (ub_cpuid(0x80000000U, 0).eax < 0x80000004U) {
        return;
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct ub_cpuid part = ub_cpuid(0x80000002U + i, 0);
        uint32_t words[4] = {part.eax, part.ebx, part.ecx, part.edx};
        memcpy(name + i * sizeof words, words, sizeof words);
    }
    const char *start = name;
    while (*start == ' ') {
        start++;
    }
    ub_text_print(text, "model name\t: %s\n", start);
}

void ub_make_cpuinfo(struct ub_text *text)
{
    struct ub_cpuid vendor = ub_cpuid(0, 0);
    struct ub_cpuid one = ub_cpuid(1, 0);
    uint32_t words[3] = {one.edx, one.ecx, vendor.eax >= 7 ? ub_cpuid(7, 0).ebx : 0};
    uint32_t name_words[4] = {vendor.ebx, vendor.edx, vendor.ecx, 0};
    uint32_t family = (one.eax >> 8) & 15;
    uint32_t model = (one.eax >> 4) & 15;
    if (family == 6 || family == 15) {
        model |= (one.eax >> 12) & 0xf0;
    }
    family += family == 15 ? (one.eax >> 20) & 0xff : 0;
    ub_text_print(text, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
                  (const char *)name_words, (uint64_t)family, (uint64_t)model);
    add_name(text);
    ub_text_print(text,
                  "stepping\t: %u\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n"
                  "cpu cores\t: 1\nfpu\t\t: yes\nflags\t\t:",
                  (uint64_t)(one.eax & 15));
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (words[features[i].word] >> features[i].bit & 1) {
            ub_text_print(text, " %s", features[i].name);
        }
    }
    ub_text_print(text, "\naddress sizes\t: 48 bits virtual\n\n");
}

void ub_make_system_stat(struct ub_text *text)
{
    uint64_t ticks = ub_clock_monotonic() / NANOSECONDS_PER_TICK;
    for (int line = 0; line < 2; line++) {
        ub_text_print(text, "%s %u 0 0 0 0 0 0 0 0 0\n", line == 0 ? "cpu " : "cpu0", ticks);
    }
    ub_text_print(text, "btime %u\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
                  ub_clock_epoch() / UB_NANOSECONDS_PER_SECOND);
}

void ub_make_uptime(struct ub_text *text)
{
    uint64_t ticks = ub_clock_monotonic() / NANOSECONDS_PER_TICK;
    ub_text_print(text, "%u.%02u 0.00\n", ticks / UB_TICKS_PER_SECOND, ticks % UB_TICKS_PER_SECOND);
}

void ub_make_loadavg(struct ub_text *text)
{
    ub_text_print(text, "0.00 0.00 0.00 1/%u 1\n", (uint64_t)ub_count_program_threads());
}

void ub_make_version(struct ub_text *text)
{
    struct utsname name;
    (void)ub_sys_uname(&name);
    ub_text_print(text, "%s version %s %s\n", name.sysname, name.release, name.version);
}

void ub_make_osrelease(struct ub_text *text)
{
    struct utsname name;
    (void)ub_sys_uname(&name);
    ub_text_print(text, "%s\n", name.release);
}

void ub_make_hostname(struct ub_text *text)
{
    struct utsname name;
    (void)ub_sys_uname(&name);
    ub_text_print(text, "%s\n", name.nodename);
}

/* Version 4 of RFC 9562: random but for the version and the variant. */
static void add_uuid(struct ub_text *text, unsigned char bytes[UUID_BYTES])
{
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        ub_text_print(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                      (uint64_t)bytes[i]);
    }
    ub_text_print(text, "\n");
}

void ub_make_boot_id(struct ub_text *text)
{
    static unsigned char drawn[UUID_BYTES];
    static bool there;
    ub_tree_lock();
    if (!there) {
        ub_random_bytes(drawn, sizeof drawn);
        there = true;
    }
    ub_tree_unlock();
    add_uuid(text, drawn);
}

void ub_make_uuid(struct ub_text *text)
{
    unsigned char bytes[UUID_BYTES];
    ub_random_bytes(bytes, sizeof bytes);
    add_uuid(text, bytes);
}
