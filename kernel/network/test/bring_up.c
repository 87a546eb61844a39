/* The interface as it is, with its initializer where the test can call it. */
#include "../interface.c"

void (*const world_bring_up)(void) = bring_up;
