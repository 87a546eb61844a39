#include "answer.h"

#include "response.h"

#include <string.h>

enum {
    CNAME_LIMIT = 16,
    OPT_SIZE = 11,
    DNSSEC_OK = 0x8000,
    HINFO_TTL = 3600,
    SOA_MINIMUM_SIZE = 4, /* the last field of a SOA's data */
};

/* A name in question: its closest known ancestor, and whether that is the name itself. */
struct found_name {
    uint32_t name;
    bool exact;
};

/* Walks down from the root along the labels of the question, noting where each known name stands.
 */
static struct found_name find_question(struct response *response, const struct query *query)
{
    const uint8_t *start = response->octets + WIRE_HEADER_SIZE;
    struct found_name found = {NAME_ROOT, true};
    for (unsigned left = query->label_count; left != 0; left--) {
        unsigned offset = query->labels[left - 1];
        uint32_t child = name_tree_find(&response->zones->names, found.name, start + offset);
        if (child == NAME_NONE) {
            found.exact = false;
            break;
        }
        found.name = child;
        response_remember(response, child, WIRE_HEADER_SIZE + (size_t)offset);
    }
    return found;
}

/* Climbs from a name that only stands in some record's data to one that exists; the root when no
 * zone holds it. */
static struct found_name climb_to_existing(const struct zone_database *zones,
                                           struct found_name found)
{
    while ((zone_flags(zones, found.name) & NAME_EXISTS) == 0 && found.name != NAME_ROOT) {
        found.name = zone_parent(zones, found.name);
        found.exact = false;
    }
    return found;
}

static void put_or_truncate(struct response *response, enum response_section section,
                            const struct zone_rrset *rrset, uint32_t owner, size_t owner_offset)
{
    if (!response_put_rrset(response, section, rrset, owner, owner_offset, rrset->ttl)) {
        response->flags |= FLAG_TC;
    }
}

/* The SOA of the zone that holds `name`, for how long "no" may be believed (RFC 2308 §3). */
static void put_negative_authority(struct response *response, uint32_t name)
{
    const struct zone_database *zones = response->zones;
    while ((zone_flags(zones, name) & NAME_APEX) == 0) {
        name = zone_parent(zones, name);
    }
    const struct zone_rrset *soa = zone_rrset(zones, name, TYPE_SOA);
    uint32_t minimum = wire_load32(zone_data(zones, soa->data + soa->length - SOA_MINIMUM_SIZE));
    uint32_t ttl = minimum < soa->ttl ? minimum : soa->ttl;
    if (!response_put_rrset(response, SECTION_AUTHORITY, soa, name, response_find(response, name),
                            ttl)) {
        response->flags |= FLAG_TC;
    }
}

static bool is_below(const struct zone_database *zones, uint32_t name, uint32_t ancestor)
{
    while (name > ancestor) {
        name = zone_parent(zones, name);
    }
    return name == ancestor;
}

/* Addresses of the servers named so far. `cut` is the delegation of a referral, NAME_NONE
 * otherwise: only a referral shows what stands below a delegation, and it must show what stands
 * below its own. */
static void put_addresses(struct response *response, uint32_t cut)
{
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA};
    const struct zone_database *zones = response->zones;
    for (unsigned i = 0; i < response->follow_up_count; i++) {
        uint32_t name = response->follow_ups[i];
        if (cut == NAME_NONE && (zone_flags(zones, name) & NAME_BELOW_CUT) != 0) {
            continue;
        }
        for (unsigned t = 0; t < sizeof types / sizeof types[0]; t++) {
            const struct zone_rrset *rrset = zone_rrset(zones, name, types[t]);
            if (rrset != NULL &&
                !response_put_rrset(response, SECTION_ADDITIONAL, rrset, name,
                                    response_find(response, name), rrset->ttl) &&
                cut != NAME_NONE && is_below(zones, name, cut)) {
                response->flags |= FLAG_TC;
            }
        }
    }
}

