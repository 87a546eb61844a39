#include "stub.h"

UB_STUB(acct)
