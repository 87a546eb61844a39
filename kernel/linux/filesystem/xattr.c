/* No file system here has extended attributes; as Linux answers for those that have none. */
#include <unibuild/linux_call.h>

#define NONE(name)                                                                                 \
    UB_LINUX_CALL(name)                                                                            \
    {                                                                                              \
        (void)frame;                                                                               \
        return -EOPNOTSUPP;                                                                        \
    }

NONE(setxattr)
NONE(lsetxattr)
NONE(fsetxattr)
NONE(getxattr)
NONE(lgetxattr)
NONE(fgetxattr)
NONE(removexattr)
NONE(lremovexattr)
NONE(fremovexattr)

#define NO_NAMES(name)                                                                             \
    UB_LINUX_CALL(name)                                                                            \
    {                                                                                              \
        (void)frame;                                                                               \
        return 0;                                                                                  \
    }

NO_NAMES(listxattr)
NO_NAMES(llistxattr)
NO_NAMES(flistxattr)
