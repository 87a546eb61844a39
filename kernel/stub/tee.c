#include "stub.h"

UB_STUB(tee)
