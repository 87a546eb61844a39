#include "stub.h"

UB_STUB(userfaultfd)
