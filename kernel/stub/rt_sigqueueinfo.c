#include "stub.h"

UB_STUB(rt_sigqueueinfo)
