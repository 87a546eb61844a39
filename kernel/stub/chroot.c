#include "stub.h"

UB_STUB(chroot)
