/* The image's first words: its label, and the digest that is its identity. */
#include "program.h"

#include <unibuild/image.h>
#include <unibuild/panic.h>

#define DIGIT_BITS 4
#define DIGIT_MASK 15

void ub_identity_print(void)
{
    char digits[2 * UB_IMAGE_IDENTITY_BYTES + 1];
    for (size_t i = 0; i < UB_IMAGE_IDENTITY_BYTES; i++) {
        digits[2 * i] = "0123456789abcdef"[ub_image_identity[i] >> DIGIT_BITS];
        digits[2 * i + 1] = "0123456789abcdef"[ub_image_identity[i] & DIGIT_MASK];
    }
    digits[sizeof digits - 1] = '\0';
    ub_print("\x1e[unibuild] identity %s sha256:%s\n", ub_image_label, digits);
}
