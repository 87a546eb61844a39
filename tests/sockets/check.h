/* Checks that count instead of ending: one run shows every difference. */
#ifndef SOCKETS_CHECK_H
#define SOCKETS_CHECK_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

extern int failures;

/* Where the echo servers are. */
extern struct sockaddr_in tcp_peer;
extern struct sockaddr_in udp_peer;

#define FAIL(text, value)                                                                          \
    (failures++,                                                                                   \
     printf("%s:%d: %s: %ld, errno %d\n", __FILE_NAME__, __LINE__, text, (long)(value), errno))

#define TRUE(condition)                                                                            \
    do {                                                                                           \
        errno = 0;                                                                                 \
        if (!(condition)) {                                                                        \
            FAIL(#condition, 0);                                                                   \
        }                                                                                          \
    } while (0)

#define GIVES(call, expected)                                                                      \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long check_result = (long)(call);                                                          \
        if (check_result != (long)(expected)) {                                                    \
            FAIL(#call, check_result);                                                             \
        }                                                                                          \
    } while (0)

#define FAILS(call, expected)                                                                      \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long check_result = (long)(call);                                                          \
        if (check_result != -1 || errno != (expected)) {                                           \
            FAIL(#call " should fail with " #expected, check_result);                              \
        }                                                                                          \
    } while (0)

static inline struct sockaddr *generic(struct sockaddr_in *address)
{
    return (struct sockaddr *)address;
}

static inline struct sockaddr_in ipv4(in_addr_t address, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(address),
    };
}

double seconds(void);
int get_option(int file, int level, int name);
int set_option(int file, int level, int name, int value);
/* The events that poll reports within `milliseconds`; 0 at the timeout. */
int poll_one(int file, int events, int milliseconds);

void check_datagrams(void);
void check_messages(void);
void check_streams(void);
void check_connecting(void);
void check_listening(void);
void check_events(void);

#endif
