#include "stub.h"

UB_STUB(reboot)
