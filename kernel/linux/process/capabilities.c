/*
 * capget(2) and capset(2): the program is root, and has every capability but that to set the clock,
 * until it gives some up. They are told, not asked: nothing in an image depends on one.
 */
#include <string.h>

#include <unibuild/linux_call.h>
#include <unibuild/process.h>

/* Versions 1, and 2 and 3, which have two words of 32 bits for each set (linux/capability.h). */
#define VERSION_1 0x19980330U
#define VERSION_2 0x20071026U
#define VERSION_3 0x20080522U
#define ALL_LOW (0xffffffffU & ~(1U << 25)) /* all but CAP_SYS_TIME */
#define ALL_HIGH 0x1ffU                     /* up to CAP_CHECKPOINT_RESTORE, 40 */

struct header {
    uint32_t version;
    int32_t process;
};

struct sets {
    uint32_t effective, permitted, inheritable;
};

static struct sets current[2] = {{ALL_LOW, ALL_LOW, 0}, {ALL_HIGH, ALL_HIGH, 0}};

/* How many words a version has, or why not; the version that is wanted is told then. */
static long words_of(uint64_t at, struct header *header)
{
    if (!ub_user_copy_in(header, at, sizeof *header)) {
        return -EFAULT;
    }
    switch (header->version) {
    case VERSION_1:
        return 1;
    case VERSION_2:
    case VERSION_3:
        return 2;
    default:
        header->version = VERSION_3;
        return ub_user_copy_out(at, header, sizeof *header) ? -EINVAL : -EFAULT;
    }
}

UB_LINUX_CALL(capget)
{
    struct header header;
    uint64_t data = ub_argument(frame, 1);
    long words = words_of(ub_argument(frame, 0), &header);
    if (words < 0) {
        return words == -EINVAL && data == 0 ? 0 : words;
    }
    if (header.process < 0) {
        return -EINVAL;
    }
    if (header.process > UB_PROCESS_ID) {
        return -ESRCH;
    }
    size_t size = (size_t)words * sizeof *current;
    return data == 0 || ub_user_copy_out(data, current, size) ? 0 : -EFAULT;
}

UB_LINUX_CALL(capset)
{
    struct header header;
    struct sets wanted[2] = {0};
    long words = words_of(ub_argument(frame, 0), &header);
    if (words < 0) {
        return words;
    }
    if (header.process != 0 && header.process != UB_PROCESS_ID) {
        return -EPERM;
    }
    if (!ub_user_copy_in(wanted, ub_argument(frame, 1), (size_t)words * sizeof *wanted)) {
        return -EFAULT;
    }
    for (size_t i = 0; i < 2; i++) {
        if ((wanted[i].permitted & ~current[i].permitted) != 0 ||
            (wanted[i].effective & ~wanted[i].permitted) != 0) {
            return -EPERM;
        }
    }
    memcpy(current, wanted, sizeof current);
    return 0;
}
