#include "stub.h"

UB_STUB(msgget)
