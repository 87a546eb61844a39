/*
 * The order of a boot: processor, memory, randomness, canary, initializers, identity, program. Each
 * step may use the ones before it only.
 */
#include "program.h"
#include "pvh.h"

#include <unibuild/exception.h>
#include <unibuild/image.h>
#include <unibuild/initialize.h>
#include <unibuild/interrupt.h>
#include <unibuild/layout.h>
#include <unibuild/memory.h>
#include <unibuild/random.h>
#include <unibuild/stack_protector.h>

/* Asked for by the entry code; the canary changes under this frame, so it must not have one. */
_Noreturn void ub_start(uint32_t start_info);

__attribute__((no_stack_protector)) _Noreturn void ub_start(uint32_t start_info)
{
    ub_cpu_initialize();
    ub_pvh_read(start_info);
    ub_memory_initialize(ub_pvh.ranges, ub_pvh.range_count);
    ub_random_initialize();
    __stack_chk_guard = ub_random_u64() & ~0xff00UL;
    for (const ub_initializer *at = ub_initializers_start; at < ub_initializers_end; at++) {
        (*at)();
    }
    ub_identity_print();
    ub_program_start();
}

const char *ub_command_line(void)
{
    return ub_pvh.command_line;
}

uint64_t ub_acpi_root(void)
{
    return ub_pvh.rsdp;
}
