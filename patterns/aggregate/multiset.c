#include "aggregate/multiset.h"

#include "weiri/assert.h"

enum { LEAST_CAPACITY = 8 };

void
weiri_multiset_init(weiri_multiset *self, weir_type type)
{
    *self = (weiri_multiset){ .type = type };
}

void
weiri_multiset_fini(weiri_multiset *self)
{
    if (weiri_cell_is_text(self->type)) {
        for (size_t i = 0; i < self->capacity; i++) {
            if (self->slots[i].count > 0) {
                weiri_cell_free(self->type, self->slots[i].cell);
            }
        }
    }
    free(self->slots);
    weiri_multiset_init(self, self->type);
}

/* The slot of a value, or the free one where it would go. */
static weiri_multiset_slot *
find(const weiri_multiset *self, weiri_cell cell, uint64_t hash)
{
    size_t mask = self->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        weiri_multiset_slot *slot = &self->slots[i];
        if (slot->count == 0
            || (slot->hash == hash && weiri_cell_equal(self->type, slot->cell, cell))) {
            return slot;
        }
    }
}

static bool
resize(weiri_multiset *self, size_t capacity)
{
    weiri_multiset bigger = *self;
    bigger.capacity       = capacity;
    bigger.slots          = calloc(bigger.capacity, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i].count > 0) {
            *find(&bigger, self->slots[i].cell, self->slots[i].hash) = self->slots[i];
        }
    }
    free(self->slots);
    *self = bigger;
    return true;
}

bool
weiri_multiset_reserve(weiri_multiset *self, const weiri_multiset *other)
{
    return self->capacity >= other->capacity || resize(self, other->capacity);
}

/* A plain cell and its hash. */
static bool
add(weiri_multiset *self, weiri_cell cell, uint64_t hash, uint64_t count)
{
    if (4 * (self->n + 1) > 3 * self->capacity
        && !resize(self, self->capacity == 0 ? LEAST_CAPACITY : 2 * self->capacity)) {
        return false;
    }
    weiri_multiset_slot *slot = find(self, cell, hash);
    if (slot->count == 0) {
        if (!weiri_cell_own(self->type, cell, &slot->cell)) {
            return false;
        }
        slot->hash = hash;
        self->n++;
    }
    slot->count += count;
    return true;
}

bool
weiri_multiset_add(weiri_multiset *self, weiri_cell cell, uint64_t count)
{
    cell = weiri_cell_plain(self->type, cell);
    return add(self, cell, weiri_cell_hash(self->type, cell), count);
}

bool
weiri_multiset_add_slot(weiri_multiset *self, const weiri_multiset_slot *slot)
{
    return add(self, slot->cell, slot->hash, 1);
}

/* Free a slot and close the gap in its run (Knuth, TAOCP 3, 6.4, algorithm R). */
static void
drop(weiri_multiset *self, size_t hole)
{
    size_t mask = self->capacity - 1;
    weiri_cell_free(self->type, self->slots[hole].cell);
    self->n--;
    for (size_t i = (hole + 1) & mask; self->slots[i].count > 0; i = (i + 1) & mask) {
        size_t home = self->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            self->slots[hole] = self->slots[i];
            hole              = i;
        }
    }
    self->slots[hole] = (weiri_multiset_slot){ .count = 0 };
}

void
weiri_multiset_remove(weiri_multiset *self, weiri_cell cell)
{
    weiri_assert(self->capacity > 0);
    cell                      = weiri_cell_plain(self->type, cell);
    weiri_multiset_slot *slot = find(self, cell, weiri_cell_hash(self->type, cell));
    weiri_assert(slot->count > 0);
    if (slot->count == 1) {
        drop(self, (size_t)(slot - self->slots));
    } else {
        slot->count--;
    }
}

/* ---- thinning ---- */

