/*
 * Segments that would break an invariant of lwIP, which ends the image, and what happens to them.
 * Any peer with a connection could send either.
 *
 * Options outside SYN segments are taken away. lwIP reads the maximum segment size from every
 * segment; when it changes in the middle of a connection, a partly filled segment is longer than
 * segments may be. No other option is used here, and RFC 9293 (section 3.7.1) allows this one in
 * SYNs only.
 *
 * Numbers far from the connection's own are dropped. lwIP compares them by the sign of a
 * difference, which at a distance of 2^31 is the same in both directions. No honest number is
 * further away than a window, nor is one that an old duplicate carries likely to be.
 */
#include "lwip/err.h"
#include "lwip/prot/tcp.h"
#include "lwip/tcp.h"

#include "lwip_hooks.h"

#define FAR (1u << 30)

/* Whether two sequence numbers are more than FAR apart. */
static bool far_apart(u32_t one, u32_t other)
{
    return one - other + FAR > 2 * FAR;
}

signed char ub_lwip_check_segment(const struct tcp_pcb *pcb, const struct tcp_hdr *header,
                                  u16_t size, u16_t first, u8_t *rest)
{
    u16_t flags = TCPH_FLAGS(header);
    if (size != 0 && (flags & TCP_SYN) == 0) {
        u8_t *options = (u8_t *)(uintptr_t)(header + 1);
        *(first != 0 ? options : rest) = 0; /* the end of the list */
    }
    if (pcb->state < SYN_SENT) {
        return ERR_OK;
    }
    bool acknowledges_nonsense = (flags & TCP_ACK) != 0 && far_apart(header->ackno, pcb->snd_nxt);
    bool out_of_sequence = pcb->state != SYN_SENT && far_apart(header->seqno, pcb->rcv_nxt);
    return acknowledges_nonsense || out_of_sequence ? ERR_VAL : ERR_OK;
}
