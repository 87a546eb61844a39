/*
 * Pages of a file against an array: pages are made, found, dropped and zeroed at random indexes,
 * near and very far; what is found is what the array says, memory that runs out is an answer, the
 * share is never exceeded, and nothing stays allocated in the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unibuild/memory.h>

#include "pages.h"

#define ROUNDS 300000
#define MEMORY_PAGES 3000UL
#define PLACES 700U

static unsigned long random_state = 88172645463325252UL;
static size_t allocated;

static struct {
    uint64_t index;
    unsigned char *page; /* NULL: not there */
    unsigned char value;
} model[PLACES];

static void require(bool holds, const char *what)
{
    if (!holds) {
        printf("not as expected: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static unsigned long draw(unsigned long below)
{
    random_state ^= random_state << 13; /* xorshift64 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

void *ub_page_allocate(size_t count)
{
    require(count == 1, "single pages are taken");
    if (draw(50) == 0) {
        return NULL; /* memory may be out at any time */
    }
    allocated++;
    return calloc(1, UB_PAGE_SIZE);
}

void ub_page_free(void *pages, size_t count)
{
    require(count == 1 && allocated > 0, "single pages are given back");
    allocated--;
    memset(pages, 0xee, UB_PAGE_SIZE);
    free(pages);
}

size_t ub_page_total_count(void)
{
    return MEMORY_PAGES;
}

/* Neighbours, and one place in each height of the tree. */
static void indexes_choose(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t far = 1UL << (9 * (i % 4));
        model[i].index = i < 600 ? i : far * (i - 599) + i;
    }
}

static void test_make(struct ub_tmpfs_pages *pages, unsigned place)
{
    unsigned char *page = ub_tmpfs_pages_make(pages, model[place].index);
    if (page == NULL) {
        require(model[place].page == NULL, "a page that is there is found");
        return;
    }
    if (model[place].page == NULL) {
        require(page[0] == 0 && page[UB_PAGE_SIZE - 1] == 0, "a new page is zeroes");
        model[place].page = page;
        model[place].value = 0;
    }
    require(page == model[place].page && page[9] == model[place].value, "a page stays");
    model[place].value = (unsigned char)draw(256);
    memset(page, model[place].value, UB_PAGE_SIZE);
}

static void test_drop(struct ub_tmpfs_pages *pages, uint64_t first, uint64_t end, bool keep)
{
    ub_tmpfs_pages_drop(pages, first, end, keep);
    for (unsigned i = 0; i < PLACES; i++) {
        if (model[i].index < first || model[i].index >= end) {
            continue;
        }
        model[i].page = keep ? model[i].page : NULL;
        model[i].value = 0;
    }
}

static void test_all(const struct ub_tmpfs_pages *pages)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        const unsigned char *page = ub_tmpfs_pages_find(pages, model[i].index);
        require(page == model[i].page, "what is there is found");
        require(page == NULL || page[4095] == model[i].value, "what was written is there");
        count += page != NULL;
    }
    require(pages->count == count, "pages are counted");
    require(ub_tmpfs_used() == allocated, "tables and pages are accounted");
    require(allocated <= ub_tmpfs_limit(), "half of the memory is the limit");
}

int main(void)
{
    struct ub_tmpfs_pages pages = {0};
    indexes_choose();
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned place = (unsigned)draw(PLACES);
        unsigned long what = draw(1000);
        if (what < 900) {
            test_make(&pages, place);
        } else if (what < 996) {
            uint64_t first = model[place].index;
            test_drop(&pages, first, first + draw(4), what % 2 == 0);
        } else if (what < 999) {
            test_drop(&pages, model[place].index, UINT64_MAX, what == 998);
        } else {
            test_drop(&pages, 0, UINT64_MAX, false);
            require(allocated == 0 && pages.root == NULL, "an empty file has nothing");
        }
        if (round % 64 == 0) {
            test_all(&pages);
        }
    }
    test_drop(&pages, 0, UINT64_MAX, false);
    require(allocated == 0, "nothing is left");

    struct ub_tmpfs_pages full = {0};
    uint64_t index = 0;
    unsigned refused = 0;
    while (refused < 100) {
        refused = ub_tmpfs_pages_make(&full, index) != NULL ? 0 : refused + 1;
        index += refused == 0;
    }
    require(allocated > ub_tmpfs_limit() - 3 && allocated <= ub_tmpfs_limit(), "the share is used");
    ub_tmpfs_pages_drop(&full, 0, UINT64_MAX, false);
    require(allocated == 0, "and given back");
    return EXIT_SUCCESS;
}
