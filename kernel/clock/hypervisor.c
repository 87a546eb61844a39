#include "hypervisor.h"

#include <unibuild/memory.h>
#include <unibuild/registers.h>

#include <string.h>

#define LEAF_SIGNATURE 0x40000000
#define LEAF_FEATURES 0x40000001
#define LEAF_TIMING 0x40000010
#define FEATURE_CLOCK2 (1U << 3)
#define MSR_WALL_CLOCK 0x4b564d00
#define MSR_SYSTEM_TIME 0x4b564d01
#define SYSTEM_TIME_ENABLE 1

/* struct pvclock_vcpu_time_info; the version is odd while the hypervisor writes. */
struct time_info {
    uint32_t version;
    uint32_t reserved0;
    uint64_t time_stamp;
    uint64_t system_time;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags;
    uint8_t reserved1[2];
};
_Static_assert(sizeof(struct time_info) == 32, "pvclock ABI");

struct wall_clock {
    uint32_t version;
    uint32_t seconds;
    uint32_t nanoseconds;
};

static bool has_signature(const char signature[12])
{
    if ((ub_cpuid(1, 0).ecx & UB_CPUID1_ECX_HYPERVISOR) == 0) {
        return false;
    }
    struct ub_cpuid leaf = ub_cpuid(LEAF_SIGNATURE, 0);
    uint32_t words[3] = {leaf.ebx, leaf.ecx, leaf.edx};
    return memcmp(words, signature, sizeof words) == 0;
}

static bool is_kvm(void)
{
    return has_signature("KVMKVMKVM\0\0\0");
}

bool ub_hypervisor_apic_counts_nanoseconds(void)
{
    return is_kvm() || has_signature("TCGTCGTCGTCG");
}

/* Reads the clock's page once; the page is not left with the hypervisor. */
static bool read_time(struct time_info *info)
{
    if (!is_kvm() || (ub_cpuid(LEAF_FEATURES, 0).eax & FEATURE_CLOCK2) == 0) {
        return false;
    }
    static volatile struct time_info page __attribute__((aligned(64)));
    ub_msr_write(MSR_SYSTEM_TIME, ub_physical_address((const void *)&page) | SYSTEM_TIME_ENABLE);
    do {
        info->version = page.version;
        info->time_stamp = page.time_stamp;
        info->system_time = page.system_time;
        info->multiplier = page.multiplier;
        info->shift = page.shift;
    } while ((info->version & 1) != 0 || info->version != page.version);
    ub_msr_write(MSR_SYSTEM_TIME, 0);
    return info->multiplier != 0;
}

uint64_t ub_hypervisor_time_stamp_kilohertz(void)
{
    if (is_kvm() && ub_cpuid(LEAF_SIGNATURE, 0).eax >= LEAF_TIMING) {
        uint32_t kilohertz = ub_cpuid(LEAF_TIMING, 0).eax;
        if (kilohertz != 0) {
            return kilohertz;
        }
    }
    struct time_info info;
    if (!read_time(&info)) {
        return 0;
    }
    uint64_t kilohertz = (1000000ULL << 32) / info.multiplier;
    return info.shift < 0 ? kilohertz << -info.shift : kilohertz >> info.shift;
}

uint64_t ub_hypervisor_wall_clock(void)
{
    struct time_info info;
    if (!read_time(&info)) {
        return 0;
    }
    static volatile struct wall_clock boot __attribute__((aligned(16)));
    ub_msr_write(MSR_WALL_CLOCK, ub_physical_address((const void *)&boot));
    uint64_t since_boot = ub_time_stamp() - info.time_stamp;
    since_boot = info.shift < 0 ? since_boot >> -info.shift : since_boot << info.shift;
    since_boot = (uint64_t)((unsigned __int128)since_boot * info.multiplier >> 32);
    return boot.seconds * 1000000000ULL + boot.nanoseconds + info.system_time + since_boot;
}
