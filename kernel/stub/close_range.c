#include "stub.h"

UB_STUB(close_range)
