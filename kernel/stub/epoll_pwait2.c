#include "stub.h"

UB_STUB(epoll_pwait2)
