#include "pieces.h"

#include <stdlib.h>

enum { PLACE_BITS = 32, NUMBER_SHIFT = 24 };

#define PLACES (UINT64_C(1) << PLACE_BITS)

/* ---- keys ---- */

static bool
add_key(weiri_pieces *self, size_t *room, uint32_t place, size_t first)
{
    enum { FEWEST = 64 };
    if (self->n + 1 >= *room) {
        size_t            grown = *room > 0 ? 2 * *room : FEWEST;
        weiri_pieces_key *keys  = realloc(self->keys, grown * sizeof *keys);
        if (keys == NULL) {
            return false;
        }
        self->keys = keys;
        *room      = grown;
    }
    self->keys[self->n++] = (weiri_pieces_key){ .place = place, .first = first };
    return true;
}

static bool
find_keys(weiri_pieces *self, const uint8_t *bytes)
{
    size_t             room = 0;
    weiri_keyed_reader from;
    weiri_keyed_entry  entry;
    if (!weiri_keyed_open(&from, bytes, self->size)) {
        return false;
    }
    while (weiri_keyed_next(&from, NULL, &entry)) {
        if (!add_key(self, &room, entry.place, (size_t)(entry.first - bytes))) {
            return false;
        }
    }
    if (from.in.wrong != NULL || self->n == 0) {
        return false;
    }
    /* The mark behind the last key group. */
    self->keys[self->n].first = (size_t)(from.begin - bytes);
    return true;
}

void
weiri_pieces_init(weiri_pieces *self, const uint8_t *bytes, size_t size, size_t most)
{
    *self = (weiri_pieces){ .size = size, .most = most };
    if (size > 0 && !find_keys(self, bytes)) {
        weiri_pieces_fini(self);
        *self = (weiri_pieces){ .size = size, .most = most };
    }
}

void
weiri_pieces_fini(weiri_pieces *self)
{
    free(self->keys);
    self->keys = NULL;
}

/* ---- cutting ---- */

/* The first key from self->next on that has not a place before `end`. */
static size_t
keys_before(const weiri_pieces *self, uint64_t end)
{
    size_t low  = self->next;
    size_t high = self->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->keys[middle].place < end) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The largest range that begins at self->place and whose keys fit; one twice as large
 * was tried before, or begins elsewhere. */
static uint64_t
range_of(const weiri_pieces *self, size_t *end)
{
    uint64_t width = self->place == 0 ? PLACES : self->place & (0 - self->place);
    size_t   first = self->keys[self->next].first;
    for (;; width /= 2) {
        *end = keys_before(self, self->place + width);
        if (width == 1 || self->keys[*end].first - first <= self->most) {
            return width;
        }
    }
}

static bool
next_range(weiri_pieces *self, weiri_piece *out)
{
    while (self->place < PLACES) {
        size_t   end   = 0;
        uint64_t place = self->place;
        self->place += range_of(self, &end);
        if (end > self->next) {
            *out       = (weiri_piece){ .number = (1 + place) << NUMBER_SHIFT,
                      .first                    = self->keys[self->next].first,
                      .end                      = self->keys[end].first };
            self->next = end;
            return true;
        }
    }
    return false;
}

bool
weiri_pieces_next(weiri_pieces *self, weiri_piece *out)
{
    bool is_by_key = self->keys != NULL;
    if (self->at == self->size) {
        return false;
    }
    *out = (weiri_piece){ .first = self->at, .end = self->size };
    if (is_by_key && self->at == 0 && self->next == 0 && self->place == 0) {
        out->end = self->keys[0].first;
    } else if (is_by_key && !next_range(self, out)) {
        out->number = (1 + PLACES) << NUMBER_SHIFT;
    }
    self->at = out->end;
    return true;
}
