#include "response.h"

#include <string.h>

enum { POINTER = 0xC000, POINTER_SIZE = 2, RECORD_FIXED = 10, DATA_LENGTH_SIZE = 2 };

void response_start(struct response *response, const struct zone_database *zones, uint8_t *octets,
                    size_t length, size_t limit)
{
    response->zones = zones;
    response->octets = octets;
    response->length = length;
    response->limit = limit;
    response->flags = 0;
    response->counts[SECTION_ANSWER] = 0;
    response->counts[SECTION_AUTHORITY] = 0;
    response->counts[SECTION_ADDITIONAL] = 0;
    response->place_count = 0;
    response->follow_up_count = 0;
}

void response_remember(struct response *response, uint32_t name, size_t offset)
{
    if (offset <= WIRE_POINTER_LIMIT && response->place_count < RESPONSE_PLACES) {
        response->place_names[response->place_count] = name;
        response->place_offsets[response->place_count++] = (uint16_t)offset;
    }
}

size_t response_find(const struct response *response, uint32_t name)
{
    for (unsigned i = 0; i < response->place_count; i++) {
        if (response->place_names[i] == name) {
            return response->place_offsets[i];
        }
    }
    return 0;
}

static bool has_room(const struct response *response, size_t size)
{
    return response->limit - response->length >= size;
}

static bool put(struct response *response, const void *octets, size_t size)
{
    if (!has_room(response, size)) {
        return false;
    }
    memcpy(response->octets + response->length, octets, size);
    response->length += size;
    return true;
}

static bool put16(struct response *response, uint16_t value)
{
    if (!has_room(response, sizeof value)) {
        return false;
    }
    wire_store16(response->octets + response->length, value);
    response->length += sizeof value;
    return true;
}

/* Writes a name label by label, up to one that stands in the message already. */
static bool put_name(struct response *response, uint32_t name, bool compress)
{
    const struct name_tree *names = &response->zones->names;
    while (name != NAME_ROOT) {
        size_t known = response_find(response, name);
        if (known != 0 && compress) {
            return put16(response, (uint16_t)(POINTER | known));
        }
        const uint8_t *label = name_tree_label(names, name);
        if (known == 0) {
            response_remember(response, name, response->length);
        }
        if (!put(response, label, (size_t)label[0] + 1)) {
            return false;
        }
        name = name_tree_node(names, name)->parent;
    }
    return put(response, "", 1);
}

/* Writes owner, type, class and TTL; data length and data are to follow. */
static bool put_head(struct response *response, uint16_t type, uint32_t ttl, uint32_t owner,
                     size_t owner_offset)
{
    bool done = owner_offset != 0 ? put16(response, (uint16_t)(POINTER | owner_offset))
                                  : put_name(response, owner, true);
    if (!done || !has_room(response, RECORD_FIXED)) {
        return false;
    }
    uint8_t *out = response->octets + response->length;
    wire_store16(out, type);
    wire_store16(out + 2, CLASS_IN);
    wire_store32(out + 4, ttl);
    response->length += RECORD_FIXED - DATA_LENGTH_SIZE;
    return true;
}

/* Name servers, mail exchangers and services are of no use without their addresses. */
static void note_follow_up(struct response *response, uint16_t type, uint32_t target)
{
    if (type != TYPE_NS && type != TYPE_MX && type != TYPE_SRV) {
        return;
    }
    for (unsigned i = 0; i < response->follow_up_count; i++) {
        if (response->follow_ups[i] == target) {
            return;
        }
    }
    if (response->follow_up_count < RESPONSE_FOLLOW_UPS) {
        response->follow_ups[response->follow_up_count++] = target;
    }
}

/* Writes data length and data of a record with names; `data` is its form in the database. */
static bool put_data_with_names(struct response *response, uint16_t type, struct record_shape shape,
                                const uint8_t *data)
{
    size_t length_at = response->length;
    if (!put16(response, 0) || !put(response, data, shape.before)) {
        return false;
    }
    data += shape.before;
    for (unsigned i = 0; i < shape.names; i++) {
        uint32_t name = 0;
        memcpy(&name, data, sizeof name);
        data += sizeof name;
        if (!put_name(response, name, shape.compress)) {
            return false;
        }
        note_follow_up(response, type, name);
    }
    if (!put(response, data, shape.after)) {
        return false;
    }
    wire_store16(response->octets + length_at,
                 (uint16_t)(response->length - length_at - DATA_LENGTH_SIZE));
    return true;
}

static bool put_records_with_names(struct response *response, const struct zone_rrset *rrset,
                                   struct record_shape shape, uint32_t owner, size_t owner_offset,
                                   uint32_t ttl)
{
    const uint8_t *data = zone_data(response->zones, rrset->data);
    for (unsigned i = 0; i < rrset->count; i++) {
        if (owner_offset == 0) {
            owner_offset = response_find(response, owner);
        }
        if (!put_head(response, rrset->type, ttl, owner, owner_offset) ||
            !put_data_with_names(response, rrset->type, shape, data)) {
            return false;
        }
        data += record_shape_size(shape);
    }
    return true;
}

/* The data is finished records whose owner is a pointer to the question. Another owner replaces
 * that pointer, once it stands in the message. */
static bool put_finished_records(struct response *response, const struct zone_rrset *rrset,
                                 uint32_t owner, size_t owner_offset)
{
    const uint8_t *data = zone_data(response->zones, rrset->data);
    const uint8_t *end = data + rrset->length;
    if (owner_offset == WIRE_HEADER_SIZE) {
        return put(response, data, rrset->length);
    }
    while (data != end) {
        size_t size = ZONE_RECORD_HEADER + (size_t)wire_load16(data + ZONE_RECORD_HEADER - 2);
        if (owner_offset == 0) {
            owner_offset = response_find(response, owner);
        }
        bool done = owner_offset != 0 ? put16(response, (uint16_t)(POINTER | owner_offset))
                                      : put_name(response, owner, true);
        if (!done || !put(response, data + POINTER_SIZE, size - POINTER_SIZE)) {
            return false;
        }
        data += size;
    }
    return true;
}

bool response_put_rrset(struct response *response, enum response_section section,
                        const struct zone_rrset *rrset, uint32_t owner, size_t owner_offset,
                        uint32_t ttl)
{
    struct record_shape shape = record_shape(rrset->type);
    size_t length = response->length;
    unsigned place_count = response->place_count;
    unsigned follow_up_count = response->follow_up_count;
    bool done = shape.names != 0
                    ? put_records_with_names(response, rrset, shape, owner, owner_offset, ttl)
                    : put_finished_records(response, rrset, owner, owner_offset);
    if (!done) {
        response->length = length;
        response->place_count = place_count;
        response->follow_up_count = follow_up_count;
        return false;
    }
    response->counts[section] = (uint16_t)(response->counts[section] + rrset->count);
    return true;
}

bool response_put_record(struct response *response, enum response_section section, uint16_t type,
                         uint32_t ttl, const uint8_t *data, uint16_t data_length,
                         size_t owner_offset)
{
    size_t length = response->length;
    if (!put_head(response, type, ttl, NAME_ROOT, owner_offset) || !put16(response, data_length) ||
        !put(response, data, data_length)) {
        response->length = length;
        return false;
    }
    response->counts[section]++;
    return true;
}
