#include "stub.h"

UB_STUB(semtimedop)
