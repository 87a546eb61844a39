/* Names in text: what is taken, and what is wrong with the rest. */
#include "../name.h"
#include "check.h"

#include <string.h>

static const struct {
    const char *text;
    const char *wire; /* NULL: refused */
    bool absolute;
} rows[] = {
    {".", "", true},
    {"a", "\1a", false},
    {"a.", "\1a", true},
    {"www.Example.test.", "\3www\7Example\4test", true},
    {"a\\.b.c", "\3a.b\1c", false},
    {"\\065\\255", "\2A\377", false},
    {"\\@.x", "\1@\1x", false},
    {"*.x", "\1*\1x", false},
    {"", NULL, false},
    {"..", NULL, false},
    {".a", NULL, false},
    {"a..b", NULL, false},
    {"a\\", NULL, false},
    {"a\\25", NULL, false},
    {"a\\256", NULL, false},
    {"a\\2x5", NULL, false},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct name_labels labels;
        const char *wrong = name_from_text(rows[i].text, strlen(rows[i].text), &labels);
        CHECK_ROW((wrong == NULL) == (rows[i].wire != NULL), rows[i].text);
        if (wrong == NULL && rows[i].wire != NULL) {
            CHECK_ROW(labels.absolute == rows[i].absolute, rows[i].text);
            CHECK_ROW(labels.length == strlen(rows[i].wire) &&
                          memcmp(labels.octets, rows[i].wire, labels.length) == 0,
                      rows[i].text);
        }
    }
}

/* 63 octets a label and 255 a name are the last that fit. */
static void test_limits(void)
{
    struct name_labels labels;
    char text[300];
    memset(text, 'a', sizeof text);
    CHECK(name_from_text(text, 63, &labels) == NULL);
    CHECK(name_from_text(text, 64, &labels) != NULL);
    for (size_t dot = 63; dot < sizeof text; dot += 64) {
        text[dot] = '.';
    }
    /* Three labels of 63 and one of 61: 3 * 64 + 62 + 1 = 255 with the root. */
    CHECK(name_from_text(text, 3 * 64 + 61, &labels) == NULL);
    CHECK(labels.length == 254);
    CHECK(name_from_text(text, 3 * 64 + 62, &labels) != NULL);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = i % 2 == 0 ? 'a' : '.';
    }
    CHECK(name_from_text(text, 253, &labels) == NULL);
    CHECK(labels.length == 254);
    CHECK(name_from_text(text, 255, &labels) != NULL);
}

int main(void)
{
    test_rows();
    test_limits();
    return check_result();
}
