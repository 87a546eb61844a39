/*
 * lwIP's core/ipv4/ip4.c with another source of datagram identifications.
 *
 * lwIP counts them in one variable, from which any correspondent can tell how much the host sends
 * to others (RFC 7739, section 3). Here each use of that variable is a place that was just filled
 * with a random number. RFC 6864 asks that an identification is not reused within a datagram's
 * lifetime only where datagrams are fragmented; random ones are what it suggests to hosts that send
 * fast.
 */
#include <stdint.h>

#include "port.h"

#define ip_id (*next_identification())

#include "core/ipv4/ip4.c"

static u16_t *next_identification(void)
{
    static u16_t identification;
    identification = ub_lwip_random16();
    return &identification;
}
