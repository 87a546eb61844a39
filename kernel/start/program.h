/*
 * The program: what the image says before it, how it is entered, and the words that are meant for
 * it.
 */
#ifndef UNIBUILD_PROGRAM_H
#define UNIBUILD_PROGRAM_H

#include <stddef.h>

/* What words of the command line begin with that are for the kernel. */
#define UB_OPTION_PREFIX "unibuild."

/* Prints the line that says which image this is (see <unibuild/image.h>). */
void ub_identity_print(void);

/* Makes the program's stack and enters the C library on it. */
_Noreturn void ub_program_start(void);

/*
 * Splits a command line into words in place: blanks separate, '…' and "…" group, a backslash
 * outside '…' takes the next byte as it is. Words of the monitor's own (virtio_mmio.device=…) and
 * the kernel's options (unibuild.…) are left out. Returns the count of bytes of the words, each
 * with its NUL, that now begin at `line`.
 */
size_t ub_command_line_split(char *line);

#endif
