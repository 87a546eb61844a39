#include <sys/statfs.h>

#include "path_call.h"

UB_LINUX_SHAPED(statfs, ub_sys_statfs, UB_PATH, UB_FILLED(struct statfs))
UB_LINUX_SHAPED(fstatfs, ub_sys_fstatfs, UB_VALUE, UB_FILLED(struct statfs))
