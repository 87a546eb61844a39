#include "zone_builder.h"

#include <string.h>

static const char out_of_memory[] = "out of memory";

bool zone_builder_create(struct zone_builder *builder, struct zone_database *zones)
{
    *builder = (struct zone_builder){.zones = zones};
    *zones = (struct zone_database){0};
    return name_tree_create(&zones->names);
}

void zone_builder_release(struct zone_builder *builder)
{
    memory_array_release(&builder->records);
    memory_array_release(&builder->data);
}

void zone_database_release(struct zone_database *zones)
{
    name_tree_release(&zones->names);
    memory_array_release(&zones->rrsets);
    memory_array_release(&zones->data);
}

static bool fail(struct zone_error *error, const struct zone_record *record, const char *message)
{
    error->message = message;
    error->detail[0] = '\0';
    if (record != NULL) {
        error->place = record->place;
    }
    return false;
}

static const struct zone_record *record_at(const struct zone_builder *builder, uint32_t number)
{
    return (const struct zone_record *)builder->records.data + number;
}

static uint32_t record_count(const struct zone_builder *builder)
{
    return (uint32_t)(builder->records.length / sizeof(struct zone_record));
}

static struct name_node *node_at(const struct zone_builder *builder, uint32_t name)
{
    return name_tree_node(&builder->zones->names, name);
}

static bool is_wildcard(const struct zone_builder *builder, uint32_t name)
{
    const uint8_t *label = name_tree_label(&builder->zones->names, name);
    return name != NAME_ROOT && label[0] == 1 && label[1] == '*';
}

/* The deepest apex at or above the name decides which zone the name belongs to. */
static bool is_superseded(const struct zone_builder *builder, const struct zone_record *record)
{
    uint32_t name = record->owner;
    while ((node_at(builder, name)->flags & NAME_APEX) == 0) {
        name = node_at(builder, name)->parent;
    }
    return name != record->apex;
}

/* Lays one record out for answering; `ttl` is that of its whole set. */
static bool write_record(struct zone_builder *builder, const struct zone_record *record,
                         uint32_t ttl)
{
    bool plain = record_shape(record->type).names == 0;
    size_t header = plain ? ZONE_RECORD_HEADER : 0;
    uint8_t *out = memory_array_extend(&builder->zones->data, header + record->length);
    if (out == NULL) {
        return false;
    }
    if (plain) {
        wire_store16(out, 0xC000 | WIRE_HEADER_SIZE);
        wire_store16(out + 2, record->type);
        wire_store16(out + 4, CLASS_IN);
        wire_store32(out + 6, ttl);
        wire_store16(out + 10, record->length);
    }
    if (record->length != 0) {
        memcpy(out + header, (const uint8_t *)builder->data.data + record->data, record->length);
    }
    return true;
}

static bool same_data(const struct zone_builder *builder, const struct zone_record *left,
                      const struct zone_record *right)
{
    const uint8_t *data = builder->data.data;
    return left->length == right->length &&
           (left->length == 0 || memcmp(data + left->data, data + right->data, left->length) == 0);
}

/* Whether an earlier record of the same set has the same data (RFC 2181 §5: kept once). */
static bool is_repeated(const struct zone_builder *builder, const uint32_t *order, uint32_t number)
{
    const struct zone_record *record = record_at(builder, order[number]);
    for (uint32_t earlier = 0; earlier < number; earlier++) {
        if (same_data(builder, record_at(builder, order[earlier]), record)) {
            return true;
        }
    }
    return false;
}

/* Writes the set of `count` records of one name and type. */
static bool write_rrset(struct zone_builder *builder, const uint32_t *order, uint32_t count,
                        struct zone_error *error)
{
    const struct zone_record *first = record_at(builder, order[0]);
    struct zone_rrset set = {.type = first->type, .ttl = first->ttl};
    set.data = (uint32_t)builder->zones->data.length;
    /* RFC 2181 §5.2: the records of a set share one TTL; the lowest is the safe one. */
    for (uint32_t i = 1; i < count; i++) {
        uint32_t ttl = record_at(builder, order[i])->ttl;
        set.ttl = ttl < set.ttl ? ttl : set.ttl;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct zone_record *record = record_at(builder, order[i]);
        if (is_repeated(builder, order, i)) {
            continue;
        }
        if (set.count == UINT16_MAX) {
            return fail(error, record, "more than 65535 records of one name and type");
        }
        if (!write_record(builder, record, set.ttl)) {
            return fail(error, record, out_of_memory);
        }
        set.count++;
    }
    set.length = (uint32_t)builder->zones->data.length - set.data;
    if (first->type == TYPE_CNAME && set.count > 1) {
        return fail(error, record_at(builder, order[count - 1]),
                    "a name has one CNAME record at most (RFC 1034 section 3.6.2)");
    }
    struct zone_rrset *out = memory_array_extend(&builder->zones->rrsets, sizeof set);
    if (out == NULL) {
        return fail(error, first, out_of_memory);
    }
    *out = set;
    return true;
}

/* Stable, since the order in the file is the order in answers; names have few records. */
static void sort_by_type(const struct zone_builder *builder, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t moved = order[i];
        uint16_t type = record_at(builder, moved)->type;
        uint32_t at = i;
        for (; at != 0 && record_at(builder, order[at - 1])->type > type; at--) {
            order[at] = order[at - 1];
        }
        order[at] = moved;
    }
}

