/*
 * musl's thread structure gets a copy of the canary. The canary itself, and what happens when one
 * is found broken, are the kernel's: it was drawn before the first function that uses it.
 */
#include "pthread_impl.h"

extern uintptr_t __stack_chk_guard;

void __init_ssp(void *entropy)
{
    (void)entropy;
    __pthread_self()->canary = __stack_chk_guard;
}
