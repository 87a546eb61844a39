#include "stub.h"

UB_STUB(delete_module)
