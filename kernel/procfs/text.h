/* Inside kernel/procfs: texts that are made when a file is first read. */
#ifndef UNIBUILD_PROCFS_TEXT_H
#define UNIBUILD_PROCFS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unibuild/filesystem.h>

struct ub_text {
    char *bytes; /* from the heap */
    size_t size, capacity;
    bool failed; /* memory was out */
};

void ub_text_add(struct ub_text *text, const void *bytes, size_t size);
/* Understands %s, %c, and %u, %x of uint64_t; a width, with 0 before it for zeroes, '-' for left.
 */
void ub_text_print(struct ub_text *text, const char *format, ...);

/* Makes a file's whole text. */
typedef void ub_text_maker(struct ub_text *text);

/* Files whose node->content is a ub_text_maker, and files whose content is the text itself. */
extern const struct ub_file_operations ub_made_operations;
extern const struct ub_file_operations ub_fixed_operations;
/* Links and directories that show the program itself. */
extern const struct ub_node_operations ub_working_directory_link;
extern const struct ub_node_operations ub_thread_self_link;
extern const struct ub_node_operations ub_descriptors_directory;
extern const struct ub_node_operations ub_tasks_directory;

ub_text_maker ub_make_maps, ub_make_status, ub_make_stat, ub_make_statm, ub_make_cmdline,
    ub_make_environ, ub_make_auxv, ub_make_comm, ub_make_limits, ub_make_mountinfo, ub_make_mounts;
ub_text_maker ub_make_meminfo, ub_make_cpuinfo, ub_make_system_stat, ub_make_uptime,
    ub_make_loadavg, ub_make_version, ub_make_osrelease, ub_make_hostname, ub_make_boot_id,
    ub_make_uuid;

/* Threads of the program. */
unsigned ub_count_program_threads(void);
#define UB_TICKS_PER_SECOND 100U

#endif
