/*
 * C15, C30: two boots give different streams, and a stream looks random: over 64 KiB the bits are
 * balanced and the bytes pass a chi-square test (255 degrees of freedom; the bounds are more than
 * six standard deviations wide, so that a good generator passes in every boot).
 */
#include <stdint.h>
#include <sys/random.h>

#include "probe.h"

#define SIZE 65536

static unsigned char stream[SIZE];

int main(void)
{
    unsigned counts[256] = {0};
    long bits = 0;
    for (size_t done = 0; done < SIZE;) {
        ssize_t got = getrandom(stream + done, SIZE - done, 0);
        if (got <= 0) {
            return probe_text("random", "bytes", "an error");
        }
        done += (size_t)got;
    }
    for (size_t i = 0; i < SIZE; i++) {
        counts[stream[i]]++;
        bits += __builtin_popcount(stream[i]);
    }
    double chi_square = 0;
    for (int value = 0; value < 256; value++) {
        double difference = counts[value] - SIZE / 256.0;
        chi_square += difference * difference / (SIZE / 256.0);
    }
    long excess = bits - SIZE * 4L; /* standard deviation: 362 */
    int fair = chi_square > 120 && chi_square < 400 && excess > -2200 && excess < 2200;
    printf("probe random expect=another-each-boot,fair got=");
    for (int i = 0; i < 16; i++) {
        printf("%02x", stream[i]);
    }
    printf(",%s\n", fair ? "fair" : "biased");
    return fair ? 0 : 1;
}
