/* The executor "sets": what its files share.
 *
 * The automaton is made deterministic as far as it is needed: a set of its states is a
 * state here, and on a class of events each step that may take the event leads to one
 * set, passing the event over to one more. So different ways hold different (step, event)
 * pairs, and no match is found twice.
 *
 * Partial matches are a graph of nodes of three kinds: an event that begins a match, an
 * event taken after all that a node stands for, and the union of two nodes. Each set of
 * states that is in use has a short list of nodes, from which all of its partial matches
 * are read.
 *
 * Source: Bucchi, Grez, Quintana, Riveros, Vansummeren, "CORE: a complex event
 * recognition engine", PVLDB 15(9), 2022 (I/O-determinism, timed enumerable compact
 * sets, union lists). The order in which matches are given is ours.
 */
#ifndef WEIRI_SETS_H
#define WEIRI_SETS_H

#include "match/blocks.h"
#include "match/executor.h"
#include "match/watches.h"

enum {
    WEIRI_SETS_STATES  = 1 << 16, /* sets of states; partial matches that */
    WEIRI_SETS_MEMBERS = 1 << 22, /* would need more are dropped          */
    WEIRI_SETS_COLLECT = 64       /* taken events before the first look at what is over */
};

/* Where a move leads to besides a set of states, or WEIRI_NONE. */
#define WEIRI_SETS_LOST (WEIRI_NONE - 1)

/* ---- sets of states ---- */

typedef struct weiri_set_move {
    uint32_t step;   /* that takes the event; WEIRI_NONE: it is passed over */
    uint32_t target; /* a set of states                                     */
    bool     completes;
} weiri_set_move;

/* What a set does on a class of events. */
typedef struct weiri_set_row {
    weiri_set_move *moves; /* a step once; passing over comes last */
    uint32_t        n_moves;
    bool            is_made;
    bool            completes;  /* without this event, at its time  */
    bool            is_nothing; /* passes over it and stays itself */
} weiri_set_row;

typedef struct weiri_set {
    uint32_t       first; /* in `members` */
    uint32_t       n;
    weiri_set_row *rows; /* shape (n_rows,), by class */
    uint32_t       n_rows;
    uint32_t       slot;  /* its list at the event at work … */
    uint64_t       stamp; /* … if this is the event's        */
} weiri_set;

typedef struct weiri_sets {
    weiri_set *sets; /* set 0 is where every match begins */
    uint32_t   n;
    uint32_t   capacity;
    uint32_t  *members; /* states of the automaton, ascending in each set */
    uint32_t   n_members;
    uint32_t   capacity_members;
    uint32_t  *buckets; /* sets by what they have, open addressing; WEIRI_NONE: free */
    uint32_t   n_buckets;
} weiri_sets;

/* ---- partial matches ---- */

enum { WEIRI_SET_TAKEN = 1U << 31 };

typedef struct weiri_set_node {
    uint64_t start; /* the latest first event among its matches, by order              */
    uint32_t left;  /* union: the part with that start; event: what is before, 0: none */
    uint32_t right; /* union: the other part; event: its number | WEIRI_SET_TAKEN */
} weiri_set_node;

/* An event that was taken by a step, with the cells that are kept of it. */
typedef struct weiri_set_taken {
    int64_t    time_ns;
    uint64_t   order;
    uint32_t   step;
    weiri_cell kept[];
} weiri_set_taken;

/* In a partition. A list is a set of states, how many nodes, and these; the first is no
 * union, and has the latest start of all. Lists stand by the starts of their first. */
typedef struct weiri_sets_state {
    weiri_watch     watch;
    uint64_t        cut;   /* what began before is over                      */
    uint64_t        quiet; /* classes < 64 that no list does anything on     */
    weiri_set_node *nodes; /* node 0 is none; children have smaller numbers  */
    char           *taken; /* in the order of events                         */
    uint32_t       *lists;
    uint32_t        n_nodes;
    uint32_t        capacity_nodes;
    uint32_t        n_taken;
    uint32_t        capacity_taken;
    uint32_t        first_taken; /* the first that may not be over by `within` */
    uint32_t        n_words;     /* of the lists; 0: no partial match          */
    uint32_t        n_lists;
    uint32_t        capacity_words;
    uint32_t        n_made; /* event nodes since, and left at, the last look    */
    uint32_t        limit;  /* at which it is looked again for what is over     */
} weiri_sets_state;

/* A list at the event at work. */
typedef struct weiri_set_list {
    uint32_t  set;
    uint32_t  n;
    uint32_t  capacity;
    uint32_t *nodes;
} weiri_set_list;

/* ---- matches of an event ---- */

