#include "join/index.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/hugepages.h"

enum { FEWEST_SLOTS = 64 };

static weiri_join_entry *
new_slots(uint32_t n)
{
    weiri_join_entry *slots = weiri_malloc_huge(n * sizeof *slots);
    if (slots != NULL) {
        memset(slots, 0xff, n * sizeof *slots); /* all WEIRI_NO_ROW */
    }
    return slots;
}

weir_status
weiri_join_index_init(weiri_join_index *self, const weiri_join_store *stores,
    const weir_type *types, uint32_t n_keys)
{
    *self = (weiri_join_index){ .stores = stores,
        .types                          = types,
        .n_keys                         = n_keys,
        .is_exact                       = n_keys == 1 && !weiri_cell_is_text(types[0]),
        .slots                          = new_slots(FEWEST_SLOTS),
        .mask                           = FEWEST_SLOTS - 1 };
    return self->slots == NULL ? WEIR_ENOMEM : WEIR_OK;
}

void
weiri_join_index_fini(weiri_join_index *self)
{
    free(self->slots);
    self->slots = NULL;
}

static weir_status
grow(weiri_join_index *self)
{
    uint32_t          n     = 2 * (self->mask + 1);
    weiri_join_entry *slots = new_slots(n);
    if (slots == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_join_index to = *self;
    to.slots            = slots;
    to.mask             = n - 1;
    for (uint32_t i = 0; i <= self->mask; i++) {
        if (weiri_join_entry_is_free(&self->slots[i])) {
            continue;
        }
        uint32_t slot = weiri_join_slot(&to, self->slots[i].word);
        while (!weiri_join_entry_is_free(&slots[slot])) {
            slot = (slot + 1) & to.mask;
        }
        slots[slot] = self->slots[i];
    }
    free(self->slots);
    self->slots = to.slots;
    self->mask  = to.mask;
    return WEIR_OK;
}

bool
weiri_join_index_has_key(
    const weiri_join_index *self, const weiri_join_entry *entry, const weiri_cell *keys)
{
    uint32_t          side = entry->last[0] == WEIRI_NO_ROW;
    weiri_kept        kept = weiri_join_store_at(&self->stores[side], entry->last[side]);
    const weir_chunk *rows = kept.block->rows;
    for (uint32_t i = 0; i < self->n_keys; i++) {
        weir_value value = weir_chunk_get(rows, kept.row, i);
        weiri_cell cell  = { .i = value.as.i };
        if (weiri_cell_is_text(self->types[i])) {
            cell.s = &value;
        } else if (self->types[i] == WEIR_BOOL) {
            cell.i = value.as.b;
        }
        if (!weiri_cell_equal(
                self->types[i], weiri_cell_plain(self->types[i], cell), keys[i])) {
            return false;
        }
    }
    return true;
}

weir_status
weiri_join_index_need(
    weiri_join_index *self, uint64_t word, const weiri_cell *keys, weiri_join_entry **out)
{
    *out = weiri_join_index_find(self, word, keys);
    if (*out != NULL) {
        return WEIR_OK;
    }
    if (self->n_live >= self->mask / 2) {
        weir_status status = grow(self);
        if (status != WEIR_OK) {
            return status;
        }
    }
    uint32_t slot = weiri_join_slot(self, word);
    while (!weiri_join_entry_is_free(&self->slots[slot])) {
        slot = (slot + 1) & self->mask;
    }
    self->n_live++;
    *out         = &self->slots[slot];
    (*out)->word = word;
    return WEIR_OK;
}

/* Whether an entry at `at`, whose probing begins at `home`, may move to `hole`. */
static bool
may_move(uint32_t hole, uint32_t home, uint32_t at, uint32_t mask)
{
    return ((at - home) & mask) >= ((at - hole) & mask);
}

/* Free a slot; what was put behind it because it was taken moves up. */
static void
free_slot(weiri_join_index *self, const weiri_join_entry *entry)
{
    uint32_t hole = (uint32_t)(entry - self->slots);
    self->n_live--;
    for (uint32_t at                                     = (hole + 1) & self->mask;
         !weiri_join_entry_is_free(&self->slots[at]); at = (at + 1) & self->mask) {
        uint32_t home = weiri_join_slot(self, self->slots[at].word);
        if (may_move(hole, home, at, self->mask)) {
            self->slots[hole] = self->slots[at];
            hole              = at;
        }
    }
    memset(&self->slots[hole], 0xff, sizeof self->slots[hole]);
}

static uint32_t *
next_of(const weiri_join_index *self, uint32_t side, uint32_t name)
{
    weiri_kept kept = weiri_join_store_at(&self->stores[side], name);
    return &kept.block->next[kept.row];
}

weiri_join_entry *
weiri_join_index_of_first(
    const weiri_join_index *self, uint64_t word, uint32_t side, uint32_t name)
{
    for (uint32_t slot = weiri_join_slot(self, word);; slot = (slot + 1) & self->mask) {
        weiri_join_entry *entry = &self->slots[slot];
        uint32_t          last  = entry->last[side];
        weiri_assert(!weiri_join_entry_is_free(entry));
        if (entry->word == word && last != WEIRI_NO_ROW
            && (self->is_exact || *next_of(self, side, last) == name)) {
            return entry;
        }
    }
}

void
weiri_join_index_link(
    const weiri_join_index *self, weiri_join_entry *entry, uint32_t side, uint32_t name)
{
    uint32_t  last             = entry->last[side];
    uint32_t *after            = last == WEIRI_NO_ROW ? NULL : next_of(self, side, last);
    *next_of(self, side, name) = after == NULL ? name : *after;
    if (after != NULL) {
        *after = name;
    }
    entry->last[side] = name;
}

void
weiri_join_index_unlink(
    weiri_join_index *self, weiri_join_entry *entry, uint32_t side, uint32_t name)
{
    if (entry->last[side] != name) {
        *next_of(self, side, entry->last[side]) = *next_of(self, side, name);
        return;
    }
    entry->last[side] = WEIRI_NO_ROW;
    if (weiri_join_entry_is_free(entry)) {
        free_slot(self, entry);
    }
}

void
weiri_join_index_clear(weiri_join_index *self)
{
    memset(self->slots, 0xff, ((size_t)self->mask + 1) * sizeof *self->slots);
    self->n_live = 0;
}
