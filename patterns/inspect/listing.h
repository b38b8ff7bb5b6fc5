/* Keys by number, in an order that depends on nothing but their values. */
#ifndef WEIRI_LISTING_H
#define WEIRI_LISTING_H

#include "weiri/keyed.h"

typedef struct weiri_listed {
    const uint8_t *bytes; /* of the key, once sorted */
    size_t         first;
    size_t         size;
    uint32_t       number;
} weiri_listed;

/* `{0}` is empty. */
typedef struct weiri_listing {
    weiri_listed *items; /* shape (n,) */
    uint32_t      n;
    uint32_t      capacity;
    weiri_pack    bytes;
} weiri_listing;

void
weiri_listing_fini(weiri_listing *self);

/* values: shape (n,). False: out of memory. */
WEIR_MUST_CHECK bool
weiri_listing_add(
    weiri_listing *self, uint32_t number, const weir_value *values, uint32_t n);

/* Whether both are of the same key; of a listing that was sorted. */
bool
weiri_listed_is_same(const weiri_listed *a, const weiri_listed *b);

/* Put all of them in order, those of the same key by number. False: out of memory. */
WEIR_MUST_CHECK bool
weiri_listing_sort(weiri_listing *self);

#endif
