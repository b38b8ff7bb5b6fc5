/* cells: the actors of a shard, in memory of its own.
 *
 * A cell is a head, the behaviour's state and, of a keyed actor, its key, in one piece
 * from a pool: 48 bytes, the state and the key, plus 16 for the slot and 11 to 21 for the
 * entry of the key. Everything that few actors need (a mailbox while it takes nothing,
 * watchers, saved state) hangs on one pointer.
 */
#ifndef ACTOR_CELLS_H
#define ACTOR_CELLS_H

#include "address.h"
#include "queue.h"
#include "state.h"

typedef struct weiri_cells weiri_cells;

/* Key to slot: open addressing, linear probing. */
typedef struct weiri_key_table {
    uint64_t *entries; /* shape (capacity,): hash << 32 | slot, 0 where empty */
    uint32_t  capacity;
    uint32_t  n;
} weiri_key_table;

/* What actors of one kind have in common: a family, or a single actor's own. */
typedef struct weiri_cell_class {
    const weiri_behaviour *behaviour;
    const void            *config;
    weiri_address          supervisor;
    char                  *name; /* NULL: none */
    uint32_t               level;
    uint32_t               state_bytes; /* rounded up */
    bool                   is_family;
    weiri_key_table        keys;
} weiri_cell_class;

typedef struct weiri_watcher {
    weiri_address who;
    bool          is_link;
} weiri_watcher;

typedef struct weiri_cell_extra {
    weiri_queue    held; /* messages that came while it took none, in order */
    weiri_watcher *watchers;
    uint32_t       n_watchers;
    weiri_pack     saved;
    bool           has_saved;
} weiri_cell_extra;

enum {
    CELL_WOKEN     = 1,  /* a wake is under way                               */
    CELL_HAS_TOKEN = 2,  /* a token is under way that takes up what was held  */
    CELL_DRAINED   = 4,  /* drain was called                                  */
    CELL_ALONE     = 8,  /* the class is its own                              */
    CELL_STARTED   = 16, /* init was called: fini is to be                    */
};

typedef struct weiri_cell {
    weiri_cell_class *class;
    weiri_cell_extra *extra; /* NULL: none */
    uint64_t          n_messages;
    weiri_address     address;
    uint32_t          n_pending; /* messages to its key that are in a queue */
    uint32_t          n_failures;
    uint16_t          n_restarts;
    uint8_t           state; /* actor_state */
    uint8_t           flags;
    uint8_t           key_size;
} weiri_cell;

static inline void *
weiri_cell_state(weiri_cell *self)
{
    return self + 1;
}

static inline uint8_t *
weiri_cell_key(weiri_cell *self)
{
    return (uint8_t *)(self + 1) + self->class->state_bytes;
}

/* Take a step; a bug of ours if there is none from its state. */
void
weiri_cell_step(weiri_cell *self, actor_step step);

weiri_cell_extra *
weiri_cell_extra_of(weiri_cell *self);

struct slot {
    weiri_cell *cell; /* NULL: free */
    uint32_t    generation;
    uint32_t    next; /* of the free ones, 0 at the end */
};

struct pool {
    void  *free[64]; /* by size in steps of 16 bytes */
    void **pages;
    size_t n_pages;
    char  *at; /* what is left of the last page */
    size_t left;
};

struct weiri_cells {
    struct slot *slots; /* shape (n_slots,); slot 0 stands for the shard */
    uint32_t     n_slots;
    uint32_t     capacity;
    uint32_t     free;
    uint32_t     n;
    struct pool  pool;
};

static inline weiri_cell *
weiri_cells_find(const weiri_cells *self, weiri_address address)
{
    uint32_t    slot  = address_slot(address);
    weiri_cell *found = slot < self->n_slots ? self->slots[slot].cell : NULL;
    return found != NULL && found->address == address ? found : NULL;
}

/* A cell in the state `created`, its state zeroed.
 *
 *   shard   where it is, for its address
 *   key     shape (size,); size 0 of one without a key
 *   errors  WEIR_ENOMEM, WEIR_EFULL no slot is left
 */
WEIR_MUST_CHECK weir_status
weiri_cells_add(weiri_cells *self, weiri_cell_class *class, uint32_t shard,
    const void *key, uint32_t size, weiri_cell **out);

void
weiri_cells_remove(weiri_cells *self, weiri_cell *which);

void
weiri_cells_fini(weiri_cells *self);

/* The instance of a key; NULL: there is none. */
weiri_cell *
weiri_cells_find_key(const weiri_cells *self, const weiri_cell_class *class,
    const void *key, uint32_t size);

WEIR_MUST_CHECK weir_status
weiri_cell_class_new(const weiri_actor_spec *spec, weiri_cell_class **out);

void
weiri_cell_class_destroy(weiri_cell_class **self_p);

#endif
