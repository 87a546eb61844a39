/*
 * Where virtio-mmio devices are.
 *
 * A monitor without tables says it on the command line, one word a device (Linux's documented
 * parameter): `virtio_mmio.device=SIZE[K|M]@BASE:LINE[:ID]`. Words of that form are never the
 * program's arguments. Without any, QEMU's microvm is assumed: a row of transports at a fixed
 * address. With its second IO-APIC there are 24, on that one's lines; else there are 8, on lines
 * from 16 on when the machine has ACPI tables and from 5 on when it has not (`acpi=off`): since
 * tables are not read here, both are listened to. A transport without a device says so itself; an
 * address without a transport has no magic.
 */
#include <unibuild/memory.h>
#include <unibuild/virtio.h>

#include "mmio.h"

#define MICROVM_BASE 0xfeb00000u
#define MICROVM_STRIDE 512u
#define SECOND_IOAPIC 0xfec10000u
#define SECOND_IOAPIC_LINE 24u
#define IOAPIC_LINES 24u
#define ONE_IOAPIC_LINE 16u
#define LINE_WITHOUT_ACPI 5u
#define ONE_IOAPIC_TRANSPORTS 8u

/* The monitor's command line, "" when it gave none. */
extern const char *ub_command_line(void) __attribute__((weak));

/* A C number: 0x…, 0…, or decimal. Moves `*text` past it. */
static uint64_t parse_number(const char **text)
{
    unsigned base = 10;
    if (**text == '0') {
        base = 8;
        ++*text;
        if (**text == 'x' || **text == 'X') {
            base = 16;
            ++*text;
        }
    }
    for (uint64_t value = 0;; ++*text) {
        unsigned digit = (unsigned char)**text;
        if (digit >= '0' && digit <= '9') {
            digit -= '0';
        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            digit = (digit | 0x20) - 'a' + 10;
        } else {
            return value;
        }
        if (digit >= base) {
            return value;
        }
        value = value * base + digit;
    }
}

static const char *after(const char *text, const char *prefix)
{
    for (; *prefix != '\0'; text++, prefix++) {
        if (*text != *prefix) {
            return NULL;
        }
    }
    return text;
}

/* Probes what one word names; false when it names no device. */
static bool probe_word(const char *word)
{
    word = after(word, "virtio_mmio.device=");
    if (word == NULL) {
        return false;
    }
    uint64_t size = parse_number(&word);
    if ((*word | 0x20) == 'k') {
        size <<= 10;
        word++;
    } else if ((*word | 0x20) == 'm') {
        size <<= 20;
        word++;
    }
    if (*word++ != '@') {
        return false;
    }
    uint64_t base = parse_number(&word);
    if (*word++ != ':' || size == 0 || size > UB_PAGE_SIZE) {
        return false;
    }
    uint64_t line = parse_number(&word);
    ub_virtio_mmio_probe(ub_memory_map_device(base, size), size, (unsigned)line, 0);
    return true;
}

static bool probe_command_line(const char *text)
{
    bool found = false;
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
            continue;
        }
        found |= probe_word(text);
        while (*text != '\0' && *text != ' ') {
            text++;
        }
    }
    return found;
}

/* Registers are reached through an index (offset 0) and a data window (offset 16); register 1 holds
 * the version, which is never all zeros or all ones in a controller that exists. */
static bool second_ioapic_present(void)
{
    volatile uint32_t *ioapic = ub_memory_map_device(SECOND_IOAPIC, 32);
    ioapic[0] = 1;
    uint32_t version = ioapic[4] & 0xff;
    return version != 0 && version != 0xff;
}

void ub_virtio_mmio_scan(void)
{
    if (ub_command_line != NULL && probe_command_line(ub_command_line())) {
        return;
    }
    bool second = second_ioapic_present();
    unsigned count = second ? IOAPIC_LINES : ONE_IOAPIC_TRANSPORTS;
    unsigned line = second ? SECOND_IOAPIC_LINE : ONE_IOAPIC_LINE;
    volatile uint8_t *row = ub_memory_map_device(MICROVM_BASE, count * MICROVM_STRIDE);
    for (unsigned i = 0; i < count; i++) {
        ub_virtio_mmio_probe(row + i * MICROVM_STRIDE, MICROVM_STRIDE, line + i,
                             second ? 0 : LINE_WITHOUT_ACPI + i);
    }
}
