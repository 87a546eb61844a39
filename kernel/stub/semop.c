#include "stub.h"

UB_STUB(semop)
