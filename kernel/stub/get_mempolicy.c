#include "stub.h"

UB_STUB(get_mempolicy)
