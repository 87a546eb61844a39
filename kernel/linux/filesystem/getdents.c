/* getdents: entries without a type, which Linux puts behind the name; they are as large. */
#include <dirent.h>
#include <string.h>

#include "path_call.h"

#define OLD_NAME 18U /* inode and offset of 8 bytes, length of 2 */

long ub_sys_getdents64(long descriptor, void *buffer, size_t size);

UB_LINUX_PATH_CALL(getdents, UB_VALUE, {UB_SHAPE_BYTES_OUT, 2})
{
    char *buffer = (char *)b;
    long result = ub_sys_getdents64(a, buffer, (size_t)c);
    for (long at = 0; at < result;) {
        struct dirent *entry = (struct dirent *)(buffer + at);
        unsigned char type = entry->d_type;
        size_t length = entry->d_reclen;
        memmove(buffer + at + OLD_NAME, entry->d_name, strlen(entry->d_name) + 1);
        buffer[at + (long)length - 1] = (char)type;
        at += (long)length;
    }
    return result;
}
