/* The vDSO's file: read and looked up as a C library does it, then called on this machine, with a
 * scale of the test's own, and beside the system calls that it stands for. */
#include "vdso.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define VERSION_HASH 0x3ae75f6
#define NANOSECONDS 1000000000ULL
#define ROUNDS 100000

static int failures;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%d: not so: %s\n", __LINE__, #condition);                             \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static uint64_t time_stamp(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

struct object {
    const char *base;
    const char *strings;
    const Elf64_Sym *symbols;
    const uint32_t *hash;
    const uint16_t *versions;
    const Elf64_Verdef *definitions;
};

static struct object open_object(const char *base)
{
    struct object object = {.base = base};
    const Elf64_Ehdr *header = (const void *)base;
    EXPECT(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_type == ET_DYN);
    const Elf64_Phdr *headers = (const void *)(base + header->e_phoff);
    EXPECT(header->e_phnum == 2 && headers[0].p_type == PT_LOAD && headers[1].p_type == PT_DYNAMIC);
    EXPECT((headers[0].p_flags & PF_W) == 0 && headers[0].p_filesz <= PAGE);
    const Elf64_Dyn *entry = (const void *)(base + headers[1].p_vaddr);
    const Elf64_Dyn *end = (const void *)((const char *)entry + headers[1].p_memsz);
    for (; entry < end && entry->d_tag != DT_NULL; entry++) {
        const void *at = base + entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_STRTAB:
            object.strings = at;
            break;
        case DT_SYMTAB:
            object.symbols = at;
            break;
        case DT_HASH:
            object.hash = at;
            break;
        case DT_VERSYM:
            object.versions = at;
            break;
        case DT_VERDEF:
            object.definitions = at;
            break;
        default:
            break;
        }
    }
    EXPECT(entry < end);
    return object;
}

static unsigned version_index(const struct object *object, uint32_t hash)
{
    const Elf64_Verdef *definition = object->definitions;
    while ((definition->vd_flags & VER_FLG_BASE) != 0 || definition->vd_hash != hash) {
        EXPECT(definition->vd_next != 0);
        definition = (const void *)((const char *)definition + definition->vd_next);
    }
    const Elf64_Verdaux *name = (const void *)((const char *)definition + definition->vd_aux);
    EXPECT(strcmp(object->strings + name->vda_name, "LINUX_2.6") == 0);
    return definition->vd_ndx;
}

static const void *find(const struct object *object, const char *name)
{
    uint32_t buckets = object->hash[0];
    const uint32_t *chain = object->hash + 2 + buckets;
    unsigned version = version_index(object, VERSION_HASH);
    /* One bucket, so that no hash of the name matters. */
    EXPECT(buckets == 1);
    for (uint32_t i = object->hash[2]; i != 0; i = chain[i]) {
        const Elf64_Sym *symbol = &object->symbols[i];
        if (strcmp(object->strings + symbol->st_name, name) == 0) {
            EXPECT(ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_size != 0);
            EXPECT(symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS);
            EXPECT(object->versions[i] == version);
            return object->base + symbol->st_value;
        }
    }
    fprintf(stderr, "no %s\n", name);
    failures++;
    return NULL;
}

/* Nanoseconds by the test's scale of a counter that has gone `cycles` on. */
static uint64_t scaled(uint64_t cycles, uint64_t scale)
{
    return (uint64_t)((unsigned __int128)cycles * scale >> 32);
}

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * NANOSECONDS + (uint64_t)time->tv_nsec;
}

typedef int clock_function(clockid_t, struct timespec *);

static void check_clock(clock_function *get, const struct ub_vdso_clock *clock)
{
    static const struct {
        clockid_t id;
        bool of_day;
    } clocks[] = {{CLOCK_REALTIME, true},          {CLOCK_MONOTONIC, false},
                  {CLOCK_MONOTONIC_RAW, false},    {CLOCK_REALTIME_COARSE, true},
                  {CLOCK_MONOTONIC_COARSE, false}, {CLOCK_BOOTTIME, false}};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        uint64_t epoch = clocks[i].of_day ? clock->epoch : 0;
        uint64_t last = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            uint64_t before = scaled(time_stamp() - clock->start, clock->scale) + epoch;
            struct timespec now;
            EXPECT(get(clocks[i].id, &now) == 0);
            uint64_t after = scaled(time_stamp() - clock->start, clock->scale) + epoch;
            EXPECT(before <= nanoseconds(&now) && nanoseconds(&now) <= after);
            EXPECT(nanoseconds(&now) >= last && now.tv_nsec < (long)NANOSECONDS);
            last = nanoseconds(&now);
            if (failures != 0) {
                return;
            }
        }
    }
    struct timespec used;
    EXPECT(get(CLOCK_PROCESS_CPUTIME_ID, &used) == 0 && used.tv_sec < 60);
    EXPECT(get(1000, &used) == -EINVAL);
    EXPECT(get(-100, &used) == -EINVAL);
}

int main(void)
{
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct ub_vdso_clock clock = {
        .start = time_stamp() - 123456789,
        .scale = (NANOSECONDS << 32) / 2100000000,
        .epoch = 1700000000 * NANOSECONDS + 999999999,
    };
    memcpy(page, ub_vdso_file, (size_t)(ub_vdso_file_end - ub_vdso_file));
    memcpy(page + (ub_vdso_clock_place - ub_vdso_file), &clock, sizeof clock);
    EXPECT(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);

    struct object object = open_object(page);
    check_clock((clock_function *)find(&object, "__vdso_clock_gettime"), &clock);

    clock_function *resolution = (clock_function *)find(&object, "__vdso_clock_getres");
    struct timespec step;
    EXPECT(resolution(CLOCK_MONOTONIC, &step) == 0 && step.tv_sec == 0 && step.tv_nsec == 1);
    EXPECT(resolution(CLOCK_MONOTONIC, NULL) == 0 && resolution(1000, &step) == -EINVAL);

    int (*time_of_day)(struct timeval *, struct timezone *) =
        (int (*)(struct timeval *, struct timezone *))find(&object, "__vdso_gettimeofday");
    time_t (*seconds)(time_t *) = (time_t (*)(time_t *))find(&object, "__vdso_time");
    struct timeval day;
    struct timezone zone = {1, 1};
    uint64_t before = (scaled(time_stamp() - clock.start, clock.scale) + clock.epoch) / 1000;
    EXPECT(time_of_day(&day, &zone) == 0 && zone.tz_minuteswest == 0 && zone.tz_dsttime == 0);
    uint64_t after = (scaled(time_stamp() - clock.start, clock.scale) + clock.epoch) / 1000;
    uint64_t told = (uint64_t)day.tv_sec * 1000000 + (uint64_t)day.tv_usec;
    EXPECT(before <= told && told <= after && time_of_day(NULL, NULL) == 0);
    time_t stored;
    EXPECT(seconds(&stored) == stored && stored >= day.tv_sec && seconds(NULL) - day.tv_sec < 60);

    int (*processor)(unsigned *, unsigned *, void *) =
        (int (*)(unsigned *, unsigned *, void *))find(&object, "__vdso_getcpu");
    unsigned cpu = 9, node = 9;
    EXPECT(processor(&cpu, &node, NULL) == 0 && cpu == 0 && node == 0);
    EXPECT(processor(NULL, NULL, NULL) == 0);
    return failures != 0;
}
