#include "stub.h"

UB_STUB(move_pages)
