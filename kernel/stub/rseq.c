#include "stub.h"

UB_STUB(rseq)
