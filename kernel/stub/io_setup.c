#include "stub.h"

UB_STUB(io_setup)
