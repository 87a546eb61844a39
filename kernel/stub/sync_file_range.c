#include "stub.h"

UB_STUB(sync_file_range)
