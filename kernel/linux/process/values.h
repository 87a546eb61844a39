/* Calls whose arguments are numbers go on as they are. */
#ifndef UNIBUILD_VALUES_H
#define UNIBUILD_VALUES_H

#include <unibuild/linux_call.h>

#define UB_LINUX_VALUES(name, entry_point)                                                         \
    long entry_point(long, long, long);                                                            \
    UB_LINUX_CALL(name)                                                                            \
    {                                                                                              \
        return entry_point((long)frame->rdi, (long)frame->rsi, (long)frame->rdx);                  \
    }

#endif
