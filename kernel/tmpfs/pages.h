/*
 * Inside kernel/tmpfs: the pages of one file, as a tree of tables with 512 places each that is as
 * high as the file is large. A page that was never written is not there and reads as zeroes.
 */
#ifndef UNIBUILD_TMPFS_PAGES_H
#define UNIBUILD_TMPFS_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UB_TMPFS_SIZE_MAXIMUM (1UL << 47) /* 512^4 pages are more */

struct ub_tmpfs_pages {
    void *root;      /* a page when `height` is 0, else a table; NULL: nothing */
    unsigned height; /* tables on the way to a page */
    uint64_t count;  /* pages */
};

/* The page at an index below UB_TMPFS_SIZE_MAXIMUM / UB_PAGE_SIZE, or NULL. */
void *ub_tmpfs_pages_find(const struct ub_tmpfs_pages *pages, uint64_t index);
/* The same, made of zeroes when it is not there. NULL: the file systems' share is used up. */
void *ub_tmpfs_pages_make(struct ub_tmpfs_pages *pages, uint64_t index);
/* Frees the pages from `first` up to, but not with, `end`; or zeroes them when `keep`. */
void ub_tmpfs_pages_drop(struct ub_tmpfs_pages *pages, uint64_t first, uint64_t end, bool keep);

/* Pages of all files and their tables, and how many there may be. */
uint64_t ub_tmpfs_used(void);
uint64_t ub_tmpfs_limit(void);

#endif
