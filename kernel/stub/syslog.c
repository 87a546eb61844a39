#include "stub.h"

UB_STUB(syslog)
