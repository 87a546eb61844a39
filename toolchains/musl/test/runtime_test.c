/* The compiler's runtime: 128-bit division against its own product, complex products with
 * infinities. */
#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 500000

typedef unsigned __int128 wide;
typedef __int128 signed_wide;

static wide random_wide(void)
{
    wide value = 0;
    for (int i = 0; i < 5; i++) {
        value = value << 31 ^ (wide)rand();
    }
    return value >> rand() % 128;
}

static int check_division(wide dividend, wide divisor)
{
    wide quotient = dividend / divisor;
    wide remainder = dividend % divisor;
    signed_wide a = (signed_wide)dividend, b = (signed_wide)divisor;
    signed_wide signed_quotient = a / b, signed_remainder = a % b;
    return remainder < divisor && quotient * divisor + remainder == dividend &&
           (quotient == 0 || divisor <= (wide)-1 / quotient) &&
           signed_quotient * b + signed_remainder == a &&
           (signed_remainder == 0 || (signed_remainder < 0) == (a < 0));
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        wide dividend = random_wide(), divisor = random_wide();
        if (divisor != 0 && divisor != (wide)-1 && !check_division(dividend, divisor)) {
            fprintf(stderr, "round %d\n", i);
            return 1;
        }
    }
    volatile double complex a = CMPLX(1, 2), b = CMPLX(3, -4);
    volatile double complex infinite = CMPLX(INFINITY, NAN);
    double complex product = a * b, endless = infinite * b;
    if (creal(product) != 11 || cimag(product) != 2 ||
        !(isinf(creal(endless)) || isinf(cimag(endless)))) {
        fprintf(stderr, "complex products\n");
        return 1;
    }
    return 0;
}
