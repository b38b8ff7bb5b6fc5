/* weiri_key_table: from the values of a key to an entry, of which the owner has a part.
 *
 * Open addressing over (hash, entry) pairs; entries lie in pages and never move, and are
 * found by an index. Keys are compared value by value. A table that was only added to has
 * entries 0, 1, 2, … in order of their first event.
 */
#ifndef WEIRI_KEY_TABLE_H
#define WEIRI_KEY_TABLE_H

#include "aggregate/cell.h"
#include "weiri/prefetch.h"

#define WEIRI_NO_ENTRY UINT32_MAX

typedef struct weiri_key_slot {
    uint32_t hash;
    uint32_t entry; /* index + 1; 0: free */
} weiri_key_slot;

typedef struct weiri_key_table {
    const weir_type *types; /* shape (n_cells,), borrowed */
    uint32_t         n_cells;
    bool             has_text;
    uint32_t         max;   /* live entries */
    size_t           size;  /* bytes of an entry: cells, then the owner's part */
    weiri_key_slot  *slots; /* shape (mask + 1,) */
    uint32_t         mask;
    char           **pages;
    uint32_t         n_pages;
    uint32_t         page_shift; /* entries of a page: 1 << page_shift */
    uint32_t         n_used;     /* entries ever handed out since cleared */
    uint32_t         n_live;
    uint32_t        *n_of_group; /* live entries, shape (WEIRI_KEY_GROUPS,); NULL: not
                                  * counted                                        */
    uint32_t  max_of_group;      /* with n_of_group                                */
    uint32_t *free;              /* entries given back, shape (n_free,) */
    uint32_t  n_free;
    uint32_t  free_room;
} weiri_key_table;

/* The hash of a key's cells up to this one, given that of those before it, 0 of none. */
static inline uint64_t
weiri_key_hash_next(weir_type type, weiri_cell cell, uint64_t before)
{
    return weiri_hash_join(before, weiri_cell_hash(type, cell));
}

static inline uint32_t
weiri_key_hash_end(uint64_t hash)
{
    return weiri_hash_fold(hash);
}

/* The hash of a key of plain cells, as the table wants it. */
static inline uint32_t
weiri_key_hash(const weir_type *types, const weiri_cell *cells, uint32_t n_cells)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < n_cells; i++) {
        hash = weiri_key_hash_next(types[i], cells[i], hash);
    }
    return weiri_key_hash_end(hash);
}

/* `size` bytes of each entry are the owner's.
 *
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_key_table_init(weiri_key_table *self, const weir_type *types, uint32_t n_cells,
    size_t size, uint32_t max);

/* Bound the live entries of each key group instead of all: the bound then means the same
 * for tables that have some of the groups. Before the first entry.
 *
 *   max     of all groups together
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_key_table_bound_groups(weiri_key_table *self, uint32_t max);

/* The owner has emptied its parts. */
void
weiri_key_table_fini(weiri_key_table *self);

/* The entry of a key, made with the owner's part zeroed if there is none.
 *
 *   cells   shape (n_cells,), plain
 *   errors  WEIR_EFULL   max entries are live, or of the key's group: table unchanged
 *           WEIR_ENOMEM  table unchanged
 */
WEIR_MUST_CHECK weir_status
weiri_key_table_need(weiri_key_table *self, uint32_t hash, const weiri_cell *cells,
    uint32_t *entry, bool *is_new);

/* Give an entry back. */
WEIR_MUST_CHECK weir_status
weiri_key_table_remove(weiri_key_table *self, uint32_t entry);

/* Give all entries back, keeping pages and slots. */
void
weiri_key_table_clear(weiri_key_table *self);

static inline weiri_cell *
weiri_key_table_cells(const weiri_key_table *self, uint32_t entry)
{
    uint32_t in_page = entry & ((1u << self->page_shift) - 1);
    return (weiri_cell *)(void *)(self->pages[entry >> self->page_shift]
                                  + in_page * self->size);
}

/* The owner's part. */
static inline void *
weiri_key_table_at(const weiri_key_table *self, uint32_t entry)
{
    return weiri_key_table_cells(self, entry) + self->n_cells;
}

static inline void
weiri_key_table_prefetch_slot(const weiri_key_table *self, uint32_t hash)
{
    weiri_prefetch(&self->slots[hash & self->mask]);
}

/* The entry that a hash most likely has: that of its first slot. */
static inline uint32_t
weiri_key_table_likely(const weiri_key_table *self, uint32_t hash)
{
    uint32_t entry = self->slots[hash & self->mask].entry;
    return entry != 0 ? entry - 1 : WEIRI_NO_ENTRY;
}

/* Two lines of an entry, all that most have. */
static inline void
weiri_key_table_prefetch(const weiri_key_table *self, uint32_t entry)
{
    const char *bytes = (const char *)weiri_key_table_cells(self, entry);
    size_t      last  = self->size - 1;
    weiri_prefetch(bytes);
    weiri_prefetch(bytes + (last < 64 ? last : 64));
}

/* Once its slot has come. */
static inline void
weiri_key_table_prefetch_entry(const weiri_key_table *self, uint32_t hash)
{
    uint32_t entry = weiri_key_table_likely(self, hash);
    if (entry != WEIRI_NO_ENTRY) {
        weiri_key_table_prefetch(self, entry);
    }
}

#endif
