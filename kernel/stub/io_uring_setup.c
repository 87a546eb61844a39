#include "stub.h"

UB_STUB(io_uring_setup)
