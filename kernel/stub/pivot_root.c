#include "stub.h"

UB_STUB(pivot_root)
