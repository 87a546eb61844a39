/*
 * The interface: frames between the device and lwIP, and bring-up before main.
 *
 * A received frame stays in the device's buffer, whose private part becomes lwIP's pbuf for it.
 * When most buffers are held (a program that does not read), frames are copied out so that the
 * device never starves: what is held then counts against lwIP's own bounded memory.
 */
#include <errno.h>
#include <string.h>

#include <unibuild/clock.h>
#include <unibuild/initialize.h>
#include <unibuild/network.h>
#include <unibuild/panic.h>

#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip.h"
#include "netif/ethernet.h"

#include "interface.h"

#define THREAD_STACK_PAGES 4u
/* An ARP packet's frame, and that of an IPv4 datagram with the shortest transport header. lwIP
 * looks at headers before it compares lengths, and what is shorter means nothing here. */
#define SHORTEST_FRAME 42u
/* Buffers that the device keeps in any case. */
#define RESERVE 8u

struct frame {
    struct pbuf_custom pbuf; /* first: lwIP hands back its address */
};

_Static_assert(sizeof(struct frame) <= UB_NETWORK_BUFFER_PRIVATE, "fits the buffer's private part");
_Static_assert(PBUF_LINK_ENCAPSULATION_HLEN >= UB_NETWORK_HEADROOM, "room for the device's header");

static struct ub_network_device *device;
static struct netif interface;
static struct ub_wait_queue address_waiters;
static unsigned buffers_held;

struct ub_network_device *ub_network_interface_device(void)
{
    return device;
}

static void release_frame(struct pbuf *pbuf)
{
    buffers_held--;
    device->release(device, pbuf);
}

/* One byte more than the frame: lwIP looks for the length of a TCP option that is the last byte. (A
 * device's buffer has that room anyway.) */
static struct pbuf *copy_out(const void *frame, size_t length)
{
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)(length + 1), PBUF_RAM);
    if (copy != NULL) {
        memcpy(copy->payload, frame, length);
        pbuf_realloc(copy, (u16_t)length);
    }
    return copy;
}

static struct pbuf *use_in_place(void *buffer, void *frame, size_t length)
{
    struct frame *private = buffer;
    private->pbuf.custom_free_function = release_frame;
    buffers_held++;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)length, PBUF_REF, &private->pbuf, frame,
                               (u16_t)length);
}

/* Whether a frame may be dropped when buffers run short: its sender repeats TCP. */
static bool repeated(const uint8_t *frame)
{
    return frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == IP_PROTO_TCP;
}

/* A source of 127.0.0.0/8 is a lie on any wire (RFC 1122, section 3.2.1.3), told to programs that
 * trust their own host. */
static bool from_loopback(const uint8_t *frame)
{
    return frame[12] == 0x08 && frame[13] == 0x00 && frame[26] == IP_LOOPBACKNET;
}

void ub_network_receive(struct ub_network_device *from, void *buffer, void *frame, size_t length)
{
    if (length < SHORTEST_FRAME || from_loopback(frame)) {
        from->release(from, buffer);
        return;
    }
    struct pbuf *pbuf = NULL;
    if (buffers_held < from->buffers / 4 * 3) {
        pbuf = use_in_place(buffer, frame, length);
    } else {
        pbuf = ub_lwip_memory_scarce() ? NULL : copy_out(frame, length);
        if (pbuf == NULL && !repeated(frame) && buffers_held < from->buffers - RESERVE) {
            pbuf = use_in_place(buffer, frame, length);
        } else {
            from->release(from, buffer);
        }
    }
    if (pbuf != NULL && ethernet_input(pbuf, &interface) != ERR_OK) {
        pbuf_free(pbuf);
    }
}

void ub_network_transmitted(void *token)
{
    pbuf_free(token);
}

/* lwIP's output function. A pbuf in one piece with room in front goes out as it is. */
static err_t output(struct netif *netif, struct pbuf *pbuf)
{
    (void)netif;
    if (pbuf->tot_len > UB_NETWORK_FRAME_MAXIMUM) {
        return ERR_VAL;
    }
    bool direct =
        pbuf->next == NULL && pbuf_match_type(pbuf, PBUF_RAM) &&
        (size_t)((char *)pbuf->payload - (char *)pbuf) >= sizeof(struct pbuf) + UB_NETWORK_HEADROOM;
    if (direct) {
        pbuf_ref(pbuf);
    } else {
        pbuf = pbuf_clone(PBUF_RAW_TX, PBUF_RAM, pbuf);
        if (pbuf == NULL) {
            return ERR_MEM;
        }
    }
    if (device->transmit(device, pbuf->payload, pbuf->len, pbuf) != 0) {
        pbuf_free(pbuf);
        return ERR_MEM;
    }
    return ERR_OK;
}

static void address_changed(struct netif *netif)
{
    if (ip4_addr_isany_val(*netif_ip4_addr(netif))) {
        return;
    }
    /* The first answer usually goes through the gateway: ask for it before it is needed. */
    if (!ip4_addr_isany_val(*netif_ip4_gw(netif))) {
        etharp_request(netif, netif_ip4_gw(netif));
    }
    ub_wake_all(&address_waiters);
}

static err_t initialize_interface(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->hwaddr_len = sizeof device->hardware_address;
    memcpy(netif->hwaddr, device->hardware_address, sizeof device->hardware_address);
    netif->mtu = device->mtu;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = output;
    return ERR_OK;
}

int ub_network_wait_address(uint64_t deadline)
{
    int result = 0;
    while (device != NULL && ip4_addr_isany_val(*netif_ip4_addr(&interface))) {
        if (result != 0) {
            return -EAGAIN;
        }
        result = ub_network_wait(&address_waiters, deadline);
    }
    return device != NULL ? 0 : -ENETDOWN;
}

static void open_device(const char *configuration)
{
    device = ub_network_device_open();
    if (device == NULL) {
        return;
    }
    ub_network_lock();
    netif_add(&interface, NULL, NULL, NULL, NULL, initialize_interface, ethernet_input);
    netif_set_default(&interface);
    netif_set_status_callback(&interface, address_changed);
    netif_set_link_up(&interface);
    netif_set_up(&interface);
    ub_network_configure(&interface, configuration);
    ub_network_flush();
    ub_network_unlock();
}

static void bring_up(void)
{
    const char *configuration = ub_image_network != NULL ? ub_image_network : "dhcp";
    lwip_init();
    if (strcmp(configuration, "none") != 0) {
        open_device(configuration);
    }
    if (ub_thread_create(ub_network_thread, NULL, "network", THREAD_STACK_PAGES) == NULL) {
        ub_panic("network: no memory for its thread");
    }
}
UB_INITIALIZER(UB_INITIALIZE_NETWORK, bring_up);
