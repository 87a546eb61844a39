#include "stub.h"

UB_STUB(llistxattr)
