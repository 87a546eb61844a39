/* The report and the end of a program that a signal ends. */
#include "internal.h"

#include <unibuild/image.h>
#include <unibuild/interrupt.h>
#include <unibuild/panic.h>
#include <unibuild/scheduler.h>

#include <signal.h>

#define FRAMES_MAXIMUM 64
#define STATUS_OF_SIGNAL 128

#pragma weak ub_user_describe

static const char *const names[] = {
    [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
    [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
    [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM", [SIGSYS] = "SIGSYS",
};

static const char *name_of(int signal)
{
    bool named = signal >= 0 && (size_t)signal < sizeof names / sizeof *names;
    return named && names[signal] != NULL ? names[signal] : "signal";
}

/* Return addresses, innermost first, as long as the program keeps frame pointers: below `stack`
 * there is no frame of a caller, and the register holds something else. */
static void backtrace(uint64_t frame, uint64_t stack)
{
    if (frame < stack) {
        return;
    }
    for (unsigned count = 0; count < FRAMES_MAXIMUM && frame % sizeof(uint64_t) == 0; count++) {
        uint64_t words[2]; /* the caller's frame, the return address */
        if (!ub_user_copy_in(words, frame, sizeof words) || words[1] == 0) {
            return;
        }
        ub_print("\x1e[unibuild] program-frame %lx\n", words[1]);
        if (words[0] <= frame) {
            return;
        }
        frame = words[0];
    }
}

_Noreturn void ub_user_end(const struct ub_exception_frame *frame, int signal, uint64_t address)
{
    const struct ub_thread *thread = ub_cpu_current()->thread;
    (void)ub_interrupt_disable(); /* nobody else has the console from here on */
    if (ub_user_describe != NULL) {
        ub_user_describe();
    }
    ub_print("\x1e[unibuild] fault %s (%d) thread=%d vector=%lu error=%lx address=%lx rip=%lx "
             "rsp=%lx rbp=%lx rax=%lx rbx=%lx rcx=%lx rdx=%lx rsi=%lx rdi=%lx r8=%lx r9=%lx "
             "r10=%lx r11=%lx r12=%lx r13=%lx r14=%lx r15=%lx\n",
             name_of(signal), signal, thread != NULL ? thread->id : 1, frame->vector, frame->error,
             address, frame->instruction_pointer, frame->stack_pointer, frame->rbp, frame->rax,
             frame->rbx, frame->rcx, frame->rdx, frame->rsi, frame->rdi, frame->r8, frame->r9,
             frame->r10, frame->r11, frame->r12, frame->r13, frame->r14, frame->r15);
    ub_print("\x1e[unibuild] program-frame %lx\n", frame->instruction_pointer);
    backtrace(frame->rbp, frame->stack_pointer);
    ub_image_exit(STATUS_OF_SIGNAL + signal);
}
