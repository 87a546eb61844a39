/* What a program is told about itself and its machine. */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARCH_SET_GS 0x1001
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

static void fact(const char *what, bool holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

static int refusal(long result)
{
    return result == -1 ? errno : 0;
}

static void ids(void)
{
    fact("gettid is getpid", gettid() == getpid());
    fact("getpgid(0) is getpgrp", getpgid(0) == getpgrp());
    printf("getpgid of nobody: %d\n", refusal(getpgid(0x3fffffff)));
    uid_t real, effective, saved;
    fact("getresuid", getresuid(&real, &effective, &saved) == 0 && real == getuid());
    printf("getresuid nowhere: %d\n", refusal(syscall(SYS_getresuid, 16, 16, 16)));
    fact("setuid to itself", setuid(getuid()) == 0);
    printf("wait without children: %d\n", refusal(wait(NULL)));
    umask(027);
    printf("umask %o\n", umask(022));
}

static void limits(void)
{
    struct rlimit limit;
    for (int i = 0; i < 16; i++) {
        fact("a limit", getrlimit(i, &limit) == 0 && limit.rlim_cur <= limit.rlim_max);
    }
    printf("limit 16: %d\n", refusal(syscall(SYS_getrlimit, 16, &limit)));
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    fact("lowered", setrlimit(RLIMIT_NOFILE, &limit) == 0);
    struct rlimit again;
    fact("and told", prlimit(0, RLIMIT_NOFILE, NULL, &again) == 0 && again.rlim_cur == 100);
    limit.rlim_cur = again.rlim_max + 1;
    printf("soft above hard: %d\n", refusal(setrlimit(RLIMIT_NOFILE, &limit)));
}

static void names(const char *path)
{
    char name[16];
    prctl(PR_GET_NAME, name);
    fact("the name is the file's", strncmp(name, strrchr(path, '/') + 1, sizeof name - 1) == 0);
    prctl(PR_SET_NAME, "a name that is longer than fifteen bytes");
    prctl(PR_GET_NAME, name);
    printf("name <%s>\n", name);
    printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
    printf("dumpable 7: %d\n", refusal(prctl(PR_SET_DUMPABLE, 7)));
    printf("no new privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    printf("no new privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("no such option: %d\n", refusal(prctl(12345)));
    printf("personality %x\n", personality(0xffffffff));
}

static void machine(void)
{
    struct utsname system;
    fact("uname", uname(&system) == 0);
    printf("%s %s\n", system.sysname, system.machine);
    printf("uname nowhere: %d\n", refusal(syscall(SYS_uname, 16)));
    struct sysinfo information;
    fact("sysinfo", sysinfo(&information) == 0 && information.totalram >= information.freeram &&
                        information.totalram > 0 && information.mem_unit > 0);
    struct rusage usage;
    fact("getrusage", getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
    printf("usage of nobody: %d\n", refusal(getrusage(7, &usage)));
    unsigned processor = 99;
    cpu_set_t set;
    fact("getcpu", syscall(SYS_getcpu, &processor, NULL, NULL) == 0 && processor < 1024);
    fact("affinity", sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET(processor, &set));
    printf("affinity of 3 bytes: %d\n", refusal(syscall(SYS_sched_getaffinity, 0, 3, &set)));
    printf("policy %d\n", (int)syscall(SYS_sched_getscheduler, 0));
    printf("priorities %d to %d\n", (int)syscall(SYS_sched_get_priority_min, SCHED_FIFO),
           (int)syscall(SYS_sched_get_priority_max, SCHED_FIFO));
    struct timespec slice = {0, 0};
    fact("a slice", sched_rr_get_interval(0, &slice) == 0);
    printf("the slice of nobody: %d\n", refusal(sched_rr_get_interval(0x3fffffff, &slice)));
    printf("of -1: %d\n", refusal(sched_rr_get_interval(-1, &slice)));
    uint32_t attributes[14] = {48};
    fact("sched_getattr", syscall(SYS_sched_getattr, 0, attributes, 56, 0) == 0 &&
                              attributes[0] >= 48 && attributes[1] == SCHED_OTHER);
    printf("too small: %d\n", refusal(syscall(SYS_sched_getattr, 0, attributes, 40, 0)));
    fact("sched_setattr", syscall(SYS_sched_setattr, 0, attributes, 0) == 0);
    printf("nowhere: %d\n", refusal(syscall(SYS_sched_setattr, 0, 16, 0)));
    printf("priority %d\n", (int)syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

static void bases(void)
{
    uint64_t base = 0, self = 0;
    __asm__("movq %%fs:0, %0" : "=r"(self));
    fact("FS", syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0 && base == self);
    uint64_t word = 42, read = 0;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &word);
    __asm__ volatile("movq %%gs:0, %0" : "=r"(read));
    printf("through GS: %d\n", (int)read);
    fact("GS", syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0 && base == (uint64_t)&word);
    printf("GS in the kernel: %d\n", refusal(syscall(SYS_arch_prctl, ARCH_SET_GS, ~0UL << 40)));
    printf("no such code: %d\n", refusal(syscall(SYS_arch_prctl, 0x7777, 0)));
}

int main(int argc, char **argv)
{
    (void)argc;
    ids();
    limits();
    names(argv[0]);
    machine();
    bases();
    unsigned char bytes[64] = {0};
    fact("random bytes", getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
    printf("random, wrong flags: %d\n", refusal(getrandom(bytes, sizeof bytes, 0x100)));
    printf("random, nowhere: %d\n", refusal(syscall(SYS_getrandom, 16, 64, 0)));
    return 0;
}
