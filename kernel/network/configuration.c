/* The interface's address: "dhcp", or "ADDRESS/PREFIX[,GATEWAY]". */
#include <string.h>

#include <unibuild/panic.h>

#include "lwip/dhcp.h"
#include "lwip/netif.h"

#include "interface.h"

/* A decimal number of at most `limit`; moves `*text` past it, or to NULL when there is none. */
static uint32_t parse_number(const char **text, uint32_t limit)
{
    const char *digit = *text;
    uint32_t value = 0;
    while (digit != NULL && *digit >= '0' && *digit <= '9' && value <= limit) {
        value = value * 10 + (uint32_t)(*digit++ - '0');
    }
    *text = digit == *text || value > limit ? NULL : digit;
    return value;
}

static void expect(const char **text, char separator)
{
    *text = *text != NULL && **text == separator ? *text + 1 : NULL;
}

static ip4_addr_t parse_address(const char **text)
{
    uint32_t address = parse_number(text, 255);
    for (unsigned part = 1; part < 4; part++) {
        expect(text, '.');
        address = address << 8 | parse_number(text, 255);
    }
    return (ip4_addr_t){lwip_htonl(address)};
}

static bool set_static(struct netif *interface, const char *text)
{
    ip4_addr_t gateway = {0};
    ip4_addr_t address = parse_address(&text);
    expect(&text, '/');
    uint32_t prefix = parse_number(&text, 32);
    if (text != NULL && *text == ',') {
        text++;
        gateway = parse_address(&text);
    }
    if (text == NULL || *text != '\0') {
        return false;
    }
    ip4_addr_t mask = {prefix == 0 ? 0 : lwip_htonl(0xffffffffu << (32 - prefix))};
    netif_set_addr(interface, &address, &mask, &gateway);
    return true;
}

void ub_network_configure(struct netif *interface, const char *text)
{
    if (strcmp(text, "dhcp") == 0) {
        if (dhcp_start(interface) != ERR_OK) {
            ub_panic("network: DHCP cannot start");
        }
    } else if (!set_static(interface, text)) {
        ub_panic("network: not an address: %s", text);
    }
}
