#include "stub.h"

UB_STUB(fanotify_mark)
