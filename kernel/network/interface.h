/* The one network interface: lwIP's netif over the platform's device. */
#ifndef UNIBUILD_NETWORK_INTERFACE_H
#define UNIBUILD_NETWORK_INTERFACE_H

#include <unibuild/network_device.h>

struct netif;

/* NULL when the platform has no network device. */
struct ub_network_device *ub_network_interface_device(void);

/* Gives the interface its address as `text` says (see <unibuild/network.h>). Panics on text that
 * the image rule should not have let pass. */
void ub_network_configure(struct netif *interface, const char *text);

/* The network thread's body. */
void ub_network_thread(void *unused);

#endif
