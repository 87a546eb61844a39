/* Processors and priorities. */
#include "values.h"

#include <sched.h>

/* What the kernel's struct sched_param has; the C library's is longer. */
#define PARAMETERS_SIZE sizeof(int)

UB_LINUX_VALUES(sched_getscheduler, ub_sys_sched_getscheduler)
UB_LINUX_VALUES(sched_get_priority_max, ub_sys_sched_get_priority_max)
UB_LINUX_VALUES(sched_get_priority_min, ub_sys_sched_get_priority_min)
UB_LINUX_VALUES(getpriority, ub_sys_getpriority)
UB_LINUX_VALUES(setpriority, ub_sys_setpriority)

UB_LINUX_SHAPED(sched_getaffinity, ub_sys_sched_getaffinity, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_VALUE, 0}, {UB_SHAPE_BYTES_OUT, 1})
UB_LINUX_SHAPED(sched_setaffinity, ub_sys_sched_setaffinity, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_VALUE, 0}, {UB_SHAPE_BYTES_IN, 1})
UB_LINUX_SHAPED(sched_getparam, ub_sys_sched_getparam, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, PARAMETERS_SIZE})
UB_LINUX_SHAPED(sched_setparam, ub_sys_sched_setparam, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_IN | UB_SHAPE_REQUIRED, PARAMETERS_SIZE})
UB_LINUX_SHAPED(sched_setscheduler, ub_sys_sched_setscheduler, {UB_SHAPE_VALUE, 0},
                {UB_SHAPE_VALUE, 0}, {UB_SHAPE_IN | UB_SHAPE_REQUIRED, PARAMETERS_SIZE})
UB_LINUX_SHAPED(getcpu, ub_sys_getcpu, {UB_SHAPE_OUT, sizeof(unsigned)},
                {UB_SHAPE_OUT, sizeof(unsigned)})
