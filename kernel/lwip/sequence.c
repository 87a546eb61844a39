/*
 * Initial sequence numbers by RFC 6528: ISN = M + F(local address, local port, remote address,
 * remote port, key), with M a clock of 4.096 microseconds, F SipHash-2-4, and a key drawn when the
 * first connection is made. Numbers of one connection rise with time; those of others tell nothing
 * of it.
 */
#include <unibuild/clock.h>
#include <unibuild/random.h>

#include "lwip_hooks.h"
#include "port.h"

u32_t ub_lwip_initial_sequence_number(const ip_addr_t *local, u16_t local_port,
                                      const ip_addr_t *remote, u16_t remote_port)
{
    static uint64_t key[2];
    if (key[0] == 0 && key[1] == 0) {
        ub_random_bytes(key, sizeof key);
    }
    const uint32_t connection[] = {
        ip4_addr_get_u32(ip_2_ip4(local)),
        ip4_addr_get_u32(ip_2_ip4(remote)),
        (uint32_t)local_port << 16 | remote_port,
    };
    uint64_t ticks = ub_clock_monotonic() >> 12;
    return (u32_t)(ticks + ub_lwip_siphash(key, connection, sizeof connection));
}