static int
compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t
weiri_multiset_thin(weiri_multiset *self)
{
    uint64_t            *counts = malloc(self->n * sizeof *counts);
    weiri_multiset_slot *slots  = calloc(self->capacity, sizeof *slots);
    if (counts == NULL || slots == NULL) {
        free(counts);
        free(slots);
        return 0;
    }
    size_t n = 0;
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i].count > 0) {
            counts[n++] = self->slots[i].count;
        }
    }
    qsort(counts, n, sizeof *counts, compare_counts);
    uint64_t       taken   = counts[n / 2];
    weiri_multiset thinned = { self->type, slots, self->capacity, 0 };
    for (size_t i = 0; i < self->capacity; i++) {
        weiri_multiset_slot slot = self->slots[i];
        if (slot.count > taken) {
            slot.count -= taken;
            *find(&thinned, slot.cell, slot.hash) = slot;
            thinned.n++;
        } else if (slot.count > 0) {
            weiri_cell_free(self->type, slot.cell);
        }
    }
    free(counts);
    free(self->slots);
    *self = thinned;
    return taken;
}

/* ---- the most frequent ---- */

static bool
is_before(weir_type type, const weiri_multiset_slot *a, const weiri_multiset_slot *b)
{
    return a->count != b->count ? a->count > b->count
                                : weiri_cell_compare(type, a->cell, b->cell) < 0;
}

size_t
weiri_multiset_top(const weiri_multiset *self, const weiri_multiset_slot **out, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < self->capacity; i++) {
        const weiri_multiset_slot *slot = &self->slots[i];
        if (slot->count == 0 || (n == k && !is_before(self->type, slot, out[n - 1]))) {
            continue;
        }
        size_t at = n < k ? n++ : n - 1;
        for (; at > 0 && is_before(self->type, slot, out[at - 1]); at--) {
            out[at] = out[at - 1];
        }
        out[at] = slot;
    }
    return n;
}

/* ---- bytes ---- */

static int
compare_numbers(const void *a, const void *b)
{
    const weiri_multiset_slot *x = a;
    const weiri_multiset_slot *y = b;
    return weiri_cell_compare(WEIR_INT, x->cell, y->cell);
}

static int
compare_floats(const void *a, const void *b)
{
    const weiri_multiset_slot *x = a;
    const weiri_multiset_slot *y = b;
    return weiri_cell_compare(WEIR_FLOAT, x->cell, y->cell);
}

static int
compare_texts(const void *a, const void *b)
{
    const weiri_multiset_slot *x = a;
    const weiri_multiset_slot *y = b;
    return weiri_cell_compare(WEIR_STRING, x->cell, y->cell);
}

bool
weiri_multiset_save(const weiri_multiset *self, bool has_counts, weiri_pack *out)
{
    weiri_multiset_slot *all = malloc((self->n + 1) * sizeof *all);
    size_t               n   = 0;
    if (all == NULL) {
        return false;
    }
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i].count > 0) {
            all[n++] = self->slots[i];
        }
    }
    qsort(all, n, sizeof *all,
        weiri_cell_is_text(self->type) ? compare_texts
        : self->type == WEIR_FLOAT     ? compare_floats
                                       : compare_numbers);
    weiri_pack_number(out, n);
    for (size_t i = 0; i < n; i++) {
        weiri_cell_save(self->type, all[i].cell, out);
        if (has_counts) {
            weiri_pack_number(out, all[i].count);
        }
    }
    free(all);
    return true;
}

bool
weiri_multiset_load(weiri_multiset *self, bool has_counts, uint32_t max, weiri_unpack *in)
{
    uint64_t n = weiri_unpack_below(in, (uint64_t)max + 1, "there are too many values");
    for (uint64_t i = 0; i < n; i++) {
        weiri_cell cell  = { .bits = 0 };
        uint64_t   count = 1;
        if (!weiri_cell_load(self->type, &cell, in)) {
            return false;
        }
        if (has_counts) {
            count = weiri_unpack_below(in, WEIRI_TALLY_COUNT, "a count is too large");
        }
        bool is_added = count > 0 && weiri_multiset_add(self, cell, count);
        weiri_cell_free(self->type, cell);
        if (count == 0 || (is_added && self->n != i + 1)) {
            weiri_unpack_fail(in, "a value comes never, or twice");
        }
        if (!is_added || in->wrong != NULL) {
            return false;
        }
    }
    return in->wrong == NULL;
}
