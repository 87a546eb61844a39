/* The end of the image when something is broken. */
#include <unibuild/interrupt.h>
#include <unibuild/layout.h>
#include <unibuild/machine.h>
#include <unibuild/paging.h>
#include <unibuild/panic.h>

#include <stdint.h>

#define FRAMES_MAXIMUM 64

void ub_backtrace(const void *frame_pointer)
{
    /* A frame is the caller's frame pointer and the return address; frames lie ever higher. */
    const uint64_t *frame = frame_pointer;
    for (unsigned count = 0; count < FRAMES_MAXIMUM; count++) {
        if (((uint64_t)frame & 7) != 0 || !ub_page_mapped((uint64_t)frame) ||
            !ub_page_mapped((uint64_t)(frame + 1)) || frame[1] == 0) {
            return;
        }
        ub_print("\x1e[unibuild] frame %lx\n", ub_image_shown(frame[1]));
        const uint64_t *caller = (const uint64_t *)frame[0];
        if (caller <= frame) {
            return;
        }
        frame = caller;
    }
}

_Noreturn void ub_panic(const char *format, ...)
{
    static bool panicking;
    ub_interrupt_disable();
    if (!panicking) {
        panicking = true;
        va_list arguments;
        va_start(arguments, format);
        ub_print("\n\x1e[unibuild] fault panic: ");
        ub_print_list(format, arguments);
        ub_print("\n");
        va_end(arguments);
        ub_backtrace(__builtin_frame_address(0));
    }
    ub_machine_stop();
}
