/*
 * C6, C30: the canary is drawn at boot, and one of its bytes is zero, which stops overflows by
 * string functions.
 */
#include <stdint.h>

#include "probe.h"

extern uintptr_t __stack_chk_guard;

int main(void)
{
    uintptr_t canary = __stack_chk_guard;
    printf("probe canary expect=another-each-boot got=%016lx\n", (unsigned long)canary);
    int zeros = 0;
    for (int byte = 0; byte < 8; byte++) {
        zeros += (canary >> (8 * byte) & 0xff) == 0;
    }
    return zeros > 0 && zeros < 4 ? 0 : 1;
}
