/*
 * Linux's socket system calls for AF_INET datagrams and streams.
 *
 * Entry points: socket, bind, listen, accept, accept4, connect, sendto, recvfrom, sendmsg, recvmsg,
 * sendmmsg, recvmmsg, shutdown, getsockname, getpeername, getsockopt, setsockopt; a socket is a
 * file
 * (<unibuild/file.h>), so read, write, close, fcntl and poll work on it. Arguments, results and
 * errors are Linux's for x86_64. One entry point a file: an image has those that its program calls.
 *
 * Options: SO_REUSEADDR, SO_REUSEPORT (accepted), SO_KEEPALIVE, SO_BROADCAST, SO_ERROR, SO_TYPE,
 * SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_RCVBUF, SO_SNDBUF, SO_RCVTIMEO, SO_SNDTIMEO, SO_LINGER;
 * IP_TTL, IP_TOS, IP_PKTINFO; TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. Others are
 * ENOPROTOOPT.
 *
 * Memory is bounded: a datagram socket holds at most its SO_RCVBUF in received datagrams, a stream
 * its window and send buffer, a listener its backlog; all packets together an eighth of the
 * machine's memory beside the device's receive buffers. There are at most 128 datagram sockets, 32
 * listeners and 256 connections (lwipopts.h); those in TIME-WAIT make room for new ones.
 *
 * Not there: IPv6, raw sockets, multicast, a loopback interface, out-of-band data, ancillary data
 * but IP_PKTINFO.
 */
#ifndef UNIBUILD_SOCKET_H
#define UNIBUILD_SOCKET_H

#endif
