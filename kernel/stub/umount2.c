#include "stub.h"

UB_STUB(umount2)
