#include "stub.h"

UB_STUB(name_to_handle_at)
