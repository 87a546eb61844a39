/*
 * Zones for tests, from text or from a file.
 */
#ifndef DNS_TESTS_ZONE_TEXT_H
#define DNS_TESTS_ZONE_TEXT_H

#include "../zone_parser.h"

enum { ZONE_TEXT_LIMIT = 4 };

/* Builds the database of up to ZONE_TEXT_LIMIT zones, each a text with its length. False, with
 * nothing left allocated, when they are wrong. */
bool zone_text_build(struct zone_database *zones, const char *const *texts, const size_t *lengths,
                     unsigned count, struct zone_error *error);

/* The whole file, or NULL; the caller frees it. */
char *zone_text_read(const char *path, size_t *length);

#endif
