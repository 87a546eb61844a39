/*
 * The port's arithmetic: SipHash-2-4 against its authors' vectors, the checksum against RFC 1071's
 * definition, the packet memory's limit, and sequence numbers that depend on everything they
 * should.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unibuild/clock.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>
#include <unibuild/random.h>

#include "../port.h"
#include "lwip_hooks.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define PAGES 1024u

static uint64_t now;
static size_t pages_out;

uint64_t ub_clock_monotonic(void)
{
    return now;
}

void ub_random_bytes(void *buffer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((unsigned char *)buffer)[i] = (unsigned char)rand();
    }
}

size_t ub_page_total_count(void)
{
    return PAGES;
}

void *ub_page_allocate(size_t count)
{
    pages_out += count;
    return aligned_alloc(UB_PAGE_SIZE, count * UB_PAGE_SIZE);
}

void ub_page_free(void *pages, size_t count)
{
    pages_out -= count;
    free(pages);
}

void ub_panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    exit(1);
}

/* From the appendix of the SipHash paper and its reference implementation's vectors. */
static void siphash(void)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {
        {0, 0x726fdb47dd0e0e31ull}, {1, 0x74f839c593dc67fdull},  {7, 0xab0200f58b01d137ull},
        {8, 0x93f5f5799a932462ull}, {15, 0xa129ca6149be45e5ull},
    };
    const uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
    unsigned char message[16];
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        CHECK(ub_lwip_siphash(key, message, vectors[i].size) == vectors[i].hash);
    }
}

static uint16_t slow_checksum(const unsigned char *bytes, int length)
{
    uint32_t sum = 0;
    for (int i = 0; i < length; i += 2) {
        sum += (uint32_t)bytes[i] | (i + 1 < length ? (uint32_t)bytes[i + 1] << 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void checksum(void)
{
    unsigned char bytes[1600];
    for (unsigned round = 0; round < 20000; round++) {
        int length = rand() % 1500;
        unsigned offset = (unsigned)rand() % 64;
        int fill = round % 3 == 0 ? 0xff : -1;
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (unsigned char)(fill >= 0 ? fill : rand());
        }
        CHECK(ub_lwip_checksum(bytes + offset, length) == slow_checksum(bytes + offset, length));
    }
}

static void memory(void)
{
    /* Everything that can be had stays below an eighth, and comes back. */
    void *blocks[4096];
    size_t count = 0;
    while (count < 4096 && (blocks[count] = ub_lwip_allocate(200 + (count % 7) * 300)) != NULL) {
        memset(blocks[count], 0xaa, 200 + (count % 7) * 300);
        count++;
    }
    CHECK(count > 300 && count < 4096);
    CHECK(pages_out <= PAGES / 8);
    while (count > 0) {
        ub_lwip_free(blocks[--count]);
    }
    size_t before = pages_out;
    CHECK(ub_lwip_allocate(PAGES * UB_PAGE_SIZE) == NULL);
    void *some = ub_lwip_allocate(1000);
    CHECK(some != NULL && pages_out == before);
    ub_lwip_free(some);
    CHECK(ub_lwip_allocate_zeroed(SIZE_MAX / 2, 4) == NULL);
}

static uint32_t number(uint32_t local, uint16_t local_port, uint32_t remote, uint16_t remote_port)
{
    ip_addr_t from = {local};
    ip_addr_t to = {remote};
    return ub_lwip_initial_sequence_number(&from, local_port, &to, remote_port);
}

static void sequence_numbers(void)
{
    uint32_t base = number(1, 2, 3, 4);
    CHECK(base == number(1, 2, 3, 4));
    CHECK(base != number(9, 2, 3, 4) && base != number(1, 9, 3, 4));
    CHECK(base != number(1, 2, 9, 4) && base != number(1, 2, 3, 9));
    now += 4096 * 1000;
    CHECK(number(1, 2, 3, 4) == base + 1000);
}

int main(void)
{
    siphash();
    checksum();
    memory();
    sequence_numbers();
    puts("port: hash, checksum, memory, sequence numbers");
    return 0;
}
