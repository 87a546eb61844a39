#include "stub.h"

UB_STUB(fgetxattr)
