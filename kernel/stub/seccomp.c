#include "stub.h"

UB_STUB(seccomp)
