/* Runs one case of the suite: conformance NAME. What the case's main returns is the exit status. */
#include <stdio.h>
#include <string.h>

struct entry {
    const char *name;
    int (*function)(int, char **);
};

extern const struct entry cases[];

int main(int argc, char **argv)
{
    for (const struct entry *entry = cases; entry->name != NULL && argc > 1; entry++) {
        if (strcmp(entry->name, argv[1]) == 0) {
            return entry->function(1, argv);
        }
    }
    fprintf(stderr, "usage: %s CASE\n", argv[0]);
    return 99;
}
