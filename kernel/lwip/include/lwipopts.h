/*
 * lwIP's options for this port: IPv4, UDP, TCP, DHCP, ICMP under one lock (kernel/network), no
 * threads of its own, no sockets of its own (kernel/socket). What is not named keeps the default of
 * lwIP's opt.h.
 */
#ifndef LWIP_LWIPOPTS_H
#define LWIP_LWIPOPTS_H

/* The core runs under the network lock; nothing protects itself. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 1

/* Frames and packet memory come from ub_lwip_allocate, objects from pools that grow (pool.c); the
 * numbers are their limits. */
#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 1
#define mem_clib_malloc ub_lwip_allocate
#define mem_clib_calloc ub_lwip_allocate_zeroed
#define mem_clib_free ub_lwip_free
#define MEMP_MEM_MALLOC 1
#define MEMP_NUM_PBUF 32
#define MEMP_NUM_UDP_PCB 128
#define MEMP_NUM_TCP_PCB 4096
#define MEMP_NUM_TCP_PCB_LISTEN 64
#define MEMP_NUM_TCP_SEG 16384
#define MEMP_NUM_REASSDATA 8
#define MEMP_NUM_FRAG_PBUF 32
#define MEMP_NUM_ARP_QUEUE 32
#define PBUF_POOL_SIZE 0

/* Room in front of the Ethernet header for the device's own (UB_NETWORK_HEADROOM), and one
 * contiguous piece a frame, so that a frame is one descriptor and is never copied again. */
#define PBUF_LINK_ENCAPSULATION_HLEN 16
#define LWIP_NETIF_TX_SINGLE_PBUF 1
#define LWIP_SUPPORT_CUSTOM_PBUF 1

#define LWIP_ARP 1
#define ARP_TABLE_SIZE 32
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 4
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define LWIP_NETIF_HWADDRHINT 1

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define IP_FORWARD 0
#define IP_DEFAULT_TTL 64
/* Datagrams with IP options (source routing among them) are dropped. */
#define IP_OPTIONS_ALLOWED 0
#define IP_FRAG 1
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 32
#define IP_REASS_MAXAGE 5
#define IP_SOF_BROADCAST 1
#define IP_SOF_BROADCAST_RECV 0

#define LWIP_ICMP 1
#define LWIP_BROADCAST_PING 0
#define LWIP_MULTICAST_PING 0
#define LWIP_RAW 0
#define LWIP_IGMP 0
#define LWIP_DNS 0
#define LWIP_AUTOIP 0

/* The lease is used at once: no probing for conflicts, no random delay before the first message. */
#define LWIP_DHCP 1
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DHCP_BOOTP_FILE 0
#define LWIP_DHCP_GET_NTP_SRV 0
#define DHCP_CREATE_RAND_XID 1
#define LWIP_NETIF_HOSTNAME 0

#define LWIP_UDP 1
#define LWIP_UDPLITE 0
#define LWIP_NETBUF_RECVINFO 0

#define LWIP_TCP 1
#define TCP_MSS 1460
#define TCP_WND (44 * TCP_MSS)
#define TCP_SND_BUF (32 * TCP_MSS)
#define TCP_SND_QUEUELEN 128
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG 128
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_PBUFS 16
#define TCP_OVERSIZE TCP_MSS
#define LWIP_TCP_KEEPALIVE 1
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_SACK_OUT 0
#define LWIP_WND_SCALE 0
#define SO_REUSE 1
#define LWIP_CALLBACK_API 1
/* Connections whose peer is gone are given up sooner than by default. */
#define TCP_MSL 15000UL
#define TCP_SYNMAXRTX 6
#define TCP_MAXRTX 6

#define LWIP_STATS 0
#define LWIP_CHECKSUM_ON_COPY 0
#define LWIP_CHKSUM ub_lwip_checksum
#define LWIP_NETIF_STATUS_CALLBACK 1
/* 127.0.0.1, and the host's own address, lead back; kernel/network hands such packets in. */
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_HAVE_LOOPIF 1

/* RFC 6528 sequence numbers; see isn.c. */
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN ub_lwip_initial_sequence_number
/* Ports that are used again, see time_wait.c; UDP ports that nobody has, see unreachable.c. */
#define LWIP_HOOK_IP4_INPUT(packet, interface)                                                     \
    (ub_lwip_end_time_wait(packet) != 0 || ub_lwip_tell_unreachable(packet) != 0)
/* What a connection never gets to see; see segment.c. */
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, size, first, second, segment)                      \
    ub_lwip_check_segment(pcb, header, size, first, second)

#endif
