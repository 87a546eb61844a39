#include "stub.h"

UB_STUB(setfsgid)
