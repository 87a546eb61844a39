/*
 * timerfd: a timeout that expires once; what expired since is counted when somebody reads, which
 * also starts it again. So a timer with a tiny interval that nobody reads costs nothing. The
 * scheduler lock guards the state, since the timeout's callback runs under it. CLOCK_REALTIME never
 * jumps here, so a timer of either clock is one of the monotonic clock.
 */
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>

#include <unibuild/file.h>
#include <unibuild/memory.h>
#include <unibuild/scheduler.h>

struct timer {
    struct ub_file file;
    struct ub_timeout timeout;
    int clock;
    uint64_t interval; /* 0: once */
    bool expired;      /* and nobody has read it since; the timeout keeps its deadline */
};

static void timer_expired(struct ub_timeout *timeout)
{
    struct timer *timer =
        (struct timer *)((char *)timeout - __builtin_offsetof(struct timer, timeout));
    timer->expired = true;
    ub_wake_all_locked(&timer->file.changes);
}

/* Intervals that ended after the expiration, until `now`. */
static uint64_t missed(const struct timer *timer, uint64_t now)
{
    uint64_t since = now > timer->timeout.deadline ? now - timer->timeout.deadline : 0;
    return timer->interval != 0 ? since / timer->interval : 0;
}

/* Counts the expirations, and starts a repeating timer for the next one. */
static uint64_t collect_locked(struct timer *timer)
{
    uint64_t more = timer->interval != 0 ? missed(timer, ub_clock_monotonic()) : 0;
    timer->expired = false;
    if (timer->interval != 0) {
        ub_timeout_start_locked(&timer->timeout,
                                timer->timeout.deadline + (more + 1) * timer->interval);
    }
    return 1 + more;
}

static long timer_read(struct ub_file *file, void *buffer, size_t size)
{
    struct timer *timer = (struct timer *)file;
    if (size < sizeof(uint64_t)) {
        return -EINVAL;
    }
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    while (!timer->expired) {
        long error = file->flags & O_NONBLOCK ? -EAGAIN : ub_thread_interrupted() ? -EINTR : 0;
        if (error != 0) {
            ub_lock_release(&ub_scheduler_lock, flags);
            return error;
        }
        (void)ub_wait_locked(&file->changes, UB_CLOCK_NEVER);
    }
    uint64_t expirations = collect_locked(timer);
    ub_lock_release(&ub_scheduler_lock, flags);
    *(uint64_t *)buffer = expirations;
    return sizeof(uint64_t);
}

static unsigned timer_poll(struct ub_file *file)
{
    struct timer *timer = (struct timer *)file;
    return __atomic_load_n(&timer->expired, __ATOMIC_ACQUIRE) ? POLLIN | POLLRDNORM : 0;
}

static void timer_close(struct ub_file *file)
{
    ub_timeout_stop(&((struct timer *)file)->timeout);
    ub_heap_free(file);
}

static const struct ub_file_operations operations = {
    .read = timer_read,
    .poll = timer_poll,
    .close = timer_close,
};

long ub_sys_timerfd_create(long clock, long flags)
{
    if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) ||
        (flags & ~(long)(TFD_CLOEXEC | TFD_NONBLOCK)) != 0) {
        return -EINVAL;
    }
    struct timer *timer = ub_heap_allocate_zeroed(sizeof *timer);
    if (timer == NULL) {
        return -ENOMEM;
    }
    timer->file.operations = &operations;
    timer->file.flags = O_RDWR | ((unsigned)flags & O_NONBLOCK);
    timer->file.references = 1;
    timer->timeout.expire = timer_expired;
    timer->clock = (int)clock;
    int descriptor = ub_file_install(&timer->file, (unsigned)flags);
    if (descriptor < 0) {
        ub_file_put(&timer->file);
    }
    return descriptor;
}

/* The timer of a descriptor, with a reference, or NULL and why not. */
static struct timer *timer_get(long descriptor, long *error)
{
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        *error = -EBADF;
        return NULL;
    }
    if (file->operations != &operations) {
        ub_file_put(file);
        *error = -EINVAL;
        return NULL;
    }
    return (struct timer *)file;
}

static bool valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000L;
}

static uint64_t nanoseconds(const struct timespec *time)
{
    uint64_t limit = UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4;
    uint64_t seconds = (uint64_t)time->tv_sec < limit ? (uint64_t)time->tv_sec : limit;
    return seconds * UB_NANOSECONDS_PER_SECOND + (uint64_t)time->tv_nsec;
}

static struct timespec to_timespec(uint64_t time)
{
    return (struct timespec){.tv_sec = (time_t)(time / UB_NANOSECONDS_PER_SECOND),
                             .tv_nsec = (long)(time % UB_NANOSECONDS_PER_SECOND)};
}

static struct itimerspec setting_locked(const struct timer *timer, uint64_t now)
{
    struct itimerspec setting = {.it_interval = to_timespec(timer->interval)};
    uint64_t deadline = timer->timeout.deadline;
    if (timer->expired && timer->interval != 0) {
        deadline += (missed(timer, now) + 1) * timer->interval;
    }
    if (timer->timeout.active || (timer->expired && timer->interval != 0)) {
        setting.it_value = to_timespec(deadline > now ? deadline - now : 1);
    }
    return setting;
}

long ub_sys_timerfd_settime(long descriptor, long flags, const struct itimerspec *setting,
                            struct itimerspec *previous)
{
    long error = 0;
    if (!valid(&setting->it_value) || !valid(&setting->it_interval) ||
        (flags & ~(long)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) {
        return -EINVAL;
    }
    struct timer *timer = timer_get(descriptor, &error);
    if (timer == NULL) {
        return error;
    }
    uint64_t now = ub_clock_monotonic();
    uint64_t value = nanoseconds(&setting->it_value);
    uint64_t deadline = now + value;
    if (flags & TFD_TIMER_ABSTIME) {
        uint64_t clock_now = timer->clock == CLOCK_REALTIME ? ub_clock_realtime() : now;
        deadline = value > clock_now ? now + (value - clock_now) : now;
    }
    unsigned long interrupts = ub_lock_acquire(&ub_scheduler_lock);
    if (previous != NULL) {
        *previous = setting_locked(timer, now);
    }
    ub_timeout_stop_locked(&timer->timeout);
    timer->interval = nanoseconds(&setting->it_interval);
    timer->expired = false;
    if (value != 0) {
        ub_timeout_start_locked(&timer->timeout, deadline);
    }
    ub_lock_release(&ub_scheduler_lock, interrupts);
    ub_file_put(&timer->file);
    return 0;
}

long ub_sys_timerfd_gettime(long descriptor, struct itimerspec *setting)
{
    long error = 0;
    struct timer *timer = timer_get(descriptor, &error);
    if (timer == NULL) {
        return error;
    }
    uint64_t now = ub_clock_monotonic();
    unsigned long interrupts = ub_lock_acquire(&ub_scheduler_lock);
    *setting = setting_locked(timer, now);
    ub_lock_release(&ub_scheduler_lock, interrupts);
    ub_file_put(&timer->file);
    return 0;
}
