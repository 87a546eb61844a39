#include "stub.h"

UB_STUB(keyctl)
