/* What a program finds on its stack: arguments, environment, auxiliary vector; as facts that hold
 * everywhere. */
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;

static void fact(const char *what, bool holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

/* The last entry of the program headers that the kernel names is in memory as the file has it. */
static bool headers_are_there(void)
{
    const Elf64_Phdr *headers = (const void *)getauxval(AT_PHDR);
    bool loads = false;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
        loads |= headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_X) != 0;
    }
    return loads;
}

static bool stack_is_ordered(char **argv)
{
    uintptr_t argument = (uintptr_t)argv[0];
    return ((uintptr_t)argv - 8) % 16 == 0 && argument > (uintptr_t)argv &&
           getauxval(AT_EXECFN) >= argument;
}

static unsigned long entries(char **argv, int argc)
{
    char **at = argv + argc + 1;
    while (*at != NULL) {
        at++;
    }
    const Elf64_auxv_t *entry = (const void *)(at + 1);
    unsigned long known = 0;
    for (; entry->a_type != AT_NULL; entry++) {
        printf("# entry %lu: %lx\n", entry->a_type, entry->a_un.a_val);
        known++;
    }
    return known;
}

int main(int argc, char **argv)
{
    const unsigned char *random = (const void *)getauxval(AT_RANDOM);
    unsigned sum = 0;
    for (int i = 0; i < 16; i++) {
        sum |= random[i];
    }
    int answer = 0;
    __asm__ volatile("cpuid" : "=d"(answer) : "a"(1), "c"(0) : "rbx");
    printf("argc %d\n", argc);
    fact("argv ends with NULL", argv[argc] == NULL);
    fact("the environment follows", environ == argv + argc + 1);
    fact("the environment is empty", environ[0] == NULL);
    fact("argv[0] is a path", argv[0][0] == '/');
    fact("AT_EXECFN is a path", ((const char *)getauxval(AT_EXECFN))[0] == '/');
    fact("strings lie above the words", stack_is_ordered(argv));
    fact("AT_RANDOM has 16 bytes", sum != 0);
    printf("AT_PLATFORM %s\n", (const char *)getauxval(AT_PLATFORM));
    printf("AT_PAGESZ %lu\n", getauxval(AT_PAGESZ));
    printf("AT_CLKTCK %lu\n", getauxval(AT_CLKTCK));
    printf("AT_PHENT %lu\n", getauxval(AT_PHENT));
    printf("AT_FLAGS %lu\n", getauxval(AT_FLAGS));
    printf("AT_SECURE %lu\n", getauxval(AT_SECURE));
    fact("AT_HWCAP is CPUID 1's EDX", getauxval(AT_HWCAP) == (unsigned)answer);
    fact("AT_PHDR leads to the headers", headers_are_there());
    fact("AT_ENTRY is set", getauxval(AT_ENTRY) != 0);
    fact("AT_UID is getuid", getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    fact("AT_GID is getgid", getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
    fact("AT_MINSIGSTKSZ is enough for a frame", getauxval(AT_MINSIGSTKSZ) >= 952);
    fact("at least 15 entries", entries(argv, argc) >= 15);
    return 0;
}
