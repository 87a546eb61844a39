/*
 * How fast the time stamp counter runs: told by the processor or the hypervisor where they tell,
 * else measured against the 8254 timer's channel 2 (1.193182 MHz) for 3 ms. Each reading of the
 * timer lies between two of the counter; of several the closest pair counts, which keeps the error
 * near 1 µs.
 *
 * The timer passes zero after 55 ms. A hypervisor may well not run us for so long in the middle of
 * a measurement, which then finds the counter far too fast: the timer's output tells, and another
 * measurement is made.
 */
#include "frequency.h"
#include "hypervisor.h"

#include <unibuild/io.h>
#include <unibuild/panic.h>
#include <unibuild/registers.h>

#include <stdbool.h>

#define LEAF_CRYSTAL 0x15
#define LEAF_FREQUENCY 0x16
#define HERTZ_PER_MEGAHERTZ 1000000ULL
#define HERTZ_PER_KILOHERTZ 1000ULL

#define TIMER_CHANNEL 0x42
#define TIMER_COMMAND 0x43
#define TIMER_GATE 0x61
#define TIMER_GATE_ON 0x01
#define TIMER_SPEAKER 0x02
#define TIMER_COUNT_DOWN 0xb0 /* channel 2, both bytes, mode 0 */
#define TIMER_LATCH 0x80
#define TIMER_LATCH_STATUS 0xe8 /* the read-back command, for channel 2's status */
#define STATUS_OUTPUT 0x80      /* high once the count has passed zero (mode 0) */
#define TIMER_HERTZ 1193182ULL
#define TIMER_WINDOW (TIMER_HERTZ * 3 / 1000)
#define READINGS 8
/* Readings without any movement after which there is no such timer. */
#define STUCK_READINGS 1000
/* Measurements until one is not interrupted for too long. */
#define MEASUREMENTS 8

struct reading {
    uint64_t stamp;
    uint16_t count;
};

static uint64_t told_by_processor(void)
{
    uint32_t last = ub_cpuid(0, 0).eax;
    if (last < LEAF_CRYSTAL) {
        return 0;
    }
    struct ub_cpuid crystal = ub_cpuid(LEAF_CRYSTAL, 0);
    if (crystal.eax == 0 || crystal.ebx == 0) {
        return 0;
    }
    if (crystal.ecx != 0) {
        return (uint64_t)crystal.ecx * crystal.ebx / crystal.eax;
    }
    return last >= LEAF_FREQUENCY ? (ub_cpuid(LEAF_FREQUENCY, 0).eax & 0xffff) * HERTZ_PER_MEGAHERTZ
                                  : 0;
}

static struct reading read_once(void)
{
    ub_port_write8(TIMER_COMMAND, TIMER_LATCH);
    uint64_t stamp = ub_time_stamp();
    uint16_t low = ub_port_read8(TIMER_CHANNEL);
    return (struct reading){stamp, (uint16_t)(ub_port_read8(TIMER_CHANNEL) << 8 | low)};
}

/* The reading whose latch took least time, so that stamp and count belong together best. */
static struct reading read_timer(void)
{
    struct reading best = {0, 0};
    uint64_t best_width = UINT64_MAX;
    for (unsigned i = 0; i < READINGS; i++) {
        uint64_t before = ub_time_stamp();
        struct reading reading = read_once();
        uint64_t width = reading.stamp - before;
        if (width < best_width) {
            best_width = width;
            best = (struct reading){before + width / 2, reading.count};
        }
    }
    return best;
}

static bool passed_zero(void)
{
    ub_port_write8(TIMER_COMMAND, TIMER_LATCH_STATUS);
    return (ub_port_read8(TIMER_CHANNEL) & STATUS_OUTPUT) != 0;
}

/* One measurement; 0 when there is no such timer. `*sound` tells whether the timer stayed in range;
 * when it did not, the result is too high. */
static uint64_t measure_once(bool *sound)
{
    ub_port_write8(TIMER_COMMAND, TIMER_COUNT_DOWN);
    ub_port_write8(TIMER_CHANNEL, 0xff);
    ub_port_write8(TIMER_CHANNEL, 0xff);
    struct reading first = read_timer();
    unsigned stuck = 0;
    for (;;) {
        uint16_t gone = (uint16_t)(first.count - read_once().count);
        if (gone >= TIMER_WINDOW) {
            break;
        }
        if (gone == 0 && ++stuck > STUCK_READINGS) {
            return 0;
        }
    }
    struct reading last = read_timer();
    *sound = !passed_zero();
    uint16_t gone = (uint16_t)(first.count - last.count);
    return gone == 0 ? UINT64_MAX : (last.stamp - first.stamp) * TIMER_HERTZ / gone;
}

/* The first sound measurement, or the lowest of all, which is the least wrong. */
static uint64_t measured(void)
{
    uint8_t gate = ub_port_read8(TIMER_GATE);
    ub_port_write8(TIMER_GATE, (uint8_t)((gate & ~TIMER_SPEAKER) | TIMER_GATE_ON));
    uint64_t lowest = UINT64_MAX;
    bool sound = false;
    for (unsigned i = 0; i < MEASUREMENTS && !sound && lowest != 0; i++) {
        uint64_t hertz = measure_once(&sound);
        if (sound || hertz < lowest) {
            lowest = hertz;
        }
    }
    ub_port_write8(TIMER_GATE, gate);
    return lowest;
}

uint64_t ub_time_stamp_frequency(void)
{
    uint64_t hertz = told_by_processor();
    if (hertz == 0) {
        hertz = ub_hypervisor_time_stamp_kilohertz() * HERTZ_PER_KILOHERTZ;
    }
    if (hertz == 0) {
        hertz = measured();
    }
    if (hertz == 0) {
        ub_panic("no way to tell the time: neither CPUID, kvmclock nor an 8254 timer");
    }
    return hertz;
}
