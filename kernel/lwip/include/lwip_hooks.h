/* Functions of this port that lwIP's core calls; see lwipopts.h for which option names each. */
#ifndef LWIP_HOOKS_H
#define LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* RFC 6528: a clock plus a keyed hash of the connection's four values. */
u32_t ub_lwip_initial_sequence_number(const ip_addr_t *local, u16_t local_port,
                                      const ip_addr_t *remote, u16_t remote_port);

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* Called for each packet before anything of it but the version was checked. 0: it goes its way. */
int ub_lwip_end_time_wait(const struct pbuf *packet);
int ub_lwip_tell_unreachable(const struct pbuf *packet);

/* Called for each segment before its connection (or listener) sees it; the header's numbers are in
 * host order. `size` bytes of options, `first` of them behind the header, the others at `rest`.
 * Not 0: the segment is dropped. */
signed char ub_lwip_check_segment(const struct tcp_pcb *pcb, const struct tcp_hdr *header,
                                  u16_t size, u16_t first, u8_t *rest);

#endif
