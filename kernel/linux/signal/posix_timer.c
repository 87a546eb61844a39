/* timer_create and its family: SIGEV_SIGNAL, SIGEV_THREAD_ID and SIGEV_NONE. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include <unibuild/futex.h>
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include "timer.h"

#define TIMERS_MAXIMUM 1024
#define THREAD_ID 4 /* SIGEV_THREAD_ID */
/* A clock of processor time by number: of which thread (0: the calling one), and which sort. */
#define CLOCK_IS_PROCESSOR(clock) ((clock) < 0)
#define CLOCK_OF_THREAD(clock) (((clock) & 4) != 0)
#define CLOCK_OWNER(clock) (~((clock) >> 3))

struct posix_timer {
    struct posix_timer *next;
    int id;
    bool realtime;
    struct signal_timer timer;
};

/* struct sigevent as the system call has it. */
struct event {
    uint64_t value;
    int32_t signal;
    int32_t notify;
    int32_t thread;
    int32_t rest[11];
};
_Static_assert(sizeof(struct event) == 64, "struct sigevent");

static struct posix_timer *timers; /* behind the scheduler lock */
static unsigned timer_count;

static struct posix_timer *find_locked(int id)
{
    struct posix_timer *timer = timers;
    while (timer != NULL && timer->id != id) {
        timer = timer->next;
    }
    return timer;
}

/* The smallest id that is free; the list is in order of ids. */
static int insert_locked(struct posix_timer *timer)
{
    struct posix_timer **at = &timers;
    int id = 0;
    while (*at != NULL && (*at)->id == id) {
        at = &(*at)->next;
        id++;
    }
    timer->id = id;
    timer->next = *at;
    *at = timer;
    timer_count++;
    return id;
}

static bool is_measurable(const struct signal_timer *timer)
{
    uint64_t now;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    bool found = ub_signal_timer_now_locked(timer, &now);
    ub_lock_release(&ub_scheduler_lock, flags);
    return found;
}

static bool choose_clock(int clock, struct posix_timer *timer)
{
    timer->timer.measured = ub_thread_current()->id;
    if (CLOCK_IS_PROCESSOR(clock)) {
        timer->timer.clock = CLOCK_OF_THREAD(clock) ? TIMER_THREAD : TIMER_PROCESS;
        if (CLOCK_OWNER(clock) != 0 && CLOCK_OF_THREAD(clock)) {
            timer->timer.measured = CLOCK_OWNER(clock);
        }
        return is_measurable(&timer->timer);
    }
    switch (clock) {
    case CLOCK_REALTIME:
        timer->realtime = true;
        return true;
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        return true;
    case CLOCK_PROCESS_CPUTIME_ID:
        timer->timer.clock = TIMER_PROCESS;
        return true;
    case CLOCK_THREAD_CPUTIME_ID:
        timer->timer.clock = TIMER_THREAD;
        return true;
    default:
        return false;
    }
}

static bool choose_event(const struct event *event, struct posix_timer *timer)
{
    switch (event->notify) {
    case SIGEV_NONE:
        return true;
    case THREAD_ID:
        timer->timer.thread = event->thread;
        if (event->thread <= 0) {
            return false;
        }
        break;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: /* the C library's own affair, which comes as SIGEV_THREAD_ID */
        break;
    default:
        return false;
    }
    timer->timer.signal = event->signal;
    timer->timer.entry.information.code = SI_TIMER;
    return event->signal >= 1 && event->signal <= SIGNALS;
}

static long create(int clock, const struct event *event, uint64_t to)
{
    if (timer_count >= TIMERS_MAXIMUM) {
        return -EAGAIN;
    }
    struct posix_timer *timer = ub_heap_allocate_zeroed(sizeof *timer);
    if (timer == NULL) {
        return -EAGAIN;
    }
    if (!choose_clock(clock, timer) || (event != NULL && !choose_event(event, timer))) {
        ub_heap_free(timer);
        return -EINVAL;
    }
    if (event == NULL) {
        timer->timer.signal = SIGALRM;
        timer->timer.entry.information.code = SI_TIMER;
    }
    ub_signal_timer_prepare(&timer->timer);
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    int id = insert_locked(timer);
    timer->timer.entry.information.process = id;
    timer->timer.entry.information.value = event != NULL ? event->value : (uint64_t)id;
    ub_lock_release(&ub_scheduler_lock, flags);
    return ub_user_copy_out(to, &id, sizeof id) ? 0 : -EFAULT;
}

