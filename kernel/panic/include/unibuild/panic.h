/*
 * The end of the image when something is broken.
 *
 * ub_panic prints one line on the console,
 *     \x1e[unibuild] fault panic: MESSAGE
 * then a frame-pointer backtrace, one line a frame,
 *     \x1e[unibuild] frame <hex address>
 * and stops the machine. Addresses of the image are shown as they are in its symbol file, whatever
 * was drawn at boot. `unibuild run` turns the addresses into names with the symbol file that
 * lies beside the image, and ends with status 134 (128 + SIGABRT).
 *
 * It may be called from anywhere: any thread, an interrupt handler, with any lock held. It uses no
 * heap and waits for nobody. A panic within a panic stops the machine at once.
 */
#ifndef UNIBUILD_PANIC_H
#define UNIBUILD_PANIC_H

#include <stdarg.h>
#include <stddef.h>

/* Understands %s, %c, %d, %u, %x, %p, %%, and the length modifiers l and z. */
_Noreturn void ub_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the backtrace lines for the chain of frames that starts at `frame_pointer`. */
void ub_backtrace(const void *frame_pointer);

/* Prints a message on the console, same formats as ub_panic; no buffer, no heap. */
void ub_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ub_print_list(const char *format, va_list arguments);

/* A broken invariant of the kernel itself; never for outside input. */
#define UB_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : ub_panic("%s:%u: %s", __FILE_NAME__, (unsigned)__LINE__, #condition))

#endif
