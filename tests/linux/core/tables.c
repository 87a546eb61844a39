/* A program with something of each kind mapped, which then waits to be looked at from outside. */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void *wait_for_good(void *argument)
{
    (void)argument;
    pause();
    return NULL;
}

int main(void)
{
    pthread_t thread;
    char *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *readable = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (both == MAP_FAILED || readable == MAP_FAILED) {
        return 1;
    }
    *both = *(volatile char *)readable;
    char *all =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("writable and executable: %s\n", all == MAP_FAILED ? "refused" : "given");
    printf("made executable later: %s\n",
           mprotect(both, 4096, PROT_READ | PROT_EXEC) == 0 ? "given" : "refused");
    if (pthread_create(&thread, NULL, wait_for_good, NULL) != 0) {
        return 2;
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 3;
}
