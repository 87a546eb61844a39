#include "stub.h"

UB_STUB(fremovexattr)
