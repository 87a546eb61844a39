#include "stub.h"

UB_STUB(remap_file_pages)
