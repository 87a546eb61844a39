#include "stub.h"

UB_STUB(splice)
