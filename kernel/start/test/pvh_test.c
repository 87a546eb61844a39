/*
 * The monitor's boot information: each numbered check of pvh.c must refuse what it is there for,
 * right information must be taken, and random damage must lead to one or the other and nothing
 * else.
 */
#include "pvh.h"

#include <unibuild/panic.h>
#include <unibuild/paging.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INFO 0x1000U
#define MAP 0x2000U
#define LINE 0x3000U
#define ROUNDS 200000

/* The image "lies" where this test program's own symbols do: below 64 MiB. */
char image[8192] __attribute__((aligned(4096)));
const uint64_t ub_image_slide = 0;
__asm__(".globl ub_image_start, ub_image_end\n"
        ".set ub_image_start, image\n"
        ".set ub_image_end, image + 8192\n");

static unsigned char memory[0x8000];
static jmp_buf refused;
static unsigned refused_check;

void ub_physical_read(void *buffer, uint64_t physical_address, size_t count)
{
    if (physical_address > sizeof memory || count > sizeof memory - physical_address) {
        memset(buffer, 0xff, count); /* what a bus without a device there gives */
        return;
    }
    memcpy(buffer, memory + physical_address, count);
}

void ub_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    refused_check = va_arg(arguments, unsigned);
    va_end(arguments);
    longjmp(refused, 1);
}

static void put(size_t at, uint64_t value, size_t size)
{
    memcpy(memory + at, &value, size);
}

static void put_entry(unsigned index, uint64_t address, uint64_t size, uint32_t type)
{
    put(MAP + index * 24, address, 8);
    put(MAP + index * 24 + 8, size, 8);
    put(MAP + index * 24 + 16, type, 4);
}

/* What QEMU hands over, in small. */
static void fill(void)
{
    memset(memory, 0, sizeof memory);
    put(INFO, 0x336ec578, 4);
    put(INFO + 4, 1, 4);
    put(INFO + 24, LINE, 8);
    put(INFO + 32, 0xe0000, 8);
    put(INFO + 40, MAP, 8);
    put(INFO + 48, 4, 4);
    put_entry(0, 0, 0x9fc00, 1);
    put_entry(1, 0xf0000, 0x10000, 2);
    put_entry(2, 0x8000000, 0x1001, 1);
    put_entry(3, 0x100000, 0x7000000, 1);
    strcpy((char *)memory + LINE, "--port 53");
}

/* 0 when taken, else the number of the check that refused. */
static unsigned read_at(uint64_t start_info)
{
    memset(&ub_pvh, 0, sizeof ub_pvh);
    refused_check = 0;
    if (setjmp(refused) == 0) {
        ub_pvh_read(start_info);
    }
    return refused_check;
}

static int failures;

static void expect(unsigned check, const char *what)
{
    unsigned got = read_at(INFO);
    if (got != check) {
        fprintf(stderr, "%s: check %u, not %u\n", what, got, check);
        failures++;
    }
    fill();
}

static int is_sane(void)
{
    uint64_t end = UB_MEMORY_LOWEST;
    for (size_t i = 0; i < ub_pvh.range_count; i++) {
        const struct ub_memory_range *range = &ub_pvh.ranges[i];
        if (range->start < end || range->end <= range->start ||
            ((range->start | range->end) & UB_PAGE_MASK) != 0) {
            return 0;
        }
        end = range->end;
    }
    return memchr(ub_pvh.command_line, '\0', sizeof ub_pvh.command_line) != NULL;
}

static void test_right(void)
{
    expect(0, "right information");
    read_at(INFO);
    static const struct ub_memory_range ranges[] = {
        {0x10000, 0x9f000}, {0x100000, 0x7100000}, {0x8000000, 0x8001000}};
    if (ub_pvh.range_count != 3 || memcmp(ub_pvh.ranges, ranges, sizeof ranges) != 0 ||
        strcmp(ub_pvh.command_line, "--port 53") != 0 || ub_pvh.rsdp != 0xe0000) {
        fprintf(stderr, "right information is read wrongly\n");
        failures++;
    }
}

static void test_checks(void)
{
    if (read_at(0) != 1 || read_at(INFO + 2) != 1 || read_at(0xfffffff0) != 1) {
        fprintf(stderr, "start_info anywhere\n");
        failures++;
    }
    put(INFO, 0x336ec579, 4);
    expect(2, "magic");
    put(INFO + 4, 0, 4);
    expect(2, "version 0");
    put(INFO + 48, 0, 4);
    expect(3, "empty map");
    put(INFO + 48, 129, 4);
    expect(3, "long map");
    put(INFO + 40, UINT64_MAX - 8, 8);
    expect(3, "map at the end of addresses");
    put_entry(2, 0x8000000, UINT64_MAX, 1);
    expect(4, "entry that wraps around");
    put_entry(2, 1UL << 46, 0x1000, 1);
    expect(4, "memory above 64 TiB");
    put_entry(2, 0x200000, 0x1000, 1);
    expect(5, "overlap");
    put(INFO + 48, 128, 4);
    for (unsigned i = 4; i < 128; i++) {
        put_entry(i, 0x10000000 + i * 0x2000UL, 0x1000, 1);
    }
    expect(5, "too many ranges");
    put_entry(3, 0x100000, 0x1000, 1);
    expect(6, "image outside memory");
    memset(memory + LINE, 'x', UB_PVH_COMMAND_LINE_MAXIMUM);
    expect(7, "endless command line");
    put(INFO + 24, UINT64_MAX, 8);
    expect(7, "command line at the end of addresses");
}

static void test_damage(void)
{
    for (unsigned seed = 0; seed < ROUNDS && failures == 0; seed++) {
        fill();
        srand(seed);
        for (int i = rand() % 6; i >= 0; i--) {
            size_t at = (rand() % 2 != 0 ? INFO : MAP) + (size_t)rand() % 96;
            memory[at] = (unsigned char)rand();
        }
        if (read_at(INFO) == 0 && !is_sane()) {
            fprintf(stderr, "seed %u is taken and not sane\n", seed);
            failures++;
        }
    }
}

int main(void)
{
    fill();
    test_right();
    test_checks();
    test_damage();
    return failures != 0;
}
