#include "stub.h"

UB_STUB(msgctl)
