/* The stack protector's canary: drawn once at boot, before the first function that carries one. */
#ifndef UNIBUILD_STACK_PROTECTOR_H
#define UNIBUILD_STACK_PROTECTOR_H

#include <stdint.h>

/* The name that the compiler refers to. */
extern uintptr_t __stack_chk_guard;

#endif
