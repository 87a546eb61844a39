#include "stub.h"

UB_STUB(timer_delete)
