/*
 * Lines of text for the person who runs the server. Used at start and end only, so plain writes
 * without the standard streams, which would be a good part of the program.
 */
#ifndef DNS_REPORT_H
#define DNS_REPORT_H

#include <stddef.h>
#include <stdint.h>

enum { REPORT_OUTPUT = 1, REPORT_ERROR = 2 };

struct report {
    size_t length;
    char text[256];
};

/* Each appends to the line; what does not fit is left out. */
void report_text(struct report *report, const char *text);
void report_number(struct report *report, uint32_t number);

/* Appends text from a file: what is not printable ASCII shows as '?'. */
void report_quoted(struct report *report, const char *text);

/* Ends the line, writes it in one piece and starts anew. */
void report_line(struct report *report, int descriptor);

#endif
