#include "stub.h"

UB_STUB(inotify_rm_watch)
