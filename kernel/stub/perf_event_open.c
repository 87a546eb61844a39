#include "stub.h"

UB_STUB(perf_event_open)
