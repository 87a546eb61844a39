/* The clocks: the vDSO, looked up by hand, and the system calls tell the same times; sleeps last as
 * long as they should; wrong ids are refused. */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000LL
#define ROUNDS 2000

static void fact(const char *what, bool holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

/* The function's address by the dynamic segment, or NULL. */
static const void *vdso(const char *name)
{
    const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *header = (const void *)base;
    const Elf64_Phdr *headers = (const void *)(base + header->e_phoff);
    const Elf64_Dyn *entry = NULL;
    const char *strings = NULL;
    const Elf64_Sym *symbols = NULL;
    for (int i = 0; i < header->e_phnum; i++) {
        if (headers[i].p_type == PT_DYNAMIC) {
            entry = (const void *)(base + headers[i].p_offset);
        }
    }
    for (; entry->d_tag != DT_NULL; entry++) {
        strings = entry->d_tag == DT_STRTAB ? base + entry->d_un.d_ptr : strings;
        symbols = entry->d_tag == DT_SYMTAB ? (const void *)(base + entry->d_un.d_ptr) : symbols;
    }
    /* The string table follows the symbols' on Linux, and here. */
    for (const Elf64_Sym *at = symbols; (const char *)at < strings; at++) {
        if (strcmp(strings + at->st_name, name) == 0) {
            return base + at->st_value;
        }
    }
    return NULL;
}

static long long nanoseconds(const struct timespec *time)
{
    return time->tv_sec * NANOSECONDS + time->tv_nsec;
}

typedef int clock_function(clockid_t, struct timespec *);

static long long by_call(clockid_t id)
{
    struct timespec now;
    return syscall(SYS_clock_gettime, id, &now) == 0 ? nanoseconds(&now) : -1;
}

/* Readings by turns never go back. */
static bool agree(clock_function *get, clockid_t id)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec now;
        long long before = by_call(id);
        if (get(id, &now) != 0 || before > nanoseconds(&now) || nanoseconds(&now) > by_call(id) ||
            before < 0) {
            return false;
        }
    }
    return true;
}

static bool slept(clockid_t id, long long duration, int flags)
{
    long long before = by_call(CLOCK_MONOTONIC);
    long long wanted = flags == TIMER_ABSTIME ? by_call(id) + duration : duration;
    struct timespec now = {wanted / NANOSECONDS, wanted % NANOSECONDS};
    int result = clock_nanosleep(id, flags, &now, NULL);
    long long gone = by_call(CLOCK_MONOTONIC) - before;
    return result == 0 && gone >= duration - 1000 && gone < duration + NANOSECONDS;
}

static int refusal(long result)
{
    return result == -1 ? errno : 0;
}

int main(void)
{
    clock_function *get = (clock_function *)vdso("__vdso_clock_gettime");
    fact("the vDSO has clock_gettime", get != NULL);
    fact("gettimeofday", vdso("__vdso_gettimeofday") != NULL);
    fact("time", vdso("__vdso_time") != NULL);
    fact("getcpu", vdso("__vdso_getcpu") != NULL);
    fact("clock_getres", vdso("__vdso_clock_getres") != NULL);
    fact("CLOCK_MONOTONIC is the call's", agree(get, CLOCK_MONOTONIC));
    fact("CLOCK_REALTIME is the call's", agree(get, CLOCK_REALTIME));
    fact("CLOCK_BOOTTIME is the call's", agree(get, CLOCK_BOOTTIME));
    struct timespec now;
    fact("processor time, by the vDSO", get(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    printf("clock 99, by the vDSO: %d\n", get(99, &now));
    printf("clock 99: %d\n", refusal(syscall(SYS_clock_gettime, 99, &now)));
    printf("nowhere: %d\n", refusal(syscall(SYS_clock_gettime, CLOCK_REALTIME, 16)));

    struct timeval day;
    time_t seconds = time(NULL);
    gettimeofday(&day, NULL);
    fact("time and gettimeofday agree", day.tv_sec - seconds <= 1 && day.tv_sec >= seconds);
    fact("it is later than 2020", seconds > 1577836800);
    fact("clock_getres", clock_getres(CLOCK_MONOTONIC, &now) == 0 && now.tv_nsec == 1);

    fact("10 ms by CLOCK_MONOTONIC", slept(CLOCK_MONOTONIC, NANOSECONDS / 100, 0));
    fact("10 ms by CLOCK_REALTIME", slept(CLOCK_REALTIME, NANOSECONDS / 100, 0));
    fact("until a time", slept(CLOCK_MONOTONIC, NANOSECONDS / 100, TIMER_ABSTIME));
    now = (struct timespec){0, NANOSECONDS};
    printf("too many nanoseconds: %d\n", refusal(nanosleep(&now, NULL)));
    now = (struct timespec){-1, 0};
    printf("negative seconds: %d\n", refusal(nanosleep(&now, NULL)));
    printf("no such clock: %d\n", clock_nanosleep(99, 0, &now, NULL));
    struct tms used;
    fact("times", times(&used) > 0);
    return 0;
}
