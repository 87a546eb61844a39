#include "stub.h"

UB_STUB(vhangup)
