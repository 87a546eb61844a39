/* The processor's registers: CPUID, model-specific, control (Intel SDM vol. 2-4). */
#ifndef UNIBUILD_REGISTERS_H
#define UNIBUILD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#define UB_CPUID1_ECX_TSC_DEADLINE (1U << 24)
#define UB_CPUID1_ECX_XSAVE (1U << 26)
#define UB_CPUID1_ECX_RDRAND (1U << 30)
#define UB_CPUID1_ECX_HYPERVISOR (1U << 31)
#define UB_CPUID7_EBX_FSGSBASE (1U << 0)
#define UB_CPUID7_EBX_SMEP (1U << 7)
#define UB_CPUID7_EBX_RDSEED (1U << 18)
#define UB_CPUID7_EBX_SMAP (1U << 20)
#define UB_CPUID7_ECX_UMIP (1U << 2)

#define UB_CONTROL0_ALIGNMENT (1UL << 18)
#define UB_CONTROL4_UMIP (1UL << 11)
#define UB_CONTROL4_OSXSAVE (1UL << 18)
#define UB_CONTROL4_SMEP (1UL << 20)
#define UB_CONTROL4_SMAP (1UL << 21)

#define UB_MSR_APIC_BASE 0x1b
#define UB_MSR_TSC_DEADLINE 0x6e0
#define UB_MSR_EFER 0xc0000080
#define UB_MSR_STAR 0xc0000081
#define UB_MSR_LSTAR 0xc0000082
#define UB_MSR_CSTAR 0xc0000083
#define UB_MSR_FMASK 0xc0000084
#define UB_MSR_FS_BASE 0xc0000100
#define UB_MSR_GS_BASE 0xc0000101
#define UB_MSR_KERNEL_GS_BASE 0xc0000102

struct ub_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct ub_cpuid ub_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct ub_cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t ub_msr_read(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void ub_msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t ub_control2_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t ub_control0_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr0, %0" : "=r"(value));
    return value;
}

static inline void ub_control0_write(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t ub_control4_read(void)
{
    uint64_t value;
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static inline void ub_control4_write(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

static inline uint64_t ub_time_stamp(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void ub_page_invalidate(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

#endif
