/* The executor "runs": every partial match is an object with registers of its own.
 *
 * Takes every pattern. The runs of a partition stand in a list in the order of their
 * first events; those that began with the same event stand together.
 */
#ifndef WEIRI_RUNS_H
#define WEIRI_RUNS_H

#include "match/executor.h"
#include "match/timers.h"
#include "weiri/limits.h"

/* A taken event and those before it, shared by runs that fork. */
typedef struct weiri_link {
    uint32_t before; /* 0: it is the first */
    uint32_t n_refs;
    uint64_t tag; /* order << 8 | SHARED | step */
    int64_t  time_ns;
} weiri_link;

enum {
    WEIRI_LINK_SHARED = 0x80, /* other runs took the same event */
    WEIRI_LINK_STEP   = 0x3F
};

typedef struct weiri_run {
    uint32_t   next;
    uint32_t   prev;
    uint64_t   start; /* order of the first event; NO_START: not in use    */
    int64_t    start_ns;
    int64_t    last_ns; /* of the last taken event; complete: of the match */
    uint32_t   links;   /* newest taken event                              */
    uint32_t   n_taken;
    uint32_t   partition;
    uint32_t   state; /* or COMPLETE                                       */
    uint8_t    place; /* weiri_run_place                                   */
    bool       is_met;
    uint16_t   nulls;   /* bit j: side j of its state is null, so that nothing is met */
    weiri_cell cells[]; /* … followed by the weiri_waiting of its state               */
} weiri_run;

/* In a partition with many runs. */
typedef enum weiri_run_place {
    WEIRI_RUN_NOWHERE,
    WEIRI_RUN_ACTIVE, /* sees every event                                */
    WEIRI_RUN_PARKED  /* waits for a value, found through the index      */
} weiri_run_place;

/* What a run waits for: its side of a weiri_wait, made when the run came to its state. */
typedef struct weiri_waiting {
    uint64_t key;  /* see weiri_wait                                                  */
    uint32_t next; /* in the table's chain or the partition's active list             */
    uint32_t prev; /* 0: it is the first; of a range: its place in the heap            */
} weiri_waiting;

#define WEIRI_NO_START UINT64_MAX
enum { WEIRI_RUN_COMPLETE = 0xFFFFFF };

/* In a partition. */
typedef struct weiri_runs_state {
    uint32_t first;
    uint32_t last;
    uint32_t n_runs;
    uint32_t n_starts; /* first events of these runs */
    uint32_t held;     /* complete matches that wait, in the order to be given */
    uint32_t before;   /* what was seen that a leading `not` asks for          */
    uint32_t active;   /* of an indexed partition: runs that see every event  */
    uint32_t index;    /* its heaps; 0: it is not indexed                      */
    uint64_t quiet;    /* classes < 64 that no run reacts to                    */
} weiri_runs_state;

/* What a leading `not` asks for. */
typedef struct weiri_before {
    uint64_t just;     /* bit i: the last event fits leading atom i */
    uint64_t ever;     /* bit i: last_ns[i] is set                  */
    bool     is_timed; /* a timer looks after it                    */
    int64_t  last_ns[];
} weiri_before;

typedef enum weiri_move_kind {
    WEIRI_MOVE_NOTHING, /* passes over it and stays as it is */
    WEIRI_MOVE_DIE,
    WEIRI_MOVE_ARCS
} weiri_move_kind;

/* What a state does on a class: arcs with what is left to ask of the event. */
typedef struct weiri_move {
    weiri_move_kind kind;
    bool            waits; /* is NOTHING as long as none of the state's waits holds */
    uint32_t        n_arcs;
    weiri_arc      *arcs;
} weiri_move;

/* A comparison `value OP side` without which an atom does not hold: the value is of the
 * event, the side of what the run has taken. Both become numbers: `value == side` may
 * hold if the side's key is that of the value, and a comparison by order holds if the key
 * is at most the value's bound, whichever way it goes. */
