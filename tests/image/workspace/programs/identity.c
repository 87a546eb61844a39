#include <stdio.h>

extern const char ub_image_label[];
extern const unsigned char ub_image_identity[32];

int main(void)
{
    printf("%s sha256:", ub_image_label);
    for (int index = 0; index < 32; index++) {
        printf("%02x", ub_image_identity[index]);
    }
    puts("");
    return 0;
}
