/* eventfd and timerfd. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "fact.h"

#define EVENTFD 284

static int ready(int file, short events)
{
    struct pollfd entry = {.fd = file, .events = events};
    return poll(&entry, 1, 0) == 1 ? entry.revents : 0;
}

static void read_number(int file)
{
    uint64_t value = 0;
    FACT(read(file, &value, sizeof value));
    printf("value: %llu\n", (unsigned long long)value);
}

static void write_number(int file, uint64_t value)
{
    FACT(write(file, &value, sizeof value));
}

static void *add_later(void *file)
{
    usleep(30000);
    uint64_t value = 5;
    (void)!write(*(int *)file, &value, sizeof value);
    return NULL;
}

static void counters(void)
{
    char few[4];
    int counter = eventfd(2, EFD_NONBLOCK);
    FACT(ready(counter, POLLIN | POLLOUT));
    read_number(counter);
    read_number(counter);
    FACT(ready(counter, POLLIN | POLLOUT));
    write_number(counter, UINT64_MAX);
    write_number(counter, UINT64_MAX - 1);
    FACT(ready(counter, POLLIN | POLLOUT));
    write_number(counter, 1);
    write_number(counter, 0);
    read_number(counter);
    FACT(read(counter, few, sizeof few));
    FACT(write(counter, few, sizeof few));
    FACT(read(counter, NOWHERE, 8));
    FACT(write(counter, NOWHERE, 8));
    FACT(eventfd(0, 1 << 20));
    close(counter);
    counter = (int)raw(EVENTFD, 7, 0, 0, 0, 0);
    read_number(counter);
    close(counter);
    counter = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
    read_number(counter);
    read_number(counter);
    read_number(counter);
    read_number(counter);
    FACT(fcntl(counter, F_SETFL, 0));
    pthread_t other;
    pthread_create(&other, NULL, add_later, &counter);
    read_number(counter);
    pthread_join(other, NULL);
    close(counter);
}

static struct itimerspec setting(long value, long interval)
{
    return (struct itimerspec){{interval / 1000, interval % 1000 * 1000000},
                               {value / 1000, value % 1000 * 1000000}};
}

static void timers(void)
{
    struct itimerspec value = setting(20, 0);
    struct itimerspec before;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    read_number(timer);
    FACT(timerfd_settime(timer, 0, &value, &before));
    printf("before: %ld %ld\n", (long)before.it_value.tv_sec, before.it_value.tv_nsec);
    FACT(ready(timer, POLLIN));
    FACT(timerfd_gettime(timer, &before));
    printf("running: %d\n", before.it_value.tv_sec == 0 && before.it_value.tv_nsec > 0 &&
                                before.it_value.tv_nsec <= 20000000);
    usleep(30000);
    FACT(ready(timer, POLLIN));
    read_number(timer);
    read_number(timer);
    FACT(timerfd_gettime(timer, &before));
    printf("over: %ld %ld\n", (long)before.it_value.tv_sec, before.it_value.tv_nsec);
    FACT(fcntl(timer, F_SETFL, 0));
    value = setting(10, 100000);
    FACT(timerfd_settime(timer, 0, &value, NULL));
    read_number(timer);
    FACT(timerfd_gettime(timer, &before));
    printf("repeats: %ld s\n", (long)before.it_interval.tv_sec);
    value = (struct itimerspec){{0, 0}, {1, 0}}; /* long ago */
    FACT(timerfd_settime(timer, TFD_TIMER_ABSTIME, &value, NULL));
    read_number(timer);
    value = setting(0, 0);
    FACT(timerfd_settime(timer, 0, &value, NULL));
    close(timer);
}

static void errors(void)
{
    int counter = eventfd(0, 0);
    struct itimerspec value = {{0, 0}, {0, 1000000000}};
    int timer = timerfd_create(CLOCK_REALTIME, 0);
    FACT(timerfd_settime(timer, 0, &value, NULL));
    value = setting(10, 0);
    FACT(timerfd_settime(timer, 64, &value, NULL));
    FACT(timerfd_settime(counter, 0, &value, NULL));
    FACT(timerfd_settime(99, 0, &value, NULL));
    FACT(syscall(SYS_timerfd_settime, timer, 0, NULL, NULL));
    FACT(syscall(SYS_timerfd_settime, timer, 0, NOWHERE, NULL));
    FACT(syscall(SYS_timerfd_gettime, timer, NOWHERE));
    FACT(timerfd_gettime(counter, &value));
    FACT(timerfd_create(77, 0));
    FACT(timerfd_create(CLOCK_MONOTONIC, 3));
    char few[4];
    FACT(read(timer, few, sizeof few));
    close(timer);
    close(counter);
}

int main(void)
{
    counters();
    timers();
    errors();
    return 0;
}
