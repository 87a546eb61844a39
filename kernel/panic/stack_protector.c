/*
 * The stack protector's canary and its alarm. kernel/start draws the canary before the first
 * function that carries one; its second lowest byte is zero, so that a string that runs over the
 * end cannot reproduce it.
 */
#include <unibuild/panic.h>
#include <unibuild/stack_protector.h>

uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void)
{
    ub_panic("stack smashing detected");
}
