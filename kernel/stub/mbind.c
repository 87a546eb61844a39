#include "stub.h"

UB_STUB(mbind)
