#include "stub.h"

UB_STUB(ioprio_get)
