/* What rings.c and rings_save.c know of the executor "rings". */
#ifndef WEIRI_RINGS_H
#define WEIRI_RINGS_H

#include <string.h>

#include "match/blocks.h"
#include "match/executor.h"
#include "match/timers.h"
#include "match/wheel.h"

/* An event that is held, followed by its kept cells. Of a step after the first
 * a weiri_rings_moved stands between. */
typedef struct entry {
    int64_t  time_ns;
    uint64_t order;
} entry;

/* Starts before `until` were moved on by the event. */
typedef struct weiri_rings_moved {
    uint64_t until;
} weiri_rings_moved;

/* Events of a step after the first that moved starts to it: those numbered tail … head
 * - 1 of a block of 2^bits entries; numbers wrap around. */
typedef struct ring {
    uint32_t tail;
    uint32_t head;
    uint32_t bits;
    char    *block; /* NULL: empty */
} ring;

/* In a partition, followed by the earliest start's entry if it is the only one, else by
 * a pointer to a block of 2^bits starts, `bits` being the lower five of the partition's
 * mark. The others are of the bucket of the wheel that looks after it. */
typedef struct rings_state {
    uint32_t tail;    /* number of the first start alive */
    uint32_t head;    /* number of the next start        */
    ring     moved[]; /* shape (n_held - 1,): of step j at j - 1 */
} rings_state;

enum { RINGS_BITS = 5 };

struct weiri_executor {
    weiri_core  *core;
    weiri_blocks blocks;      /* of entries */
    size_t      *entry_sizes; /* per step that is held */
    uint64_t     keeps;       /* bit j: entries of step j have kept cells */
    uint32_t     n_steps;     /* that take an event                                 */
    uint32_t     n_held;      /* of these, whose events are held                    */
    uint32_t     min;         /* repetitions of the first step                      */
    uint32_t     max;
    bool         is_absence; /* the pattern ends in `not`                        */
    uint32_t     steps[64];  /* the plan's step of each place in the chain       */
    uint64_t     fits[WEIRI_CLASS_COUNT]; /* per class: bit j: fits step j;
                                           * bit n_steps: the closing `not`       */
    weiri_timers timers;                  /* of an absence: one a start */
    weiri_wheel  wheel;    /* else: which partitions may have starts that have expired */
    uint64_t     n_starts; /* alive, in all partitions */
    weiri_cell  *cells;    /* of the match being given */
    weir_value  *key;
    weiri_taken *taken;
    uint32_t     n_taken;
    uint32_t     capacity_taken;
};

static inline rings_state *
state_of(const weiri_partition *partition)
{
    return (rings_state *)(partition + 1);
}

/* Where the starts of a partition are kept if there is one only. */
static inline char *
weiri_rings_place(const weiri_executor *self, rings_state *state)
{
    return (char *)(state->moved + (self->n_held - 1));
}

/* Start number `number`, which is alive. */
static inline entry *
weiri_rings_start(
    const weiri_executor *self, const weiri_partition *partition, uint32_t number)
{
    char    *place = weiri_rings_place(self, state_of(partition));
    uint32_t bits  = partition->mark & ((1U << RINGS_BITS) - 1);
    if (bits > 0) {
        memcpy(&place, (const void *)place, sizeof place);
        place += (number & ((1U << bits) - 1)) * self->entry_sizes[0];
    }
    return (entry *)place;
}

/* Event number `number` of those that moved starts to step `step` > 0. */
static inline entry *
weiri_rings_moved_at(
    const weiri_executor *self, const rings_state *state, uint32_t step, uint32_t number)
{
    const ring *of = &state->moved[step - 1];
    return (
        entry *)(of->block + (number & ((1U << of->bits) - 1)) * self->entry_sizes[step]);
}

static inline uint64_t *
weiri_rings_until(entry *moved)
{
    return &((weiri_rings_moved *)(moved + 1))->until;
}

static inline weiri_cell *
weiri_rings_kept(entry *of, uint32_t step)
{
    char *after = (char *)(of + 1) + (step > 0 ? sizeof(weiri_rings_moved) : 0);
    return (weiri_cell *)after;
}

/* rings_entries.c: entries come and go. */

/* A new last entry, all of it to be filled in; NULL when memory is out. */
entry *
weiri_rings_push_start(weiri_executor *self, weiri_partition *partition);
entry *
weiri_rings_push_moved(weiri_executor *self, rings_state *state, uint32_t step);
/* Drop the earliest start, and what moved only starts up to it. */
void
weiri_rings_pop_start(weiri_executor *self, weiri_partition *partition);

/* Have a partition's expired starts dropped though no event may come to it any more. */
void
weiri_rings_watch(weiri_executor *self, weiri_partition *partition, int64_t start_ns);

int64_t
weiri_rings_deadline(const weiri_executor *self, int64_t start_ns);

/* rings_save.c: see weiri_executor_ops. */
void
weiri_rings_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen);
void
weiri_rings_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared);
void
weiri_rings_loaded(weiri_executor *self);

/* rings_inspect.c: likewise. */
void
weiri_rings_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer);

#endif
