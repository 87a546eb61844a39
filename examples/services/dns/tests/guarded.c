#include "guarded.h"

#include <stdlib.h>
#include <sys/mman.h>

struct guarded guarded_create(size_t size)
{
    const size_t page = 4096;
    size_t whole = (size + page - 1) / page * page;
    uint8_t *start =
        mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + whole, page, PROT_NONE) != 0) {
        abort();
    }
    return (struct guarded){start + whole, whole};
}
