/* Functions of this port that lwIP's core calls; see lwipopts.h for which option names each. */
#ifndef LWIP_HOOKS_H
#define LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* RFC 6528: a clock plus a keyed hash of the connection's four values. */
u32_t ub_lwip_initial_sequence_number(const ip_addr_t *local, u16_t local_port,
                                      const ip_addr_t *remote, u16_t remote_port);

#endif
