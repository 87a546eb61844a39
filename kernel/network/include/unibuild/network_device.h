/*
 * What the network stack asks of a network device driver.
 *
 * A platform links exactly one driver; it defines `ub_network_device_open`. All calls are made with
 * the network lock held (<unibuild/network.h>), except that the driver calls `ub_network_interrupt`
 * from its interrupt handler.
 *
 * Frames travel without a copy. A received frame lives in a driver's buffer that begins with
 * UB_NETWORK_BUFFER_PRIVATE bytes for the stack's own bookkeeping; the stack owns the buffer from
 * `ub_network_receive` until it calls `release`. A frame to send is one contiguous piece with
 * UB_NETWORK_HEADROOM writable bytes in front, for the device's header; the driver owns it from a
 * successful `transmit` until it calls `ub_network_transmitted` with the frame's token.
 */
#ifndef UNIBUILD_NETWORK_DEVICE_H
#define UNIBUILD_NETWORK_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UB_NETWORK_BUFFER_PRIVATE 64u
#define UB_NETWORK_HEADROOM 16u
#define UB_NETWORK_FRAME_MAXIMUM 1514u

struct ub_network_device {
    const char *name;
    uint8_t hardware_address[6];
    uint16_t mtu;
    unsigned buffers; /* receive buffers in all */
    /* 0, or -ENOBUFS when the ring is full. */
    int (*transmit)(struct ub_network_device *device, void *frame, size_t length, void *token);
    /* Shows the device all frames transmitted since the last flush. */
    void (*flush)(struct ub_network_device *device);
    /* Hands in up to `budget` received frames and finished transmissions; the number received. */
    unsigned (*poll)(struct ub_network_device *device, unsigned budget);
    void (*release)(struct ub_network_device *device, void *buffer);
    /* Lets the device interrupt when a frame arrives; false when one is already waiting. */
    bool (*interrupts_enable)(struct ub_network_device *device);
};

/* The platform's device, ready to send and receive with interrupts off; NULL when there is none. */
struct ub_network_device *ub_network_device_open(void);

/* Driver to stack: `length` bytes of frame at `frame`, inside `buffer`. */
void ub_network_receive(struct ub_network_device *device, void *buffer, void *frame, size_t length);

/* Driver to stack: the device is done with a frame. */
void ub_network_transmitted(void *token);

/* Driver to stack, in interrupt context: poll soon. */
void ub_network_interrupt(void);

#endif
