/*
 * Products of complex numbers, which the compiler leaves to its runtime because of infinities:
 * where the plain formula gives not-a-number twice, an infinite factor still makes an infinite
 * product (C11, annex G.5.1).
 */
#include <math.h>

#define PRODUCT(name, real, is_nan, is_infinite, copy_sign, infinity)                              \
    static real name##_unit(real x)                                                                \
    {                                                                                              \
        return copy_sign(is_infinite(x) ? (real)1 : (real)0, x);                                   \
    }                                                                                              \
    static real name##_number(real x)                                                              \
    {                                                                                              \
        return is_nan(x) ? copy_sign((real)0, x) : x;                                              \
    }                                                                                              \
    real _Complex name(real a, real b, real c, real d)                                             \
    {                                                                                              \
        real x = a * c - b * d, y = a * d + b * c;                                                 \
        int recover = 0;                                                                           \
        if (is_nan(x) && is_nan(y)) {                                                              \
            if (is_infinite(a) || is_infinite(b)) {                                                \
                a = name##_unit(a), b = name##_unit(b);                                            \
                c = name##_number(c), d = name##_number(d);                                        \
                recover = 1;                                                                       \
            }                                                                                      \
            if (is_infinite(c) || is_infinite(d)) {                                                \
                c = name##_unit(c), d = name##_unit(d);                                            \
                a = name##_number(a), b = name##_number(b);                                        \
                recover = 1;                                                                       \
            }                                                                                      \
            if (!recover && (is_infinite(a * c) || is_infinite(b * d) || is_infinite(a * d) ||     \
                             is_infinite(b * c))) {                                                \
                a = name##_number(a), b = name##_number(b);                                        \
                c = name##_number(c), d = name##_number(d);                                        \
                recover = 1;                                                                       \
            }                                                                                      \
            if (recover) {                                                                         \
                x = infinity * (a * c - b * d);                                                    \
                y = infinity * (a * d + b * c);                                                    \
            }                                                                                      \
        }                                                                                          \
        union {                                                                                    \
            real parts[2];                                                                         \
            real _Complex whole;                                                                   \
        } product = {{x, y}};                                                                      \
        return product.whole;                                                                      \
    }

PRODUCT(__mulsc3, float, isnan, isinf, copysignf, __builtin_inff())
PRODUCT(__muldc3, double, isnan, isinf, copysign, __builtin_inf())
PRODUCT(__mulxc3, long double, isnan, isinf, copysignl, __builtin_infl())
