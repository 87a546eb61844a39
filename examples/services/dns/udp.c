#include "udp.h"

#include "answer.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the OPT record of every answer says this server takes; more is malformed. */
enum { QUERY_LIMIT = WIRE_UDP_LIMIT };

int udp_open(const struct sockaddr_in *address)
{
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 &&
        bind(descriptor, (const struct sockaddr *)address, sizeof *address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* Answers in place. A datagram that was cut short has its header only, so that it is malformed. */
static size_t answer_in_place(const struct zone_database *zones, uint8_t *packet, size_t length,
                              bool cut)
{
    return answer_query(zones, ANSWER_UDP, packet, cut ? WIRE_HEADER_SIZE : length, packet);
}

/* So many datagrams for one system call; so many calls before TCP has its turn. */
enum { BATCH = 32, TURN_LIMIT = 8 };

static struct {
    uint8_t packets[BATCH][QUERY_LIMIT];
    struct sockaddr_in peers[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr arrived[BATCH];
    struct mmsghdr leaving[BATCH];
} batch;

/* The system calls themselves: musl's wrappers clear padding that is zero here already, and its
 * sendmmsg() is a loop over sendmsg(). */
static long receive_batch(int socket)
{
    for (unsigned i = 0; i < BATCH; i++) {
        batch.parts[i] = (struct iovec){batch.packets[i], QUERY_LIMIT};
        struct msghdr *header = &batch.arrived[i].msg_hdr;
        header->msg_name = &batch.peers[i];
        header->msg_namelen = sizeof batch.peers[i];
        header->msg_iov = &batch.parts[i];
        header->msg_iovlen = 1;
    }
    return syscall(SYS_recvmmsg, socket, batch.arrived, BATCH, MSG_DONTWAIT, NULL);
}

static void send_batch(int socket, unsigned count)
{
    unsigned sent = 0;
    while (sent < count) {
        long done = syscall(SYS_sendmmsg, socket, batch.leaving + sent, count - sent, 0);
        /* One answer that cannot be sent is lost, as the network may lose it; the rest go on. */
        sent += done > 0 ? (unsigned)done : 1;
    }
}

void udp_serve(const struct zone_database *zones, int socket)
{
    for (unsigned turn = 0; turn < TURN_LIMIT; turn++) {
        long arrived = receive_batch(socket);
        unsigned leaving = 0;
        for (unsigned i = 0; (long)i < arrived; i++) {
            const struct msghdr *from = &batch.arrived[i].msg_hdr;
            bool cut = (from->msg_flags & MSG_TRUNC) != 0;
            size_t size = answer_in_place(zones, batch.packets[i], batch.arrived[i].msg_len, cut);
            if (size != 0) {
                struct msghdr *to = &batch.leaving[leaving++].msg_hdr;
                batch.parts[i].iov_len = size;
                to->msg_name = from->msg_name;
                to->msg_namelen = from->msg_namelen;
                to->msg_iov = &batch.parts[i];
                to->msg_iovlen = 1;
            }
        }
        send_batch(socket, leaving);
        if (arrived < BATCH) {
            return;
        }
    }
}