/* Names the servers of the delegation at or above `name`, which is at or below one. */
static void refer(struct response *response, uint32_t name)
{
    const struct zone_database *zones = response->zones;
    while ((zone_flags(zones, zone_parent(zones, name)) & NAME_BELOW_CUT) != 0) {
        name = zone_parent(zones, name);
    }
    response->follow_up_count = 0;
    put_or_truncate(response, SECTION_AUTHORITY, zone_rrset(zones, name, TYPE_NS), name,
                    response_find(response, name));
    put_addresses(response, name);
}

static void put_any(struct response *response, size_t owner_offset)
{
    static const uint8_t hinfo[] = "\x07RFC8482"; /* CPU; the OS is the empty string behind it */
    if (!response_put_record(response, SECTION_ANSWER, TYPE_HINFO, HINFO_TTL, hinfo, sizeof hinfo,
                             owner_offset)) {
        response->flags |= FLAG_TC;
    }
}

/* Whether this name's own zone leaves the answer to the servers below. The parent's side of a
 * delegation answers for DS itself (RFC 4035 §3.1.4.1). */
static bool is_delegated(const struct zone_database *zones, struct found_name found, uint16_t type)
{
    uint8_t flags = zone_flags(zones, found.name);
    bool parent_is_delegated =
        (zone_flags(zones, zone_parent(zones, found.name)) & NAME_BELOW_CUT) != 0;
    return (flags & NAME_BELOW_CUT) != 0 &&
           !(found.exact && type == TYPE_DS && (flags & NAME_CUT) != 0 && !parent_is_delegated);
}

/* The names of a chain of CNAME records, to end a loop where it closes. */
struct chain {
    unsigned count;
    uint32_t names[CNAME_LIMIT];
};

static bool chain_add(struct chain *chain, uint32_t name)
{
    for (unsigned i = 0; i < chain->count; i++) {
        if (chain->names[i] == name) {
            return false;
        }
    }
    if (chain->count == CNAME_LIMIT) {
        return false;
    }
    chain->names[chain->count++] = name;
    return true;
}

/* Answers for the name in the question and for the targets of CNAME records. Returns the rcode,
 * which is that of the last name (RFC 6604 §3). */
static enum wire_rcode resolve(struct response *response, const struct query *query)
{
    const struct zone_database *zones = response->zones;
    struct found_name found = find_question(response, query);
    struct chain chain = {.count = 0};
    size_t owner_offset = WIRE_HEADER_SIZE;
    if (found.exact) {
        (void)chain_add(&chain, found.name);
    }
    for (;;) {
        uint32_t owner = found.name;
        found = climb_to_existing(zones, found);
        uint8_t flags = zone_flags(zones, found.name);
        if ((flags & NAME_EXISTS) == 0) {
            return response->counts[SECTION_ANSWER] == 0 ? RCODE_REFUSED : RCODE_NOERROR;
        }
        if (is_delegated(zones, found, query->type)) {
            refer(response, found.name);
            return RCODE_NOERROR;
        }
        response->flags |= FLAG_AA;
        uint32_t source = found.name;
        if (!found.exact) {
            if ((flags & NAME_WILDCARD_CHILD) == 0) {
                put_negative_authority(response, found.name);
                return RCODE_NXDOMAIN;
            }
            source = name_tree_find(&zones->names, found.name, (const uint8_t *)"\x01*");
        }
        const struct zone_rrset *rrset = zone_rrset(zones, source, query->type);
        if (rrset != NULL) {
            put_or_truncate(response, SECTION_ANSWER, rrset, owner, owner_offset);
            put_addresses(response, NAME_NONE);
            return RCODE_NOERROR;
        }
        rrset = zone_rrset(zones, source, TYPE_CNAME);
        if (rrset == NULL) {
            if (query->type == TYPE_ANY &&
                name_tree_node(&zones->names, source)->rrset_count != 0) {
                put_any(response, owner_offset);
            } else {
                put_negative_authority(response, found.name);
            }
            return RCODE_NOERROR;
        }
        put_or_truncate(response, SECTION_ANSWER, rrset, owner, owner_offset);
        memcpy(&found.name, zone_data(zones, rrset->data), sizeof found.name);
        found.exact = true;
        if (query->type == TYPE_ANY || (response->flags & FLAG_TC) != 0 ||
            !chain_add(&chain, found.name)) {
            return RCODE_NOERROR;
        }
        owner_offset = response_find(response, found.name);
    }
}

