/*
 * The least that a test program needs: say what does not hold, go on, and end with 1.
 */
#ifndef DNS_TESTS_CHECK_H
#define DNS_TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

static int check_failures;

static inline void check_that(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        check_failures++;
        (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    }
}

#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)

/* As CHECK, for one row of a table. */
#define CHECK_ROW(condition, row) check_that((condition), (row), __FILE__, __LINE__)

static inline int check_result(void)
{
    return check_failures == 0 ? 0 : 1;
}

#endif
