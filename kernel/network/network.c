/*
 * The lock, the network thread, and waiting.
 *
 * `signalled` says that the network thread is runnable or running. Whenever the lock is free,
 * either it is set or the device will interrupt at the next frame; that is why a caller that polls
 * need not think of interrupts at all. Frames that were sent but not shown to the device have it
 * set too.
 */
#include <errno.h>

#include <unibuild/clock.h>
#include <unibuild/lock.h>
#include <unibuild/network.h>
#include <unibuild/network_device.h>

#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"

#include "interface.h"

#define POLL_BUDGET 64u
#define NANOSECONDS_PER_MILLISECOND 1000000ull
#define NEVER_MILLISECONDS 0xffffffffu

static struct ub_mutex lock;
static struct ub_lock signal_lock;
static struct ub_wait_queue signal_waiters;
static bool signalled = true;
static bool looped;    /* packets were handed in that no poll has told of */
static bool tcp_timed; /* the network thread's deadline allows for TCP's timers */

void ub_network_lock(void)
{
    ub_mutex_lock(&lock);
}

static void signal(void)
{
    if (__atomic_load_n(&signalled, __ATOMIC_RELAXED)) {
        return;
    }
    unsigned long flags = ub_lock_acquire(&signal_lock);
    signalled = true;
    ub_wake_one(&signal_waiters);
    ub_lock_release(&signal_lock, flags);
}

void ub_network_unlock(void)
{
    /* A first connection starts timers that the network thread did not know of when it went to
     * sleep. */
    if (tcp_active_pcbs != NULL && !tcp_timed) {
        signal();
    }
    ub_mutex_unlock(&lock);
}

void ub_network_interrupt(void)
{
    signal();
}

/* Hands in what was sent to the host itself. */
static void loop(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (netif->loop_first != NULL) {
            netif_poll(netif);
            looped = true;
        }
    }
}

bool ub_network_poll(void)
{
    struct ub_network_device *device = ub_network_interface_device();
    bool received = device != NULL && device->poll(device, POLL_BUDGET) != 0;
    loop();
    received |= looped;
    looped = false;
    return received;
}

void ub_network_flush(void)
{
    struct ub_network_device *device = ub_network_interface_device();
    loop();
    if (device != NULL) {
        device->flush(device);
    }
}

void ub_network_flush_soon(void)
{
    signal();
}

int ub_network_wait(struct ub_wait_queue *queue, uint64_t deadline)
{
    bool received = ub_network_poll();
    ub_network_flush();
    if (received) {
        return 0;
    }
    if (tcp_active_pcbs != NULL && !tcp_timed) {
        signal();
    }
    return ub_mutex_wait(&lock, queue, deadline);
}

/* When lwIP's next timer is due: a time that does not change while no timer is started. */
static uint64_t next_deadline(void)
{
    uint64_t now = ub_clock_monotonic() / NANOSECONDS_PER_MILLISECOND;
    uint32_t milliseconds = sys_timeouts_sleeptime();
    if (milliseconds == NEVER_MILLISECONDS) {
        return UB_CLOCK_NEVER;
    }
    return (now + milliseconds + 1) * NANOSECONDS_PER_MILLISECOND;
}

static void sleep_until(uint64_t deadline)
{
    unsigned long flags = ub_lock_acquire(&signal_lock);
    int result = 0;
    while (!signalled && result == 0) {
        result = ub_wait_unlock(&signal_waiters, &signal_lock, deadline);
    }
    signalled = true;
    ub_lock_release(&signal_lock, flags);
}

/* Marks the network thread as done, provided that the device has nothing and will interrupt. */
static bool retire(void)
{
    unsigned long flags = ub_lock_acquire(&signal_lock);
    struct ub_network_device *device = ub_network_interface_device();
    bool idle = device == NULL || device->interrupts_enable(device);
    if (idle) {
        signalled = false;
    }
    ub_lock_release(&signal_lock, flags);
    return idle;
}

void ub_network_thread(void *unused)
{
    (void)unused;
    for (;;) {
        ub_network_lock();
        bool received = ub_network_poll();
        sys_check_timeouts();
        ub_network_flush();
        tcp_timed = tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL;
        uint64_t deadline = next_deadline();
        bool idle = !received && retire();
        ub_network_unlock();
        if (idle) {
            sleep_until(deadline);
        } else {
            ub_thread_yield();
        }
    }
}
