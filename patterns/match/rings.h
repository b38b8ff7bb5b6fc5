/* What rings.c and rings_save.c know of the executor "rings". */
#ifndef WEIRI_RINGS_H
#define WEIRI_RINGS_H

#include "match/executor.h"
#include "match/timers.h"

/* An event that is held. */
typedef struct entry {
    uint32_t   next;  /* of its queue; 0: the last                                 */
    uint32_t   until; /* of a step after the first: starts before this moved on it */
    int64_t    time_ns;
    uint64_t   order; /* NO_ENTRY: not in use                                      */
    weiri_cell kept[];
} entry;

#define NO_ENTRY UINT64_MAX

typedef struct queue {
    uint32_t first; /* 0: empty */
    uint32_t last;
} queue;

/* In a partition. Starts are numbered from 0; numbers wrap around. */
typedef struct rings_state {
    uint32_t tail;  /* number of the first start alive    */
    uint32_t head;  /* number of the next start           */
    uint64_t watch; /* which timer looks after it; 0: none */
    queue steps[];  /* of step 0 the starts, of step j the events that moved starts to it;
                     * shape (n_held,)                      */
} rings_state;

struct weiri_executor {
    weiri_core *core;
    weiri_pool *entries; /* per step that is held: entries with its kept cells */
    uint32_t    n_steps; /* that take an event                                 */
    uint32_t    n_held;  /* of these, whose events are held                    */
    uint32_t    min;     /* repetitions of the first step                      */
    uint32_t    max;
    bool        is_absence; /* the pattern ends in `not`                        */
    uint32_t    steps[64];  /* the plan's step of each place in the chain       */
    uint64_t    fits[WEIRI_CLASS_COUNT]; /* per class: bit j: fits step j;
                                          * bit n_steps: the closing `not`       */
    weiri_timers timers;
    uint64_t     n_watches;
    int64_t      last_watch_ns; /* the latest in the queue */
    uint64_t     n_starts;      /* alive, in all partitions */
    weiri_cell  *cells;         /* of the match being given */
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

static inline entry *
entry_at(const weiri_executor *self, uint32_t step, uint32_t number)
{
    return weiri_pool_at(&self->entries[step], number);
}

/* rings_save.c: see weiri_executor_ops. */
void
weiri_rings_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen);
void
weiri_rings_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared);
void
weiri_rings_loaded(weiri_executor *self);

#endif
