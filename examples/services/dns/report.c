#include "report.h"

#include <unistd.h>

static void put(struct report *report, char character)
{
    /* The last place is the line end's. */
    if (report->length < sizeof report->text - 1) {
        report->text[report->length++] = character;
    }
}

void report_text(struct report *report, const char *text)
{
    while (*text != '\0') {
        put(report, *text++);
    }
}

void report_number(struct report *report, uint32_t number)
{
    if (number >= 10) {
        report_number(report, number / 10);
    }
    put(report, (char)('0' + number % 10));
}

void report_quoted(struct report *report, const char *text)
{
    put(report, '\'');
    for (; *text != '\0'; text++) {
        put(report, *text >= ' ' && *text <= '~' ? *text : '?');
    }
    put(report, '\'');
}

void report_line(struct report *report, int descriptor)
{
    report->text[report->length++] = '\n';
    size_t at = 0;
    while (at < report->length) {
        ssize_t written = write(descriptor, report->text + at, report->length - at);
        if (written <= 0) {
            break;
        }
        at += (size_t)written;
    }
    report->length = 0;
}
