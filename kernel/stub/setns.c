#include "stub.h"

UB_STUB(setns)
