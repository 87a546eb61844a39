#include "stub.h"

UB_STUB(swapon)
