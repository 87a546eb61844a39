#include "stub.h"

UB_STUB(lremovexattr)
