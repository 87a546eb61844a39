#include "stub.h"

UB_STUB(sched_rr_get_interval)
