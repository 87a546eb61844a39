/* System calls by number, past the C library; and the vector registers. */
#ifndef TESTS_LINUX_CORE_CALL_H
#define TESTS_LINUX_CORE_CALL_H

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* vector.S: 16 registers, 32 bytes apart; only the lower half of each where there is no AVX. */
typedef unsigned char vector_registers[16][32];
void load_whole(const vector_registers *from);
void store_whole(vector_registers *to);
void load_half(const vector_registers *from);
void store_half(vector_registers *to);

#endif
