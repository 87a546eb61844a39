/*
 * Frames from a hostile network against the whole stack: interface, lwIP, sockets, with a device
 * and a program that are played here. Frames are sound ones of every protocol, mutated; most get
 * their checksums right again, so that they go deep. TCP segments follow the guest's own numbers.
 *
 * What must hold: no crash and no trap (run it under a sanitizer by hand), the memory for packets
 * stays within its limit, every receive buffer comes back, and an honest client is still served.
 *
 *     frames_fuzz [ITERATIONS [SEED]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unibuild/network_device.h>

#include "world.h"

#define GUEST 0x0a00020fu
#define HOST 0x0a000202u
#define FRAME_ROOM UB_NETWORK_FRAME_MAXIMUM
#define UDP_PORT 53
#define TCP_PORT 7
#define ACK 16
#define SYN 2

static const uint8_t guest_hardware[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

struct frame {
    uint8_t bytes[FRAME_ROOM];
    size_t size;
};

/* What the guest last said in TCP, for segments that fit. */
static struct {
    uint32_t sequence;
    uint32_t acknowledgement;
    uint16_t peer_port;
    unsigned answers;
} seen;

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static uint32_t sum(const uint8_t *bytes, size_t size, uint32_t total)
{
    for (size_t i = 0; i < size; i++) {
        total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        total = (total & 0xffff) + (total >> 16);
    }
    return total;
}

/* Makes the checksums right for the lengths that the frame really has. */
static void seal(struct frame *frame)
{
    uint8_t *ip = frame->bytes + 14;
    if (get16(frame->bytes + 12) != 0x0800 || frame->size < 34) {
        return;
    }
    size_t header = (size_t)(ip[0] & 15) * 4;
    size_t total = get16(ip + 2);
    if (header < 20 || total < header || total > frame->size - 14) {
        return;
    }
    put16(ip + 10, 0);
    put16(ip + 10, ~sum(ip, header, 0));
    uint8_t *body = ip + header;
    size_t size = total - header;
    size_t field = ip[9] == 6 ? 16 : ip[9] == 17 ? 6 : 2;
    if (size < field + 2) {
        return;
    }
    put16(body + field, 0);
    uint32_t pseudo = ip[9] == 1 ? 0 : sum(ip + 12, 8, (uint32_t)(ip[9] + size));
    put16(body + field, ~sum(body, size, pseudo));
}

static void ethernet(struct frame *frame, uint16_t type)
{
    memset(frame, 0, sizeof *frame);
    memcpy(frame->bytes, guest_hardware, 6);
    memcpy(frame->bytes + 6, "\x52\x55\x0a\x00\x02\x02", 6);
    put16(frame->bytes + 12, type);
}

static uint8_t *ipv4(struct frame *frame, uint8_t protocol, size_t size)
{
    ethernet(frame, 0x0800);
    uint8_t *ip = frame->bytes + 14;
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)(20 + size));
    put16(ip + 4, world_random());
    ip[8] = 64;
    ip[9] = protocol;
    put32(ip + 12, HOST);
    put32(ip + 16, GUEST);
    frame->size = 34 + size;
    return ip + 20;
}

static void make_arp(struct frame *frame, bool reply)
{
    ethernet(frame, 0x0806);
    uint8_t *arp = frame->bytes + 14;
    memcpy(arp, "\0\1\x08\0\6\4\0", 7);
    arp[7] = reply ? 2 : 1;
    memcpy(arp + 8, "\x52\x55\x0a\x00\x02\x02", 6);
    put32(arp + 14, HOST);
    memcpy(arp + 18, guest_hardware, 6);
    put32(arp + 24, GUEST);
    frame->size = 42;
}

static void make_udp(struct frame *frame, size_t size)
{
    uint8_t *udp = ipv4(frame, 17, 8 + size);
    put16(udp, 1024 + world_random() % 60000);
    put16(udp + 2, UDP_PORT);
    put16(udp + 4, (uint32_t)(8 + size));
    for (size_t i = 0; i < size; i++) {
        udp[8 + i] = (uint8_t)world_random();
    }
}

static void make_icmp(struct frame *frame)
{
    size_t size = world_random() % 1200;
    uint8_t *icmp = ipv4(frame, 1, 8 + size);
    icmp[0] = world_random() % 4 != 0 ? 8 : (uint8_t)world_random();
}

static void make_fragment(struct frame *frame)
{
    static uint16_t identification;
    make_udp(frame, world_random() % 900);
    identification = (uint16_t)(identification + (world_random() % 4 == 0));
    put16(frame->bytes + 18, identification);
    uint32_t offset = world_random() % 3 == 0 ? 0 : world_random() % 200;
    put16(frame->bytes + 20, offset | (world_random() % 3 == 0 ? 0 : 0x2000));
}

static void make_tcp(struct frame *frame, uint16_t port, uint32_t sequence, uint8_t flags,
                     size_t options, size_t size)
{
    uint8_t *tcp = ipv4(frame, 6, 20 + options + size);
    put16(tcp, port);
    put16(tcp + 2, TCP_PORT);
    put32(tcp + 4, sequence);
    put32(tcp + 8, seen.sequence);
    tcp[12] = (uint8_t)((20 + options) / 4 << 4);
    tcp[13] = flags;
    put16(tcp + 14, world_random() % 8 == 0 ? world_random() : 0xffff);
    for (size_t i = 0; i < options; i++) {
        tcp[20 + i] = (uint8_t)(world_random() % 4 == 0 ? world_random() : world_random() % 6);
    }
}

