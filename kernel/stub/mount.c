#include "stub.h"

UB_STUB(mount)
