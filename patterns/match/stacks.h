/* What the files of the executor "stacks" share. */
#ifndef WEIRI_STACKS_H
#define WEIRI_STACKS_H

#include "match/blocks.h"
#include "match/executor.h"
#include "match/watches.h"

enum { WEIRI_STACKS_PLACES = 63, WEIRI_STACKS_KILL = 63, WEIRI_STACKS_KILLERS = 8 };

/* An event that was taken at a place of the chain, for all partial matches that end with
 * it. Followed by the cells that are kept of it. */
typedef struct weiri_stack_entry {
    int64_t    time_ns;
    uint64_t   order;
    uint32_t   until; /* entries of the place before, up to this one, came before it  */
    uint32_t   since; /* entries of the place after, from this one on, came after it  */
    weiri_cell kept[];
} weiri_stack_entry;

/* The entries of a place, numbered as they came; numbers wrap around. */
typedef struct weiri_stack_ring {
    char    *entries;
    uint32_t tail;     /* the first alive                                           */
    uint32_t head;     /* the next                                                  */
    uint32_t capacity; /* a power of two, 0: no memory                              */
    uint32_t gone;     /* of a place that `->` follows: those before have gone on;
                        * at least tail                                             */
} weiri_stack_ring;

/* In a partition. */
typedef struct weiri_stacks_state {
    weiri_watch      watch;
    weiri_stack_ring rings[]; /* of every place but the last, shape (n_rings,) */
} weiri_stacks_state;

typedef struct weiri_stack_place {
    uint32_t step;
    bool     is_relaxed; /* `->` before it: what waits for it goes on with the first */
    uint32_t entry_size;
} weiri_stack_place;

typedef struct weiri_stack_chain {
    uint32_t          n_places;
    uint32_t          n_killers;
    weiri_stack_place places[WEIRI_STACKS_PLACES];
    uint32_t killers[WEIRI_STACKS_KILLERS]; /* steps of `not` before the last place */
} weiri_stack_chain;

/* The entries of a place that lead to the event at hand. */
typedef struct weiri_stack_range {
    uint32_t from;
    uint32_t to;
} weiri_stack_range;

struct weiri_executor {
    weiri_core        *core;
    weiri_blocks       blocks;
    uint32_t           n_places;
    uint32_t           n_rings;
    weiri_stack_place *places; /* of the chain */
    weiri_stack_chain  chain;
    uint64_t           fits[WEIRI_CLASS_COUNT]; /* per class: bit j: fits place j;
                                                 * WEIRI_STACKS_KILL: fits a `not` */
    weiri_watches watches;
    uint64_t      n_entries; /* in all partitions */
    /* For the match being given. */
    uint32_t          n_cells;
    weiri_cell       *cells;      /* shape (n_places, n_cells): after each place */
    bool              is_one_row; /* of cells, for all places */
    weiri_cell       *last;       /* what is kept of the event that completes it */
    weir_value       *key;
    weiri_taken      *taken; /* shape (n_places,) */
    weiri_stack_range ranges[WEIRI_STACKS_PLACES];
    int64_t           end_ns;
    uint64_t          n_given; /* at this event */
    uint64_t         *ways;    /* scratch for counting */
    size_t            n_ways;
};

static inline weiri_stacks_state *
weiri_stacks_state_of(const weiri_partition *partition)
{
    return (weiri_stacks_state *)(partition + 1);
}

static inline weiri_stack_entry *
weiri_stacks_at(const weiri_executor *self, const weiri_stacks_state *state,
    uint32_t place, uint32_t number)
{
    const weiri_stack_ring *ring = &state->rings[place];
    return (weiri_stack_entry *)(ring->entries
                                 + (size_t)(number & (ring->capacity - 1))
                                       * self->places[place].entry_size);
}

/* The later of two numbers that wrap around. */
static inline uint32_t
weiri_stacks_later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0 ? a : b;
}

/* The entries of place `place` that wait for the next one. */
static inline weiri_stack_range
weiri_stacks_waiting(
    const weiri_executor *self, const weiri_stacks_state *state, uint32_t place)
{
    const weiri_stack_ring *ring = &state->rings[place];
    return (weiri_stack_range){ .from = self->places[place + 1].is_relaxed ? ring->gone
                                                                           : ring->tail,
        .to                           = ring->head };
}

/* The event takes the last place: give all matches that it completes, in order. */
void
weiri_stacks_give(
    weiri_executor *self, const weiri_partition *partition, const weiri_event *event);

/* How many entries a place of a partition may have: first events have the rule's bound,
 * what goes on from them at least the usual. */
uint32_t
weiri_stacks_most(const weiri_match *plan, uint32_t place);

/* An entry of place `place` after the others, to be filled in; NULL when memory is out.
 */
weiri_stack_entry *
weiri_stacks_make(weiri_executor *self, weiri_stacks_state *state, uint32_t place);

/* stacks_save.c: see weiri_executor_ops. */
void
weiri_stacks_save(const weiri_executor *self, weiri_pack *out);
void
weiri_stacks_load(weiri_executor *self, weiri_unpack *in);
void
weiri_stacks_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen);
void
weiri_stacks_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared);
void
weiri_stacks_loaded(weiri_executor *self);

/* stacks_inspect.c: likewise. */
void
weiri_stacks_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer);

#endif
