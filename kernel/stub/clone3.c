#include "stub.h"

UB_STUB(clone3)
