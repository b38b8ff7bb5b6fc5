/* What every executor of a pattern stands on, and what it offers.
 *
 * The front (matcher.c) finds the class and the partition of each event and keeps the
 * partitions; the executor keeps the partial matches and fires deadlines; matches go
 * out through weiri_core_give.
 */
#ifndef WEIRI_EXECUTOR_H
#define WEIRI_EXECUTOR_H

#include "match/automaton.h"
#include "match/classes.h"
#include "match/keys.h"
#include "match/registers.h"
#include "weiri/inspect.h"
#include "window/limiter.h"

typedef struct weiri_emitter weiri_emitter;

typedef struct weiri_core {
    const weiri_match *plan;
    weiri_match_sink   sink;
    weiri_automaton   *automaton;
    weiri_classes     *classes;
    weiri_registers   *registers;
    weiri_keys        *keys;
    weiri_emitter     *emit;
    weiri_emitter     *on_timeout; /* NULL: none */
    weiri_limiter     *limiter;    /* NULL: none */
    weiri_match_counts counts;
    int64_t            now_ns;   /* of the event or deadline at work */
    uint64_t           position; /* of the last event at work      */
    weir_status        status;   /* not WEIR_OK: the matcher has stopped */
} weiri_core;

/* A match to be given: what it holds and when it is complete. */
typedef struct weiri_given {
    bool               is_timeout;
    const weiri_taken *taken; /* shape (n_taken,), oldest first; read if sink.matched */
    uint32_t           n_taken;
    const weiri_cell  *cells;
    weiri_moment       moment;
} weiri_given;

/* Hand a match to the sink; a failure of the sink stops the matcher. */
void
weiri_core_give(weiri_core *self, const weiri_given *match);

/* What is given next was led to by the event at work. */
static inline void
weiri_core_trigger(weiri_core *self, uint64_t position)
{
    self->position = position;
    if (self->sink.trigger != NULL) {
        *self->sink.trigger = position;
    }
}

/* What is given next was led to by a deadline, for what began with the event at `start`.
 * A deadline that was over when the last event made it fires with that event. */
static inline void
weiri_core_trigger_later(weiri_core *self, int64_t deadline_ns, uint64_t start)
{
    if (self->sink.trigger != NULL) {
        *self->sink.trigger =
            deadline_ns < self->now_ns ? self->position : start + WEIRI_TRIGGER_LATER;
    }
}

WEIR_MUST_CHECK weir_status
weiri_emitter_new(const weiri_match *plan, const weiri_emit *emit, weiri_emitter **out);

void
weiri_emitter_destroy(weiri_emitter **self_p);

uint64_t
weiri_emitter_faults(const weiri_emitter *self);

/* What a class of events can do. */
typedef enum weiri_class_use {
    WEIRI_CLASS_BEGINS = 1, /* may begin a match, or leave something in a new partition */
    WEIRI_CLASS_MATTERS = 2 /* may change a partition that has something            */
} weiri_class_use;

/* The use of a class to a chain of steps, bit j of `fits` being: it fits step j, or
 * something else that the chain looks at. */
static inline unsigned
weiri_chain_use(uint64_t fits)
{
    return ((fits & 1) != 0 ? WEIRI_CLASS_BEGINS : 0U)
           | (fits != 0 ? WEIRI_CLASS_MATTERS : 0U);
}

typedef struct weiri_executor weiri_executor;

/* What an executor that is looked into is lent, and tells by. */
typedef struct weiri_viewer {
    const weiri_core      *core;
    const weiri_inspector *inspector;
    const weir_value      *key;    /* of the partition       */
    weir_value            *values; /* shape (n_registers,)   */
    weiri_cell            *cells;  /* scratch of one run     */
    weiri_taken           *taken;  /* scratch, shape (n_room,) */
    uint32_t               n_room;
    bool                   is_out_of_memory;
} weiri_viewer;

/* Room for so many events in viewer->taken. */
bool
weiri_viewer_reserve(weiri_viewer *self, uint32_t n);

/* When a match that began at start_ns is over; INT64_MAX: never. */
int64_t
weiri_viewer_expiry(const weiri_viewer *self, int64_t start_ns);

