/* Awaiting children: there are none. (Nothing defines fork, vfork and execve: the table's report of
 * a call that is missing names them and who called.) */
#include "values.h"

UB_LINUX_VALUES(wait4, ub_sys_wait4)
UB_LINUX_VALUES(waitid, ub_sys_waitid)
