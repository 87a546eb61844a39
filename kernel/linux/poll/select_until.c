/* The three sets of select: in, looked at, out. Their bits are whole words. */
#include <string.h>

#include <unibuild/linux_call.h>
#include <unibuild/memory.h>
#include <unibuild/poll.h>

#include "wait.h"

#define SETS 3U
#define WORD_BITS 64U
/* Descriptors beyond are none that could be open: Linux looks no further than its own table. */
#define COUNT_MAXIMUM 65536
#define WORDS_ON_STACK (SETS * 16U)

static long select_sets(const struct ub_exception_frame *frame, unsigned long *words, size_t each,
                        int count, uint64_t deadline)
{
    unsigned long *sets[SETS];
    size_t size = each * sizeof *words;
    for (unsigned i = 0; i < SETS; i++) {
        uint64_t address = ub_argument(frame, i + 1);
        sets[i] = address != 0 ? words + i * each : NULL;
        if (address != 0 && !ub_user_copy_in(sets[i], address, size)) {
            return -EFAULT;
        }
    }
    long result = ub_select(count, sets[0], sets[1], sets[2], deadline);
    for (unsigned i = 0; i < SETS && result >= 0; i++) {
        if (sets[i] != NULL && !ub_user_copy_out(ub_argument(frame, i + 1), sets[i], size)) {
            result = -EFAULT;
        }
    }
    return result;
}

long ub_linux_select_until(const struct ub_exception_frame *frame, uint64_t deadline)
{
    unsigned long few[WORDS_ON_STACK];
    unsigned long *words = few;
    int count = (int)ub_argument(frame, 0);
    if (count < 0) {
        return -EINVAL;
    }
    count = count < COUNT_MAXIMUM ? count : COUNT_MAXIMUM;
    size_t each = ((unsigned)count + WORD_BITS - 1) / WORD_BITS;
    if (each * SETS > WORDS_ON_STACK) {
        words = ub_heap_allocate(each * SETS * sizeof *words);
        if (words == NULL) {
            return -ENOMEM;
        }
    }
    long result = select_sets(frame, words, each, count, deadline);
    if (words != few) {
        ub_heap_free(words);
    }
    return result;
}
