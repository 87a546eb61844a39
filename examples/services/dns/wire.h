/*
 * Big-endian integers at any address, and the numbers of the DNS protocol that several modules
 * share. Callers check bounds; nothing here does.
 */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H

#include <stdint.h>

enum {
    WIRE_HEADER_SIZE = 12,      /* RFC 1035 §4.1.1 */
    WIRE_NAME_LIMIT = 255,      /* RFC 1035 §2.3.4: a whole name, its zero octet included */
    WIRE_LABEL_LIMIT = 63,      /* RFC 1035 §2.3.4 */
    WIRE_LABELS_LIMIT = 127,    /* labels that fit in 255 octets, the root not counted */
    WIRE_POINTER_LIMIT = 16383, /* RFC 1035 §4.1.4: 14 bits */
    WIRE_CLASSIC_LIMIT = 512,   /* RFC 1035 §4.2.1: UDP without EDNS */
    WIRE_MESSAGE_LIMIT = 65535, /* RFC 1035 §4.2.2: the 16-bit length before a TCP message */
    WIRE_UDP_LIMIT = 1232, /* what passes everywhere unfragmented: IPv6 minimum MTU less headers */
};

enum wire_class { CLASS_IN = 1 };

enum wire_type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_HINFO = 13,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_DS = 43,
    TYPE_META_FIRST = 128, /* RFC 6895 §3.1: 128 to 255 are questions and meta types, never data */
    TYPE_TKEY = 249,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_MAILB = 253,
    TYPE_MAILA = 254,
    TYPE_ANY = 255,
    TYPE_META_LAST = 255,
    TYPE_CAA = 257,
};

enum wire_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_BADVERS = 16, /* RFC 6891 §9: its upper bits travel in the OPT record */
};

enum wire_flag {
    FLAG_QR = 0x8000,
    FLAG_OPCODE = 0x7800,
    FLAG_AA = 0x0400,
    FLAG_TC = 0x0200,
    FLAG_RD = 0x0100,
    FLAG_CD = 0x0010,
};

static inline uint16_t wire_load16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static inline void wire_store16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline uint32_t wire_load32(const uint8_t *from)
{
    return (uint32_t)wire_load16(from) << 16 | wire_load16(from + 2);
}

static inline void wire_store32(uint8_t *to, uint32_t value)
{
    wire_store16(to, (uint16_t)(value >> 16));
    wire_store16(to + 2, (uint16_t)value);
}

#endif
