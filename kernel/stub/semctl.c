#include "stub.h"

UB_STUB(semctl)
