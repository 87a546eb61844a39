#include "stub.h"

UB_STUB(shmget)
