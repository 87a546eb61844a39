/* Writes a line that is longer than the driver's buffer, then answers each line that it reads. */
#include <stdio.h>
#include <string.h>

int main(void)
{
    static char line[5000];
    memset(line, 'x', sizeof line - 1);
    puts(line);
    puts("console: ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "end\n") == 0) {
            return 3;
        }
        printf("read %s", line);
        fflush(stdout);
    }
    return 4;
}
