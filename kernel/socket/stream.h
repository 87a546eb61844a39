/* TCP sockets: what their connection half and their data half share. */
#ifndef UNIBUILD_SOCKET_STREAM_H
#define UNIBUILD_SOCKET_STREAM_H

#include "endpoint.h"
#include "lwip/tcp.h"

enum stream_state {
    STREAM_FRESH,
    STREAM_CONNECTING,
    STREAM_CONNECTED, /* stays so after the connection ended; `pcb` is NULL when lwIP's side is gone
                       */
    STREAM_LISTENING,
};

struct stream {
    struct ub_socket socket; /* first */
    enum stream_state state;
    struct tcp_pcb *pcb; /* while listening a struct tcp_pcb_listen */
    struct sockaddr_in local;
    struct sockaddr_in peer;

    /* Received: a chain through pbuf->next of which only `payload` and `len` mean anything. */
    struct pbuf *first;
    struct pbuf *last;
    size_t offset; /* bytes of the first that have been read */
    size_t received;
    bool peer_closed;
    bool receive_shut;
    bool send_shut;
    bool starved; /* a write failed for want of memory with nothing in flight to acknowledge */

    /* Listening: connections that nobody has accepted yet. */
    struct stream *accept_first;
    struct stream *accept_last;
    struct stream *accept_next;
    bool backlogged; /* counted in the listener's backlog */

    bool no_delay;
    bool corked;
    bool untold;     /* connected, and no connect has said so yet */
    bool wants_room; /* somebody found it not writable since it last became so */
};

/* A sender is told that it may write when this much fits: a third of the buffer, as on Linux. */
#define UB_STREAM_WRITABLE (TCP_SND_BUF / 3)

/* A peer's maximum segment size below this is taken as this: more headers than data help nobody but
 * who wants to keep the image busy. */
#define UB_STREAM_SMALLEST_SEGMENT 64

/* The connection is established: bounds what the peer asked for. */
static inline void ub_stream_bound_segments(struct tcp_pcb *pcb)
{
    if (pcb->mss < UB_STREAM_SMALLEST_SEGMENT) {
        pcb->mss = UB_STREAM_SMALLEST_SEGMENT;
    }
}

/* Has lwIP call the functions below for the stream's control block. */
void ub_stream_attach(struct stream *self);
/* The opposite: what happens to the control block is nobody's business any more. */
void ub_stream_detach(struct stream *self);

err_t ub_stream_received(void *argument, struct tcp_pcb *pcb, struct pbuf *pbuf, err_t error);
err_t ub_stream_sent(void *argument, struct tcp_pcb *pcb, u16_t length);

long ub_stream_send(struct ub_socket *socket, const struct ub_socket_message *message);
long ub_stream_receive(struct ub_socket *socket, struct ub_socket_message *message);
size_t ub_stream_available(struct ub_socket *socket);
/* Frees what was received and not read. */
void ub_stream_drop_received(struct stream *self);

int ub_stream_set_option(struct ub_socket *socket, int name, int value);
int ub_stream_get_option(struct ub_socket *socket, int name, int *value);

int ub_stream_listen(struct ub_socket *socket, int backlog);
int ub_stream_accept(struct ub_socket *socket, struct ub_socket **connection);
/* Ends the connections that nobody accepted. */
void ub_stream_drop_backlog(struct stream *self);

/* A stream around a control block that exists (NULL: without one yet). */
struct stream *ub_stream_allocate(struct tcp_pcb *pcb);

#endif
