#define _DEFAULT_SOURCE /* madvise */
#include "weiri/hugepages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Below LEAST the TLB reaches far enough; also, malloc reuses what small tables leave. */
enum { PAGE = 2 << 20, LEAST = 2 * PAGE };

void *
weiri_malloc_huge(size_t n_bytes)
{
    void *memory = NULL;
    if (n_bytes < LEAST) {
        return malloc(n_bytes);
    }
    if (posix_memalign(&memory, PAGE, n_bytes) != 0) {
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    (void)madvise(
        memory, n_bytes / PAGE * PAGE, MADV_HUGEPAGE); /* advice: may be refused */
#endif
    return memory;
}

void *
weiri_calloc_huge(size_t n, size_t size)
{
    if (n == 0 || size == 0 || n > SIZE_MAX / size) {
        return NULL;
    }
    if (n * size < LEAST) {
        return calloc(n, size);
    }
    void *memory = weiri_malloc_huge(n * size);
    if (memory != NULL) {
        memset(memory, 0, n * size);
    }
    return memory;
}
