/* No file system here has extended attributes; as Linux answers for those that have none. */
#include <unibuild/file.h>

#include "path_call.h"

long ub_sys_newfstatat(long directory, const char *path, struct stat *status, long flags);

static long of_path(long path, long flags, long answer)
{
    struct stat status;
    long error = ub_sys_newfstatat(AT_FDCWD, (const char *)path, &status, flags);
    return error != 0 ? error : answer;
}

static long of_descriptor(const struct ub_exception_frame *frame, long answer)
{
    struct ub_file *file = ub_file_get((int)frame->rdi);
    if (file == NULL) {
        return -EBADF;
    }
    ub_file_put(file);
    return answer;
}

#define ANSWER_PATH(name, flags, answer)                                                           \
    UB_LINUX_PATH_CALL(name, UB_PATH)                                                              \
    {                                                                                              \
        return of_path(a, flags, answer);                                                          \
    }

#define ANSWER_DESCRIPTOR(name, answer)                                                            \
    UB_LINUX_CALL(name)                                                                            \
    {                                                                                              \
        return of_descriptor(frame, answer);                                                       \
    }

ANSWER_PATH(setxattr, 0, -EOPNOTSUPP)
ANSWER_PATH(lsetxattr, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP)
ANSWER_DESCRIPTOR(fsetxattr, -EOPNOTSUPP)
ANSWER_PATH(getxattr, 0, -EOPNOTSUPP)
ANSWER_PATH(lgetxattr, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP)
ANSWER_DESCRIPTOR(fgetxattr, -EOPNOTSUPP)
ANSWER_PATH(removexattr, 0, -EOPNOTSUPP)
ANSWER_PATH(lremovexattr, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP)
ANSWER_DESCRIPTOR(fremovexattr, -EOPNOTSUPP)
ANSWER_PATH(listxattr, 0, 0)
ANSWER_PATH(llistxattr, AT_SYMLINK_NOFOLLOW, 0)
ANSWER_DESCRIPTOR(flistxattr, 0)
