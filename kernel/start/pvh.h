/*
 * The PVH start_info structure (Xen public header arch-x86/hvm/start_info.h), read with bounded
 * checks: every address and count in it comes from outside the image.
 */
#ifndef UNIBUILD_PVH_H
#define UNIBUILD_PVH_H

#include <unibuild/memory.h>

#include <stddef.h>
#include <stdint.h>

#define UB_PVH_RANGES_MAXIMUM 32
#define UB_PVH_COMMAND_LINE_MAXIMUM 2048

struct ub_pvh {
    /* RAM, page aligned, sorted, disjoint, from UB_MEMORY_LOWEST. */
    struct ub_memory_range ranges[UB_PVH_RANGES_MAXIMUM];
    size_t range_count;
    uint64_t rsdp; /* ACPI root pointer's physical address, or 0 */
    char command_line[UB_PVH_COMMAND_LINE_MAXIMUM];
};

/* What the monitor told. Valid after ub_pvh_read. */
extern struct ub_pvh ub_pvh;

/* Fills ub_pvh, or ends the image with a message that names the check that failed. */
void ub_pvh_read(uint64_t start_info);

#endif
