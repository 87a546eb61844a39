#include "stub.h"

UB_STUB(swapoff)
