/*
 * The engine for plain shapes, against a program's memory that is an array: what the entry point
 * gets, what comes back, what is given back, and that a bad address at any argument is -EFAULT.
 */
#include <unibuild/linux_call.h>
#include <unibuild/memory.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define BASE 0x10000UL
#define SIZE (256UL << 10)
#define BAD (BASE + SIZE)

static unsigned char memory[SIZE];
static int blocks;

static bool is_there(uint64_t at, size_t size)
{
    return size == 0 || (at >= BASE && size <= SIZE && at - BASE <= SIZE - size);
}

bool ub_user_copy_in(void *to, uint64_t from, size_t size)
{
    return is_there(from, size) && memcpy(to, memory + (from - BASE), size) != NULL;
}

bool ub_user_copy_out(uint64_t to, const void *from, size_t size)
{
    return is_there(to, size) && memcpy(memory + (to - BASE), from, size) != NULL;
}

long ub_user_string_in(char *to, uint64_t from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_there(from + i, 1)) {
            return -EFAULT;
        }
        to[i] = (char)memory[from + i - BASE];
        if (to[i] == '\0') {
            return (long)i;
        }
    }
    return -ENAMETOOLONG;
}

void *ub_heap_allocate(size_t size)
{
    blocks++;
    return malloc(size);
}

void ub_heap_free(void *block)
{
    blocks -= block != NULL;
    free(block);
}

/* What the entry point saw and is to answer. */
static struct {
    long words[6];
    char text[8192];
    long result;
    const void *fill;
    size_t fill_size;
    unsigned fill_index;
    unsigned text_index;
    bool called;
} seen;

static long entry(long a, long b, long c, long d, long e, long f)
{
    const long words[] = {a, b, c, d, e, f};
    memcpy(seen.words, words, sizeof words);
    seen.called = true;
    if (seen.text_index < 6) {
        memcpy(seen.text, (const char *)words[seen.text_index],
               strlen((const char *)words[seen.text_index]) + 1);
    }
    if (seen.fill != NULL) {
        memcpy((void *)words[seen.fill_index], seen.fill, seen.fill_size);
    }
    return seen.result;
}

static long run(const struct ub_shape shapes[6], uint64_t a, uint64_t b, uint64_t c)
{
    struct ub_exception_frame frame = {.rdi = a, .rsi = b, .rdx = c, .r10 = 4, .r8 = 5, .r9 = 6};
    seen.called = false;
    long result = ub_call_shaped(&frame, shapes, entry);
    CHECK(blocks == 0);
    return result;
}

static void expect_nothing(void)
{
    memset(&seen, 0, sizeof seen);
    seen.text_index = 6;
}

static void test_values(void)
{
    static const struct ub_shape shapes[6] = {0};
    expect_nothing();
    seen.result = -17;
    CHECK(run(shapes, 1, 2, 3) == -17);
    for (long i = 0; i < 6; i++) {
        CHECK(seen.words[i] == i + 1);
    }
}

static void test_strings(void)
{
    static const struct ub_shape shapes[6] = {{UB_SHAPE_VALUE, 0}, {UB_SHAPE_STRING, 0}};
    expect_nothing();
    seen.text_index = 1;
    static const size_t lengths[] = {0, 1, 511, 512, 4095};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(memory, 'x', sizeof memory);
        memory[lengths[i]] = '\0';
        CHECK(run(shapes, 0, BASE, 0) == 0 && strlen(seen.text) == lengths[i]);
    }
    memset(memory, 'x', sizeof memory);
    CHECK(run(shapes, 0, BASE, 0) == -ENAMETOOLONG && !seen.called);
    CHECK(run(shapes, 0, BAD - 3, 0) == -EFAULT && !seen.called);
    CHECK(run(shapes, 0, BAD - 600, 0) == -EFAULT && !seen.called);
    CHECK(run(shapes, 0, 0, 0) == -EFAULT && !seen.called);
}

static void test_blocks(void)
{
    static const struct ub_shape out[6] = {{UB_SHAPE_OUT, 600}, {UB_SHAPE_IN, 8}};
    static const struct ub_shape both[6] = {{UB_SHAPE_IN_OUT, 8}};
    static const struct ub_shape required[6] = {{UB_SHAPE_OUT | UB_SHAPE_REQUIRED, 8}};
    expect_nothing();
    memset(memory, 'x', sizeof memory);
    seen.fill = "abc";
    seen.fill_size = 3;
    CHECK(run(out, BASE, BASE + 1000, 0) == 0);
    CHECK(memcmp(memory, "abc\0\0", 5) == 0 && memory[599] == 0 && memory[600] == 'x');
    memset(memory, 'x', sizeof memory);
    seen.result = -EIO;
    CHECK(run(out, BASE, BASE + 1000, 0) == -EIO && memory[0] == 'x');
    seen.result = 5;
    CHECK(run(both, BASE, 0, 0) == 5 && memcmp(memory, "abcxxxxx", 8) == 0);
    CHECK(run(out, BAD - 599, BASE, 0) == -EFAULT && seen.called);
    CHECK(run(out, BASE, BAD - 7, 0) == -EFAULT && !seen.called);
    CHECK(run(both, BAD, 0, 0) == -EFAULT && !seen.called);
    CHECK(run(required, 0, 0, 0) == -EFAULT && !seen.called);
    seen.fill = NULL;
    CHECK(run(out, 0, 0, 0) == 5 && seen.words[0] == 0 && seen.words[1] == 0);
}

static void test_counted(void)
{
    static const struct ub_shape in[6] = {{UB_SHAPE_BYTES_IN, 1}};
    static const struct ub_shape out[6] = {{UB_SHAPE_BYTES_OUT, 1}};
    expect_nothing();
    memset(memory, 'x', sizeof memory);
    CHECK(run(in, BASE, SIZE, 0) == 0 && seen.words[1] == (long)UB_TRANSFER_MAXIMUM);
    CHECK(run(in, BASE, UINT64_MAX, 0) == 0 && seen.words[1] == (long)UB_TRANSFER_MAXIMUM);
    CHECK(run(in, BAD, 1, 0) == -EFAULT && !seen.called);
    CHECK(run(in, 0, 0, 0) == 0 && seen.called);
    seen.fill = "abcdef";
    seen.fill_size = 6;
    seen.result = 4;
    CHECK(run(out, BASE, 100, 0) == 4 && memcmp(memory, "abcdxx", 6) == 0);
    seen.result = 1000; /* more than there was room for, as recv with MSG_TRUNC tells */
    CHECK(run(out, BASE, 6, 0) == 1000 && memcmp(memory, "abcdefx", 7) == 0);
    seen.result = 1;
    CHECK(run(out, BAD, 6, 0) == -EFAULT && seen.called);
}

int main(void)
{
    test_values();
    test_strings();
    test_blocks();
    test_counted();
    puts("ok");
    return 0;
}