/* A node that leads to a match, in an order in which its children come before it. `rest`:
 * how many events follow until the match is complete: of min, min + stride, … max, and
 * if it has words, those with a bit. */
typedef struct weiri_set_place {
    uint64_t order; /* of its event */
    uint32_t node;
    uint32_t step;
    bool     is_union;
    bool     is_end;     /* a match may be complete with it */
    bool     is_inexact; /* not every number of min, min + stride, … is meant */
    uint32_t parents;    /* first, in walk.parents */
    uint32_t n_parents;
    uint32_t up; /* union: the last one up to which there is only one way */
    uint32_t min;
    uint32_t max;
    uint32_t stride;
    uint32_t n_words;
    size_t   words; /* first, in walk.words      */
    uint32_t next;  /* first of what may follow, in walk.next; WEIRI_NONE: not known */
    uint32_t n_next;
    uint32_t visit;
} weiri_set_place;

/* One of the places that hold the event at a position, and how far it was followed. */
typedef struct weiri_set_front {
    uint32_t place;
    uint32_t cursor;
    bool     is_dead; /* leads to no match with the positions at hand */
} weiri_set_front;

/* All ways to hold the event at a position of the match. */
typedef struct weiri_set_frame {
    uint32_t first; /* in walk.fronts */
    uint32_t n;
    uint32_t n_wide; /* how many of the frames up to here have several */
    uint32_t choice; /* the one of the match being given; 0 in between */
} weiri_set_frame;

typedef struct weiri_set_walk {
    uint32_t        *map; /* per node: its place + 1; zero between events */
    size_t           n_map;
    uint32_t        *stack;
    size_t           n_stack;
    weiri_set_place *places;
    size_t           n_places; /* room; as in what follows */
    uint32_t        *parents;
    size_t           n_parents;
    uint64_t        *words;
    size_t           n_words;
    uint32_t        *next; /* places, by the numbers of their nodes */
    size_t           n_next;
    uint32_t        *starts;
    size_t           n_starts;
    weiri_set_front *fronts;
    size_t           n_fronts;
    weiri_set_frame *frames;
    size_t           n_frames;
    weiri_taken     *taken;
    size_t           n_taken;
    uint32_t        *path; /* places of the match given last */
    size_t           n_path;
    weiri_cell      *cells; /* a row after each event of it   */
    size_t           n_cells;
    uint32_t         used_places;
    uint32_t         used_next;
    uint32_t         used_words;
    uint32_t         visit;
    uint32_t         depth;   /* events of `path`, with their cells */
    uint32_t         fresh;   /* frames from here on are new since the last match */
    uint64_t         n_given; /* at this event */
} weiri_set_walk;

struct weiri_executor {
    weiri_core        *core;
    weiri_blocks       blocks;
    weiri_sets         sets;
    weiri_class        other;      /* what WEIRI_CLASS_OTHER stands for now */
    const weiri_class *fact_class; /* of the row being made       */
    weiri_set_move    *found;      /* moves of the row being made        */
    size_t             n_found;
    weiri_watches      watches;
    uint32_t           taken_size;
    uint32_t           n_cells; /* of a match */
    uint64_t           n_nodes; /* in lists of all partitions */
    /* the event at work */
    weiri_sets_state  *state;
    const weiri_event *event;
    uint64_t           stamp;
    weiri_set_list    *lists;
    uint32_t           n_lists;
    uint32_t           capacity_lists;
    uint32_t           taken[64]; /* per step: its number … */
    uint64_t           taken_stamp[64];
    uint32_t          *roots; /* nodes whose matches are complete */
    uint32_t           n_roots;
    size_t             capacity_roots;
    uint32_t          *merged; /* scratch of a collection         */
    size_t             n_merged;
    weir_value        *key;
    weiri_set_walk     walk;
};

static inline weiri_sets_state *
weiri_sets_state_of(const weiri_partition *partition)
{
    return (weiri_sets_state *)(partition + 1);
}

static inline weiri_set_taken *
weiri_sets_taken(
    const weiri_executor *self, const weiri_sets_state *state, uint32_t number)
{
    return (weiri_set_taken *)(state->taken
                               + (size_t)(number & ~(uint32_t)WEIRI_SET_TAKEN)
                                     * self->taken_size);
}

static inline bool
weiri_set_is_union(const weiri_set_node *node)
{
    return (node->right & WEIRI_SET_TAKEN) == 0;
}

bool
weiri_sets_grow(
    weiri_executor *self, void *array_p, size_t *capacity, size_t n, size_t size);

/* Room for `n` items of `size` bytes in an array that grows. False, and the matcher
 * stops: memory is out. */
static inline bool
weiri_sets_reserve(
    weiri_executor *self, void *array_p, size_t *capacity, size_t n, size_t size)
{
    return n <= *capacity || weiri_sets_grow(self, array_p, capacity, n, size);
}

