#include "name_tree.h"

#include <string.h>

enum { SLOTS_AT_START = 1024 };

static const char out_of_memory[] = "out of memory";

/* FNV-1a over the folded label, started from the parent's number. The zone's operator chooses the
 * names, so no outsider can make the chains of the table long. */
static uint32_t hash_child(uint32_t parent, const uint8_t *label)
{
    uint32_t hash = 2166136261U ^ (parent * 2654435761U);
    const uint8_t *end = label + 1 + label[0];
    for (; label != end; label++) {
        hash = (hash ^ name_fold(*label)) * 16777619U;
    }
    return hash ^ (hash >> 15);
}

static bool labels_equal(const uint8_t *left, const uint8_t *right)
{
    if (left[0] != right[0]) {
        return false;
    }
    for (unsigned i = left[0]; i != 0; i--) {
        if (left[i] != right[i] && name_fold(left[i]) != name_fold(right[i])) {
            return false;
        }
    }
    return true;
}

static uint32_t slot_mask(const struct name_tree *tree)
{
    return (uint32_t)(tree->slots.length / sizeof(uint32_t)) - 1;
}

/* The slot that holds the child, or the empty one where it belongs. The table is never full. */
static uint32_t *child_slot(const struct name_tree *tree, uint32_t parent, const uint8_t *label)
{
    uint32_t *slots = tree->slots.data;
    uint32_t mask = slot_mask(tree);
    uint32_t at = hash_child(parent, label) & mask;
    while (slots[at] != 0) {
        if (name_tree_node(tree, slots[at])->parent == parent &&
            labels_equal(name_tree_label(tree, slots[at]), label)) {
            break;
        }
        at = (at + 1) & mask;
    }
    return &slots[at];
}

bool name_tree_create(struct name_tree *tree)
{
    *tree = (struct name_tree){0};
    struct name_node *root = memory_array_extend(&tree->nodes, sizeof(struct name_node));
    uint8_t *label = memory_array_extend(&tree->labels, 1);
    if (root == NULL || label == NULL ||
        memory_array_extend(&tree->slots, SLOTS_AT_START * sizeof(uint32_t)) == NULL) {
        name_tree_release(tree);
        return false;
    }
    root->length = 1;
    return true;
}

uint32_t name_tree_find(const struct name_tree *tree, uint32_t parent, const uint8_t *label)
{
    uint32_t name = *child_slot(tree, parent, label);
    return name == 0 ? NAME_NONE : name;
}

/* Doubles the table when two thirds are taken. */
static bool make_room(struct name_tree *tree)
{
    size_t slots = tree->slots.length / sizeof(uint32_t);
    uint32_t count = name_tree_count(tree);
    if ((size_t)count * 3 < slots * 2) {
        return true;
    }
    struct memory_array larger = {0};
    if (memory_array_extend(&larger, slots * 2 * sizeof(uint32_t)) == NULL) {
        return false;
    }
    memory_array_release(&tree->slots);
    tree->slots = larger;
    for (uint32_t name = 1; name < count; name++) {
        *child_slot(tree, name_tree_node(tree, name)->parent, name_tree_label(tree, name)) = name;
    }
    return true;
}

static uint32_t add_child(struct name_tree *tree, uint32_t parent, const uint8_t *label)
{
    size_t size = (size_t)label[0] + 1;
    uint32_t name = name_tree_count(tree);
    uint32_t label_at = (uint32_t)tree->labels.length;
    if (!make_room(tree)) {
        return NAME_NONE;
    }
    uint8_t *copy = memory_array_extend(&tree->labels, size);
    struct name_node *node = memory_array_extend(&tree->nodes, sizeof(struct name_node));
    if (copy == NULL || node == NULL) {
        return NAME_NONE;
    }
    memcpy(copy, label, size);
    node->parent = parent;
    node->label = label_at;
    node->length = (uint8_t)(name_tree_node(tree, parent)->length + size);
    *child_slot(tree, parent, label) = name;
    return name;
}

const char *name_tree_intern(struct name_tree *tree, uint32_t base,
                             const struct name_labels *labels, uint32_t *name)
{
    if (name_tree_node(tree, base)->length + labels->length > WIRE_NAME_LIMIT) {
        return "name longer than 255 octets";
    }
    /* Labels stand left to right; the tree is entered from the right. */
    uint8_t starts[WIRE_LABELS_LIMIT];
    unsigned count = 0;
    for (size_t at = 0; at < labels->length; at += (size_t)labels->octets[at] + 1) {
        starts[count++] = (uint8_t)at;
    }
    uint32_t current = base;
    while (count != 0) {
        const uint8_t *label = labels->octets + starts[--count];
        uint32_t child = name_tree_find(tree, current, label);
        if (child == NAME_NONE) {
            child = add_child(tree, current, label);
        }
        if (child == NAME_NONE) {
            return out_of_memory;
        }
        current = child;
    }
    *name = current;
    return NULL;
}

void name_tree_trim(struct name_tree *tree)
{
    memory_array_trim(&tree->nodes);
    memory_array_trim(&tree->labels);
}

void name_tree_release(struct name_tree *tree)
{
    memory_array_release(&tree->nodes);
    memory_array_release(&tree->labels);
    memory_array_release(&tree->slots);
}
