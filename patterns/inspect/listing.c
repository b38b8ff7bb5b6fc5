#include "inspect/listing.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void
weiri_listing_fini(weiri_listing *self)
{
    weiri_pack_fini(&self->bytes);
    free(self->items);
    *self = (weiri_listing){ 0 };
}

bool
weiri_listing_add(
    weiri_listing *self, uint32_t number, const weir_value *values, uint32_t n)
{
    if (self->n == self->capacity) {
        uint32_t      capacity = self->capacity > 0 ? 2 * self->capacity : FIRST_ROOM;
        weiri_listed *grown    = realloc(self->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        self->items    = grown;
        self->capacity = capacity;
    }
    size_t first = self->bytes.size;
    for (uint32_t i = 0; i < n; i++) {
        weiri_key_value_pack(&values[i], &self->bytes);
    }
    self->items[self->n++] = (weiri_listed){
        .first = first, .size = self->bytes.size - first, .number = number
    };
    return !self->bytes.is_out_of_memory;
}

static int
compare(const void *a, const void *b)
{
    const weiri_listed *x     = a;
    const weiri_listed *y     = b;
    size_t              size  = x->size < y->size ? x->size : y->size;
    int                 order = size > 0 ? memcmp(x->bytes, y->bytes, size) : 0;
    order = order != 0 ? order : (x->size > y->size) - (x->size < y->size);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

bool
weiri_listed_is_same(const weiri_listed *a, const weiri_listed *b)
{
    return a->size == b->size
           && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

bool
weiri_listing_sort(weiri_listing *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        self->items[i].bytes =
            self->items[i].size > 0 ? self->bytes.bytes + self->items[i].first : NULL;
    }
    if (self->n > 0) {
        qsort(self->items, self->n, sizeof *self->items, compare);
    }
    return !self->bytes.is_out_of_memory;
}
