#include "stub.h"

UB_STUB(flistxattr)
