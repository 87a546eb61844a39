#include "stub.h"

UB_STUB(fsetxattr)
