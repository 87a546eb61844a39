#include "stub.h"

UB_STUB(pidfd_open)