static void make_segment(struct frame *frame)
{
    uint32_t kind = world_random() % 8;
    size_t options = world_random() % 11 * 4;
    if (kind == 0) {
        make_tcp(frame, (uint16_t)(20000 + world_random() % 40), world_random(), SYN, options, 0);
    } else {
        uint32_t shift = world_random() % 4 == 0 ? world_random() % 4000 - 2000 : 0;
        uint8_t flags = kind < 6 ? ACK : (uint8_t)world_random();
        uint16_t port =
            world_random() % 8 != 0 ? seen.peer_port : (uint16_t)(20000 + world_random() % 40);
        make_tcp(frame, port, seen.acknowledgement + shift, flags, options,
                 world_random() % 2 != 0 ? world_random() % 1400 : world_random() % 3);
    }
}

/* A DHCP reply: the client of a leased interface must not be moved by it. */
static void make_dhcp(struct frame *frame)
{
    make_udp(frame, 300);
    uint8_t *udp = frame->bytes + 34;
    put16(udp, 67);
    put16(udp + 2, 68);
    udp[8] = 2;
    udp[9] = 1;
    udp[10] = 6;
    memcpy(udp + 8 + 236, "\x63\x82\x53\x63\x35\x01", 6);
    udp[8 + 242] = (uint8_t)(world_random() % 8);
}

static void mutate(struct frame *frame)
{
    uint32_t count = world_random() % 4;
    for (uint32_t i = 0; i < count; i++) {
        size_t at =
            world_random() % (world_random() % 4 != 0 && frame->size > 60 ? 60 : frame->size);
        switch (world_random() % 4) {
        case 0:
            frame->bytes[at] ^= (uint8_t)(1 << world_random() % 8);
            break;
        case 1:
            frame->bytes[at] = (uint8_t)world_random();
            break;
        case 2:
            frame->bytes[at] = world_random() % 2 != 0 ? 0 : 0xff;
            break;
        default:
            frame->size = 14 + world_random() % (FRAME_ROOM - 14);
            break;
        }
    }
}

static void make_any(struct frame *frame)
{
    switch (world_random() % 10) {
    case 0:
        make_arp(frame, world_random() % 2 != 0);
        break;
    case 1:
        make_udp(frame, world_random() % 1400);
        break;
    case 2:
        make_icmp(frame);
        break;
    case 3:
        make_fragment(frame);
        break;
    case 4:
        make_dhcp(frame);
        break;
    default:
        make_segment(frame);
        break;
    }
    if (world_random() % 3 == 0) {
        mutate(frame);
    }
    if (world_random() % 16 != 0) {
        seal(frame);
    }
}

/* Called for each frame that the guest sends. */
void world_sent(const uint8_t *bytes, size_t size)
{
    const uint8_t *ip = bytes + 14;
    if (size < 34 || get16(bytes + 12) != 0x0800) {
        return;
    }
    if (ip[9] == 17 && get16(ip + 20) == UDP_PORT) {
        seen.answers++;
    }
    if (ip[9] == 6 && size >= 54) {
        seen.peer_port = (uint16_t)get16(ip + 22);
        uint32_t length = get16(ip + 2) - 20 - (uint32_t)(ip[32] >> 4) * 4;
        seen.sequence = get32(ip + 24) + length + ((ip[33] & 3) != 0);
        seen.acknowledgement = get32(ip + 28);
    }
}

/* An honest datagram gets its answer. */
static bool served(void)
{
    struct frame frame;
    make_arp(&frame, true);
    world_receive(frame.bytes, frame.size);
    world_run_program();
    unsigned before = seen.answers;
    make_udp(&frame, 20);
    seal(&frame);
    world_receive(frame.bytes, frame.size);
    world_run_program();
    return seen.answers == before + 1;
}

int main(int count, char **arguments)
{
    unsigned long iterations = count > 1 ? strtoul(arguments[1], NULL, 10) : 200000;
    world_start(count > 2 ? strtoul(arguments[2], NULL, 10) : 1, UDP_PORT, TCP_PORT);
    for (unsigned long i = 0; i < iterations; i++) {
        struct frame frame;
        make_any(&frame);
        world_receive(frame.bytes, frame.size);
        if (world_random() % 4 == 0) {
            world_run_program();
        }
        world_pass_time(world_random() % 20);
        if (i % 5000 == 4999 && !served()) {
            fprintf(stderr, "after %lu frames an honest datagram got no answer\n", i + 1);
            return 1;
        }
    }
    /* Everything times out and comes back. */
    world_run_program();
    world_close_connections();
    for (unsigned i = 0; i < 4000; i++) {
        world_pass_time(250);
        world_run_program();
    }
    printf("frames: %lu, UDP answers: %u, TCP connections: %lu, most packet pages: %zu, "
           "buffers not returned: %ld\n",
           iterations, seen.answers, world_connections(), world_most_pages(), world_buffers_out());
    return world_buffers_out() != 0 || !served();
}
