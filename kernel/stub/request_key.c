#include "stub.h"

UB_STUB(request_key)
