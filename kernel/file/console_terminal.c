/*
 * What a terminal's settings are: those of a serial line as Linux sets it up, whatever a program
 * would like them to be. Setting is accepted and ignored; there is one process group.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <unibuild/file.h>

#define PROCESS_GROUP 1
#define CHARACTERS 19

/* As TCGETS fills it; the C library's struct termios is larger. */
struct settings {
    uint32_t input, output, control, local;
    uint8_t line;
    uint8_t characters[CHARACTERS];
};

static const struct settings settings = {
    .input = ICRNL | IXON,
    .output = OPOST | ONLCR,
    .control = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
    .local = ISIG | ICANON | IEXTEN,
    .characters = {[VINTR] = 3,
                   [VQUIT] = 28,
                   [VERASE] = 127,
                   [VKILL] = 21,
                   [VEOF] = 4,
                   [VMIN] = 1,
                   [VSTART] = 17,
                   [VSTOP] = 19,
                   [VSUSP] = 26,
                   [VREPRINT] = 18,
                   [VDISCARD] = 15,
                   [VWERASE] = 23,
                   [VLNEXT] = 22},
};

long ub_console_terminal(unsigned long request, void *argument)
{
    switch (request) {
    case TCGETS:
        memcpy(argument, &settings, sizeof settings);
        return 0;
    case TIOCGPGRP:
        *(int *)argument = PROCESS_GROUP;
        return 0;
    case TIOCOUTQ:
        *(int *)argument = 0;
        return 0;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TIOCSPGRP:
    case TIOCSWINSZ:
        return 0;
    default:
        return -ENOTTY;
    }
}
