/*
 * The zones as the server answers from them: built once, then never changed.
 *
 * One tree holds the names of all zones. Where one zone lies below another, the deeper one owns
 * the names from its apex down; what the upper zone says there (its delegation and glue) is not
 * kept, since the answer comes from the deeper zone itself.
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "name_tree.h"
#include "record_type.h"

/* All records of one name and type.
 *
 * Data of a type without names is a run of finished resource records whose owner is a pointer to
 * the question (offset 12): one copy answers a question. Data of a type with names is a run of
 * record_shape_size() octets each, names as numbers. */
struct zone_rrset {
    uint16_t type;
    uint16_t count;
    uint32_t ttl;
    uint32_t data;   /* where it starts in zone_database.data */
    uint32_t length; /* octets in all */
};

struct zone_database {
    struct name_tree names;
    struct memory_array rrsets; /* struct zone_rrset, those of one name side by side */
    struct memory_array data;
    uint32_t zones;
};

/* Octets before the data of a finished record: owner pointer, type, class, TTL, length. */
enum { ZONE_RECORD_HEADER = 12 };

static inline const uint8_t *zone_data(const struct zone_database *zones, uint32_t at)
{
    return (const uint8_t *)zones->data.data + at;
}

/* The name's records of this type, or NULL. */
static inline const struct zone_rrset *zone_rrset(const struct zone_database *zones, uint32_t name,
                                                  uint16_t type)
{
    const struct name_node *node = name_tree_node(&zones->names, name);
    const struct zone_rrset *rrset = (const struct zone_rrset *)zones->rrsets.data + node->rrsets;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        if (rrset[i].type == type) {
            return &rrset[i];
        }
    }
    return NULL;
}

static inline uint8_t zone_flags(const struct zone_database *zones, uint32_t name)
{
    return name_tree_node(&zones->names, name)->flags;
}

static inline uint32_t zone_parent(const struct zone_database *zones, uint32_t name)
{
    return name_tree_node(&zones->names, name)->parent;
}

#endif
