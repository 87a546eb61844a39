/*
 * Record data in master files: one reader a type.
 */
#ifndef DNS_ZONE_RDATA_H
#define DNS_ZONE_RDATA_H

#include "zone_parser.h"

/* Reads the data of one record of this type, the current token being its first word, and appends
 * it to the builder's data (record_type.h says in which form). Leaves the token behind it as the
 * current one. False after noting the error. */
bool zone_rdata_parse(struct zone_parser *parser, uint16_t type);

#endif
