/*
 * The network stack's one lock, its thread, and the interface's configuration.
 *
 * The stack (lwIP's core, driver, sockets) is single-threaded code under one lock. Whoever holds
 * the lock may drive it: a thread that waits for a packet polls the device itself, so that a busy
 * server never switches threads; the network thread takes over when no one waits there (timers,
 * answers to ARP and pings, TCP while the program computes). The device interrupts once, and not
 * again until the network thread has found nothing more to do: under load there are hardly any
 * interrupts.
 *
 * The interface is configured from the image's `ub_image_network`: "dhcp", a static
 * "ADDRESS/PREFIX[,GATEWAY]", or "none". It comes up before main, but only in images whose program
 * can reach a socket: nothing else refers to this component. 127.0.0.1 is there in any case.
 */
#ifndef UNIBUILD_NETWORK_H
#define UNIBUILD_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include <unibuild/thread.h>

/* Text that the image's generated file defines; absent means "dhcp". */
extern const char ub_image_network[] __attribute__((weak));

/* Not recursive. May sleep. */
void ub_network_lock(void);
void ub_network_unlock(void);

/* With the lock held: waits on `queue` until woken or until `deadline` (ns, monotonic), driving the
 * stack first: when that received anything, it returns at once. The lock is released while asleep.
 * The condition must be looked at again after every return. 0 or -ETIMEDOUT. */
int ub_network_wait(struct ub_wait_queue *queue, uint64_t deadline);

/* With the lock held: hands in what the device has received, and what was sent to the host itself;
 * false when that was nothing. */
bool ub_network_poll(void);

/* With the lock held: shows the device the frames that were sent, and hands in what was sent to the
 * host itself. */
void ub_network_flush(void);

/* The same within a time slice at the latest, when the caller expects to send more before: waiting
 * flushes, and so does the network thread, which this makes runnable. */
void ub_network_flush_soon(void);

/* With the lock held: waits until the interface has an address. 0, -EAGAIN (not yet, `deadline` has
 * passed) or -ENETDOWN (there is no device). */
int ub_network_wait_address(uint64_t deadline);

#endif