typedef struct weiri_wait {
    const weiri_expr *value;
    const weiri_expr *side;
    uint32_t         *reads; /* registers of the side, ended by WEIRI_NONE */
    uint32_t          state;
    uint32_t          atom;
    uint32_t          value_root; /* in wait_values; WEIRI_NONE: a field   */
    uint32_t          side_root;  /* in wait_sides; WEIRI_NONE: a register */
    uint32_t          heap;       /* among the waits that are not is_equal */
    uint32_t side_atom;  /* a field of an event that fits it becomes the side; … */
    uint32_t side_field; /* … WEIRI_NONE: none does                */
    uint8_t  place;      /* among the waits of its state           */
    bool     reads_key;  /* that of the partition                  */
    bool     is_equal;
    bool     is_less;   /* value < side, else value > side        */
    bool     is_strict; /* and not the same                       */
    bool     is_whole;  /* it is all that the atom's condition says */
    bool     can_hold;  /* for the event at hand, if it is of `stamp` */
    uint64_t stamp;
    uint64_t bound;
} weiri_wait;

typedef struct weiri_heap_item {
    uint64_t key;
    uint32_t run;
} weiri_heap_item;

/* The runs of a partition that wait for one range, the least key first. */
typedef struct weiri_heap {
    weiri_heap_item *items;
    uint32_t         n;
    uint32_t         capacity;
} weiri_heap;

/* A slot of the table of equalities. */
typedef struct weiri_wait_slot {
    uint32_t tag;
    uint32_t run; /* the first of the chain; 0: free */
} weiri_wait_slot;

typedef struct weiri_choice {
    const weiri_arc *arc;
    bool             completes;
} weiri_choice;

struct weiri_executor {
    weiri_core  *core;
    weiri_pool   runs;
    weiri_pool   links;
    weiri_pool   befores;
    weiri_timers timers;
    weiri_move  *moves[WEIRI_CLASS_COUNT]; /* per state, made when first asked for */
    uint8_t     *is_made[WEIRI_CLASS_COUNT];
    uint64_t    *quiet; /* per state: classes < 64 known to be WEIRI_MOVE_NOTHING    */
    weiri_class  other; /* what WEIRI_CLASS_OTHER stands for now                   */
    const weiri_class *fact_class;  /* of the move being made                       */
    uint32_t           leading[64]; /* atoms about what was before                 */
    uint32_t           n_leading;
    bool               has_just_before;
    /* conditions on earlier events */
    weiri_program *correlated;
    uint32_t      *roots;      /* per atom                                       */
    uint32_t     **reads;      /* per atom: registers, ended by WEIRI_NONE       */
    weir_value    *registers;  /* values of the run under test                   */
    uint64_t      *read_stamp; /* per register                                   */
    uint64_t      *atom_stamp;
    bool          *atom_value;
    uint64_t       stamp; /* of the (run, event) under test                      */
    weir_value    *key;
    uint32_t       key_of; /* partition whose key it is, 0: none                 */
    bool           has_evaluated;
    bool           reads_key;      /* some condition does          */
    bool           has_made_sides; /* since they were forgotten    */
    bool           is_loading;     /* timers come in no order yet  */
    /* what runs wait for (runs_wait.c) */
    weiri_wait *waits; /* by state                                   */
    uint32_t    n_waits;
    uint32_t    max_waits;   /* of a state                                 */
    uint32_t    first_equal; /* the first that is_equal; WEIRI_NONE: none  */
    uint16_t  equality_field[WEIRI_CLASS_COUNT]; /* 1 + the field of its keys, 0: none */
    uint32_t *first_wait; /* per state, and one more                    */
    weiri_program *wait_values;
    weiri_program *wait_sides;
    weir_value    *side_registers;
    uint64_t       event_stamp;
    uint64_t       lost_faults; /* of sides made anew by loading             */
    /* the index of waiting runs (runs_index.c) */
    weiri_wait_slot *slots;
    uint32_t         n_slots; /* a power of two */
    uint32_t         n_used;
    uint32_t         n_heaps;
    weiri_pool       indexes; /* of partitions: weiri_index                 */
    uint32_t        *met;     /* runs that the event concerns               */
    uint32_t         n_met;
    uint32_t         capacity_met;
    /* the turn at work */
    const weiri_event *event; /* NULL: a deadline */
    weiri_partition   *partition;
    weiri_runs_state  *state;
    uint32_t          *complete;
    uint32_t           n_complete;
    uint32_t           capacity_complete;
    uint32_t          *expired;
    uint32_t           n_expired;
    uint32_t           capacity_expired;
    weiri_choice      *choices;   /* of one run                             */
    uint32_t           turn_link; /* the first link made for the event      */
    bool               is_turn_shared;
    bool               has_live_taker; /* a run that took the event goes on */
    uint64_t          *positions;      /* of matches being ordered               */
    size_t             capacity_positions;
    weiri_taken       *taken;
    uint32_t           capacity_taken;
};

