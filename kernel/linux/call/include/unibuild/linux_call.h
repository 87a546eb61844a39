/*
 * System calls of Linux programs on x86-64: from the `syscall` instruction to the entry points that
 * linked programs call by name.
 *
 * For each call there is a function ub_linux_NAME, NAME as in Linux's table for x86-64, in a file
 * of its own: it takes the program's arguments, copies what they point to, calls ub_sys_NAME with
 * kernel pointers, and copies results out. Each image has its own table, generated from what its
 * program can call (`unibuild explain`); the linker takes the functions that the table names and
 * what they need, and nothing else.
 *
 * A number that the table lacks, or whose function no component defines, answers -ENOSYS and is
 * reported once: `\x1e[unibuild] missing-call NAME NUMBER caller ADDRESS`. With the word
 * `unibuild.strict-system-calls` on the monitor's command line it ends the image (status 159 = 128
 * + SIGSYS) instead.
 */
#ifndef UNIBUILD_LINUX_CALL_H
#define UNIBUILD_LINUX_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unibuild/user.h>

/* Returns what the program finds in RAX. */
typedef long ub_linux_call(struct ub_exception_frame *frame);

/* Generated with the image: by number, NULL where there is none. */
extern ub_linux_call *const ub_linux_calls[];
extern const uint64_t ub_linux_call_count;
/* The names in order of number, each ended by a NUL; an empty one for a number without a call. */
extern const char ub_linux_call_names[];
extern const uint64_t ub_linux_call_names_length;

/*
 * The report above and its answer, for a call of the table that cannot be what the program wants
 * (a process of its own).
 */
long ub_call_missing(const struct ub_exception_frame *frame);

#define UB_LINUX_CALL(name)                                                                        \
    long ub_linux_##name(struct ub_exception_frame *frame);                                        \
    long ub_linux_##name(struct ub_exception_frame *frame)

/* The arguments, 0 to 5. */
static inline uint64_t ub_argument(const struct ub_exception_frame *frame, unsigned index)
{
    switch (index) {
    case 0:
        return frame->rdi;
    case 1:
        return frame->rsi;
    case 2:
        return frame->rdx;
    case 3:
        return frame->r10;
    case 4:
        return frame->r8;
    default:
        return frame->r9;
    }
}

/* ---- Calls whose arguments have plain shapes --------------------------------------------------
 */

enum ub_shape_kind {
    UB_SHAPE_VALUE,     /* as it is */
    UB_SHAPE_STRING,    /* a path or name, at most 4096 bytes with its NUL */
    UB_SHAPE_IN,        /* `size` bytes in; NULL stays NULL */
    UB_SHAPE_OUT,       /* `size` bytes out when the call succeeds; NULL stays NULL */
    UB_SHAPE_IN_OUT,    /* both */
    UB_SHAPE_BYTES_IN,  /* as many bytes as argument `size` says */
    UB_SHAPE_BYTES_OUT, /* at most as many as argument `size` says; the result says how many */
    UB_SHAPE_REQUIRED = 0x80, /* added to IN, OUT, IN_OUT: NULL is -EFAULT */
};

struct ub_shape {
    uint8_t kind;
    uint16_t size; /* bytes, or for BYTES_* the index of the argument that has the count */
};

#define UB_ARGUMENTS_MAXIMUM 6

/* An entry point as the engine calls it; the six words are its arguments. */
typedef long ub_entry_point(long, long, long, long, long, long);

/*
 * Copies in, calls, copies out. Counts of BYTES_* above UB_TRANSFER_MAXIMUM are cut to it, as short
 * reads and writes are.
 */
#define UB_TRANSFER_MAXIMUM (64UL << 10)
long ub_call_shaped(struct ub_exception_frame *frame, const struct ub_shape shapes[6],
                    ub_entry_point *entry);

/*
 * Defines ub_linux_NAME by the shapes of its arguments:
 *
 *     UB_LINUX_SHAPED(newfstatat, ub_sys_newfstatat, {UB_SHAPE_VALUE}, {UB_SHAPE_STRING},
 *                     {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(struct stat)})
 */
#define UB_LINUX_SHAPED(name, entry_point, ...)                                                    \
    long entry_point(long, long, long, long, long, long);                                          \
    UB_LINUX_CALL(name)                                                                            \
    {                                                                                              \
        static const struct ub_shape shapes[UB_ARGUMENTS_MAXIMUM] = {__VA_ARGS__};                 \
        return ub_call_shaped(frame, shapes, entry_point);                                         \
    }

#endif
