/*
 * Linux's socket system calls for AF_INET datagrams and streams, and for pairs of AF_UNIX sockets.
 *
 * Entry points: socket, socketpair, bind, listen, accept, accept4, connect, sendto, recvfrom,
 * sendmsg, recvmsg, sendmmsg, recvmmsg, shutdown, getsockname, getpeername, getsockopt, setsockopt;
 * a socket is a file (<unibuild/file.h>), so read, write, close, fcntl and poll work on it.
 * Arguments, results and errors are Linux's for x86_64. One entry point a file: an image has those
 * that its program calls.
 *
 * Options: SO_REUSEADDR, SO_REUSEPORT (accepted), SO_KEEPALIVE, SO_BROADCAST, SO_ERROR, SO_TYPE,
 * SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_RCVBUF, SO_SNDBUF, SO_RCVTIMEO, SO_SNDTIMEO, SO_LINGER;
 * IP_TTL, IP_TOS, IP_PKTINFO; TCP_NODELAY, TCP_CORK, TCP_MAXSEG, TCP_KEEPIDLE, TCP_KEEPINTVL,
 * TCP_KEEPCNT. Those of ignored.c are accepted and have no effect. Others are ENOPROTOOPT.
 *
 * A wait ends with -EINTR when a signal waits for the thread. A send that nobody will read raises
 * SIGPIPE where the image has signals for that (kernel/linux/signal).
 *
 * Memory is bounded: a datagram socket holds at most its SO_RCVBUF in received datagrams, a stream
 * its window and send buffer, the end of a pair its peer's SO_SNDBUF, a listener its backlog; all
 * packets together an eighth of the machine's memory beside the device's receive buffers, and all
 * control blocks a sixteenth. There are at most 128 datagram sockets, 64 listeners and 4096
 * connections (lwipopts.h); those in TIME-WAIT make room for new ones.
 *
 * 127.0.0.1 and the host's own address lead back to the host.
 *
 * Programs made for Linux have AF_NETLINK sockets for the list of interfaces and addresses.
 *
 * Not there: IPv6 (EAFNOSUPPORT), AF_UNIX sockets with names, the rest of AF_NETLINK, raw sockets,
 * multicast, out-of-band data, ancillary data but IP_PKTINFO.
 */
#ifndef UNIBUILD_SOCKET_H
#define UNIBUILD_SOCKET_H

#endif
