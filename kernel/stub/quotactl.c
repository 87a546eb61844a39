#include "stub.h"

UB_STUB(quotactl)
