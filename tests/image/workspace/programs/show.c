#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    for (int i = 0; i < count; i++)
        printf("argument %d is [%s]\n", i, words[i]);
    printf("PLACE is [%s]\n", getenv("PLACE") ? getenv("PLACE") : "unset");
    FILE *file = fopen("/etc/greeting", "r");
    char line[64] = "no file";
    if (file)
        fgets(line, sizeof line, file);
    printf("file holds [%s]\n", line);
    return count;
}
