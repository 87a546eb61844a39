/*
 * Clocks of used processor time. An id of a process or thread makes a clock's number (as
 * clock_getcpuclockid and pthread_getcpuclockid do): the id's complement above three bits, of which
 * the highest says that it is a thread's, and the others what is counted (0 to 2: here all time; 3
 * is no clock of this kind).
 */
#include "processor_clock.h"

#include <errno.h>

#include <unibuild/process.h>
#include <unibuild/thread.h>

#define ID_SHIFT 3
#define OF_THREAD 4U
#define KIND_MASK 3U
#define NO_KIND 3U

static long read_thread(int id, uint64_t *nanoseconds)
{
    return ub_thread_usage(id != 0 ? id : ub_thread_id(ub_thread_current()), nanoseconds) ? 0
                                                                                          : -EINVAL;
}

static long read_process(int id, uint64_t *nanoseconds)
{
    if (id != 0 && id != UB_PROCESS_ID) {
        return -EINVAL;
    }
    *nanoseconds = ub_program_usage();
    return 0;
}

long ub_processor_clock_read(int clock, uint64_t *nanoseconds)
{
    if (clock == CLOCK_PROCESS_CPUTIME_ID) {
        return read_process(0, nanoseconds);
    }
    if (clock == CLOCK_THREAD_CPUTIME_ID) {
        return read_thread(0, nanoseconds);
    }
    if (((unsigned)clock & KIND_MASK) == NO_KIND) {
        return -EINVAL;
    }
    int id = ~(clock >> ID_SHIFT);
    return (unsigned)clock & OF_THREAD ? read_thread(id, nanoseconds)
                                       : read_process(id, nanoseconds);
}
