/* Command lines into words: the rules of program.h case by case, then random lines within bounds;
 * and the words that are for the kernel. */
#include "program.h"

#include <unibuild/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200000
#define LINE_MAXIMUM 40

struct line {
    const char *text;
    const char *words; /* each ended by '|' */
};

static const struct line lines[] = {
    {"", ""},
    {"  \t\n ", ""},
    {"one", "one|"},
    {" one  two ", "one|two|"},
    {"'a b' \"c d\"e", "a b|c de|"},
    {"a\\ b '\\' \"\\\"\"", "a b|\\|\"|"},
    {"'' x", "|x|"},
    {"'open end", "open end|"},
    {"virtio_mmio.device=512@0xfeb00e00:12", ""},
    {"a virtio_mmio.device=512@0xfeb00e00:12 b", "a|b|"},
    {"unibuild.strict-system-calls a", "a|"},
    {"a unibuild.x", "a|"},
    {"unibuild", "unibuild|"},
    {"virtio_mmio=1", "virtio_mmio=1|"},
    {"end\\", "end\\|"},
};

static int check_line(const struct line *line)
{
    char buffer[128];
    strcpy(buffer, line->text);
    size_t length = ub_command_line_split(buffer);
    for (size_t i = 0; i < length; i++) {
        buffer[i] = buffer[i] == '\0' ? '|' : buffer[i];
    }
    if (length == strlen(line->words) && memcmp(buffer, line->words, length) == 0) {
        return 0;
    }
    fprintf(stderr, "<%s> gives <%.*s>, not <%s>\n", line->text, (int)length, buffer, line->words);
    return 1;
}

/* Whatever the line: no byte behind its NUL is touched, and the words end in a NUL. */
static int check_random(unsigned seed)
{
    static const char alphabet[] = "ab \t'\"\\=";
    char buffer[LINE_MAXIMUM + 2];
    srand(seed);
    size_t length = (size_t)rand() % LINE_MAXIMUM;
    for (size_t i = 0; i < length; i++) {
        buffer[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
    }
    buffer[length] = '\0';
    buffer[length + 1] = 'X';
    size_t words = ub_command_line_split(buffer);
    if (words <= length + 1 && buffer[length + 1] == 'X' &&
        (words == 0 || buffer[words - 1] == '\0')) {
        return 0;
    }
    fprintf(stderr, "seed %u: %zu bytes of words from %zu\n", seed, words, length);
    return 1;
}

static const char *current;

const char *ub_command_line(void)
{
    return current;
}

/* A whole word, wherever it stands. */
static int check_options(void)
{
    static const struct {
        const char *text;
        int given;
    } cases[] = {
        {"unibuild.x", 1},     {" a\tunibuild.x b", 1}, {"a unibuild.x", 1}, {"", 0},
        {"unibuild.xy", 0},    {"aunibuild.x", 0},      {"unibuild.", 0},    {"  ", 0},
        {"unibuild.y.x a", 0},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        current = cases[i].text;
        if (ub_option_given("unibuild.x") != (cases[i].given != 0)) {
            fprintf(stderr, "<%s>: the option is told wrongly\n", current);
            failures++;
        }
    }
    return failures;
}

int main(void)
{
    int failures = check_options();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        failures += check_line(&lines[i]);
    }
    for (unsigned seed = 0; seed < ROUNDS && failures == 0; seed++) {
        failures += check_random(seed);
    }
    return failures != 0;
}
