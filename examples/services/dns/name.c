#include "name.h"

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

bool name_unescape(const char **cursor, const char *end, uint8_t *octet)
{
    const char *text = *cursor;
    if (*text != '\\') {
        *octet = (uint8_t)*text;
        *cursor = text + 1;
        return true;
    }
    if (end - text < 2) {
        return false;
    }
    if (!is_digit(text[1])) {
        *octet = (uint8_t)text[1];
        *cursor = text + 2;
        return true;
    }
    if (end - text < 4 || !is_digit(text[2]) || !is_digit(text[3])) {
        return false;
    }
    unsigned value = (unsigned)(text[1] - '0') * 100 + (unsigned)(text[2] - '0') * 10 +
                     (unsigned)(text[3] - '0');
    if (value > 255) {
        return false;
    }
    *octet = (uint8_t)value;
    *cursor = text + 4;
    return true;
}

const char *name_from_text(const char *text, size_t length, struct name_labels *labels)
{
    const char *end = text + length;
    labels->length = 0;
    labels->absolute = false;
    if (length == 1 && *text == '.') {
        labels->absolute = true;
        return NULL;
    }
    if (length == 0) {
        return "empty name";
    }
    while (text != end) {
        size_t start = labels->length;
        size_t size = 0;
        while (text != end && *text != '.') {
            uint8_t octet = 0;
            if (!name_unescape(&text, end, &octet)) {
                return "broken escape (write \\DDD with three digits up to 255, or \\X)";
            }
            if (size == WIRE_LABEL_LIMIT) {
                return "label longer than 63 octets";
            }
            /* The octets written so far, this one's label length and the root must fit. */
            if (start + 1 + size + 1 + 1 > WIRE_NAME_LIMIT) {
                return "name longer than 255 octets";
            }
            labels->octets[start + 1 + size] = octet;
            size++;
        }
        if (size == 0) {
            return "empty label in name";
        }
        labels->octets[start] = (uint8_t)size;
        labels->length = start + 1 + size;
        if (text != end) {
            text++;
            labels->absolute = text == end;
        }
    }
    return NULL;
}
