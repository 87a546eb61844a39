/*
 * How a Linux program begins: from an ELF file in the root file system to its first instruction in
 * ring 3.
 *
 * The program may be static, static-PIE, or have an interpreter (PT_INTERP) in the same file
 * system. Its segments are mapped where their bytes lie in the image; what can be moved, and its
 * stack, get random places. Every field of the files is checked; one that is wrong ends the image
 * with a panic that names file and reason.
 *
 * The program finds on its stack what Linux gives: arguments, environment, and of the auxiliary
 * vector AT_SYSINFO_EHDR (when the vDSO is linked) MINSIGSTKSZ HWCAP HWCAP2 PHDR PHENT PHNUM BASE
 * FLAGS ENTRY UID EUID GID EGID SECURE PAGESZ CLKTCK EXECFN RANDOM PLATFORM.
 */
#ifndef UNIBUILD_LOADER_H
#define UNIBUILD_LOADER_H

#include <stddef.h>
#include <stdint.h>

/* From the image: the program's absolute path in its root file system. */
extern const char ub_image_program[];

/*
 * What the program began with, as /proc/self tells it: the kernel's copy, which no change that the
 * program makes to its own is seen in. Strings end with a NUL each.
 */
struct ub_loaded_program {
    const char *arguments, *environment;
    size_t arguments_size, environment_size;
    uint64_t vdso;         /* where it is, 0: there is none */
    const void *auxiliary; /* pairs of words, the last of them AT_NULL */
    size_t auxiliary_size;
};
extern struct ub_loaded_program ub_loaded_program;

/*
 * What the kernel itself has mapped at an address of the program: the path of the program or of its
 * interpreter, "[vdso]", or NULL.
 */
const char *ub_loaded_name(uint64_t address);

/* What ub_program_start is in images of Linux programs. */
_Noreturn void ub_linux_start(void);

/*
 * Maps the vDSO and returns where its ELF header is, 0 when memory is out. kernel/linux/vdso
 * defines it; the loader calls it when something else has linked it.
 */
uint64_t ub_vdso_map(void);

#endif
