/* Descriptors and what copies between them: duplicates, flags, pipes between threads, sendfile. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "facts.h"

static void duplicates(void)
{
    int file = open("d", O_RDWR | O_CREAT, 0600);
    FACT(file);
    FACT(dup(file));
    FACT(dup2(file, 20));
    FACT(dup2(file, file));
    FACT(dup3(file, file, 0));
    FACT(dup3(file, 21, O_CLOEXEC));
    FACT(dup3(file, 21, O_APPEND));
    FACT(fcntl(21, F_GETFD));
    FACT(fcntl(20, F_GETFD));
    FACT(fcntl(20, F_SETFD, FD_CLOEXEC));
    FACT(fcntl(20, F_GETFD));
    FACT(fcntl(file, F_GETFD));
    FACT(fcntl(file, F_DUPFD, 30));
    FACT(fcntl(file, F_DUPFD_CLOEXEC, 30));
    FACT(fcntl(31, F_GETFD));
    FACT(fcntl(file, F_DUPFD, -1));
    FACT(fcntl(file, F_SETFL, O_APPEND | O_NONBLOCK));
    FACT(fcntl(20, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    FACT(fcntl(file, 12345, 0));
    FACT(dup(77));
    FACT(dup2(77, 3));
    FACT(dup2(file, -1));
    FACT(close(77));
    FACT(close(-1));
    FACT(ioctl(file, FIOCLEX));
    FACT(fcntl(file, F_GETFD));
    FACT(ioctl(file, FIONCLEX));
    FACT(ioctl(file, TIOCGWINSZ, (char[64]){0}));
    FACT(ioctl(77, FIONREAD, (char[64]){0}));
    FACT(write(file, "sixteen bytes...", 16));
    FACT(lseek(file, 6, SEEK_SET));
    int waiting = 0;
    FACT(ioctl(file, FIONREAD, &waiting));
    FACT(waiting);
    struct flock lock = {.l_type = F_WRLCK};
    FACT(fcntl(file, F_SETLK, &lock));
    FACT(fcntl(file, F_GETLK, &lock));
    FACT(lock.l_type == F_UNLCK);
    lock.l_type = 9;
    FACT(fcntl(file, F_SETLK, &lock));
    FACT(syscall(SYS_close_range, 20, 40, 0));
    FACT(fcntl(30, F_GETFD));
    FACT(syscall(SYS_close_range, 9, 5, 0));
    FACT(syscall(SYS_close_range, 4, 4, 4));
    FACT(fcntl(4, F_GETFD));
    FACT(close(4));
    FACT(close(file));
}

static void copies(void)
{
    char buffer[64] = {0};
    off_t offset = 4;
    int in = open("d", O_RDWR | O_TRUNC);
    int out = open("e", O_RDWR | O_CREAT, 0600);
    FACT(write(in, "0123456789abcdef", 16));
    FACT(sendfile(out, in, &offset, 6));
    FACT(offset);
    FACT(lseek(in, 0, SEEK_CUR));
    FACT(lseek(in, 12, SEEK_SET));
    FACT(sendfile(out, in, NULL, 100));
    FACT(lseek(in, 0, SEEK_CUR));
    FACT(sendfile(out, in, NULL, 100));
    facts_content("e");
    offset = -1;
    FACT(sendfile(out, in, &offset, 6));
    FACT(sendfile(77, in, NULL, 6));
    int pipes[2];
    FACT(pipe(pipes));
    offset = 0;
    FACT(sendfile(pipes[1], in, &offset, 10));
    FACT(read(pipes[0], buffer, 64));
    printf("%s\n", buffer);
    FACT(sendfile(out, pipes[0], NULL, 10));
    off_t from = 2;
    off_t to = 20;
    FACT(copy_file_range(in, &from, out, &to, 5, 0));
    FACT(from * 100 + to);
    facts_content("e");
    FACT(copy_file_range(in, &from, pipes[1], NULL, 5, 0));
    FACT(copy_file_range(in, &from, out, &to, 5, 1));
    close(pipes[0]);
    close(pipes[1]);
    close(in);
    close(out);
    FACT(unlink("d"));
    FACT(unlink("e"));
}

static int ends[2];

static void *write_much(void *argument)
{
    static char bytes[500000];
    memset(bytes, 'w', sizeof bytes);
    *(long *)argument = write(ends[1], bytes, sizeof bytes);
    close(ends[1]);
    return NULL;
}

static void pipes(void)
{
    static char buffer[100000];
    long written = 0;
    long total = 0;
    long got;
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    FACT(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    FACT(read(ends[0], buffer, 10));
    while ((got = write(ends[1], buffer, 4096)) > 0) {
        total += got;
    }
    FACT(total);
    FACT(write(ends[1], buffer, 1));
    struct pollfd ready = {.fd = ends[1], .events = POLLOUT};
    FACT(poll(&ready, 1, 0));
    FACT(ioctl(ends[0], FIONREAD, &total) == 0 && (int)total == 65536);
    FACT(read(ends[0], buffer, 10000));
    FACT(fcntl(ends[0], F_GETPIPE_SZ));
    FACT(write(ends[0], "x", 1));
    FACT(read(ends[1], buffer, 1));
    FACT(lseek(ends[0], 0, SEEK_SET));
    FACT(pread(ends[0], buffer, 1, 0));
    FACT(close(ends[0]));
    FACT(write(ends[1], "x", 1));
    FACT(close(ends[1]));
    FACT(pipe2(ends, O_TRUNC));

    FACT(pipe(ends));
    pthread_create(&thread, NULL, write_much, &written);
    total = 0;
    while ((got = read(ends[0], buffer, sizeof buffer)) > 0) {
        total += got;
    }
    pthread_join(thread, NULL);
    FACT(got);
    FACT(written);
    FACT(total);
    FACT(close(ends[0]));
}

static volatile int caught;

static void on_signal(int number)
{
    caught = number;
}

static void broken(void)
{
    signal(SIGPIPE, on_signal);
    FACT(pipe(ends));
    FACT(close(ends[0]));
    FACT(write(ends[1], "x", 1));
    FACT(caught);
    FACT(close(ends[1]));
}

static void in_memory(void)
{
    char buffer[16] = {0};
    int file = memfd_create("some name", MFD_CLOEXEC);
    FACT(file);
    FACT(write(file, "unnamed", 7));
    FACT(ftruncate(file, 10000));
    char *mapped = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    FACT(mapped != MAP_FAILED);
    FACT(memcmp(mapped, "unnamed", 7));
    memcpy(mapped + 9000, "through memory", 14);
    FACT(pread(file, buffer, 14, 9000));
    printf("%s\n", buffer);
    FACT(pwrite(file, "through write", 13, 5000));
    FACT(memcmp(mapped + 5000, "through write", 13));
    FACT(munmap(mapped, 10000));
    FACT(close(file));
    FACT(memfd_create("x", 0x8000));
}

int main(void)
{
    facts_begin();
    duplicates();
    copies();
    pipes();
    broken();
    in_memory();
    facts_end();
    return 0;
}
