#include "stub.h"

UB_STUB(openat2)
