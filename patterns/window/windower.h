/* What the kinds of windows share. */
#ifndef WEIRI_WINDOWER_H
#define WEIRI_WINDOWER_H

#include "aggregate/slide.h"
#include "weiri/keyed.h"
#include "weiri/limits.h"
#include "window/emission.h"
#include "window/key_table.h"
#include "window/time.h"

/* Begins the owner's part of each entry of tables whose entries outlive a window. */
typedef struct weiri_entry {
    weiri_emission emission;
    bool           is_used;  /* false once given back to the table */
    bool           is_dirty; /* has events since the last early results */
} weiri_entry;

/* The selected rows of what was fed last. */
typedef struct weiri_window_batch {
    weir_rows rows;
    uint32_t  n;
    uint16_t  row[WEIRI_CHUNK_ROWS];  /* in the vectors; the chunk's is rows.first more */
    int64_t   time[WEIRI_CHUNK_ROWS]; /* of selected row i                          */
    uint64_t  order[WEIRI_CHUNK_ROWS]; /* its position in the rule's input         */
    uint32_t  hash[WEIRI_CHUNK_ROWS];
    uint64_t  mask[WEIRI_CHUNK_ROWS]; /* bit a: aggregate a takes it                */
    weiri_cell *keys;                 /* shape (WEIRI_CHUNK_ROWS, n_keys)           */
} weiri_window_batch;

/* One result to be judged and given. */
typedef struct weiri_evaluation {
    const weiri_cell *keys;
    int64_t           start;
    int64_t           end;
    int64_t           time_ns; /* of the result */
    char             *states;  /* tallies, or with a ring slides, at self->offset */
    const weiri_ring *ring;
    const weir_chunk *chunk; /* the event, of sliding and last */
    uint32_t          row;
    weiri_emission   *emission; /* NULL: neither `when changes` nor `limit per` */
    uint64_t          trigger;
} weiri_evaluation;

/* A window to close, or an entry in some order. */
typedef struct weiri_due {
    int64_t  end;
    uint64_t first; /* order of the key's first event in it */
    uint32_t entry;
} weiri_due;

/* `order by`: a result that waits for the others of its window. */
typedef struct weiri_pending {
    weir_value *values; /* emit's, then those of `order by`, of `each`; owned, one
                         * block */
    weiri_emission *emission;
    int64_t         time_ns;
    uint64_t        place;
} weiri_pending;

typedef struct weiri_window_viewer weiri_window_viewer; /* see inspect.h */

typedef struct weiri_window_ops {
    const char *name;
    bool        keeps_order; /* entries have an order that results depend on: what
                              * save_entry writes begins with a number that tells it */
    weir_status (*feed)(weiri_windower *self);
    /* INT64_MAX: none is open. */
    int64_t (*next_close)(const weiri_windower *self);
    /* Close what ends at `end`, which is next_close(). */
    weir_status (*close)(weiri_windower *self, int64_t end);
    /* Early results at time_ns, of the entries in self->dirty. */
    weir_status (*tick)(weiri_windower *self, int64_t time_ns);
    /* The time from which on an entry's state matters to no event; INT64_MAX: none known.
     * What `limit` has noted is looked at apart. NULL: entries need no sweep. */
    int64_t (*stale_from)(const weiri_windower *self, const weiri_entry *entry);
    /* Empty an entry. */
    void (*clear)(weiri_windower *self, void *entry);
    /* What an entry holds but its key, as bytes. False: out of memory.
     *   rows  of flowing windows that of weiri_flowing_index */
    bool (*save_entry)(const weiri_windower *self, uint32_t entry, const uint64_t *rows,
        weiri_pack *out);
    /* Into an entry that is zero, after those that stand before it. False: something is
     * wrong, or memory is out; the entry can be cleared all the same. */
    bool (*load_entry)(weiri_windower *self, uint32_t entry, weiri_unpack *in);
    /* All entries are there. NULL: nothing is left to do. False: out of memory. */
    bool (*loaded)(weiri_windower *self);
    /* Tell what an entry holds. */
    void (*inspect)(
        const weiri_windower *self, uint32_t entry, weiri_window_viewer *viewer);
} weiri_window_ops;

