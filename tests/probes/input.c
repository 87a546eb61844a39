/* The console's input: says back each line that the host sends, until the input ends. */
#include <poll.h>

#include "probe.h"

int main(void)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    char line[128];
    int lines = 0;
    if (poll(&input, 1, 0) == 0) {
        puts("waiting");
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        printf("line %d is [%s]\n", ++lines, line);
    }
    return probe_number("input", 3, lines);
}
