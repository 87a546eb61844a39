#include "stub.h"

UB_STUB(removexattr)
