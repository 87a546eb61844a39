/*
 * Every name the zones mention, once, as a tree of labels.
 *
 * A name is a small number; its parent has a smaller one; 0 is the root. Owners, targets in record
 * data and all names above them live here, so that two names are equal exactly when their numbers
 * are: compression, additional data and CNAME targets need no comparison of text when answering.
 * Children are found through one open-addressing hash table keyed by (parent, label), so a lookup
 * walks down from the root and stops at the closest name that is known.
 */
#ifndef DNS_NAME_TREE_H
#define DNS_NAME_TREE_H

#include "memory.h"
#include "name.h"

#include <stdint.h>

#define NAME_ROOT UINT32_C(0)
#define NAME_NONE UINT32_MAX

/* What the zones say about a name; zone.c sets these when all zones are read. */
enum name_flag {
    NAME_APEX = 1,            /* a zone starts here */
    NAME_IN_ZONE = 2,         /* at or below an apex */
    NAME_EXISTS = 4,          /* owns records or is an empty non-terminal (RFC 4592 §2.2.2) */
    NAME_CUT = 8,             /* a delegation: NS records that are not the apex's */
    NAME_BELOW_CUT = 16,      /* at or below a delegation */
    NAME_WILDCARD_CHILD = 32, /* "*" exists directly below */
};

struct name_node {
    uint32_t parent;
    uint32_t label;  /* where its label (length octet first) stands in `labels` */
    uint32_t rrsets; /* first of its record sets */
    uint16_t rrset_count;
    uint8_t flags;
    uint8_t length; /* octets of the whole name in wire form, at most 255 */
};

struct name_tree {
    struct memory_array nodes;  /* struct name_node */
    struct memory_array labels; /* octets */
    struct memory_array slots;  /* uint32_t: a node's number, 0 for an empty slot */
};

static inline struct name_node *name_tree_node(const struct name_tree *tree, uint32_t name)
{
    return (struct name_node *)tree->nodes.data + name;
}

/* The label of `name`, length octet first. */
static inline const uint8_t *name_tree_label(const struct name_tree *tree, uint32_t name)
{
    return (const uint8_t *)tree->labels.data + name_tree_node(tree, name)->label;
}

static inline uint32_t name_tree_count(const struct name_tree *tree)
{
    return (uint32_t)(tree->nodes.length / sizeof(struct name_node));
}

/* Makes a tree with only the root. False when no memory is left. */
bool name_tree_create(struct name_tree *tree);

/* The child of `parent` with this label (length octet first, whole and bounded), ignoring case;
 * NAME_NONE when there is none. */
uint32_t name_tree_find(const struct name_tree *tree, uint32_t parent, const uint8_t *label);

/* As name_tree_find for several labels below `base`, making what is missing. Returns NULL and the
 * number in *name, or what is wrong. */
const char *name_tree_intern(struct name_tree *tree, uint32_t base,
                             const struct name_labels *labels, uint32_t *name);

/* Gives back what growing left over. */
void name_tree_trim(struct name_tree *tree);

void name_tree_release(struct name_tree *tree);

#endif
