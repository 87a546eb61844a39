#include "stub.h"

UB_STUB(bpf)