/* Checks that hold for the whole of one name's records, `order` being sorted by type. */
static bool check_name(const struct zone_builder *builder, uint32_t name, const uint32_t *order,
                       uint32_t count, struct zone_error *error)
{
    bool has_cname = zone_rrset(builder->zones, name, TYPE_CNAME) != NULL;
    bool has_ns = zone_rrset(builder->zones, name, TYPE_NS) != NULL;
    if (has_cname && node_at(builder, name)->rrset_count > 1) {
        bool first = record_at(builder, order[0])->type == TYPE_CNAME;
        return fail(error, record_at(builder, order[first ? count - 1 : 0]),
                    "a name with a CNAME record has no other records (RFC 1034 section 3.6.2)");
    }
    if (has_ns && is_wildcard(builder, name)) {
        return fail(error, record_at(builder, order[0]),
                    "a wildcard cannot be delegated (RFC 4592 section 4.2)");
    }
    if (!has_ns && (node_at(builder, name)->flags & NAME_APEX) != 0) {
        return fail(error, record_at(builder, order[0]), "the zone has no NS record at its apex");
    }
    return true;
}

/* Writes the sets of one name from its records. */
static bool write_name(struct zone_builder *builder, uint32_t name, uint32_t *order, uint32_t count,
                       struct zone_error *error)
{
    struct name_node *node = node_at(builder, name);
    node->rrsets = (uint32_t)(builder->zones->rrsets.length / sizeof(struct zone_rrset));
    sort_by_type(builder, order, count);
    for (uint32_t start = 0; start < count;) {
        uint16_t type = record_at(builder, order[start])->type;
        uint32_t end = start + 1;
        while (end < count && record_at(builder, order[end])->type == type) {
            end++;
        }
        if (!write_rrset(builder, order + start, end - start, error)) {
            return false;
        }
        node->rrset_count++;
        start = end;
    }
    node->flags |= NAME_EXISTS;
    if ((node->flags & NAME_APEX) == 0 && zone_rrset(builder->zones, name, TYPE_NS) != NULL) {
        node->flags |= NAME_CUT;
    }
    return check_name(builder, name, order, count, error);
}

/* Groups the records by owner (a counting sort: `starts` has one more slot than there are names)
 * and writes the sets of each. */
static bool write_names(struct zone_builder *builder, uint32_t *starts, uint32_t *order,
                        struct zone_error *error)
{
    uint32_t names = name_tree_count(&builder->zones->names);
    uint32_t records = record_count(builder);
    for (uint32_t i = 0; i < records; i++) {
        if (!is_superseded(builder, record_at(builder, i))) {
            starts[record_at(builder, i)->owner]++;
        }
    }
    uint32_t total = 0;
    for (uint32_t name = 0; name <= names; name++) {
        uint32_t count = starts[name];
        starts[name] = total;
        total += count;
    }
    for (uint32_t i = 0; i < records; i++) {
        if (!is_superseded(builder, record_at(builder, i))) {
            order[starts[record_at(builder, i)->owner]++] = i;
        }
    }
    /* Each start has moved to its end, which is where the next name's records start. */
    uint32_t start = 0;
    for (uint32_t name = 0; name < names; name++) {
        uint32_t count = starts[name] - start;
        if (count != 0 && !write_name(builder, name, order + start, count, error)) {
            return false;
        }
        start = starts[name];
    }
    return true;
}

/* A parent's number is below its children's, so one pass in either direction settles a flag that
 * runs down or up the tree. */
static void mark_in_zone(const struct zone_builder *builder)
{
    uint32_t count = name_tree_count(&builder->zones->names);
    for (uint32_t name = 0; name < count; name++) {
        struct name_node *node = node_at(builder, name);
        if ((node->flags & NAME_APEX) != 0 ||
            (node_at(builder, node->parent)->flags & NAME_IN_ZONE) != 0) {
            node->flags |= NAME_IN_ZONE;
        }
    }
}

static void mark_existing(const struct zone_builder *builder)
{
    for (uint32_t name = name_tree_count(&builder->zones->names) - 1; name != NAME_ROOT; name--) {
        const struct name_node *node = node_at(builder, name);
        struct name_node *parent = node_at(builder, node->parent);
        if ((node->flags & NAME_EXISTS) == 0) {
            continue;
        }
        if ((parent->flags & NAME_IN_ZONE) != 0) {
            parent->flags |= NAME_EXISTS;
        }
        if (is_wildcard(builder, name)) {
            parent->flags |= NAME_WILDCARD_CHILD;
        }
    }
}

static void mark_below_cuts(const struct zone_builder *builder)
{
    uint32_t count = name_tree_count(&builder->zones->names);
    for (uint32_t name = 0; name < count; name++) {
        struct name_node *node = node_at(builder, name);
        bool parent_below = (node_at(builder, node->parent)->flags & NAME_BELOW_CUT) != 0;
        if ((node->flags & NAME_CUT) != 0 || (parent_below && (node->flags & NAME_APEX) == 0)) {
            node->flags |= NAME_BELOW_CUT;
        }
    }
}

bool zone_builder_finish(struct zone_builder *builder, struct zone_error *error)
{
    struct memory_array starts = {0};
    struct memory_array order = {0};
    size_t names = name_tree_count(&builder->zones->names);
    size_t records = record_count(builder);
    bool done = false;
    mark_in_zone(builder);
    if (memory_array_extend(&starts, (names + 1) * sizeof(uint32_t)) == NULL ||
        memory_array_extend(&order, records * sizeof(uint32_t)) == NULL) {
        (void)fail(error, NULL, out_of_memory);
    } else {
        done = write_names(builder, starts.data, order.data, error);
    }
    memory_array_release(&starts);
    memory_array_release(&order);
    if (done) {
        mark_existing(builder);
        mark_below_cuts(builder);
        name_tree_trim(&builder->zones->names);
        memory_array_trim(&builder->zones->rrsets);
        memory_array_trim(&builder->zones->data);
    }
    return done;
}
