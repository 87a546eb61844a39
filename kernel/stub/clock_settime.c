#include "stub.h"

UB_STUB(clock_settime)
