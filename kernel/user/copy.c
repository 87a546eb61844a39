/* The kernel's only ways to the program's memory; what touches it is copy.S. */
#include "internal.h"

#include <errno.h>

long ub_user_move(void *to, const void *from, size_t size);
long ub_user_clear(void *to, size_t size);
long ub_user_touch(char *at, size_t size);
long ub_user_string(char *to, const char *from, size_t size);
long ub_user_load(const uint32_t *from, uint32_t *value);
long ub_user_store(uint32_t *to, uint32_t value);
long ub_user_exchange(uint32_t *at, uint32_t *expected, uint32_t desired);

static bool is_program(uint64_t at, size_t size)
{
    return size <= UB_USER_END && at <= UB_USER_END - size;
}

static bool is_program_word(uint64_t at)
{
    return at % sizeof(uint32_t) == 0 && is_program(at, sizeof(uint32_t));
}

bool ub_user_copy_in(void *to, uint64_t from, size_t size)
{
    return is_program(from, size) && ub_user_move(to, (const void *)from, size) == 0;
}

bool ub_user_copy_out(uint64_t to, const void *from, size_t size)
{
    return is_program(to, size) && ub_user_move((void *)to, from, size) == 0;
}

bool ub_user_zero(uint64_t to, size_t size)
{
    return is_program(to, size) && ub_user_clear((void *)to, size) == 0;
}

bool ub_user_writable(uint64_t to, size_t size)
{
    return size == 0 || (is_program(to, size) && ub_user_touch((char *)to, size) == 0);
}

long ub_user_string_in(char *to, uint64_t from, size_t size)
{
    if (from >= UB_USER_END) {
        return -EFAULT;
    }
    uint64_t room = UB_USER_END - from;
    long length = ub_user_string(to, (const char *)from, size < room ? size : room);
    return length == -ENAMETOOLONG && room < size ? -EFAULT : length;
}

bool ub_user_load32(uint64_t from, uint32_t *value)
{
    return is_program_word(from) && ub_user_load((const uint32_t *)from, value) == 0;
}

bool ub_user_store32(uint64_t to, uint32_t value)
{
    return is_program_word(to) && ub_user_store((uint32_t *)to, value) == 0;
}

bool ub_user_exchange32(uint64_t at, uint32_t *expected, uint32_t desired)
{
    return is_program_word(at) && ub_user_exchange((uint32_t *)at, expected, desired) == 0;
}
