/* The monitor's command line as words. */
#include "program.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Copies one word from `*from` to `to` (never ahead of it), returns its length with the NUL. */
static size_t take_word(const char **from, char *to)
{
    const char *at = *from;
    char *end = to;
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || !is_blank(*at)); at++) {
        if (*at == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else {
            if (*at == '\\' && quote != '\'' && at[1] != '\0') {
                at++;
            }
            *end++ = *at;
        }
    }
    /* The NUL may fall on the blank that ended the word, so step over that first. */
    *from = *at == '\0' ? at : at + 1;
    *end++ = '\0';
    return (size_t)(end - to);
}

/* Whether a word is for somebody else than the program. */
static bool is_foreign(const char *word)
{
    static const char monitor_word[] = "virtio_mmio.device=";
    return strncmp(word, monitor_word, sizeof monitor_word - 1) == 0 ||
           strncmp(word, UB_OPTION_PREFIX, sizeof UB_OPTION_PREFIX - 1) == 0;
}

size_t ub_command_line_split(char *line)
{
    const char *from = line;
    size_t length = 0;
    for (;;) {
        while (is_blank(*from)) {
            from++;
        }
        if (*from == '\0') {
            return length;
        }
        size_t word = take_word(&from, line + length);
        if (!is_foreign(line + length)) {
            length += word;
        }
    }
}
