#include "stub.h"

UB_STUB(set_mempolicy)
