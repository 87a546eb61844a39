/* Facts that are the same everywhere: a name and what the call answered. */
#ifndef UNIBUILD_TEST_FACT_H
#define UNIBUILD_TEST_FACT_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A call that returns -1 and sets errno. */
#define FACT(call)                                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long fact_result = (long)(call);                                                           \
        printf("%s: %s\n", #call, fact_result == -1 ? strerror(errno) : "done");                   \
    } while (0)

/* A number. */
#define NUMBER(value) printf("%s: %ld\n", #value, (long)(value))

#endif
