/* Within kernel/interrupt and kernel/clock: vectors, and the local APIC's registers. */
#ifndef UNIBUILD_CONTROLLER_H
#define UNIBUILD_CONTROLLER_H

#include <unibuild/interrupt.h>

#include <stdint.h>

#define UB_VECTOR_FIRST 32
#define UB_VECTOR_COUNT 96
#define UB_VECTOR_LINE 32 /* one for each of the lines 0..47 */
#define UB_VECTOR_MESSAGE 80
#define UB_VECTOR_MESSAGE_COUNT 32
#define UB_VECTOR_TIMER 112
#define UB_VECTOR_SPURIOUS 127

#define UB_LINE_COUNT 48

#define UB_APIC_ID 0x020
#define UB_APIC_END_OF_INTERRUPT 0x0b0
#define UB_APIC_SPURIOUS 0x0f0
#define UB_APIC_TIMER 0x320
#define UB_APIC_TIMER_INITIAL 0x380
#define UB_APIC_TIMER_CURRENT 0x390
#define UB_APIC_TIMER_DIVIDE 0x3e0

uint32_t ub_apic_read(unsigned reg);
void ub_apic_write(unsigned reg, uint32_t value);

/* Adds a handler to a vector; 0 or -ENOMEM. */
int ub_vector_connect(unsigned vector, ub_interrupt_handler handler, void *context);

#endif
