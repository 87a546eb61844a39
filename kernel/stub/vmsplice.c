#include "stub.h"

UB_STUB(vmsplice)
