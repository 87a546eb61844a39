/* /proc and /sys as runtimes read them: what is the same on every machine. */
#include <ctype.h>
#include <inttypes.h>

#include "facts.h"

static char text[1 << 16];

static long read_all(const char *path)
{
    int file = open(path, O_RDONLY);
    long size = 0;
    long got = file < 0 ? -1 : 0;
    while (file >= 0 && (got = read(file, text + size, sizeof text - 1 - (size_t)size)) > 0) {
        size += got;
    }
    text[size] = '\0';
    close(file);
    return got < 0 ? -1 : size;
}

/* The field of a line that begins so. */
static const char *field(const char *name)
{
    char *line = strstr(text, name);
    return line == NULL ? "missing" : line + strlen(name);
}

static void maps(void)
{
    int here = 0;
    int lines = 0;
    uintptr_t start, end;
    char access[5];
    FACT(read_all("/proc/self/maps") > 0);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        lines++;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, access) != 3) {
            printf("a line of maps is not as it should be: %s\n", line);
        } else if ((uintptr_t)maps >= start && (uintptr_t)maps < end) {
            printf("code is %s\n", access);
        } else if ((uintptr_t)&here >= start && (uintptr_t)&here < end) {
            printf("stack is %s, %s\n", access, strstr(line, "[stack]") ? "named" : "not named");
        } else if ((uintptr_t)text >= start && (uintptr_t)text < end) {
            printf("data is %s\n", access);
        }
    }
    FACT(lines > 4);
}

static void process(void)
{
    char path[4096];
    long length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    FACT(path[0] == '/');
    struct stat one, other;
    FACT(stat("/proc/self/exe", &one) == 0 && stat(path, &other) == 0);
    FACT(one.st_ino == other.st_ino);
    FACT(S_ISREG(one.st_mode));
    FACT(chdir("/tmp"));
    FACT(readlink("/proc/self/cwd", path, sizeof path));
    FACT(memcmp(path, "/tmp", 4));
    FACT(read_all("/proc/self/status") > 0);
    FACT(atol(field("Threads:\t")));
    FACT(atol(field("VmRSS:")) > 0);
    FACT(atol(field("Pid:\t")) == getpid());
    FACT(read_all("/proc/self/stat") > 0);
    int fields = 0;
    for (char *at = strrchr(text, ')'); at != NULL && *at != '\0'; at++) {
        fields += *at == ' ';
    }
    FACT(fields);
    FACT(read_all("/proc/self/cmdline") > 0);
    FACT(strlen(text) > 0);
    FACT(read_all("/proc/self/comm") > 1);
    printf("# comm %s", text);
    FACT(read_all("/proc/self/statm") > 0);
    FACT(read_all("/proc/self/limits") > 0);
    FACT(strncmp(field("Max open files"), "missing", 7) != 0);
    FACT(read_all("/proc/self/mountinfo") > 0);
    FACT(read_all("/proc/self/cgroup") > 0);
    FACT(read_all("/proc/self/oom_score_adj") > 0);
    FACT(read_all("/proc/self/environ"));
}

static void descriptors(void)
{
    char path[4096];
    int file = open("/tmp/own-descriptor", O_RDWR | O_CREAT, 0600);
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    FACT(write(file, "by another way", 14));
    FACT(readlink(link, path, sizeof path));
    printf("%.19s\n", path);
    facts_content(link);
    snprintf(link, sizeof link, "/dev/fd/%d", file);
    facts_content(link);
    FACT(open("/proc/self/fd/999", O_RDONLY));
    FACT(open("/proc/self/fd/0x1", O_RDONLY));
    int pipes[2];
    FACT(pipe(pipes));
    snprintf(link, sizeof link, "/proc/self/fd/%d", pipes[0]);
    FACT(readlink(link, path, sizeof path) > 6);
    printf("%.6s\n", path);
    char same[64] = {0};
    snprintf(link, sizeof link, "/proc/self/fd/%d", dup(pipes[0]));
    FACT(readlink(link, same, sizeof same - 1) > 6);
    FACT(strncmp(path, same, strlen(same)));
    close(pipes[1] + 1);
    close(pipes[0]);
    close(pipes[1]);
    FACT(unlink("/tmp/own-descriptor"));
    close(file);
    DIR *folder = opendir("/proc/self/task");
    int tasks = 0;
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        tasks += isdigit((unsigned char)entry->d_name[0]) != 0;
    }
    closedir(folder);
    FACT(tasks);
    FACT(access("/proc/thread-self/stat", R_OK));
}

static void machine(void)
{
    FACT(read_all("/proc/meminfo") > 0);
    long total = atol(field("MemTotal:"));
    FACT(total > 1000 && atol(field("MemAvailable:")) <= total);
    FACT(read_all("/proc/cpuinfo") > 0);
    FACT(strncmp(field("flags\t\t:"), "missing", 7) != 0);
    FACT(strstr(text, " sse2") != NULL);
    FACT(read_all("/proc/stat") > 0 && strncmp(text, "cpu ", 4) == 0);
    FACT(read_all("/proc/uptime") > 0 && atof(text) >= 0);
    FACT(read_all("/proc/loadavg") > 0);
    FACT(read_all("/proc/version") > 0 && strncmp(text, "Linux version ", 14) == 0);
    FACT(read_all("/proc/filesystems") > 0 && strstr(text, "nodev\ttmpfs\n") != NULL);
    FACT(read_all("/proc/sys/kernel/ostype"));
    FACT(read_all("/proc/sys/kernel/osrelease") > 3);
    FACT(read_all("/proc/sys/kernel/random/boot_id"));
    char first[64];
    memcpy(first, text, sizeof first);
    FACT(read_all("/proc/sys/kernel/random/boot_id"));
    FACT(strcmp(first, text));
    FACT(text[14] == '4');
    FACT(read_all("/proc/sys/kernel/random/uuid"));
    FACT(strcmp(first, text) != 0);
    FACT(read_all("/proc/sys/vm/overcommit_memory"));
    FACT(read_all("/proc/sys/net/core/somaxconn") > 1);
    FACT(read_all("/sys/devices/system/cpu/online") > 1);
    FACT(isdigit((unsigned char)text[0]) != 0);
    FACT(access("/proc/none", F_OK));
    FACT(open("/proc/self/status", O_WRONLY | O_CREAT | O_EXCL, 0600));
    FACT(open("/dev/null", O_RDWR) > 0);
    FACT(open("/dev/full", O_WRONLY) > 0);
    struct stat status;
    FACT(stat("/dev/zero", &status));
    FACT(status.st_rdev);
    FACT(lseek(open("/dev/urandom", O_RDONLY), 5, SEEK_SET));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    maps();
    process();
    descriptors();
    machine();
    return 0;
}
