/* ioctl: the requests that are known, by the size and the way of what their argument points to. */
#include <sys/ioctl.h>

#include <unibuild/file.h>
#include <unibuild/linux_call.h>

#define ARGUMENT_MAXIMUM 64U
/* Linux's struct termios for TCGETS: four words of flags, the line discipline, 19 characters. */
#define TERMIOS_SIZE 36U

long ub_sys_ioctl(long descriptor, unsigned long request, unsigned long argument);
long ub_sys_fcntl(long descriptor, long command, unsigned long argument);

/* The console answers as a terminal does. */
static long (*const terminal)(unsigned long, void *)
    __attribute__((used, retain)) = ub_console_terminal;

static const struct {
    uint16_t request;
    uint8_t in, out; /* bytes */
} known[] = {
    {FIONBIO, 4, 0},
    {FIONREAD, 0, 4},
    {TIOCOUTQ, 0, 4},
    {TIOCGWINSZ, 0, sizeof(struct winsize)},
    {TIOCSWINSZ, sizeof(struct winsize), 0},
    {TCGETS, 0, TERMIOS_SIZE},
    {TCSETS, TERMIOS_SIZE, 0},
    {TCSETSW, TERMIOS_SIZE, 0},
    {TCSETSF, TERMIOS_SIZE, 0},
    {TIOCGPGRP, 0, 4},
    {TIOCSPGRP, 4, 0},
};

/* A regular file has to be read what is between its position and its end. */
static long waiting_in_file(long descriptor, int *count)
{
    struct ub_file *file = ub_file_get(descriptor);
    struct stat status = {0};
    if (file == NULL) {
        return -EBADF;
    }
    long result = -ENOTTY;
    if (file->operations->status != NULL && file->operations->seek != NULL &&
        file->operations->status(file, &status) == 0 && S_ISREG(status.st_mode)) {
        *count = (int)(status.st_size - file->operations->seek(file, 0, SEEK_CUR));
        result = 0;
    }
    ub_file_put(file);
    return result;
}

UB_LINUX_CALL(ioctl)
{
    long descriptor = (int)frame->rdi;
    uint32_t request = (uint32_t)frame->rsi;
    unsigned char argument[ARGUMENT_MAXIMUM] __attribute__((aligned(8))) = {0};
    if (request == FIOCLEX || request == FIONCLEX) {
        return ub_sys_fcntl(descriptor, F_SETFD, request == FIOCLEX ? FD_CLOEXEC : 0);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].request != request) {
            continue;
        }
        if (known[i].in != 0 && !ub_user_copy_in(argument, frame->rdx, known[i].in)) {
            return -EFAULT;
        }
        long result = ub_sys_ioctl(descriptor, request, (unsigned long)argument);
        if (result == -ENOTTY && request == FIONREAD) {
            result = waiting_in_file(descriptor, (int *)argument);
        }
        if (result >= 0 && known[i].out != 0 &&
            !ub_user_copy_out(frame->rdx, argument, known[i].out)) {
            result = -EFAULT;
        }
        return result;
    }
    struct ub_file *file = ub_file_get(descriptor);
    if (file == NULL) {
        return -EBADF;
    }
    ub_file_put(file);
    return -ENOTTY;
}
