/*
 * C1: the entry code moves every word that holds an address, whatever its place: in constants and
 * in data, at even and at odd places, to data, text and strings.
 */
#include <stddef.h>

#include "probe.h"

struct __attribute__((packed)) odd {
    char tag;
    const char *text;
    int (*function)(int);
};

static int twice(int value)
{
    return 2 * value;
}

static int values[3] = {1, 2, 3};
static int *const constant_pointers[] = {&values[0], &values[1], &values[2]};
static int *pointers[] = {&values[2], NULL, &values[1]};
static const struct odd constant_odds[] = {{'a', "one", twice}, {'b', "two", NULL}};
static struct odd odds[] = {{'c', "three", twice}, {'d', NULL, twice}};
extern int absent(void) __attribute__((weak));

int main(int count, char **words)
{
    (void)words;
    int sum = *constant_pointers[count - 1] + *pointers[count - 1] + *pointers[count + 1];
    char got[80];
    snprintf(got, sizeof got, "%d,%s,%s,%s,%d,%d,%d,%d", sum, constant_odds[count - 1].text,
             constant_odds[count].text, odds[count - 1].text, constant_odds[0].function(4),
             odds[count].function(5), pointers[count] == NULL && odds[count].text == NULL,
             absent == NULL);
    return probe_text("relocations", "6,one,two,three,8,10,1,1", got);
}
