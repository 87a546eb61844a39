#include "stub.h"

UB_STUB(inotify_init1)
