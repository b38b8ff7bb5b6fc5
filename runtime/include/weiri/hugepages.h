/* Memory for large tables.
 *
 * A table that is read at random costs, beside the miss of the cache, one of the TLB,
 * and in a virtual machine that is the dearer of the two: a prefetch waits for it too.
 * With pages of 2 MiB the TLB holds all of a table. The system is asked for them, and
 * where it has none the memory is as any other.
 */
#ifndef WEIRI_HUGEPAGES_H
#define WEIRI_HUGEPAGES_H

#include <stddef.h>

/* n_bytes to be given to free(): as malloc, but large ones in pages of 2 MiB. What the
 * last of these pages has beyond n_bytes is not taken from the system.
 *
 *   returns  NULL: out of memory
 */
void *
weiri_malloc_huge(size_t n_bytes);

/* The same, zeroed; of at least one byte. */
void *
weiri_calloc_huge(size_t n, size_t size);

#endif