/* As in setitimer: a wait for a futex can be interrupted now, so it has to be a real one. */
static long (*const bring_futexes_in)(const uint32_t *, uint32_t, uint32_t, uint64_t)
    __attribute__((used)) = ub_futex_wait;

UB_LINUX_CALL(timer_create)
{
    struct event event;
    uint64_t from = ub_argument(frame, 1);
    if (from != 0 && !ub_user_copy_in(&event, from, sizeof event)) {
        return -EFAULT;
    }
    return create((int)ub_argument(frame, 0), from != 0 ? &event : NULL, ub_argument(frame, 2));
}

UB_LINUX_CALL(timer_delete)
{
    int id = (int)ub_argument(frame, 0);
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct posix_timer **at = &timers;
    while (*at != NULL && (*at)->id != id) {
        at = &(*at)->next;
    }
    struct posix_timer *timer = *at;
    if (timer != NULL) {
        *at = timer->next;
        timer_count--;
        ub_timeout_stop_locked(&timer->timer.timeout);
        ub_signal_withdraw_locked(&timer->timer.entry);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_heap_free(timer);
    return timer != NULL ? 0 : -EINVAL;
}

static bool to_nanoseconds(const struct timespec *time, uint64_t *result)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= 1000000000L) {
        return false;
    }
    uint64_t limit = UB_CLOCK_NEVER / UB_NANOSECONDS_PER_SECOND / 4;
    uint64_t seconds = (uint64_t)time->tv_sec < limit ? (uint64_t)time->tv_sec : limit;
    *result = seconds * UB_NANOSECONDS_PER_SECOND + (uint64_t)time->tv_nsec;
    return true;
}

static struct timespec to_timespec(uint64_t time)
{
    return (struct timespec){.tv_sec = (time_t)(time / UB_NANOSECONDS_PER_SECOND),
                             .tv_nsec = (long)(time % UB_NANOSECONDS_PER_SECOND)};
}

static struct itimerspec setting_locked(const struct posix_timer *timer)
{
    return (struct itimerspec){.it_interval = to_timespec(timer->timer.interval),
                               .it_value = to_timespec(ub_signal_timer_left_locked(&timer->timer))};
}

UB_LINUX_CALL(timer_settime)
{
    int id = (int)ub_argument(frame, 0);
    bool absolute = (ub_argument(frame, 1) & TIMER_ABSTIME) != 0;
    uint64_t to = ub_argument(frame, 3);
    struct itimerspec setting, before = {0};
    uint64_t value, interval;
    if (!ub_user_copy_in(&setting, ub_argument(frame, 2), sizeof setting)) {
        return -EFAULT;
    }
    if (!to_nanoseconds(&setting.it_value, &value) ||
        !to_nanoseconds(&setting.it_interval, &interval)) {
        return -EINVAL;
    }
    uint64_t real = ub_clock_realtime();
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct posix_timer *timer = find_locked(id);
    if (timer != NULL) {
        before = setting_locked(timer);
        uint64_t now = real;
        if (absolute && value != 0 &&
            (timer->realtime || ub_signal_timer_now_locked(&timer->timer, &now))) {
            value = value > now ? value - now : 1;
        }
        ub_signal_withdraw_locked(&timer->timer.entry);
        timer->timer.entry.overrun = 0;
        ub_signal_timer_set_locked(&timer->timer, value, interval);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (timer == NULL) {
        return -EINVAL;
    }
    return to != 0 && !ub_user_copy_out(to, &before, sizeof before) ? -EFAULT : 0;
}

UB_LINUX_CALL(timer_gettime)
{
    struct itimerspec setting = {0};
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    const struct posix_timer *timer = find_locked((int)ub_argument(frame, 0));
    if (timer != NULL) {
        setting = setting_locked(timer);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (timer == NULL) {
        return -EINVAL;
    }
    return ub_user_copy_out(ub_argument(frame, 1), &setting, sizeof setting) ? 0 : -EFAULT;
}

UB_LINUX_CALL(timer_getoverrun)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    const struct posix_timer *timer = find_locked((int)ub_argument(frame, 0));
    long overrun = timer != NULL ? (long)timer->timer.entry.overrun : -EINVAL;
    ub_lock_release(&ub_scheduler_lock, flags);
    return overrun;
}
