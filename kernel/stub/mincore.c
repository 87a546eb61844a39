#include "stub.h"

UB_STUB(mincore)
