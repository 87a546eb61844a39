#include "stub.h"

UB_STUB(sethostname)
