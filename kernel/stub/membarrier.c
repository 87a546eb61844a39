#include "stub.h"

UB_STUB(membarrier)
