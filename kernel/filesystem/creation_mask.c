#include "open_file.h"

#define DEFAULT_MASK 022U

/* kernel/process, when the program calls umask. */
#pragma weak ub_process_umask
int ub_process_umask(void);

unsigned ub_file_creation_mask(void)
{
    return ub_process_umask != NULL ? (unsigned)ub_process_umask() : DEFAULT_MASK;
}
