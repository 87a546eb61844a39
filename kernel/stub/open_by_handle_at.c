#include "stub.h"

UB_STUB(open_by_handle_at)