struct weiri_windower {
    const weiri_query      *plan;
    const weiri_window     *window;
    weiri_window_sink       sink;
    const weiri_window_ops *ops;
    weiri_window_counts     counts;

    weiri_program *columns; /* where, keys, arguments and filters over the event */
    weiri_vector  *vectors; /* of its roots */
    uint32_t       n_roots;
    uint32_t       key_root;
    uint32_t       x_root[WEIRI_AGGREGATES]; /* WEIRI_NONE: no argument */
    uint32_t       y_root[WEIRI_AGGREGATES];
    uint32_t       filter_root[WEIRI_AGGREGATES];
    weiri_cell    *cells; /* of roots that are no 8-byte numbers, shape (n_roots, rows) */
    const weiri_cell **root_cells; /* of each root, by vector row */
    weiri_window_batch batch;

    weiri_program *results; /* having, emit's values, order's values */
    uint32_t       emit_root;
    uint32_t       order_root;
    weir_value     registers[WEIRI_AGGREGATES];
    uint64_t       in_having; /* registers that having reads */
    uint64_t       in_emit;   /* those that only emit and order read */
    weiri_results  values;
    weir_value    *out;          /* emit's values, then order's */
    uint32_t      *out_register; /* of each: the register that it is, or WEIRI_NONE */
    uint32_t       n_out;

    weir_type       *key_types;
    weiri_key_table  keys;
    size_t           offset[WEIRI_AGGREGATES]; /* of a state in a block of states */
    size_t           states_size;
    uint32_t         active[WEIRI_AGGREGATES]; /* aggregates that have a state */
    uint32_t         n_active;
    weiri_slide_spec slides[WEIRI_AGGREGATES];
    uint32_t         stride;  /* words of a sliding window's row */
    uint32_t         n_cells; /* of them arguments */
    uint32_t         cell_root[2 * WEIRI_AGGREGATES]; /* root of each argument of a row */

    int64_t  due;      /* nothing happens before an event at this time */
    int64_t  tick;     /* the next early results; INT64_MAX: none      */
    int64_t  last_ns;  /* time of the latest selected event            */
    int64_t  close_ns; /* hopping, tumbling: the next end              */
    int64_t  until_ns; /* the time that is being caught up with        */
    uint64_t n_fills;  /* hopping: results of `fill` since the last event */
    uint64_t n_seen;   /* selected events, or where only some keys are at hand the order
                        * after the last one's: what was seen is below it    */
    uint64_t n_emitted;
    uint32_t sweep;   /* next entry to look at */
    uint32_t n_new;   /* keys that the last chunk brought */
    int64_t  full_ns; /* before it no entry of a full table is stale */
    bool     is_finishing;
    bool has_ended; /* running: what was open at the end of the input has been given */
    bool has_text;  /* of the arguments in rows some are strings or lists */

    uint32_t  *dirty; /* entries with events since the last early results */
    uint32_t   n_dirty;
    uint32_t   dirty_room;
    uint32_t  *live; /* hopping: entries in order of their first event ever */
    uint32_t   n_live;
    uint32_t   live_room;
    weiri_due *dues;
    uint32_t   n_dues;
    uint32_t   dues_room;
    char      *scratch; /* a block of tallies */
    uint32_t   oldest;  /* session: ends of the list by last event */
    uint32_t   newest;
    int64_t    pane_ns;
    uint32_t   linear[WEIRI_AGGREGATES]; /* linear: the aggregates that are filled */
    uint32_t   n_linear;
    uint32_t   n_gaps;         /* linear: that rows wait in, of all keys */
    weiri_ring rows;           /* flowing: of all keys */
    uint32_t   dropped_entry;  /* whose oldest row was dropped last, */
    uint64_t   dropped_number; /* and the number after it            */

    weiri_pending *pending;
    uint32_t       n_pending;
    uint32_t       n_cut; /* those left when it was last cut */
    uint32_t       pending_room;
    uint64_t       n_placed;
};

