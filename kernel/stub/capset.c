#include "stub.h"

UB_STUB(capset)
