#include "stub.h"

UB_STUB(init_module)