static inline weiri_run *
weiri_run_at(const weiri_executor *self, uint32_t run)
{
    return weiri_pool_at(&self->runs, run);
}

static inline weiri_link *
weiri_link_at(const weiri_executor *self, uint32_t link)
{
    return weiri_pool_at(&self->links, link);
}

static inline weiri_waiting *
weiri_run_waiting(const weiri_executor *self, weiri_run *run)
{
    return (weiri_waiting *)(run->cells + weiri_registers_cells(self->core->registers));
}

static inline weiri_runs_state *
weiri_runs_state_of(const weiri_partition *partition)
{
    return (weiri_runs_state *)(partition + 1);
}

/* The partition at hand has no runs any more. */
void
weiri_runs_are_gone(weiri_executor *self);

/* runs_moves.c: what states do on classes. */
const weiri_move *
weiri_runs_make_move(weiri_executor *self, uint32_t class, uint32_t state);

static inline const weiri_move *
weiri_runs_move(weiri_executor *self, uint32_t class, uint32_t state)
{
    return self->moves[class] != NULL && self->is_made[class][state]
               ? &self->moves[class][state]
               : weiri_runs_make_move(self, class, state);
}

unsigned
weiri_runs_use_of(weiri_executor *self, uint32_t class);
void
weiri_runs_set_other(weiri_executor *self, const weiri_class *class);

bool
weiri_runs_class_fits(const weiri_executor *self, uint32_t class, uint32_t atom);

/* runs_test.c: conditions that read registers or what was before. */
weir_status
weiri_runs_test_new(weiri_executor *self);
void
weiri_runs_test_destroy(weiri_executor *self);
void
weiri_runs_test_begin(weiri_executor *self);
bool
weiri_runs_holds(weiri_executor *self, weiri_formula formula, weiri_run *run);
const weir_value *
weiri_runs_key(weiri_executor *self, const weiri_partition *partition);

/* How many runs a partition may have, however few events began them. */
static inline uint32_t
weiri_runs_most(const weiri_match *plan)
{
    return plan->max_runs > WEIRI_RUNS_PER_KEY ? plan->max_runs : WEIRI_RUNS_PER_KEY;
}

/* runs_list.c: making, copying and dropping runs. */
uint32_t
weiri_runs_make(weiri_executor *self);
uint32_t
weiri_runs_copy(weiri_executor *self, uint32_t run);
void
weiri_runs_free(weiri_executor *self, uint32_t run);
void
weiri_runs_append(weiri_executor *self, weiri_runs_state *state, uint32_t run);
void
weiri_runs_insert_before(
    weiri_executor *self, weiri_runs_state *state, uint32_t run, uint32_t next);
void
weiri_runs_unlink(weiri_executor *self, weiri_runs_state *state, uint32_t run);
void
weiri_runs_drop(weiri_executor *self, weiri_runs_state *state, uint32_t run);
void
weiri_runs_take(weiri_executor *self, weiri_run *run, uint32_t step);
void
weiri_runs_note(
    weiri_executor *self, uint32_t **list, uint32_t *n, uint32_t *capacity, uint32_t run);

