#include "stub.h"

UB_STUB(msgsnd)
