#include "stub.h"

UB_STUB(inotify_add_watch)
