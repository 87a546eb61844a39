/*
 * musl's own atomics for the architecture, with another a_crash: musl crashes a process with "hlt",
 * which only a program without privilege faults on. In ring 0 it would wait for the next interrupt
 * and go on; an undefined instruction always stops the image with a report.
 */
#include_next <atomic_arch.h>

#undef a_crash
#define a_crash ub_libc_crash
static inline void ub_libc_crash(void)
{
    __asm__ __volatile__("ud2" : : : "memory");
}