extern const weiri_window_ops weiri_tumbling_ops;
extern const weiri_window_ops weiri_hopping_ops;
extern const weiri_window_ops weiri_session_ops;
extern const weiri_window_ops weiri_sliding_ops;
extern const weiri_window_ops weiri_flowing_ops;
extern const weiri_window_ops weiri_running_ops;
extern const weiri_window_ops weiri_linear_ops;

/* Whether a window can be run by weiri_flowing_ops. */
bool
weiri_is_flowing(const weiri_window *window);

/* The rows of each key, to be freed. Shape (keys.n_used + 1 + rows,): of entry i they are
 * index[i] … index[i + 1] - 1 among the numbers that follow. NULL: out of memory. */
uint64_t *
weiri_flowing_index(const weiri_windower *self);

/* Free the queue of rows. */
void
weiri_flowing_fini(weiri_windower *self);

size_t
weiri_flowing_entry_size(const weiri_windower *self);

/* ---- sliding.c: rows of a ring ---- */

/* Free the strings of a row. */
void
weiri_row_free(const weiri_windower *self, const uint64_t *row);

/* Fill time, mask and arguments from selected row i. False: out of memory. */
bool
weiri_row_fill(weiri_windower *self, uint64_t *row, uint32_t i);

/* Let the aggregates that take row `number`, the newest, have it. False: out of memory.
 */
bool
weiri_row_add(
    const weiri_windower *self, char *states, const weiri_ring *ring, uint64_t number);

/* The most rows that a key's window holds. */
uint32_t
weiri_rows_bound(const weiri_window *window);

/* Double the room. False: out of memory, nothing changed. */
bool
weiri_rows_grow(const weiri_windower *self, weiri_ring *ring);

/* Bytes of the owner's part of an entry, for each kind. */
size_t
weiri_tumbling_entry_size(const weiri_windower *self);
size_t
weiri_hopping_entry_size(const weiri_windower *self);
size_t
weiri_session_entry_size(const weiri_windower *self);
size_t
weiri_sliding_entry_size(const weiri_windower *self);
size_t
weiri_running_entry_size(const weiri_windower *self);
size_t
weiri_linear_entry_size(const weiri_windower *self);

/* ---- windower.c ---- */

/* Close and tick all that is due by now_ns. */
weir_status
weiri_windower_catch_up(weiri_windower *self, int64_t now_ns);

/* The entry of selected row i; WEIRI_NO_ENTRY where it is dropped for want of room. */
weir_status
weiri_windower_entry(weiri_windower *self, uint32_t i, uint32_t *entry, bool *is_new);

/* Add selected row i to a block of tallies. */
weir_status
weiri_windower_add(weiri_windower *self, char *states, uint32_t i);

weir_status
weiri_windower_merge(weiri_windower *self, char *states, const char *later);

void
weiri_windower_clear(weiri_windower *self, char *states);

/* Note that an entry has an event at time_ns that early results have not shown. */
weir_status
weiri_windower_touch(weiri_windower *self, uint32_t entry, int64_t time_ns);

/* Append to self->dues: what closes at one time, or the gaps of LINEAR, a heap. */
weir_status
weiri_windower_push_due(
    weiri_windower *self, int64_t end, uint64_t first, uint32_t entry);

/* Sort self->dues by (end, first). False: out of memory. */
bool
weiri_windower_sort_dues(weiri_windower *self);

/* The time from which on an entry matters to no event; INT64_MAX: none known. */
int64_t
weiri_entry_stale_from(const weiri_windower *self, const weiri_entry *entry);

/* Give an entry back that holds nothing. */
weir_status
weiri_windower_release(weiri_windower *self, uint32_t entry);

/* Make room for one more item of a growing array. */
bool
weiri_need_room(void **items, uint32_t n, uint32_t *room, size_t size);

/* ---- result.c ---- */

/* Judge a result and emit it, or keep it for `order by` until flush. */
weir_status
weiri_windower_give(weiri_windower *self, const weiri_evaluation *e, bool *is_emitted);

/* Emit what waits, in order. */
weir_status
weiri_windower_flush(weiri_windower *self);

#endif
