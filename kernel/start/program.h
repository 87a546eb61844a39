/*
 * The program: what the image says before it, its stack, arguments, environment and auxiliary
 * vector, as Linux lays them out.
 */
#ifndef UNIBUILD_PROGRAM_H
#define UNIBUILD_PROGRAM_H

#include <stddef.h>

/* Prints the line that says which image this is (see <unibuild/image.h>). */
void ub_identity_print(void);

/* Makes the program's stack and enters the C library on it. */
_Noreturn void ub_program_start(void);

/*
 * Splits a command line into words in place: blanks separate, '…' and "…" group, a backslash
 * outside '…' takes the next byte as it is. Words of the monitor's own (virtio_mmio.device=…) are
 * left out. Returns the count of bytes of the words, each with its NUL, that now begin at `line`.
 */
size_t ub_command_line_split(char *line);

#endif
