/* What touching memory in a way that it does not allow sends: signal, code and address. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fact.h"

#define PAGE 4096UL
#define BOTH (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile int signal_seen, code_seen;
static void *volatile address_seen;

static void handle(int number, siginfo_t *information, void *context)
{
    (void)context;
    signal_seen = number;
    code_seen = information->si_code;
    address_seen = information->si_addr;
    siglongjmp(back, 1);
}

static void tell(const char *what, const volatile char *at)
{
    printf("%s: signal %d code %d address %s\n", what, signal_seen, code_seen,
           address_seen == (const void *)at ? "right" : "wrong");
}

#define TOUCH(what, at, touch)                                                                     \
    do {                                                                                           \
        if (sigsetjmp(back, 1) == 0) {                                                             \
            touch;                                                                                 \
            printf("%s: nothing\n", what);                                                         \
        } else {                                                                                   \
            tell(what, at);                                                                        \
        }                                                                                          \
    } while (0)

static void test_pointers(void)
{
    char *page = mmap(NULL, 3 * PAGE, BOTH, PRIVATE, -1, 0);
    munmap(page + PAGE, PAGE);
    mprotect(page + 2 * PAGE, PAGE, PROT_READ);
    int pipes[2];
    FACT(pipe(pipes));
    FACT(write(pipes[1], page, 100));
    FACT(read(pipes[0], page + 2 * PAGE, 50));
    FACT(read(pipes[0], page + PAGE, 50));
    FACT(write(pipes[1], page + PAGE, 1));
    FACT(write(pipes[1], (void *)0xffff800000000000, 1));
    FACT(write(pipes[1], (void *)0x7fffffffffff, 1));
    FACT(open(page + PAGE, O_RDONLY));
    struct iovec vector = {page, PAGE};
    FACT(writev(pipes[1], (struct iovec *)(page + PAGE), 1));
    FACT(writev(pipes[1], &vector, 1));
    /* The kernel's own touch gives memory, and copies what is shared. */
    FACT(read(pipes[0], page + PAGE - 8, 8));
    FACT(mincore(page, PAGE, (unsigned char *)page + PAGE));
}

int main(int count, char **words)
{
    (void)count;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    volatile char *null = NULL;
    __asm__("" : "+r"(null));
    volatile char *pages = mmap(NULL, 4 * PAGE, BOTH, PRIVATE, -1, 0);
    TOUCH("read at null", null, (void)*null);
    TOUCH("write at null", null + 8, null[8] = 1);
    TOUCH("write", pages, *pages = 1);
    mprotect((char *)pages, PAGE, PROT_READ);
    TOUCH("read what may be read", pages, (void)*pages);
    TOUCH("write to what may be read", pages + 3, pages[3] = 1);
    mprotect((char *)pages, PAGE, PROT_NONE);
    TOUCH("read without access", pages + 4, (void)pages[4]);
    mprotect((char *)pages, PAGE, BOTH);
    NUMBER(*pages);
    TOUCH("write again", pages, *pages = 2);
    munmap((char *)pages + PAGE, PAGE);
    TOUCH("read what was unmapped", pages + PAGE, (void)pages[PAGE]);
    void (*function)(void) = (void (*)(void))(uintptr_t)(pages + 2 * PAGE);
    pages[2 * PAGE] = (char)0xc3;
    TOUCH("run data", pages + 2 * PAGE, function());
    int file = open(words[0], O_RDONLY);
    long size = lseek(file, 0, SEEK_END);
    volatile char *bytes = mmap(NULL, (unsigned long)size + 4 * PAGE, BOTH, MAP_PRIVATE, file, 0);
    NUMBER(bytes[size]); /* behind the end, on its last page */
    volatile char *behind = bytes + ((unsigned long)size + PAGE) / PAGE * PAGE;
    TOUCH("read behind the file", behind, (void)*behind);
    TOUCH("write behind the file", behind + 1, behind[1] = 1);
    test_pointers();
    return 0;
}
