#include "stub.h"

UB_STUB(readahead)
