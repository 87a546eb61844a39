#include "zone_text.h"

#include <stdio.h>
#include <stdlib.h>

bool zone_text_build(struct zone_database *zones, const char *const *texts, const size_t *lengths,
                     unsigned count, struct zone_error *error)
{
    static struct zone_parser parser;
    struct zone_builder builder;
    bool done = zone_builder_create(&builder, zones);
    for (unsigned i = 0; done && i < count; i++) {
        zone_lexer_open_text(&parser.lexer, texts[i], lengths[i]);
        done = zone_parse(&parser, (uint16_t)i, &builder, error);
    }
    done = done && zone_builder_finish(&builder, error);
    zone_builder_release(&builder);
    if (!done) {
        zone_database_release(zones);
    }
    return done;
}

char *zone_text_read(const char *path, size_t *length)
{
    enum { STEP = 65536 };
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    *length = 0;
    while (file != NULL) {
        char *larger = realloc(text, *length + STEP);
        if (larger == NULL) {
            break;
        }
        text = larger;
        size_t got = fread(text + *length, 1, STEP, file);
        *length += got;
        if (got == 0) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}
