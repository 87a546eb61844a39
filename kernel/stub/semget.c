#include "stub.h"

UB_STUB(semget)
