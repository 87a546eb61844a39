/*
 * A probe checks one property of the image that it is part of, prints exactly one line
 *     probe NAME expect=… got=…
 * and ends with 0 when both agree, else with 1. A probe of a fault that must happen prints its line
 * only when it did not happen.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdio.h>
#include <string.h>

/* Prints the line; returns the exit status. */
static inline int probe_text(const char *name, const char *expect, const char *got)
{
    printf("probe %s expect=%s got=%s\n", name, expect, got);
    return strcmp(expect, got) == 0 ? 0 : 1;
}

static inline int probe_number(const char *name, long expect, long got)
{
    printf("probe %s expect=%ld got=%ld\n", name, expect, got);
    return expect == got ? 0 : 1;
}

/* For probes made of many checks: what failed first, or "ok". */
struct probe_checks {
    const char *failed;
    int line;
};

#define PROBE_CHECK(checks, condition)                                                             \
    do {                                                                                           \
        if (!(condition) && (checks)->failed == NULL) {                                            \
            (checks)->failed = #condition;                                                         \
            (checks)->line = __LINE__;                                                             \
        }                                                                                          \
    } while (0)

static inline int probe_done(const char *name, const struct probe_checks *checks)
{
    if (checks->failed == NULL) {
        return probe_text(name, "ok", "ok");
    }
    printf("probe %s expect=ok got=\"line %d: %s\"\n", name, checks->line, checks->failed);
    return 1;
}

#endif
