#include "stub.h"

UB_STUB(shmdt)
