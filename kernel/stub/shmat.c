#include "stub.h"

UB_STUB(shmat)
