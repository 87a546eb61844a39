#include "stub.h"

UB_STUB(ptrace)
