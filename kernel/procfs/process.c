/* /proc/self: what the program is told about itself. */
#include <string.h>
#include <sys/resource.h>

#include <unibuild/clock.h>
#include <unibuild/interrupt.h>
#include <unibuild/loader.h>
#include <unibuild/memory.h>
#include <unibuild/process.h>
#include <unibuild/program_memory.h>
#include <unibuild/scheduler.h>

#include "text.h"

#define KIB_PER_PAGE (UB_PAGE_SIZE / 1024)

long ub_sys_prlimit64(long process, long resource, const struct rlimit *new_limit,
                      struct rlimit *old_limit);

/* The name of the main thread: as the program set it, else that of its file. */
static void add_name(struct ub_text *text)
{
    char name[sizeof ub_thread_current()->linux.name] = {0};
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    const struct ub_thread *thread = ub_thread_find_locked(UB_PROCESS_ID);
    if (thread != NULL) {
        memcpy(name, thread->linux.name, sizeof name - 1);
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    if (name[0] == '\0') {
        const char *slash = strrchr(ub_image_program, '/');
        strncpy(name, slash != NULL ? slash + 1 : ub_image_program, sizeof name - 1);
    }
    ub_text_print(text, "%s", name);
}

/* What lies behind a mapping, or nothing. */
static void add_mapping_name(struct ub_text *text, const struct ub_program_area *area)
{
    const char *name = ub_loaded_name(area->start);
    if (name == NULL) {
        name = area->name;
    }
    char *path = ub_heap_allocate(UB_PATH_MAXIMUM);
    const struct ub_node *node = area->file != NULL ? ub_file_node(area->file) : NULL;
    ub_tree_lock(); /* names change, and go */
    bool named = path != NULL && node != NULL && ub_node_path(node, path, UB_PATH_MAXIMUM) > 0;
    ub_tree_unlock();
    if (named) {
        ub_text_print(text, "                  %s", path);
    } else if (name != NULL && name[0] != '\0') {
        ub_text_print(text, "                  %s", name);
    }
    ub_heap_free(path);
}

/* The area at or above `at`, its file held. No other thread can unmap it between the two. */
static bool area_take(uint64_t at, struct ub_program_area *area)
{
    unsigned long flags = ub_interrupt_disable();
    bool found = ub_program_area_at(at, area);
    if (found && area->file != NULL) {
        ub_file_hold(area->file);
    }
    ub_interrupt_restore(flags);
    return found;
}

void ub_make_maps(struct ub_text *text)
{
    struct ub_program_area area;
    uint64_t at = 0;
    while (!text->failed && area_take(at, &area)) {
        ub_text_print(text, "%08x-%08x %c%c%c%c %08x 00:00 %u", area.start, area.end,
                      (area.access & UB_PROGRAM_READ) ? 'r' : '-',
                      (area.access & UB_PROGRAM_WRITE) ? 'w' : '-',
                      (area.access & UB_PROGRAM_EXECUTE) ? 'x' : '-', area.shared ? 's' : 'p',
                      area.offset, (uint64_t)(area.file != NULL));
        add_mapping_name(text, &area);
        ub_text_print(text, "\n");
        if (area.file != NULL) {
            ub_file_put(area.file);
        }
        at = area.end;
    }
}

void ub_make_status(struct ub_text *text)
{
    struct ub_program_sizes sizes = ub_program_sizes();
    ub_text_print(text, "Name:\t");
    add_name(text);
    ub_text_print(text,
                  "\nState:\tR (running)\nTgid:\t1\nNgid:\t0\nPid:\t1\n"
                  "PPid:\t0\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\n"
                  "Groups:\t\n",
                  (uint64_t)ub_file_descriptors_end());
    ub_text_print(text, "VmPeak:\t%8u kB\nVmSize:\t%8u kB\nVmHWM:\t%8u kB\nVmRSS:\t%8u kB\n",
                  sizes.mapped * KIB_PER_PAGE, sizes.mapped * KIB_PER_PAGE,
                  sizes.resident_maximum * KIB_PER_PAGE, sizes.resident * KIB_PER_PAGE);
    ub_text_print(text,
                  "Threads:\t%u\nCpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\n"
                  "Mems_allowed_list:\t0\n",
                  (uint64_t)ub_count_program_threads());
}

/* 52 fields (proc_pid_stat(5)); times are those since boot, as getrusage tells them. */
void ub_make_stat(struct ub_text *text)
{
    struct ub_program_sizes sizes = ub_program_sizes();
    uint64_t ticks = ub_clock_monotonic() / (UB_NANOSECONDS_PER_SECOND / UB_TICKS_PER_SECOND);
    ub_text_print(text, "1 (");
    add_name(text);
    ub_text_print(text, ") R 0 1 1 0 -1 0 0 0 0 0 %u 0 0 0 20 0 %u 0 0 %u %u", ticks,
                  (uint64_t)ub_count_program_threads(), sizes.mapped * UB_PAGE_SIZE,
                  sizes.resident);
    ub_text_print(text, " 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 "
                        "0 0\n");
}

void ub_make_statm(struct ub_text *text)
{
    struct ub_program_sizes sizes = ub_program_sizes();
    ub_text_print(text, "%u %u 0 0 0 %u 0\n", sizes.mapped, sizes.resident, sizes.mapped);
}

void ub_make_cmdline(struct ub_text *text)
{
    ub_text_add(text, ub_loaded_program.arguments, ub_loaded_program.arguments_size);
}

void ub_make_environ(struct ub_text *text)
{
    ub_text_add(text, ub_loaded_program.environment, ub_loaded_program.environment_size);
}

void ub_make_auxv(struct ub_text *text)
{
    ub_text_add(text, ub_loaded_program.auxiliary, ub_loaded_program.auxiliary_size);
}

void ub_make_comm(struct ub_text *text)
{
    add_name(text);
    ub_text_print(text, "\n");
}

static void add_limit(struct ub_text *text, rlim_t value)
{
    if (value == RLIM_INFINITY) {
        ub_text_print(text, "%-21s", "unlimited");
    } else {
        ub_text_print(text, "%-21u", (uint64_t)value);
    }
}

void ub_make_limits(struct ub_text *text)
{
    static const struct {
        const char *name, *unit;
    } names[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},
        [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},
        [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},
        [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},
        [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},
        [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
        [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };
    ub_text_print(text, "%-26s%-21s%-21s%-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (long i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit limit;
        if (ub_sys_prlimit64(0, i, NULL, &limit) == 0) {
            ub_text_print(text, "%-26s", names[i].name);
            add_limit(text, limit.rlim_cur);
            add_limit(text, limit.rlim_max);
            ub_text_print(text, "%-10s\n", names[i].unit);
        }
    }
}
