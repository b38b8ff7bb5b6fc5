/* The inside of the host of an actor of a plugin.
 *
 *   plugin.c         the host: events, failures, what it is asked for
 *   plugin_call.c    what a plugin may ask for during a call, and what it gives
 *   plugin_tally.c   what hosts of actors have in common, here and in a process
 *   plugin_states.c  a state for each key, their timers, and state as bytes
 */
#ifndef WEIRI_PLUGIN_HOST_H
#define WEIRI_PLUGIN_HOST_H

#include "host.h"
#include "weiri/codec.h"
#include "weiri/limits.h"
#include "weiri/pattern.h"
#include "weiri/plugin.h"

enum {
    WEIRI_PLUGIN_STATES   = 1 << 20, /* keys of an actor                            */
    WEIRI_PLUGIN_RESTARTS = 5,       /* failures of an actor in a row, then it is over; as
                                      * often a process is started again, in remote/link.h */
    WEIRI_PLUGIN_STATE = 64 << 20    /* bytes of one state                          */
};

/* The state of one key. */
typedef struct weiri_plugin_state {
    uint8_t *key; /* shape (key_size,): the values, packed */
    size_t   key_size;
    uint64_t hash;
    void    *state;                   /* the plugin's */
    int64_t  timer;                   /* INT64_MAX: none */
    uint32_t index;                   /* in `states` */
    uint32_t in_heap;                 /* place in the heap of timers; UINT32_MAX: none */
    uint64_t serial;                  /* position of the event that made it */
    int64_t  last_ns;                 /* time of its last event */
    struct weiri_plugin_state *older; /* by last event; NULL: none is */
    struct weiri_plugin_state *newer;
} weiri_plugin_state;

/* What is done about failures where the host works for another process. */
typedef struct weiri_plugin_served {
    void *context;
    /* errors  WEIR_EDATA  nothing after it is to be taken */
    weir_status (*failed)(
        void *context, int64_t at_ns, const char *reason, weir_rows event);
} weiri_plugin_served;

/* What is counted of an actor, wherever it runs. A host of one begins with it. */
typedef struct weiri_plugin_tally {
    uint64_t n_failed;
    uint64_t n_null_keys;
    uint32_t n_in_a_row; /* failures since an event was taken */
    uint64_t position;   /* above those of all events so far  */
} weiri_plugin_tally;

typedef struct weiri_plugin_host {
    weiri_plugin_tally         tally; /* the first */
    weiri_host_frame           frame;
    const weiri_plugin_served *served; /* NULL: it works for a rule. Else what is given
                                        * by a timer keeps nulls of the event */
    const weiri_actor_plan *plan;
    void                   *actor; /* what open gave */
    bool                    is_open;
    weiri_program          *inputs;  /* NULL: there are none */
    weiri_program          *keys;    /* likewise */
    weir_value             *values;  /* shape (WEIRI_CHUNK_ROWS, n_inputs) */
    weir_value             *row;     /* shape (n_fields of the emit,): scratch */
    uint32_t                n_kept;  /* fields of what is given that are the event's */
    weir_chunk             *pending; /* given in this call; `order` holds the row */
    weiri_pack              key;     /* scratch */
    weiri_plugin_state    **states;  /* in no order */
    weiri_plugin_state     *oldest;  /* by last event */
    weiri_plugin_state     *newest;
    uint32_t                n_states;
    uint32_t                room;  /* of states */
    uint32_t               *slots; /* index + 1 in states; 0: free; shape (n_slots,) */
    uint32_t                n_slots;
    weiri_plugin_state    **heap; /* shape (room,): by timer, then by serial */
    uint32_t                n_heap;
    weiri_encoder          *encoder; /* of events for the dead stream; NULL: none yet */
    uint32_t                n_logged;
} weiri_plugin_host;

/* Have an event that failed, or with n 0 a timer, go to the dead stream, if somebody
 * reads that.
 *
 *   encoder  made when first needed
 */
WEIR_MUST_CHECK weir_status
weiri_plugin_bury(const weiri_host_frame *frame, weiri_encoder **encoder, int64_t at_ns,
    const char *reason, weir_rows event);

