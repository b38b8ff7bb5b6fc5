/* weiri_sorted: numbers in order, for exact quantiles of a sliding window.
 *
 * Blocks of at most 512 sorted values. A value is found by a binary search over the
 * blocks' first values; a place in the order by adding up their sizes.
 */
#ifndef WEIRI_SORTED_H
#define WEIRI_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct weiri_sorted weiri_sorted;

/* NULL: out of memory. */
weiri_sorted *
weiri_sorted_new(void);
void
weiri_sorted_destroy(weiri_sorted **self_p);

/* False: out of memory, nothing changed. */
bool
weiri_sorted_add(weiri_sorted *self, int64_t value);

/* Remove one occurrence of a value that is there. */
void
weiri_sorted_remove(weiri_sorted *self, int64_t value);

size_t
weiri_sorted_size(const weiri_sorted *self);

/* The value at place < size, from the least. */
int64_t
weiri_sorted_at(const weiri_sorted *self, size_t place);

#endif
