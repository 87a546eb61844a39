#include "stub.h"

UB_STUB(memfd_create)
