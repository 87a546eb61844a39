#include "text.h"

#include <stdarg.h>
#include <string.h>

#include <unibuild/memory.h>

#define SMALLEST 512U
#define DIGITS_MAXIMUM 20U /* of 2^64 - 1 in decimal */

static bool grow(struct ub_text *text, size_t size)
{
    size_t capacity = text->capacity != 0 ? text->capacity : SMALLEST;
    while (capacity < size) {
        capacity *= 2;
    }
    if (capacity == text->capacity) {
        return true;
    }
    char *bytes = ub_heap_allocate(capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    if (text->size > 0) {
        memcpy(bytes, text->bytes, text->size);
    }
    ub_heap_free(text->bytes);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void ub_text_add(struct ub_text *text, const void *bytes, size_t size)
{
    if (size > 0 && !text->failed && grow(text, text->size + size)) {
        memcpy(text->bytes + text->size, bytes, size);
        text->size += size;
    }
}

struct format {
    char pad;
    bool left;
    size_t width;
};

static void add_padded(struct ub_text *text, const char *bytes, size_t size, struct format format)
{
    if (format.left) {
        ub_text_add(text, bytes, size);
    }
    for (size_t i = size; i < format.width; i++) {
        ub_text_add(text, &format.pad, 1);
    }
    if (!format.left) {
        ub_text_add(text, bytes, size);
    }
}

static void add_number(struct ub_text *text, uint64_t value, unsigned base, struct format format)
{
    char digits[DIGITS_MAXIMUM];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    add_padded(text, digits + at, sizeof digits - at, format);
}

static void add_argument(struct ub_text *text, char kind, struct format format, va_list *arguments)
{
    switch (kind) {
    case 's': {
        const char *string = va_arg(*arguments, const char *);
        add_padded(text, string, strlen(string), format);
        break;
    }
    case 'c': {
        char character = (char)va_arg(*arguments, int);
        ub_text_add(text, &character, 1);
        break;
    }
    default:
        add_number(text, va_arg(*arguments, uint64_t), kind == 'x' ? 16 : 10, format);
    }
}

void ub_text_print(struct ub_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    while (*format != '\0') {
        if (*format != '%') {
            ub_text_add(text, format++, 1);
            continue;
        }
        format++;
        struct format one = {.pad = ' '};
        if (*format == '-') {
            one.left = true;
            format++;
        } else if (*format == '0') {
            one.pad = '0';
            format++;
        }
        for (; *format >= '0' && *format <= '9'; format++) {
            one.width = one.width * 10 + (size_t)(*format - '0');
        }
        add_argument(text, *format++, one, &arguments);
    }
    va_end(arguments);
}
