#include "stub.h"

UB_STUB(signalfd4)
