/*
 * From the kernel's start to main. Does for a static program what musl's own does, but for the
 * check of descriptors in programs that gained privilege: there are no such programs here, and the
 * check would link poll and open into every image.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "libc.h"

#define AUXILIARY_COUNT 38

extern hidden void (*const __init_array_start[])(void);
extern hidden void (*const __init_array_end[])(void);
void __init_ssp(void *entropy);

void __init_libc(char **environment, char *name)
{
    size_t auxiliary[AUXILIARY_COUNT] = {0};
    char **end = environment;
    while (*end != NULL) {
        end++;
    }
    size_t *entry = (size_t *)(end + 1);
    __environ = environment;
    libc.auxv = entry;
    for (; entry[0] != AT_NULL; entry += 2) {
        if (entry[0] < AUXILIARY_COUNT) {
            auxiliary[entry[0]] = entry[1];
        }
    }
    __hwcap = auxiliary[AT_HWCAP];
    libc.page_size = auxiliary[AT_PAGESZ];
    __progname = __progname_full = name;
    for (char *p = name; *p != '\0'; p++) {
        if (*p == '/') {
            __progname = p + 1;
        }
    }
    __init_tls(auxiliary);
    __init_ssp((void *)auxiliary[AT_RANDOM]);
}

void __libc_start_init(void)
{
    for (void (*const *function)(void) = __init_array_start; function < __init_array_end;
         function++) {
        (*function)();
    }
}

int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv)
{
    char **environment = argv + argc + 1;
    __init_libc(environment, argv[0] != NULL ? argv[0] : (char *)"");
    __libc_start_init();
    exit(program(argc, argv, environment));
}
