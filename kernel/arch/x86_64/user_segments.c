/* The descriptor table of images with ring 3: that of entry.S and the program's segments. */
#include "entry.h"

#include <unibuild/exception.h>

#define KERNEL_DESCRIPTORS 5
#define USER_DATA 0x00cff3000000ffffULL
#define USER_CODE 0x00affb000000ffffULL

void ub_user_segments_load(void)
{
    static uint64_t table[KERNEL_DESCRIPTORS + 2];
    for (unsigned i = 0; i < KERNEL_DESCRIPTORS; i++) {
        table[i] = ub_descriptor_table[i];
    }
    table[KERNEL_DESCRIPTORS] = USER_DATA;
    table[KERNEL_DESCRIPTORS + 1] = USER_CODE;
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } location = {sizeof table - 1, (uint64_t)table};
    __asm__ volatile("lgdt %0" : : "m"(location));
}
