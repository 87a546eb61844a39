/*
 * lwIP's objects (control blocks, segments, timers): of each kind a free list that grows by a page
 * when it is empty, up to the kind's own limit (lwipopts.h), so that few connections take little
 * memory and many are possible. What all kinds take together is bounded by a sixteenth of the
 * machine's memory. Nothing is given back. In the place of lwIP's memp.c; called under the network
 * lock.
 */
#include <unibuild/memory.h>

#include "lwip/opt.h"

#include "lwip/etharp.h"
#include "lwip/ip4_frag.h"
#include "lwip/memp.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/ppp/ppp_opts.h"

#define MINIMUM_PAGES 64u
#define MEMORY_SHARE 16u

struct object {
    struct object *next; /* while free */
};

struct kind {
    uint16_t size;
    uint16_t limit;
};

static const struct kind kinds[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, count, bytes, text)                                                     \
    [MEMP_##name] = {LWIP_MEM_ALIGN_SIZE(bytes), (count)},
#include "lwip/priv/memp_std.h"
};

static struct object *free_objects[MEMP_MAX];
static uint16_t made[MEMP_MAX];
static size_t pages_taken;

void memp_init(void)
{
}

/* Cuts a page into objects. A last page may make more of them than the limit says. */
static void refill(memp_t type)
{
    size_t most = ub_page_total_count() / MEMORY_SHARE;
    most = most < MINIMUM_PAGES ? MINIMUM_PAGES : most;
    if (made[type] >= kinds[type].limit || pages_taken >= most) {
        return;
    }
    char *page = ub_page_allocate(1);
    if (page == NULL) {
        return;
    }
    pages_taken++;
    size_t size = kinds[type].size;
    for (size_t offset = 0; offset + size <= UB_PAGE_SIZE; offset += size) {
        struct object *object = (struct object *)(page + offset);
        object->next = free_objects[type];
        free_objects[type] = object;
        made[type]++;
    }
}

void *memp_malloc(memp_t type)
{
    if (free_objects[type] == NULL) {
        refill(type);
    }
    struct object *object = free_objects[type];
    if (object != NULL) {
        free_objects[type] = object->next;
    }
    return object;
}

void memp_free(memp_t type, void *memory)
{
    struct object *object = memory;
    if (object != NULL) {
        object->next = free_objects[type];
        free_objects[type] = object;
    }
}
