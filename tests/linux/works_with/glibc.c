/* What glibc does for a program before and around its own work: start, stdio, threads, locale,
 * time. */
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static __thread int own = 7;

static void *work(void *argument)
{
    own += *(int *)argument;
    return malloc((size_t)own);
}

int main(int argc, char **argv)
{
    pthread_t threads[8];
    int numbers[8];
    int joined = 0;
    for (int i = 0; i < 8; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    for (int i = 0; i < 8; i++) {
        void *block = NULL;
        joined += pthread_join(threads[i], &block) == 0 && block != NULL;
        free(block);
    }
    char text[64];
    struct tm date = {.tm_year = 126, .tm_mon = 10, .tm_mday = 22, .tm_hour = 12};
    strftime(text, sizeof text, "%A, %d %B %Y", &date);
    printf("%d arguments, %d threads joined, own is %d, locale %s\n", argc - 1, joined, own,
           setlocale(LC_ALL, ""));
    puts(text);
    FILE *file = tmpfile();
    fprintf(file, "%.17g %a\n", 0.1, 0.1);
    rewind(file);
    if (fgets(text, sizeof text, file) != NULL) {
        fputs(text, stdout);
    }
    fclose(file);
    printf("%s\n", fopen("/nowhere", "r") == NULL ? strerror(errno) : "opened");
    return argv[argc] == NULL ? 3 : 4;
}
