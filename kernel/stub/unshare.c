#include "stub.h"

UB_STUB(unshare)
