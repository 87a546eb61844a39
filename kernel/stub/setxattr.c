#include "stub.h"

UB_STUB(setxattr)