/* sets_states.c: sets of states. */
bool
weiri_sets_init(weiri_executor *self);
void
weiri_sets_fini(weiri_executor *self);

/* The set with these members (ascending, none twice), made if there is none: WEIRI_NONE
 * for none at all, WEIRI_SETS_LOST where there is no room for more. */
uint32_t
weiri_sets_intern(weiri_executor *self, const uint32_t *members, uint32_t n);

const weiri_set_row *
weiri_sets_make_row(weiri_executor *self, uint32_t set, uint32_t class);

/* What a set does on a class of events. Stays where it is, until the class is
 * WEIRI_CLASS_OTHER and stands for another. */
static inline const weiri_set_row *
weiri_sets_row(weiri_executor *self, uint32_t set, uint32_t class)
{
    const weiri_set *at = &self->sets.sets[set];
    return class < at->n_rows && at->rows[class].is_made
               ? &at->rows[class]
               : weiri_sets_make_row(self, set, class);
}

unsigned
weiri_sets_use_of(weiri_executor *self, uint32_t class);
void
weiri_sets_set_other(weiri_executor *self, const weiri_class *class);

/* sets_nodes.c: the graph of a partition. Numbers of nodes are 0 when memory is out. */
uint32_t
weiri_sets_push(weiri_executor *self, weiri_sets_state *state, uint64_t start,
    uint32_t left, uint32_t right);
uint32_t
weiri_sets_push_taken(weiri_executor *self, weiri_sets_state *state);

/* One node for all of a list's: shape (n,), n > 0. */
uint32_t
weiri_sets_merge(
    weiri_executor *self, weiri_sets_state *state, const uint32_t *nodes, uint32_t n);

/* Add a node to a list that is not empty. */
void
weiri_sets_insert(
    weiri_executor *self, weiri_sets_state *state, weiri_set_list *list, uint32_t node);

/* Take lists in place of those there are. */
void
weiri_sets_store(weiri_executor *self, weiri_sets_state *state,
    const weiri_set_list *lists, uint32_t n_lists);

/* What began before `cut` goes from the lists. */
void
weiri_sets_prune(weiri_executor *self, weiri_sets_state *state, uint64_t cut);

/* Give back the memory of what no list leads to, and keep to the bound. */
void
weiri_sets_collect(weiri_executor *self, weiri_sets_state *state);

/* Everything goes. */
void
weiri_sets_clear(weiri_executor *self, weiri_sets_state *state);

/* Mark what the lists lead to, shape (n_nodes,) and (n_taken,), both zeroed before. A
 * union with one side that is over is not marked itself.
 *
 *   returns  how many event nodes are marked
 */
uint32_t
weiri_sets_mark(const weiri_executor *self, const weiri_sets_state *state,
    uint32_t *nodes, uint32_t *taken);

/* sets_places.c: a place for each node below self->roots, children first; the map is to
 * be cleared with weiri_sets_forget_places. */
void
weiri_sets_find_places(weiri_executor *self);
void
weiri_sets_forget_places(weiri_executor *self);

/* How many matches there are; at UINT64_MAX it stays. What weiri_sets_connect found is
 * gone. */
uint64_t
weiri_sets_count(weiri_executor *self);

/* Find of each place what it is part of, and how many events may follow. */
void
weiri_sets_connect(weiri_executor *self);

/* Whether `length` more events after that of `place` may complete a match. */
bool
weiri_sets_has_length(const weiri_executor *self, uint32_t place, uint32_t length);

/* List what takes the next event after that of `place`, by the order of events. */
void
weiri_sets_find_next(weiri_executor *self, uint32_t place);

/* Ascending. */
void
weiri_sets_sort(uint32_t *numbers, uint32_t n);

/* sets_give.c: give all matches of self->roots, in the order of docs/semantics.md 5. */
void
weiri_sets_give(weiri_executor *self, const weiri_partition *partition);
void
weiri_sets_give_fini(weiri_executor *self);

/* sets.c: one more list of the event at work, empty; NULL when memory is out. */
weiri_set_list *
weiri_sets_add_list(weiri_executor *self);

/* sets_save.c: see weiri_executor_ops. */
void
weiri_sets_save(const weiri_executor *self, weiri_pack *out);
void
weiri_sets_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen);
void
weiri_sets_load(weiri_executor *self, weiri_unpack *in);
void
weiri_sets_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared);
void
weiri_sets_loaded(weiri_executor *self);

/* sets_inspect.c: likewise. */
void
weiri_sets_inspect(
    const weiri_executor *self, const weiri_partition *partition, weiri_viewer *viewer);

#endif
