/* Formatted messages without buffer or heap: each piece goes to the console as it is made. */
#include <unibuild/console.h>
#include <unibuild/panic.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAXIMUM 20 /* of 2^64 - 1 in decimal */

static void print_number(uint64_t value, unsigned base)
{
    char digits[DIGITS_MAXIMUM];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    ub_console_write(digits + at, sizeof digits - at);
}

/* Takes one argument as the conversion at `*format` says; returns the last character it used. */
static const char *print_argument(const char *format, va_list *arguments)
{
    bool is_long = false;
    while (*format == 'l' || *format == 'z') {
        is_long = true;
        format++;
    }
    switch (*format) {
    case 's': {
        const char *text = va_arg(*arguments, const char *);
        ub_console_write(text, strlen(text));
        break;
    }
    case 'c': {
        char character = (char)va_arg(*arguments, int);
        ub_console_write(&character, 1);
        break;
    }
    case 'd': {
        int64_t value = is_long ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
        if (value < 0) {
            ub_console_write("-", 1);
        }
        print_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
        break;
    }
    case 'u':
    case 'x': {
        uint64_t value = is_long ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
        print_number(value, *format == 'u' ? 10 : 16);
        break;
    }
    case 'p':
        ub_console_write("0x", 2);
        print_number((uint64_t)va_arg(*arguments, const void *), 16);
        break;
    default:
        ub_console_write(format, 1);
        break;
    }
    return format;
}

void ub_print_list(const char *format, va_list arguments)
{
    va_list rest;
    va_copy(rest, arguments);
    const char *plain = format;
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            continue;
        }
        ub_console_write(plain, (size_t)(format - plain));
        if (format[1] == '\0') {
            plain = format + 1;
            break;
        }
        format = print_argument(format + 1, &rest);
        plain = format + 1;
    }
    ub_console_write(plain, (size_t)(format - plain));
    va_end(rest);
}

void ub_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ub_print_list(format, arguments);
    va_end(arguments);
}
