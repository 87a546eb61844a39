#include "stub.h"

UB_STUB(kcmp)
