#include "stub.h"

UB_STUB(setfsuid)
