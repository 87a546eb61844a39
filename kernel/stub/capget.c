#include "stub.h"

UB_STUB(capget)
