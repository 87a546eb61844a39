/*
 * What the image brings with it, and how it ends.
 *
 * The image rule generates one assembly file with the symbols below. Arguments and environment are
 * NUL-terminated strings, one after the other; the lengths count every byte. A command line that
 * the monitor passes (`-append`) replaces the arguments after the first, split at spaces ('…' and
 * "…" group, a backslash takes the next byte as it is).
 */
#ifndef UNIBUILD_IMAGE_H
#define UNIBUILD_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "name\0--flag\0", argv[0] included. */
extern const char ub_image_arguments[];
extern const uint64_t ub_image_arguments_length;
/* "HOME=/\0", may be empty. */
extern const char ub_image_environment[];
extern const uint64_t ub_image_environment_length;
/*
 * Who this image is: its label ("//hello:image"), and the SHA-256 digest of the boot file, taken
 * with these bytes zero. The kernel prints both before main, after every initializer, as the
 * console's line "\x1e[unibuild] identity LABEL sha256:HEX\n".
 */
#define UB_IMAGE_IDENTITY_BYTES 32
extern const char ub_image_label[];
extern const unsigned char ub_image_identity[UB_IMAGE_IDENTITY_BYTES];
/* The root file system, a cpio archive (newc); empty when both are equal. */
extern const unsigned char ub_image_root_start[];
extern const unsigned char ub_image_root_end[];

/*
 * Whether a word stands on the monitor's command line that is for the kernel: those that begin with
 * "unibuild.", which the program does not get. Only before the program starts, so from an
 * initializer: the line is split in place then.
 */
bool ub_option_given(const char *word);

/* The monitor's command line as it came; and the physical address of ACPI's root pointer, or 0. */
const char *ub_command_line(void);
uint64_t ub_acpi_root(void);

/* How large the main thread's stack may become, in bytes: kernel/start's, or kernel/linux/loader's.
 */
extern const uint64_t ub_program_stack_size;

/*
 * Ends the image: prints "\x1e[unibuild] exit STATUS\n" on the console and stops the machine. What
 * exit_group does.
 */
_Noreturn void ub_image_exit(int status);

#endif
