#include "stub.h"

UB_STUB(adjtimex)
