#include "window/key_table.h"

#include "weiri/assert.h"
#include "weiri/hugepages.h"

enum { LEAST_SLOTS = 64, PAGE_BYTES = 1 << 16 };

static bool
slots_new(weiri_key_table *self, uint32_t n)
{
    weiri_key_slot *slots = weiri_calloc_huge(n, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    self->slots = slots;
    self->mask  = n - 1;
    return true;
}

weir_status
weiri_key_table_init(weiri_key_table *self, const weir_type *types, uint32_t n_cells,
    size_t size, uint32_t max)
{
    *self      = (weiri_key_table){ .types = types, .n_cells = n_cells, .max = max };
    self->size = n_cells * sizeof(weiri_cell) + (size + 7) / 8 * 8;
    if (self->size == 0) {
        self->size = 8;
    }
    for (uint32_t i = 0; i < n_cells; i++) {
        self->has_text = self->has_text || weiri_cell_is_text(types[i]);
    }
    while (self->size << (self->page_shift + 1) <= PAGE_BYTES) {
        self->page_shift++;
    }
    return slots_new(self, LEAST_SLOTS) ? WEIR_OK : WEIR_ENOMEM;
}

weir_status
weiri_key_table_bound_groups(weiri_key_table *self, uint32_t max)
{
    self->max          = UINT32_MAX;
    self->max_of_group = max / WEIRI_KEY_GROUPS;
    self->n_of_group   = calloc(WEIRI_KEY_GROUPS, sizeof *self->n_of_group);
    return self->n_of_group != NULL ? WEIR_OK : WEIR_ENOMEM;
}

static bool
is_full(const weiri_key_table *self, uint32_t hash)
{
    return self->n_live == self->max
           || (self->n_of_group != NULL
               && self->n_of_group[weiri_key_group(hash)] == self->max_of_group);
}

static void
count_key(weiri_key_table *self, uint32_t hash, int change)
{
    if (self->n_of_group != NULL) {
        self->n_of_group[weiri_key_group(hash)] += (uint32_t)change;
    }
}

static void
free_key(const weiri_key_table *self, uint32_t entry)
{
    weiri_cell *cells = weiri_key_table_cells(self, entry);
    for (uint32_t i = 0; i < self->n_cells; i++) {
        weiri_cell_free(self->types[i], cells[i]);
    }
}

static void
free_keys(const weiri_key_table *self)
{
    for (uint32_t i = 0; self->has_text && i <= self->mask; i++) {
        if (self->slots[i].entry != 0) {
            free_key(self, self->slots[i].entry - 1);
        }
    }
}

void
weiri_key_table_fini(weiri_key_table *self)
{
    if (self->slots != NULL) {
        free_keys(self);
    }
    for (uint32_t i = 0; i < self->n_pages; i++) {
        free(self->pages[i]);
    }
    free(self->pages);
    free(self->slots);
    free(self->free);
    free(self->n_of_group);
    *self = (weiri_key_table){ 0 };
}

void
weiri_key_table_clear(weiri_key_table *self)
{
    free_keys(self);
    memset(self->slots, 0, ((size_t)self->mask + 1) * sizeof *self->slots);
    if (self->n_of_group != NULL && self->n_live > 0) {
        memset(self->n_of_group, 0, WEIRI_KEY_GROUPS * sizeof *self->n_of_group);
    }
    self->n_used = 0;
    self->n_live = 0;
    self->n_free = 0;
}

static inline bool
is_key(const weiri_key_table *self, uint32_t entry, const weiri_cell *cells)
{
    const weiri_cell *own = weiri_key_table_cells(self, entry);
    if (self->n_cells == 1 && !self->has_text) {
        return own->bits == cells->bits;
    }
    for (uint32_t i = 0; i < self->n_cells; i++) {
        if (!weiri_cell_equal(self->types[i], own[i], cells[i])) {
            return false;
        }
    }
    return true;
}

static bool
grow(weiri_key_table *self)
{
    weiri_key_slot *old = self->slots;
    uint32_t        n   = self->mask + 1;
    if (!slots_new(self, 2 * n)) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (old[i].entry != 0) {
            uint32_t at = old[i].hash & self->mask;
            while (self->slots[at].entry != 0) {
                at = (at + 1) & self->mask;
            }
            self->slots[at] = old[i];
        }
    }
    free(old);
    return true;
}

