/* The program's end is the image's end: by exit, by abort, by the last thread. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe.h"

static void *outlive(void *main_thread)
{
    pthread_join(*(pthread_t *)main_thread, NULL);
    puts("probe last-thread expect=ok got=ok");
    return NULL;
}

int main(int count, char **arguments)
{
    static pthread_t self;
    const char *wanted = count > 1 ? arguments[1] : "";
    if (strcmp(wanted, "abort") == 0) {
        abort();
    }
    if (strcmp(wanted, "terminate") == 0) {
        raise(SIGTERM);
    }
    if (strcmp(wanted, "last-thread") == 0) {
        pthread_t other;
        self = pthread_self();
        if (pthread_create(&other, NULL, outlive, &self) == 0) {
            pthread_exit(NULL);
        }
    }
    if (strcmp(wanted, "exit") == 0) {
        exit(42);
    }
    return probe_text("status", "an end", "no end");
}
