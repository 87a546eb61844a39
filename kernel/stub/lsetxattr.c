#include "stub.h"

UB_STUB(lsetxattr)
