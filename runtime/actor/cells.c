#include "cells.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "weiri/assert.h"
#include "weiri/node.h"

enum { GRAIN = 16, PAGE = 64 << 10, FIRST_SLOTS = 64, FIRST_KEYS = 64 };

/* ---- memory ---- */

/* What is asked of each size is kept for that size: actors come and go by the million, of
 * few kinds. */
static void *
pool_take(struct pool *self, size_t size)
{
    size_t n = (size + GRAIN - 1) / GRAIN;
    if (n >= sizeof self->free / sizeof *self->free) {
        return malloc(size);
    }
    void *piece = self->free[n];
    if (piece != NULL) {
        memcpy(&self->free[n], piece, sizeof(void *));
        return piece;
    }
    if (self->left < n * GRAIN) {
        void **pages = realloc(self->pages, (self->n_pages + 1) * sizeof *pages);
        if (pages == NULL) {
            return NULL;
        }
        self->pages = pages;
        self->at    = malloc(PAGE);
        self->left  = self->at != NULL ? PAGE : 0;
        if (self->at == NULL) {
            return NULL;
        }
        pages[self->n_pages++] = self->at;
    }
    piece = self->at;
    self->at += n * GRAIN;
    self->left -= n * GRAIN;
    return piece;
}

static void
pool_give(struct pool *self, void *piece, size_t size)
{
    size_t n = (size + GRAIN - 1) / GRAIN;
    if (n >= sizeof self->free / sizeof *self->free) {
        free(piece);
        return;
    }
    memcpy(piece, &self->free[n], sizeof(void *));
    self->free[n] = piece;
}

static size_t
size_of(const weiri_cell *which)
{
    return sizeof(weiri_cell) + which->class->state_bytes + which->key_size;
}

/* ---- keys ---- */

uint64_t
weiri_family_hash(const void *key, size_t size)
{
    uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, key, size);
    /* FNV's last byte hardly reaches the upper bits: the finaliser of MurmurHash3. */
    hash = (hash ^ hash >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
    hash = (hash ^ hash >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
    return hash ^ hash >> 33;
}

uint32_t
weiri_family_shard(uint64_t hash, uint32_t n_shards)
{
    return (uint32_t)((hash >> 32) * n_shards >> 32);
}

/* The upper half chose the shard. */
static uint32_t
tag_of(const void *key, uint32_t size)
{
    return (uint32_t)weiri_family_hash(key, size);
}

static void
put_entry(weiri_key_table *self, uint64_t entry)
{
    uint32_t at = (uint32_t)(entry >> 32) & (self->capacity - 1);
    while (self->entries[at] != 0) {
        at = (at + 1) & (self->capacity - 1);
    }
    self->entries[at] = entry;
}

static weir_status
grow_keys(weiri_key_table *self)
{
    weiri_key_table bigger = { .n = self->n };
    bigger.capacity        = self->capacity == 0 ? FIRST_KEYS : self->capacity * 2;
    bigger.entries         = calloc(bigger.capacity, sizeof *bigger.entries);
    if (bigger.entries == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->capacity; i++) {
        if (self->entries[i] != 0) {
            put_entry(&bigger, self->entries[i]);
        }
    }
    free(self->entries);
    *self = bigger;
    return WEIR_OK;
}

static weir_status
add_key(weiri_cell *which)
{
    weiri_key_table *keys = &which->class->keys;
    if (keys->n >= keys->capacity / 4 * 3) {
        weir_status status = grow_keys(keys);
        if (status != WEIR_OK) {
            return status;
        }
    }
    put_entry(keys, (uint64_t)tag_of(weiri_cell_key(which), which->key_size) << 32
                        | address_slot(which->address));
    keys->n++;
    return WEIR_OK;
}

/* Entries behind the hole that would not be found across it move into it. */
static void
close_hole(weiri_key_table *self, uint32_t hole)
{
    uint32_t mask = self->capacity - 1;
    for (uint32_t at = (hole + 1) & mask; self->entries[at] != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)(self->entries[at] >> 32) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            self->entries[hole] = self->entries[at];
            hole                = at;
        }
    }
    self->entries[hole] = 0;
}

static void
remove_key(weiri_cell *which)
{
    weiri_key_table *keys = &which->class->keys;
    uint32_t         tag  = tag_of(weiri_cell_key(which), which->key_size);
    uint64_t         mine = (uint64_t)tag << 32 | address_slot(which->address);
    uint32_t         at   = tag & (keys->capacity - 1);
    while (keys->entries[at] != mine) {
        at = (at + 1) & (keys->capacity - 1);
    }
    close_hole(keys, at);
    keys->n--;
}

weiri_cell *
weiri_cells_find_key(const weiri_cells *self, const weiri_cell_class *class,
    const void *key, uint32_t size)
{
    const weiri_key_table *keys = &class->keys;
    uint32_t               tag  = tag_of(key, size);
    uint32_t               mask = keys->capacity - 1;
    for (uint32_t at = tag & mask; keys->capacity > 0 && keys->entries[at] != 0;
         at          = (at + 1) & mask) {
        if (keys->entries[at] >> 32 == tag) {
            weiri_cell *found = self->slots[(uint32_t)keys->entries[at]].cell;
            if (found->key_size == size
                && memcmp(weiri_cell_key(found), key, size) == 0) {
                return found;
            }
        }
    }
    return NULL;
}

