#include "stub.h"

UB_STUB(pkey_free)