/* runs_skip.c: complete matches: order, skip, give. */
void
weiri_runs_end_turn(weiri_executor *self);
void
weiri_runs_give_expired(weiri_executor *self);
/* Whether the partition at hand has more than its bound of runs. */
bool
weiri_runs_are_too_many(const weiri_executor *self);

/* runs_wait.c: comparisons of an event's value with what a run holds. */
weir_status
weiri_runs_wait_new(weiri_executor *self);
void
weiri_runs_wait_destroy(weiri_executor *self);
/* Make the run's sides of what its state waits for. */
void
weiri_runs_wait(weiri_executor *self, weiri_run *run);
/* Whether the event at hand may be what the run, in a state that waits, waits for. */
bool
weiri_runs_is_awaited(weiri_executor *self, weiri_run *run);
/* Whether a wait can hold for the event at hand, and its bound. */
bool
weiri_wait_bound(weiri_executor *self, weiri_wait *wait, uint64_t *bound);
/* Whether an atom's comparison holds between the event at hand and the run; -1: it takes
 * more than a comparison to know. */
int
weiri_runs_compare(weiri_executor *self, uint32_t atom, weiri_run *run);
/* Of the first equality, the key of an event one field of which is the value, or becomes
 * the side; false: it has none. */
bool
weiri_runs_equality_key(
    const weiri_executor *self, const weiri_event *event, uint64_t *key);
/* Note what that field is for events of a class. */
void
weiri_runs_note_equality(weiri_executor *self, uint32_t class);
/* Whether arcs leave a run where it is as long as none of its state's waits holds. */
bool
weiri_runs_waits(
    weiri_executor *self, uint32_t state, const weiri_arc *arcs, uint32_t n_arcs);

/* runs_index.c: finding the runs that wait for an event. */
weir_status
weiri_runs_index_new(weiri_executor *self);
void
weiri_runs_index_destroy(weiri_executor *self);
void
weiri_runs_index_partition(weiri_executor *self, weiri_runs_state *state);
void
weiri_runs_unindex_partition(weiri_executor *self, weiri_runs_state *state);
void
weiri_runs_place(weiri_executor *self, weiri_runs_state *state, uint32_t run);
void
weiri_runs_displace(weiri_executor *self, weiri_runs_state *state, uint32_t run);
void
weiri_runs_look_ahead(
    const weiri_executor *self, const weiri_event *event, unsigned stage, uint32_t *hint);
/* What will be touched when a run goes from an indexed partition; of run 0 nothing. */
typedef struct weiri_runs_near {
    const void *slot;
    const void *link;
    const void *next; /* the run after it */
} weiri_runs_near;

weiri_runs_near
weiri_runs_near_of(const weiri_executor *self, uint32_t run);
/* List in `met` the runs of the partition at hand that the event may concern. */
void
weiri_runs_meet(weiri_executor *self);

/* runs_time.c: deadlines. */
/* When a run's time is up for reasons of gaps; INT64_MAX: never. */
int64_t
weiri_runs_gap_deadline(const weiri_executor *self, const weiri_run *run);

void
weiri_runs_watch_start(weiri_executor *self, uint32_t run);
void
weiri_runs_watch_gap(weiri_executor *self, uint32_t run);
void
weiri_runs_watch_before(weiri_executor *self, uint32_t partition, int64_t time_ns);
void
weiri_runs_fire(weiri_executor *self, int64_t before_ns);

/* runs_save.c: see weiri_executor_ops. */
void
weiri_runs_save(const weiri_executor *self, weiri_pack *out);
void
weiri_runs_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen);
void
weiri_runs_load(weiri_executor *self, weiri_unpack *in);
void
weiri_runs_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared);
void
weiri_runs_loaded(weiri_executor *self);

/* runs_inspect.c: likewise. */
void
weiri_runs_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer);

#endif
