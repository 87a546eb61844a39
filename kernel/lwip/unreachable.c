/*
 * "Port unreachable" for a datagram that a connected UDP socket sent: lwIP drops these messages,
 * where programs (resolvers above all) expect to hear that nobody listens. The socket is told by
 * its receive function without a datagram. What the message quotes has to name the socket's own
 * connection.
 */
#include "lwip/icmp.h"
#include "lwip/ip.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/udp.h"
#include "lwip/udp.h"

#include "lwip_hooks.h"

/* The message, with the quoted header and the eight bytes behind it. */
struct message {
    struct ip_hdr ip;
    struct icmp_echo_hdr icmp; /* eight bytes, as all messages begin */
    struct ip_hdr quoted;
    struct udp_hdr udp;
} __attribute__((packed));

static bool is_message(const struct pbuf *packet, const struct message *message)
{
    return packet->len >= sizeof *message && IPH_HL_BYTES(&message->ip) == IP_HLEN &&
           IPH_PROTO(&message->ip) == IP_PROTO_ICMP &&
           (IPH_OFFSET(&message->ip) & PP_HTONS(IP_OFFMASK)) == 0 &&
           message->icmp.type == ICMP_DUR && message->icmp.code == ICMP_DUR_PORT &&
           IPH_V(&message->quoted) == 4 && IPH_HL_BYTES(&message->quoted) == IP_HLEN &&
           IPH_PROTO(&message->quoted) == IP_PROTO_UDP;
}

int ub_lwip_tell_unreachable(const struct pbuf *packet)
{
    const struct message *message = packet->payload;
    if (!is_message(packet, message)) {
        return 0;
    }
    for (struct udp_pcb *pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
        if ((pcb->flags & UDP_FLAGS_CONNECTED) != 0 && pcb->recv != NULL &&
            pcb->local_port == lwip_ntohs(message->udp.src) &&
            pcb->remote_port == lwip_ntohs(message->udp.dest) &&
            ip4_addr_get_u32(ip_2_ip4(&pcb->remote_ip)) == message->quoted.dest.addr) {
            pcb->recv(pcb->recv_arg, pcb, NULL, &pcb->remote_ip, pcb->remote_port);
            break;
        }
    }
    return 0;
}
