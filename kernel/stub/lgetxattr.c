#include "stub.h"

UB_STUB(lgetxattr)
