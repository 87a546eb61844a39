#include "stub.h"

UB_STUB(add_key)
