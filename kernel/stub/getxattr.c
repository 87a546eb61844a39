#include "stub.h"

UB_STUB(getxattr)
