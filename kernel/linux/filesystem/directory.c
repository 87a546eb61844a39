/* getdents64, getcwd, chdir, fchdir. */
#include "path_call.h"

UB_LINUX_SHAPED(getdents64, ub_sys_getdents64, UB_VALUE, {UB_SHAPE_BYTES_OUT, 2})
UB_LINUX_SHAPED(getcwd, ub_sys_getcwd, {UB_SHAPE_BYTES_OUT, 1})
UB_LINUX_SHAPED(chdir, ub_sys_chdir, UB_PATH)
UB_LINUX_SHAPED(fchdir, ub_sys_fchdir, UB_VALUE)
