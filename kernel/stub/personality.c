#include "stub.h"

UB_STUB(personality)
