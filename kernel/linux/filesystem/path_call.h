/* Inside kernel/linux/filesystem: calls by the shapes of their arguments, through an entry point
 * that rearranges them. Old calls are the newer ones with the working directory. */
#ifndef UNIBUILD_LINUX_FILESYSTEM_PATH_CALL_H
#define UNIBUILD_LINUX_FILESYSTEM_PATH_CALL_H

#include <fcntl.h>
#include <sys/stat.h>

#include <unibuild/linux_call.h>

/* Defines ub_linux_NAME; what follows is the body of its entry point, with arguments a to f. */
#define UB_LINUX_PATH_CALL(name, ...)                                                              \
    static long name##_entry(long a, long b, long c, long d, long e, long f);                      \
    UB_LINUX_CALL(name)                                                                            \
    {                                                                                              \
        static const struct ub_shape shapes[UB_ARGUMENTS_MAXIMUM] = {__VA_ARGS__};                 \
        return ub_call_shaped(frame, shapes, name##_entry);                                        \
    }                                                                                              \
    static long name##_entry(__attribute__((unused)) long a, __attribute__((unused)) long b,       \
                             __attribute__((unused)) long c, __attribute__((unused)) long d,       \
                             __attribute__((unused)) long e, __attribute__((unused)) long f)

#define UB_VALUE {UB_SHAPE_VALUE, 0}
#define UB_PATH {UB_SHAPE_STRING, 0}
#define UB_FILLED(type) {UB_SHAPE_OUT | UB_SHAPE_REQUIRED, sizeof(type)}

#endif
