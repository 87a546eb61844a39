/* From a call's number to its function in the image's table, or to the report that there is none.
 */
#include <unibuild/image.h>
#include <unibuild/initialize.h>
#include <unibuild/interrupt.h>
#include <unibuild/linux_call.h>
#include <unibuild/panic.h>

#include <signal.h>
#include <string.h>

#define NUMBERS_TOLD 512
#define WORD_BITS 64

#pragma weak ub_user_describe

static bool is_strict;

/* The word is asked for here: later the command line is in pieces. */
static void initialize(void)
{
    is_strict = ub_option_given("unibuild.strict-system-calls");
}
UB_INITIALIZER(UB_INITIALIZE_LATE, initialize);

static const char *name_of(uint32_t number)
{
    const char *name = ub_linux_call_names;
    const char *end = name + ub_linux_call_names_length;
    while (name < end && number > 0) {
        name += strlen(name) + 1;
        number--;
    }
    return name < end && *name != '\0' ? name : "unknown";
}

/* Whether the number has been told of; those beyond the table's share one mark. */
static bool was_told(uint32_t number)
{
    static uint64_t told[NUMBERS_TOLD / WORD_BITS];
    uint32_t at = number < NUMBERS_TOLD ? number : NUMBERS_TOLD - 1;
    uint64_t bit = 1UL << at % WORD_BITS;
    return (__atomic_fetch_or(&told[at / WORD_BITS], bit, __ATOMIC_RELAXED) & bit) != 0;
}

long ub_call_missing(const struct ub_exception_frame *frame)
{
    uint32_t number = (uint32_t)frame->error;
    static bool described;
    if (!was_told(number)) {
        ub_preempt_disable(); /* or another thread's line would be in the middle of this one */
        if (!described && ub_user_describe != NULL) {
            ub_user_describe();
        }
        described = true;
        ub_print("\x1e[unibuild] missing-call %s %u caller %lx\n", name_of(number), number,
                 frame->instruction_pointer);
        ub_preempt_enable();
    }
    if (is_strict) {
        ub_user_end(frame, SIGSYS, 0);
    }
    return -ENOSYS;
}

void ub_user_call(struct ub_exception_frame *frame)
{
    uint32_t number = (uint32_t)frame->error;
    ub_linux_call *call = number < ub_linux_call_count ? ub_linux_calls[number] : NULL;
    frame->rax = (uint64_t)(call != NULL ? call(frame) : ub_call_missing(frame));
}
