/*
 * A new connection between two ports that one in TIME-WAIT had. lwIP answers its SYN as it answers
 * old duplicates, so that ports used again soon (by a load generator, or over 127.0.0.1) fail at
 * random. As RFC 9293 (section 3.6.1) allows, a SYN whose number lies beyond the old connection's
 * ends TIME-WAIT. The segment's checksum is not looked at yet: all that a broken one does is to end
 * a wait early.
 */
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"

#include "lwip_hooks.h"

static bool opens(const struct pbuf *packet, const struct ip_hdr *ip)
{
    if (packet->len < IP_HLEN + TCP_HLEN || IPH_HL_BYTES(ip) != IP_HLEN ||
        IPH_PROTO(ip) != IP_PROTO_TCP || (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK)) != 0) {
        return false;
    }
    const struct tcp_hdr *tcp = (const struct tcp_hdr *)(ip + 1);
    return (TCPH_FLAGS(tcp) & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

int ub_lwip_end_time_wait(const struct pbuf *packet)
{
    const struct ip_hdr *ip = packet->payload;
    if (tcp_tw_pcbs == NULL || !opens(packet, ip)) {
        return 0;
    }
    const struct tcp_hdr *tcp = (const struct tcp_hdr *)(ip + 1);
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        if (pcb->remote_port == lwip_ntohs(tcp->src) && pcb->local_port == lwip_ntohs(tcp->dest) &&
            ip4_addr_get_u32(ip_2_ip4(&pcb->remote_ip)) == ip->src.addr &&
            ip4_addr_get_u32(ip_2_ip4(&pcb->local_ip)) == ip->dest.addr) {
            if ((int32_t)(lwip_ntohl(tcp->seqno) - pcb->rcv_nxt) > 0) {
                tcp_pcb_remove(&tcp_tw_pcbs, pcb);
                tcp_free(pcb);
            }
            break;
        }
    }
    return 0;
}