static bool
add_page(weiri_key_table *self)
{
    if ((self->n_pages & (self->n_pages - 1)) == 0) {
        size_t room  = self->n_pages == 0 ? 1 : 2 * (size_t)self->n_pages;
        char **pages = realloc(self->pages, room * sizeof *pages);
        if (pages == NULL) {
            return false;
        }
        self->pages = pages;
    }
    self->pages[self->n_pages] = malloc(self->size << self->page_shift);
    if (self->pages[self->n_pages] == NULL) {
        return false;
    }
    self->n_pages++;
    return true;
}

/* An entry that holds the key, its other part zero. */
static bool
make_entry(weiri_key_table *self, const weiri_cell *cells, uint32_t *entry)
{
    bool     is_reused = self->n_free > 0;
    uint32_t at        = is_reused ? self->free[self->n_free - 1] : self->n_used;
    if (at >> self->page_shift >= self->n_pages && !add_page(self)) {
        return false;
    }
    weiri_cell *own = weiri_key_table_cells(self, at);
    memset(own, 0, self->size);
    for (uint32_t i = 0; i < self->n_cells; i++) {
        if (!weiri_cell_own(self->types[i], cells[i], &own[i])) {
            while (i-- > 0) {
                weiri_cell_free(self->types[i], own[i]);
            }
            return false;
        }
    }
    self->n_free -= is_reused ? 1 : 0;
    self->n_used += is_reused ? 0 : 1;
    self->n_live++;
    *entry = at;
    return true;
}

weir_status
weiri_key_table_need(weiri_key_table *self, uint32_t hash, const weiri_cell *cells,
    uint32_t *entry, bool *is_new)
{
    uint32_t at = hash & self->mask;
    for (; self->slots[at].entry != 0; at = (at + 1) & self->mask) {
        if (self->slots[at].hash == hash
            && is_key(self, self->slots[at].entry - 1, cells)) {
            *entry  = self->slots[at].entry - 1;
            *is_new = false;
            return WEIR_OK;
        }
    }
    if (is_full(self, hash)) {
        return WEIR_EFULL;
    }
    if (2 * (uint64_t)(self->n_live + 1) > self->mask) {
        if (!grow(self)) {
            return WEIR_ENOMEM;
        }
        for (at = hash & self->mask; self->slots[at].entry != 0;) {
            at = (at + 1) & self->mask;
        }
    }
    if (!make_entry(self, cells, entry)) {
        return WEIR_ENOMEM;
    }
    self->slots[at] = (weiri_key_slot){ hash, *entry + 1 };
    count_key(self, hash, 1);
    *is_new = true;
    return WEIR_OK;
}

/* The hash as it is kept in the slots. */
static uint32_t
hash_of(const weiri_key_table *self, const weiri_cell *cells)
{
    return weiri_key_hash(self->types, cells, self->n_cells);
}

weir_status
weiri_key_table_remove(weiri_key_table *self, uint32_t entry)
{
    if (self->n_free == self->free_room) {
        uint32_t  room  = self->free_room == 0 ? LEAST_SLOTS : 2 * self->free_room;
        uint32_t *spare = realloc(self->free, room * sizeof *spare);
        if (spare == NULL) {
            return WEIR_ENOMEM;
        }
        self->free      = spare;
        self->free_room = room;
    }
    uint32_t hash = hash_of(self, weiri_key_table_cells(self, entry));
    uint32_t hole = hash & self->mask;
    while (self->slots[hole].entry != entry + 1) {
        weiri_assert(self->slots[hole].entry != 0);
        hole = (hole + 1) & self->mask;
    }
    free_key(self, entry);
    count_key(self, hash, -1);
    self->free[self->n_free++] = entry;
    self->n_live--;
    /* Close the gap in the run (Knuth, TAOCP 3, 6.4, algorithm R). */
    for (uint32_t i = (hole + 1) & self->mask; self->slots[i].entry != 0;
         i          = (i + 1) & self->mask) {
        uint32_t home = self->slots[i].hash & self->mask;
        if (((i - home) & self->mask) >= ((i - hole) & self->mask)) {
            self->slots[hole] = self->slots[i];
            hole              = i;
        }
    }
    self->slots[hole] = (weiri_key_slot){ 0, 0 };
    return WEIR_OK;
}
