#include "stub.h"

UB_STUB(mq_timedsend)
