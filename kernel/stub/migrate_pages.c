#include "stub.h"

UB_STUB(migrate_pages)
