/* Arguments, environment and auxiliary vector in one block, words below and strings above. */
#include "program.h"
#include "pvh.h"

#include <unibuild/first_stack.h>
#include <unibuild/image.h>
#include <unibuild/memory.h>
#include <unibuild/panic.h>

#include <elf.h>
#include <string.h>

#define STRINGS_MAXIMUM (64UL << 10)
#define WORDS_MAXIMUM 4096
/* argc, the ends of argv and environment, and all entries of the auxiliary vector. */
#define OTHER_WORDS (3 + 2 * (UB_AUXILIARY_MAXIMUM + 6))
#define ALIGNMENT 16UL
#define CLOCK_TICKS 100 /* a second, in what times(2) answers */

static const char platform[] = "x86_64";

static size_t count_strings(struct ub_strings *strings, const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += bytes[i] == '\0';
    }
    *strings = (struct ub_strings){bytes, length};
    return count;
}

void ub_first_stack_gather(struct ub_first_stack *stack)
{
    size_t arguments = (size_t)ub_image_arguments_length;
    size_t given = ub_command_line_split(ub_pvh.command_line);
    if (given != 0) {
        arguments = strlen(ub_image_arguments) + 1;
    }
    stack->count = count_strings(&stack->arguments, ub_image_arguments, arguments) +
                   count_strings(&stack->given, ub_pvh.command_line, given);
    size_t environment = (size_t)ub_image_environment_length;
    stack->words = stack->count + OTHER_WORDS +
                   count_strings(&stack->environment, ub_image_environment, environment);
    size_t strings = arguments + given + environment;
    if (strings > STRINGS_MAXIMUM || stack->words > WORDS_MAXIMUM) {
        ub_panic("arguments and environment do not fit on the stack");
    }
    strings += UB_STACK_RANDOM_WORDS * sizeof(uint64_t) + sizeof platform;
    stack->size = (stack->words * sizeof(uint64_t) + strings + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/* Where the next word and the next string go, and how far from there the program finds them. */
struct writer {
    uint64_t *word;
    char *string;
    uint64_t distance;
};

/* Returns where the program finds the bytes. */
static uint64_t put_bytes(struct writer *writer, const void *bytes, size_t length)
{
    char *to = writer->string;
    writer->string += length;
    return (uint64_t)memcpy(to, bytes, length) + writer->distance;
}

static void put_strings(struct writer *writer, const struct ub_strings *strings)
{
    uint64_t at = put_bytes(writer, strings->bytes, strings->length);
    for (size_t i = 0; i < strings->length; i += strlen(strings->bytes + i) + 1) {
        *writer->word++ = at + i;
    }
}

void ub_first_stack_write(const struct ub_first_stack *stack, void *to, uint64_t at,
                          const struct ub_auxiliary *auxiliary, size_t count,
                          const uint64_t random[UB_STACK_RANDOM_WORDS])
{
    uint64_t *words = to;
    struct writer writer = {words + 1, (char *)(words + stack->words), at - (uint64_t)to};
    *words = stack->count;
    put_strings(&writer, &stack->arguments);
    put_strings(&writer, &stack->given);
    *writer.word++ = 0;
    put_strings(&writer, &stack->environment);
    *writer.word++ = 0;
    memcpy(writer.word, auxiliary, count * sizeof *auxiliary);
    const struct ub_auxiliary last[] = {
        {AT_PAGESZ, UB_PAGE_SIZE},
        {AT_CLKTCK, CLOCK_TICKS},
        {AT_EXECFN, words[1]},
        {AT_RANDOM, put_bytes(&writer, random, UB_STACK_RANDOM_WORDS * sizeof *random)},
        {AT_PLATFORM, put_bytes(&writer, platform, sizeof platform)},
        {AT_NULL, 0},
    };
    memcpy(writer.word + 2 * count, last, sizeof last);
}