/* Tell of something held whose registers are `cells`; held->expires_ns is when it is over
 * for another reason than `within` of the pattern, INT64_MAX: for none. */
void
weiri_viewer_tell(weiri_viewer *self, weiri_held_match *held, const weiri_cell *cells);

/* Tell of an event that was taken by `step`, of which `kept` was kept, for several.
 *
 *   is_awaited  see weiri_held_match: it is part of a match that began at start_ns
 */
void
weiri_viewer_tell_kept(weiri_viewer *self, weiri_taken taken, const weiri_cell *kept,
    int64_t start_ns, bool is_awaited);

enum { WEIRI_STAGES = 3 };

typedef struct weiri_executor_ops {
    const char *name;
    /* Bytes in a partition, zero when it is made. */
    size_t (*state_size)(const weiri_core *core);
    weir_status (*make)(weiri_core *core, weiri_executor **out);
    void (*destroy)(weiri_executor **self_p);
    unsigned (*use_of)(weiri_executor *self, uint32_t class); /* of weiri_class_use */
    /* Before an event of WEIRI_CLASS_OTHER: what it is. */
    void (*set_other)(weiri_executor *self, const weiri_class *class);
    void (*prefetch)(const weiri_executor *self, const weiri_partition *partition);
    /* Of a rule without keys: have what an event will touch brought near, in the stages
     * 0 … WEIRI_STAGES - 1, each some events before the next; `hint` is what the stage
     * before left, 0 at first and if there is no more to do. `event` is read by stage 0
     * alone. NULL: there is nothing to look for. */
    void (*look_ahead)(const weiri_executor *self, const weiri_event *event,
        unsigned stage, uint32_t *hint);
    /* All deadlines before the event's time have fired. */
    void (*event)(
        weiri_executor *self, weiri_partition *partition, const weiri_event *event);
    bool (*is_empty)(const weiri_partition *partition);
    int64_t (*next_deadline)(const weiri_executor *self); /* INT64_MAX: none */
    void (*fire)(weiri_executor *self, int64_t before_ns);
    void (*finish)(weiri_executor *self);
    uint64_t (*live_runs)(const weiri_executor *self);
    uint64_t (*bytes)(const weiri_executor *self); /* of all it keeps, but for texts */
    uint64_t (*faults)(const weiri_executor *self);
    /* State as bytes, see match/state.h: what an executor wants to find as it was (NULL:
     * nothing), and what it keeps of each partition (NULL: it cannot be saved). Loading
     * gives into an executor that has seen no event; what was saved by several is loaded
     * into one, and part of it into another. What is wrong is noted in `in`, and memory
     * that is out in core->status. `loaded` is called once all partitions are there. */
    void (*save)(const weiri_executor *self, weiri_pack *out);
    void (*save_partition)(const weiri_executor *self, const weiri_partition *partition,
        weiri_pack *out, weiri_seen *seen);
    void (*load)(weiri_executor *self, weiri_unpack *in);
    void (*load_partition)(weiri_executor *self, weiri_partition *partition,
        weiri_unpack *in, weiri_shared *shared);
    void (*loaded)(weiri_executor *self);
    /* Tell what a partition holds; NULL: it is not kept in a form that can be told. */
    void (*inspect)(const weiri_executor *self, const weiri_partition *partition,
        weiri_viewer *viewer);
} weiri_executor_ops;

/* Every pattern. */
extern const weiri_executor_ops WEIRI_RUNS;

/* Chains of steps under `skip overlaps`, see weiri_rings_take. */
extern const weiri_executor_ops WEIRI_RINGS;

/* Whether the executor "rings" is exact for a pattern. */
bool
weiri_rings_take(const weiri_match *plan);

/* Chains of steps of which every match is wanted, see weiri_stacks_take. */
extern const weiri_executor_ops WEIRI_STACKS;

/* Whether the executor "stacks" is exact for a pattern. */
bool
weiri_stacks_take(const weiri_match *plan);

/* Every match of a pattern whose conditions read one event each, see weiri_sets_take. */
extern const weiri_executor_ops WEIRI_SETS;

/* Whether the executor "sets" is exact for a pattern. */
bool
weiri_sets_take(const weiri_match *plan, const weiri_automaton *automaton);

#endif
