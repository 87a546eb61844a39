#include "record_type.h"

#include "name.h"

static const struct {
    char mnemonic[6];
    uint16_t type;
} known[] = {
    {"A", TYPE_A},   {"NS", TYPE_NS},   {"CNAME", TYPE_CNAME}, {"SOA", TYPE_SOA}, {"PTR", TYPE_PTR},
    {"MX", TYPE_MX}, {"TXT", TYPE_TXT}, {"AAAA", TYPE_AAAA},   {"SRV", TYPE_SRV}, {"CAA", TYPE_CAA},
};

#define KNOWN_COUNT (sizeof known / sizeof known[0])

bool text_is(const char *text, size_t length, const char *word)
{
    for (size_t i = 0; i < length; i++) {
        if (word[i] == '\0' || name_fold((uint8_t)text[i]) != name_fold((uint8_t)word[i])) {
            return false;
        }
    }
    return word[length] == '\0';
}

bool text_to_number(const char *text, size_t length, uint32_t limit, uint32_t *number)
{
    uint64_t value = 0;
    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > limit) {
            return false;
        }
    }
    *number = (uint32_t)value;
    return true;
}

bool record_type_from_text(const char *text, size_t length, uint16_t *type)
{
    uint32_t number = 0;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (text_is(text, length, known[i].mnemonic)) {
            *type = known[i].type;
            return true;
        }
    }
    if (length > 4 && text_is(text, 4, "TYPE") &&
        text_to_number(text + 4, length - 4, UINT16_MAX, &number)) {
        *type = (uint16_t)number;
        return true;
    }
    return false;
}
