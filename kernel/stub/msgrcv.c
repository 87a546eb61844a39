#include "stub.h"

UB_STUB(msgrcv)
