/*
 * Interrupts: lines of the platform's controller, and whether this processor takes them.
 *
 * Handlers run on the stack of whatever was interrupted, with interrupts disabled, and must use
 * general registers only (all kernel components are compiled so): floating point and vector state
 * of the interrupted program stay in the registers. A handler must not sleep.
 */
#ifndef UNIBUILD_INTERRUPT_H
#define UNIBUILD_INTERRUPT_H

#include <stdbool.h>

/* How the device signals; UB_INTERRUPT_DEFAULT: lines below 16 edge/high, others level/high. */
enum ub_interrupt_trigger {
    UB_INTERRUPT_DEFAULT,
    UB_INTERRUPT_EDGE,      /* rising edge (ISA, virtio-mmio of microvm without ACPI) */
    UB_INTERRUPT_LEVEL,     /* active high */
    UB_INTERRUPT_LEVEL_LOW, /* active low (PCI INTx) */
};

typedef void (*ub_interrupt_handler)(void *context);

/*
 * Connects a global interrupt line (IO-APIC input, 0..47) and unmasks it; several handlers may
 * share a line, each is called on every interrupt. Returns 0, -EINVAL (no such line) or -ENOMEM.
 */
int ub_interrupt_connect(unsigned line, ub_interrupt_handler handler, void *context);
int ub_interrupt_connect_as(unsigned line, enum ub_interrupt_trigger trigger,
                            ub_interrupt_handler handler, void *context);
/*
 * A vector for message-signalled interrupts: `*address` and `*data` are what the device must write.
 * Returns 0 or -ENOSPC.
 */
int ub_interrupt_connect_message(ub_interrupt_handler handler, void *context,
                                 unsigned long long *address, unsigned *data);

/* Disables interrupts on this processor; returns the flags for ub_interrupt_restore. They nest. */
static inline unsigned long ub_interrupt_disable(void)
{
    unsigned long flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void ub_interrupt_restore(unsigned long flags)
{
    if (flags & 0x200) {
        __asm__ volatile("sti" : : : "memory");
    }
}

static inline void ub_interrupt_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline bool ub_interrupt_enabled(void)
{
    unsigned long flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return (flags & 0x200) != 0;
}

/*
 * Halts until an interrupt has been served: enables and halts as one step, so that an interrupt
 * that came after the caller's last check wakes it. Called with interrupts disabled, returns so.
 */
static inline void ub_interrupt_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* True while this processor runs a handler. */
bool ub_interrupt_active(void);

/*
 * Preemption. ub_preempt_request, called from a handler (or anywhere with interrupts disabled),
 * makes the outermost return from interrupt save the vector state and call ub_preempt with
 * interrupts disabled; ub_preempt may switch contexts and returns when this one runs again.
 * kernel/thread defines it; without threads nobody requests it. Not called while the count below is
 * not 0.
 */
void ub_preempt_request(void);
void ub_preempt(void);
/* Nesting count on this processor; ub_preempt_enable serves a request that was put off. */
void ub_preempt_disable(void);
void ub_preempt_enable(void);

#endif
