/*
 * Division of 128-bit integers, which the compiler leaves to its runtime. The processor divides 128
 * bits by 64 where the quotient fits in 64; a wider divisor is done bit by bit.
 */
#include <stdint.h>

typedef unsigned __int128 wide;
typedef __int128 signed_wide;

wide __udivmodti4(wide dividend, wide divisor, wide *remainder);

/* `high` must be below `divisor`. */
static uint64_t divide(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *remainder)
{
    uint64_t quotient;
    __asm__("divq %4"
            : "=a"(quotient), "=d"(*remainder)
            : "a"(low), "d"(high), "r"(divisor)
            : "cc");
    return quotient;
}

wide __udivmodti4(wide dividend, wide divisor, wide *remainder)
{
    uint64_t low = (uint64_t)divisor;
    if (divisor >> 64 == 0) {
        uint64_t rest;
        uint64_t high_quotient = divide(0, (uint64_t)(dividend >> 64), low, &rest);
        uint64_t low_quotient = divide(rest, (uint64_t)dividend, low, &rest);
        if (remainder) {
            *remainder = rest;
        }
        return (wide)high_quotient << 64 | low_quotient;
    }
    /* The divisor has more than 64 bits, so the quotient has at most 64. */
    uint64_t quotient = 0;
    int shift = divisor > dividend ? -1
                                   : __builtin_clzl((uint64_t)(divisor >> 64)) -
                                         __builtin_clzl((uint64_t)(dividend >> 64));
    for (; shift >= 0; shift--) {
        quotient <<= 1;
        if (dividend >= divisor << shift) {
            dividend -= divisor << shift;
            quotient |= 1;
        }
    }
    if (remainder) {
        *remainder = dividend;
    }
    return quotient;
}

static wide magnitude(signed_wide value)
{
    return value < 0 ? -(wide)value : (wide)value;
}

wide __udivti3(wide dividend, wide divisor)
{
    return __udivmodti4(dividend, divisor, 0);
}

wide __umodti3(wide dividend, wide divisor)
{
    wide remainder;
    __udivmodti4(dividend, divisor, &remainder);
    return remainder;
}

signed_wide __divti3(signed_wide dividend, signed_wide divisor)
{
    wide quotient = __udivmodti4(magnitude(dividend), magnitude(divisor), 0);
    return (signed_wide)((dividend < 0) != (divisor < 0) ? -quotient : quotient);
}

signed_wide __modti3(signed_wide dividend, signed_wide divisor)
{
    wide remainder;
    __udivmodti4(magnitude(dividend), magnitude(divisor), &remainder);
    return (signed_wide)(dividend < 0 ? -remainder : remainder);
}
