#include "stub.h"

UB_STUB(listxattr)
