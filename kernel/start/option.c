/* Words of the monitor's command line that are for the kernel. */
#include <unibuild/image.h>

#include <string.h>

bool ub_option_given(const char *word)
{
    size_t length = strlen(word);
    const char *at = ub_command_line();
    while (*(at += strspn(at, " \t\n")) != '\0') {
        size_t found = strcspn(at, " \t\n");
        if (found == length && memcmp(at, word, length) == 0) {
            return true;
        }
        at += found;
    }
    return false;
}
