#include "stub.h"

UB_STUB(shmctl)
