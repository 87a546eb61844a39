#include "stub.h"

UB_STUB(copy_file_range)
