/*
 * The wall clock: read once from the hypervisor or the MC146818 real time clock, then carried on by
 * the monotonic clock. The real time clock tells whole seconds only.
 */
#include "hypervisor.h"

#include <unibuild/clock.h>
#include <unibuild/io.h>
#include <unibuild/lock.h>

#include <stdbool.h>

#define INDEX 0x70
#define DATA 0x71
#define REGISTER_SECONDS 0x00
#define REGISTER_MINUTES 0x02
#define REGISTER_HOURS 0x04
#define REGISTER_DAY 0x07
#define REGISTER_MONTH 0x08
#define REGISTER_YEAR 0x09
#define REGISTER_A 0x0a
#define REGISTER_B 0x0b
#define REGISTER_CENTURY 0x32
#define A_UPDATING 0x80
#define B_BINARY 0x04
#define B_24_HOURS 0x02
#define HOUR_AFTERNOON 0x80
#define READ_TRIES 10000

struct calendar {
    uint8_t seconds, minutes, hours, day, month, year, century;
};

static uint8_t read_register(uint8_t reg)
{
    ub_port_write8(INDEX, reg);
    return ub_port_read8(DATA);
}

static struct calendar read_calendar(void)
{
    return (struct calendar){
        read_register(REGISTER_SECONDS), read_register(REGISTER_MINUTES),
        read_register(REGISTER_HOURS),   read_register(REGISTER_DAY),
        read_register(REGISTER_MONTH),   read_register(REGISTER_YEAR),
        read_register(REGISTER_CENTURY),
    };
}

static unsigned decode(uint8_t value, bool binary)
{
    return binary ? value : (unsigned)(value >> 4) * 10 + (value & 15);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; months count from March. */
static uint64_t days_since_epoch(unsigned year, unsigned month, unsigned day)
{
    unsigned shifted_year = month <= 2 ? year - 1 : year;
    unsigned shifted_month = (month + 9) % 12;
    unsigned leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    return (uint64_t)shifted_year * 365 + leap_days + (153 * shifted_month + 2) / 5 + day - 719469;
}

static uint64_t read_real_time_clock(void)
{
    struct calendar first, second;
    for (unsigned i = 0;; i++) {
        first = read_calendar();
        second = read_calendar();
        bool same = __builtin_memcmp(&first, &second, sizeof first) == 0;
        if (same && (read_register(REGISTER_A) & A_UPDATING) == 0) {
            break;
        }
        if (i == READ_TRIES) {
            return 0;
        }
    }
    uint8_t mode = read_register(REGISTER_B);
    bool binary = (mode & B_BINARY) != 0;
    unsigned hours = decode(first.hours & ~HOUR_AFTERNOON, binary);
    if ((mode & B_24_HOURS) == 0) {
        hours = hours % 12 + ((first.hours & HOUR_AFTERNOON) != 0 ? 12 : 0);
    }
    unsigned month = decode(first.month, binary);
    unsigned day = decode(first.day, binary);
    unsigned century = decode(first.century, binary);
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        return 0; /* no clock here: the ports read as all ones */
    }
    unsigned year =
        (century >= 19 && century <= 21 ? century : 20) * 100 + decode(first.year, binary);
    uint64_t seconds = days_since_epoch(year, month, day) * 86400 + hours * 3600ULL +
                       decode(first.minutes, binary) * 60ULL + decode(first.seconds, binary);
    return seconds * UB_NANOSECONDS_PER_SECOND;
}

uint64_t ub_clock_epoch(void)
{
    static struct ub_lock lock = UB_LOCK_INITIAL;
    static uint64_t epoch_of_monotonic;
    static bool known;
    unsigned long flags = ub_lock_acquire(&lock);
    if (!known) {
        uint64_t now = ub_hypervisor_wall_clock();
        if (now == 0) {
            now = read_real_time_clock();
        }
        epoch_of_monotonic = now - ub_clock_monotonic();
        known = true;
    }
    ub_lock_release(&lock, flags);
    return epoch_of_monotonic;
}

uint64_t ub_clock_realtime(void)
{
    return ub_clock_epoch() + ub_clock_monotonic();
}
