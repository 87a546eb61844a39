#include "stub.h"

UB_STUB(setdomainname)
