/*
 * Lines of the I/O APICs: the first (24 lines) at its usual address, the second as QEMU's microvm
 * has it. Line N is vector UB_VECTOR_LINE + N, delivered to the boot processor.
 */
#include <unibuild/controller.h>
#include <unibuild/io.h>
#include <unibuild/lock.h>
#include <unibuild/memory.h>

#include <errno.h>
#include <stddef.h>

#define LINES_EACH 24
#define ISA_LINES 16
#define SELECT 0x00
#define WINDOW 0x10
#define REDIRECTION(line) (0x10 + 2 * (line))
#define ENTRY_ACTIVE_LOW (1U << 13)
#define ENTRY_LEVEL (1U << 15)

static const uint64_t addresses[] = {0xfec00000, 0xfec10000};
static struct ub_lock lock = UB_LOCK_INITIAL;
static char *controllers[2];

static void write_register(char *controller, unsigned reg, uint32_t value)
{
    ub_device_write32(controller + SELECT, reg);
    ub_device_write32(controller + WINDOW, value);
}

static uint32_t entry_bits(unsigned line, enum ub_interrupt_trigger trigger)
{
    switch (trigger) {
    case UB_INTERRUPT_LEVEL:
        return ENTRY_LEVEL;
    case UB_INTERRUPT_LEVEL_LOW:
        return ENTRY_LEVEL | ENTRY_ACTIVE_LOW;
    case UB_INTERRUPT_DEFAULT:
        return line < ISA_LINES ? 0 : ENTRY_LEVEL;
    case UB_INTERRUPT_EDGE:
        break;
    }
    return 0;
}

int ub_interrupt_connect_as(unsigned line, enum ub_interrupt_trigger trigger,
                            ub_interrupt_handler handler, void *context)
{
    if (line >= UB_LINE_COUNT) {
        return -EINVAL;
    }
    int result = ub_vector_connect(UB_VECTOR_LINE + line, handler, context);
    if (result != 0) {
        return result;
    }
    unsigned which = line / LINES_EACH;
    if (controllers[which] == NULL) {
        controllers[which] = ub_memory_map_device(addresses[which], WINDOW + sizeof(uint32_t));
    }
    unsigned long flags = ub_lock_acquire(&lock);
    unsigned reg = REDIRECTION(line % LINES_EACH);
    write_register(controllers[which], reg + 1, ub_apic_read(UB_APIC_ID) & 0xff000000);
    write_register(controllers[which], reg, (UB_VECTOR_LINE + line) | entry_bits(line, trigger));
    ub_lock_release(&lock, flags);
    return 0;
}

int ub_interrupt_connect(unsigned line, ub_interrupt_handler handler, void *context)
{
    return ub_interrupt_connect_as(line, UB_INTERRUPT_DEFAULT, handler, context);
}