static enum wire_rcode answer_question(struct response *response, const struct query *query)
{
    if (query->class != CLASS_IN) {
        return RCODE_REFUSED;
    }
    switch (query->type) {
    case 0:
    case TYPE_OPT:
    case TYPE_TKEY:
    case TYPE_TSIG:
        return RCODE_FORMERR;
    case TYPE_IXFR:
    case TYPE_AXFR:
        return RCODE_REFUSED;
    case TYPE_MAILB:
    case TYPE_MAILA:
        return RCODE_NOTIMP;
    default:
        return resolve(response, query);
    }
}

/* Writes the OPT record (RFC 6891 §6.1.2) into the room that was kept for it. */
static void put_edns(struct response *response, enum wire_rcode rcode, bool dnssec_ok)
{
    uint8_t *out = response->octets + response->length;
    out[0] = 0;
    wire_store16(out + 1, TYPE_OPT);
    wire_store16(out + 3, WIRE_UDP_LIMIT);
    out[5] = (uint8_t)(rcode >> 4);
    out[6] = 0;
    wire_store16(out + 7, dnssec_ok ? DNSSEC_OK : 0);
    wire_store16(out + 9, 0);
    response->length += OPT_SIZE;
    response->counts[SECTION_ADDITIONAL]++;
}

/* Completes the header; the identifier stands there already. */
static size_t finish(const struct response *response, uint16_t query_flags, uint16_t questions,
                     enum wire_rcode rcode)
{
    uint8_t *header = response->octets;
    uint16_t kept = query_flags & (FLAG_OPCODE | FLAG_RD | FLAG_CD);
    wire_store16(header + 2, (uint16_t)(FLAG_QR | kept | response->flags | (rcode & 0xF)));
    wire_store16(header + 4, questions);
    wire_store16(header + 6, response->counts[SECTION_ANSWER]);
    wire_store16(header + 8, response->counts[SECTION_AUTHORITY]);
    wire_store16(header + 10, response->counts[SECTION_ADDITIONAL]);
    return response->length;
}

static size_t message_limit(enum answer_transport transport, const struct query *query)
{
    if (transport == ANSWER_TCP) {
        return WIRE_MESSAGE_LIMIT;
    }
    if (query->udp_limit < WIRE_CLASSIC_LIMIT) {
        return WIRE_CLASSIC_LIMIT; /* RFC 6891 §6.2.3 */
    }
    return query->udp_limit < WIRE_UDP_LIMIT ? query->udp_limit : WIRE_UDP_LIMIT;
}

size_t answer_query(const struct zone_database *zones, enum answer_transport transport,
                    const uint8_t *query, size_t length, uint8_t *octets)
{
    struct query parsed;
    struct response response;
    enum query_status status = query_parse(query, length, &parsed);
    if (status == QUERY_IGNORE) {
        return 0;
    }
    size_t kept = status == QUERY_VALID ? parsed.question_end : WIRE_HEADER_SIZE;
    if (octets != query) {
        memcpy(octets, query, kept);
    }
    response_start(&response, zones, octets, kept, kept);
    if (status != QUERY_VALID) {
        return finish(&response, parsed.flags, 0,
                      status == QUERY_MALFORMED ? RCODE_FORMERR : RCODE_NOTIMP);
    }
    response.limit = message_limit(transport, &parsed) - (parsed.has_edns ? OPT_SIZE : 0);
    enum wire_rcode rcode =
        parsed.edns_version != 0 ? RCODE_BADVERS : answer_question(&response, &parsed);
    if (parsed.has_edns) {
        put_edns(&response, rcode, parsed.dnssec_ok);
    }
    return finish(&response, parsed.flags, 1, rcode);
}
