/* Message-signalled interrupts: a write to the local APIC's address with the vector as data. */
#include <unibuild/controller.h>
#include <unibuild/lock.h>

#include <errno.h>

#define MESSAGE_ADDRESS 0xfee00000ULL

int ub_interrupt_connect_message(ub_interrupt_handler handler, void *context,
                                 unsigned long long *address, unsigned *data)
{
    static struct ub_lock lock = UB_LOCK_INITIAL;
    static unsigned used;
    unsigned long flags = ub_lock_acquire(&lock);
    unsigned vector = UB_VECTOR_MESSAGE + used;
    int result = used < UB_VECTOR_MESSAGE_COUNT ? 0 : -ENOSPC;
    used += result == 0;
    ub_lock_release(&lock, flags);
    if (result == 0) {
        result = ub_vector_connect(vector, handler, context);
    }
    if (result == 0) {
        *address = MESSAGE_ADDRESS | (ub_apic_read(UB_APIC_ID) >> 24) << 12;
        *data = vector;
    }
    return result;
}