/* ---- cells ---- */

void
weiri_cell_step(weiri_cell *self, actor_step step)
{
    uint8_t next = weiri_actor_transitions[self->state][step];
    weiri_assert(next != ACTOR_GONE);
    self->state = next;
}

weiri_cell_extra *
weiri_cell_extra_of(weiri_cell *self)
{
    if (self->extra == NULL) {
        self->extra = calloc(1, sizeof *self->extra);
    }
    return self->extra;
}

static weir_status
take_slot(weiri_cells *self, uint32_t *out)
{
    if (self->free != 0) {
        *out       = self->free;
        self->free = self->slots[*out].next;
        return WEIR_OK;
    }
    if (self->n_slots == self->capacity) {
        uint32_t     capacity = self->capacity == 0 ? FIRST_SLOTS : self->capacity * 2;
        struct slot *slots    = realloc(self->slots, capacity * sizeof *slots);
        if (slots == NULL) {
            return WEIR_ENOMEM;
        }
        self->slots    = slots;
        self->capacity = capacity;
    }
    if (self->n_slots == MAX_SLOTS) {
        return WEIR_EFULL;
    }
    if (self->n_slots == 0) {
        self->slots[self->n_slots++] = (struct slot){ 0 };
    }
    self->slots[self->n_slots] = (struct slot){ .generation = 1 };
    *out                       = self->n_slots++;
    return WEIR_OK;
}

static void
give_slot(weiri_cells *self, uint32_t index)
{
    struct slot *slot = &self->slots[index];
    slot->cell        = NULL;
    if (slot->generation < MAX_GENERATION) {
        slot->generation++;
        slot->next = self->free;
        self->free = index;
    }
}

weir_status
weiri_cells_add(weiri_cells *self, weiri_cell_class *class, uint32_t shard,
    const void *key, uint32_t size, weiri_cell **out)
{
    uint32_t    slot = 0;
    weiri_cell *which =
        pool_take(&self->pool, sizeof(weiri_cell) + class->state_bytes + size);
    if (which == NULL) {
        return WEIR_ENOMEM;
    }
    memset(which, 0, sizeof(weiri_cell) + class->state_bytes);
    which->class       = class;
    which->key_size    = (uint8_t)size;
    which->state       = ACTOR_CREATED;
    weir_status status = take_slot(self, &slot);
    if (status != WEIR_OK) {
        pool_give(&self->pool, which, size_of(which));
        return status;
    }
    which->address =
        address_make(shard, class->level, slot, self->slots[slot].generation);
    self->slots[slot].cell = which;
    self->n++;
    if (size > 0) {
        memcpy(weiri_cell_key(which), key, size);
        status = add_key(which);
    }
    if (status != WEIR_OK) {
        which->key_size = 0; /* its piece is of another size, lost until the end */
        weiri_cells_remove(self, which);
        return status;
    }
    *out = which;
    return WEIR_OK;
}

static void
free_extra(weiri_cell *which)
{
    if (which->extra != NULL) {
        weiri_queue_fini(&which->extra->held);
        free(which->extra->watchers);
        weiri_pack_fini(&which->extra->saved);
        free(which->extra);
    }
}

void
weiri_cells_remove(weiri_cells *self, weiri_cell *which)
{
    weiri_cell_class *class = which->class;
    if (which->key_size > 0) {
        remove_key(which);
    }
    give_slot(self, address_slot(which->address));
    free_extra(which);
    self->n--;
    bool is_alone = (which->flags & CELL_ALONE) != 0;
    pool_give(&self->pool, which, size_of(which));
    if (is_alone) {
        weiri_cell_class_destroy(&class);
    }
}

void
weiri_cells_fini(weiri_cells *self)
{
    for (uint32_t i = 1; i < self->n_slots; i++) {
        if (self->slots[i].cell != NULL) {
            weiri_cells_remove(self, self->slots[i].cell);
        }
    }
    for (size_t i = 0; i < self->pool.n_pages; i++) {
        free(self->pool.pages[i]);
    }
    free(self->pool.pages);
    free(self->slots);
    *self = (weiri_cells){ 0 };
}

weir_status
weiri_cell_class_new(const weiri_actor_spec *spec, weiri_cell_class **out)
{
    weiri_cell_class *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->behaviour   = spec->behaviour;
    self->config      = spec->config;
    self->supervisor  = spec->supervisor;
    self->level       = spec->level;
    self->state_bytes = (spec->behaviour->state_size + GRAIN - 1) / GRAIN * GRAIN;
    if (spec->name != NULL) {
        self->name = strdup(spec->name);
    }
    if (spec->name != NULL && self->name == NULL) {
        weiri_cell_class_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_cell_class_destroy(weiri_cell_class **self_p)
{
    if (*self_p != NULL) {
        free((*self_p)->name);
        free((*self_p)->keys.entries);
        free(*self_p);
        *self_p = NULL;
    }
}
