/* Waiters by the address they wait for: a small hash table behind one lock. */
#include <errno.h>
#include <stddef.h>

#include <unibuild/futex.h>
#include <unibuild/thread.h>

#include "word.h"

#define BUCKETS 128U /* a power of two */

struct waiter {
    struct waiter *next;
    struct waiter **previous;
    const void *address; /* NULL: woken, in no bucket */
    uint32_t bitset;
    struct ub_wait_queue queue;
};

struct bucket {
    struct waiter *first;
    struct waiter **last; /* where the next one goes; NULL: empty, first */
};

static struct ub_lock lock;
static struct bucket buckets[BUCKETS];

/* Multiplication by 2^64 over the golden ratio: neighbours and equal offsets spread alike. */
static struct bucket *bucket_of(const void *address)
{
    return &buckets[((uint64_t)address * 0x9e3779b97f4a7c15UL) >> (64 - 7)];
}
_Static_assert(BUCKETS == 1U << 7, "as many as the hash has values");

static void insert(struct waiter *waiter)
{
    struct bucket *bucket = bucket_of(waiter->address);
    if (bucket->first == NULL) {
        bucket->last = &bucket->first;
    }
    waiter->next = NULL;
    waiter->previous = bucket->last;
    *bucket->last = waiter;
    bucket->last = &waiter->next;
}

static void take_out(struct waiter *waiter)
{
    *waiter->previous = waiter->next;
    if (waiter->next != NULL) {
        waiter->next->previous = waiter->previous;
    } else {
        bucket_of(waiter->address)->last = waiter->previous;
    }
}

static long wake_locked(const void *address, unsigned count, uint32_t bitset)
{
    unsigned woken = 0;
    struct waiter *next;
    for (struct waiter *waiter = bucket_of(address)->first; waiter != NULL && woken < count;
         waiter = next) {
        next = waiter->next;
        if (waiter->address == address && (waiter->bitset & bitset) != 0) {
            take_out(waiter);
            waiter->address = NULL;
            (void)ub_wake_one(&waiter->queue);
            woken++;
        }
    }
    return woken;
}

long ub_futex_wake(const void *address, unsigned count, uint32_t bitset)
{
    unsigned long flags = ub_lock_acquire(&lock);
    long woken = wake_locked(address, count, bitset);
    ub_lock_release(&lock, flags);
    return woken;
}

long ub_futex_wait(const uint32_t *address, uint32_t expected, uint32_t bitset,
                   uint64_t deadline_ns)
{
    struct waiter waiter = {.address = address, .bitset = bitset};
    long result = 0;
    uint32_t value;
    /* The first look, without the lock, brings a page in that the program has not touched; the one
     * that counts, under the lock, then finds it there. */
    if (!load_word(address, &value)) {
        return -EFAULT;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    if (!load_word(address, &value) || value != expected) {
        ub_lock_release(&lock, flags);
        return -EAGAIN;
    }
    insert(&waiter);
    while (waiter.address != NULL && result == 0) {
        result =
            ub_thread_interrupted() ? -EINTR : ub_wait_unlock(&waiter.queue, &lock, deadline_ns);
    }
    if (waiter.address != NULL) {
        take_out(&waiter);
    } else {
        result = 0; /* woken, even if the deadline came at the same moment */
    }
    ub_lock_release(&lock, flags);
    return result;
}

long ub_futex_requeue(const uint32_t *address, unsigned wake, unsigned move, const uint32_t *target,
                      const uint32_t *expected)
{
    uint32_t value;
    if (expected != NULL && !load_word(address, &value)) {
        return -EFAULT;
    }
    unsigned long flags = ub_lock_acquire(&lock);
    if (expected != NULL && (!load_word(address, &value) || value != *expected)) {
        ub_lock_release(&lock, flags);
        return -EAGAIN;
    }
    long woken = wake_locked(address, wake, UB_FUTEX_ANY);
    unsigned moved = 0;
    struct waiter *next;
    for (struct waiter *waiter = bucket_of(address)->first;
         target != address && waiter != NULL && moved < move; waiter = next) {
        next = waiter->next;
        if (waiter->address == address) {
            take_out(waiter);
            waiter->address = target;
            insert(waiter);
            moved++;
        }
    }
    ub_lock_release(&lock, flags);
    return woken + (long)moved;
}