/* ---- plugin_tally.c ---- */

/* Programs that read an actor's inputs and its key; NULL where there are none. */
WEIR_MUST_CHECK weir_status
weiri_plugin_host_programs(
    const weiri_actor_plan *plan, weiri_program **inputs, weiri_program **keys);

/* Of weiri_host_ops. */
weir_status
weiri_plugin_host_finish(void *context, weir_error *err);
void
weiri_plugin_host_count(const void *context, weiri_rule_counts *counts);
void
weiri_plugin_host_save_counts(const void *context, weiri_pack *out);
void
weiri_plugin_host_load_counts(void *context, weiri_unpack *in);

/* ---- plugin_call.c ---- */

/* A call into the plugin. */
typedef struct weiri_plugin_calling {
    weiri_plugin_call   base;
    weiri_plugin_host  *self;
    weiri_plugin_state *state; /* NULL: of none */
    weir_rows           rows;  /* of on_rows; n 0: other calls */
    int64_t             now;   /* of on_timer */
    bool                may_emit;
    bool                is_dropped; /* the state is as good as new */
    uint32_t            failed_row; /* UINT32_MAX: not known       */
    uint32_t            row;        /* for which something was given last */
    uint64_t            position;   /* of the first of `rows` in the rule's input, or of
                                     * the event that made `state`               */
    weir_status status;             /* of what is not the plugin's fault */
    weiri_pack *out;                /* of state_save; NULL: other calls */
} weiri_plugin_calling;

void
weiri_plugin_calling_init(weiri_plugin_calling *self, weiri_plugin_host *host);

/* Hand on what was given in the call for rows before `end`, and forget the rest. */
WEIR_MUST_CHECK weir_status
weiri_plugin_commit(weiri_plugin_calling *call, uint64_t end);

/* What goes on next was led to by an event of the rule's input, or by the timer of a
 * state. */
static inline void
weiri_plugin_trigger(const weiri_host_frame *frame, uint64_t position, bool is_timer)
{
    if (frame->trigger != NULL) {
        *frame->trigger = position + (is_timer ? WEIRI_TRIGGER_LATER : 0);
    }
}

/* The position in the rule's input of row `i` of rows that are being worked off: of a
 * part of them it comes with the row.
 *
 *   position  of the first of them, where they are the whole input
 */
static inline uint64_t
weiri_plugin_position(
    const weiri_host_frame *frame, weir_rows rows, uint32_t i, uint64_t position)
{
    return frame->trigger != NULL ? rows.chunk->order[rows.first + i] : position + i;
}

/* ---- plugin_states.c ---- */

/* The state of a key, made if it is new by the event at `position`.
 *
 *   call    has the reason where the plugin could not
 *   errors  WEIR_EDATA  the plugin failed; WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_plugin_find_state(weiri_plugin_host *self, const uint8_t *key, size_t size,
    uint64_t position, weiri_plugin_calling *call, weiri_plugin_state **out);

void
weiri_plugin_set_timer(weiri_plugin_host *self, weiri_plugin_state *state, int64_t at_ns);

/* The state of a key that is there; NULL: there is none. */
weiri_plugin_state *
weiri_plugin_state_at(const weiri_plugin_host *self, const uint8_t *key, size_t size);

/* It had an event at time_ns: none is newer. */
void
weiri_plugin_touch(weiri_plugin_host *self, weiri_plugin_state *state, int64_t time_ns);

/* Free one, its timer with it. */
void
weiri_plugin_drop_state(weiri_plugin_host *self, weiri_plugin_state *state);

/* Free all. */
void
weiri_plugin_drop_states(weiri_plugin_host *self);

WEIR_MUST_CHECK weir_status
weiri_plugin_save_states(
    const weiri_plugin_host *self, weiri_keyed *out, weir_error *err);

WEIR_MUST_CHECK weir_status
weiri_plugin_load_states(
    weiri_plugin_host *self, const weiri_keyed_load *from, weir_error *err);

#endif
