/*
 * The local APIC and the table of handlers. Linked when something connects an interrupt; then its
 * initializer silences the two old 8259 controllers, switches the local APIC on and, one level
 * later, enables interrupts.
 */
#include <unibuild/controller.h>
#include <unibuild/cpu.h>
#include <unibuild/exception.h>
#include <unibuild/initialize.h>
#include <unibuild/io.h>
#include <unibuild/lock.h>
#include <unibuild/memory.h>
#include <unibuild/registers.h>

#include <errno.h>
#include <stddef.h>

#define APIC_SIZE 4096
#define APIC_ENABLE 0x100
#define STUB_SIZE 8

#define PIC_FIRST_COMMAND 0x20
#define PIC_FIRST_DATA 0x21
#define PIC_SECOND_COMMAND 0xa0
#define PIC_SECOND_DATA 0xa1
#define PIC_BEGIN_SETUP 0x11
#define PIC_MODE_8086 0x01

_Static_assert(offsetof(struct ub_cpu, interrupt_depth) == 8, "used by stubs.S");
_Static_assert(offsetof(struct ub_cpu, preempt_count) == 12, "used by stubs.S");
_Static_assert(offsetof(struct ub_cpu, preempt_requested) == 16, "used by stubs.S");

struct connection {
    struct connection *next;
    ub_interrupt_handler handler;
    void *context;
};

extern const char ub_interrupt_stubs[];

static struct ub_lock lock = UB_LOCK_INITIAL;
static struct connection *connections[UB_VECTOR_COUNT];
static char *apic;

uint32_t ub_apic_read(unsigned reg)
{
    return ub_device_read32(apic + reg);
}

void ub_apic_write(unsigned reg, uint32_t value)
{
    ub_device_write32(apic + reg, value);
}

int ub_vector_connect(unsigned vector, ub_interrupt_handler handler, void *context)
{
    struct connection *connection = ub_heap_allocate(sizeof *connection);
    if (connection == NULL) {
        return -ENOMEM;
    }
    struct connection **list = &connections[vector - UB_VECTOR_FIRST];
    unsigned long flags = ub_lock_acquire(&lock);
    *connection = (struct connection){*list, handler, context};
    *list = connection;
    ub_lock_release(&lock, flags);
    return 0;
}

bool ub_interrupt_active(void)
{
    return ub_cpu_current()->interrupt_depth != 0;
}

void ub_interrupt_dispatch(uint64_t vector);

void ub_interrupt_dispatch(uint64_t vector)
{
    for (const struct connection *at = connections[vector - UB_VECTOR_FIRST]; at != NULL;
         at = at->next) {
        at->handler(at->context);
    }
    if (vector != UB_VECTOR_SPURIOUS) {
        ub_apic_write(UB_APIC_END_OF_INTERRUPT, 0);
    }
}

/*
 * The 8259 pair: vectors moved off the exceptions, to the one that nobody answers, and all masked,
 * so that neither a pending line nor a spurious one can be taken for an exception.
 */
static void silence_old_controllers(void)
{
    ub_port_write8(PIC_FIRST_COMMAND, PIC_BEGIN_SETUP);
    ub_port_write8(PIC_SECOND_COMMAND, PIC_BEGIN_SETUP);
    ub_port_write8(PIC_FIRST_DATA, UB_VECTOR_SPURIOUS & ~7);
    ub_port_write8(PIC_SECOND_DATA, UB_VECTOR_SPURIOUS & ~7);
    ub_port_write8(PIC_FIRST_DATA, 1 << 2);
    ub_port_write8(PIC_SECOND_DATA, 2);
    ub_port_write8(PIC_FIRST_DATA, PIC_MODE_8086);
    ub_port_write8(PIC_SECOND_DATA, PIC_MODE_8086);
    ub_port_write8(PIC_FIRST_DATA, 0xff);
    ub_port_write8(PIC_SECOND_DATA, 0xff);
}

static void initialize(void)
{
    silence_old_controllers();
    for (unsigned i = 0; i < UB_VECTOR_COUNT; i++) {
        ub_gate_set(UB_VECTOR_FIRST + i, ub_interrupt_stubs + i * STUB_SIZE, UB_STACK_INTERRUPT);
    }
    uint64_t base = ub_msr_read(UB_MSR_APIC_BASE) & 0x000ffffffffff000UL;
    apic = ub_memory_map_device(base, APIC_SIZE);
    ub_apic_write(UB_APIC_SPURIOUS, APIC_ENABLE | UB_VECTOR_SPURIOUS);
}
UB_INITIALIZER(UB_INITIALIZE_EARLY, initialize);

static void enable(void)
{
    ub_interrupt_enable();
}
UB_INITIALIZER(UB_INITIALIZE_INTERRUPTS, enable);
