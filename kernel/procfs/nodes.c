/* Which files there are. */
#include <unibuild/loader.h>

#include "text.h"

#define MADE(path, maker)                                                                          \
    {path, S_IFREG | 0444, 0, (const void *)(maker), &ub_made_operations, NULL}
#define FIXED(path, text) {path, S_IFREG | 0444, 0, text, &ub_fixed_operations, NULL}
#define LINK(path, target) {path, S_IFLNK | 0777, sizeof(target) - 1, target, NULL, NULL}
#define SHOWN(path, mode, system) {path, mode, 0, NULL, NULL, &(system)}

static const char *program_target(struct ub_node *link, size_t *length)
{
    (void)link;
    *length = __builtin_strlen(ub_image_program);
    return ub_image_program;
}

static const struct ub_node_operations program_link = {.target = program_target};

const struct ub_builtin_node ub_procfs_nodes[] = {
    LINK("proc/self", "1"),
    SHOWN("proc/thread-self", S_IFLNK | 0777, ub_thread_self_link),
    SHOWN("proc/1/exe", S_IFLNK | 0777, program_link),
    SHOWN("proc/1/cwd", S_IFLNK | 0777, ub_working_directory_link),
    LINK("proc/1/root", "/"),
    SHOWN("proc/1/fd", S_IFDIR | 0500, ub_descriptors_directory),
    SHOWN("proc/1/task", S_IFDIR | 0555, ub_tasks_directory),
    MADE("proc/1/maps", ub_make_maps),
    MADE("proc/1/status", ub_make_status),
    MADE("proc/1/stat", ub_make_stat),
    MADE("proc/1/statm", ub_make_statm),
    MADE("proc/1/cmdline", ub_make_cmdline),
    MADE("proc/1/environ", ub_make_environ),
    MADE("proc/1/auxv", ub_make_auxv),
    MADE("proc/1/comm", ub_make_comm),
    MADE("proc/1/limits", ub_make_limits),
    MADE("proc/1/mountinfo", ub_make_mountinfo),
    MADE("proc/1/mounts", ub_make_mounts),
    FIXED("proc/1/cgroup", "0::/\n"),
    FIXED("proc/1/oom_score", "0\n"),
    FIXED("proc/1/oom_score_adj", "0\n"),
    MADE("proc/meminfo", ub_make_meminfo),
    MADE("proc/cpuinfo", ub_make_cpuinfo),
    MADE("proc/stat", ub_make_system_stat),
    MADE("proc/uptime", ub_make_uptime),
    MADE("proc/loadavg", ub_make_loadavg),
    MADE("proc/version", ub_make_version),
    LINK("proc/mounts", "self/mounts"),
    FIXED("proc/cmdline", "\n"),
    FIXED("proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t1\t1\n"
                          "cpu\t0\t1\t1\ncpuacct\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n"),
    FIXED("proc/filesystems", "nodev\tproc\nnodev\tsysfs\nnodev\tcgroup2\nnodev\ttmpfs\n"),
    FIXED("proc/sys/kernel/ostype", "Linux\n"),
    MADE("proc/sys/kernel/osrelease", ub_make_osrelease),
    MADE("proc/sys/kernel/hostname", ub_make_hostname),
    FIXED("proc/sys/kernel/pid_max", "4194304\n"),
    FIXED("proc/sys/kernel/threads-max", "4194304\n"),
    FIXED("proc/sys/kernel/cap_last_cap", "40\n"),
    FIXED("proc/sys/kernel/ngroups_max", "65536\n"),
    MADE("proc/sys/kernel/random/boot_id", ub_make_boot_id),
    MADE("proc/sys/kernel/random/uuid", ub_make_uuid),
    FIXED("proc/sys/kernel/random/entropy_avail", "256\n"),
    FIXED("proc/sys/kernel/randomize_va_space", "2\n"),
    FIXED("proc/sys/fs/nr_open", "4096\n"),
    FIXED("proc/sys/fs/file-max", "4096\n"),
    FIXED("proc/sys/fs/pipe-max-size", "65536\n"),
    FIXED("proc/sys/vm/overcommit_memory", "1\n"),
    FIXED("proc/sys/vm/max_map_count", "2147483647\n"),
    FIXED("proc/sys/net/core/somaxconn", "4096\n"),
    FIXED("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
    FIXED("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"),
    FIXED("sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n"),
    FIXED("sys/devices/system/cpu/online", "0\n"),
    FIXED("sys/devices/system/cpu/possible", "0\n"),
    FIXED("sys/devices/system/cpu/present", "0\n"),
    FIXED("sys/devices/system/node/online", "0\n"),
    FIXED("sys/fs/cgroup/cgroup.controllers", "cpu memory\n"),
    FIXED("sys/fs/cgroup/cpu.max", "max 100000\n"),
    FIXED("sys/fs/cgroup/memory.max", "max\n"),
    FIXED("sys/fs/cgroup/memory.high", "max\n"),
    FIXED("etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    FIXED("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    FIXED("etc/hosts", "127.0.0.1\tlocalhost unikernel\n"),
    FIXED("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    LINK("dev/fd", "/proc/self/fd"),
    LINK("dev/stdin", "/proc/self/fd/0"),
    LINK("dev/stdout", "/proc/self/fd/1"),
    LINK("dev/stderr", "/proc/self/fd/2"),
};

const size_t ub_procfs_node_count = sizeof ub_procfs_nodes / sizeof ub_procfs_nodes[0];
