/* weiri_slide: what one aggregate keeps of the rows of a sliding window, from which the
 * oldest rows leave one by one.
 *
 * Counts, sums and sets take back what leaves, exactly. Minimum and maximum keep the rows
 * that may still become it, in order. Moments, which cannot be taken back without loss,
 * are two stacks: suffixes of the older rows, and one total of the newer ones, which
 * becomes suffixes when the older ones are used up. So are aggregates of plugins that can
 * merge and take nothing back; those that cannot merge are worked out anew each time.
 *
 *   source  K. Tangwongsan, M. Hirzel, S. Schneider, "Low-latency sliding-window
 * aggregation in worst-case constant time", DEBS 2017 (two stacks, after Adamax)
 */
#ifndef WEIRI_SLIDE_H
#define WEIRI_SLIDE_H

#include "aggregate/tally.h"

/* The words of a row: its time, which aggregates take it (bit i: aggregate i), and from
 * WEIRI_ROW_CELLS on the arguments. */
enum { WEIRI_ROW_TIME, WEIRI_ROW_MASK, WEIRI_ROW_CELLS };

/* Rows of one key, by number. */
typedef struct weiri_ring {
    uint64_t *words;    /* shape (capacity, stride) */
    uint64_t  head;     /* number of the oldest row */
    uint64_t  tail;     /* number of the next row   */
    uint32_t  capacity; /* power of two, or 0       */
} weiri_ring;

typedef struct weiri_slide_spec {
    const weiri_aggregate *plan;
    weir_type              type;   /* of the argument; WEIR_NULL: there is none */
    uint32_t               index;  /* of the aggregate                     */
    uint32_t               x;      /* word of the argument in a row        */
    uint32_t               y;      /* word of `second`                     */
    uint32_t               stride; /* words of a row                       */
    uint32_t               offset; /* of its state, for the owner's use    */
} weiri_slide_spec;

static inline uint64_t *
weiri_ring_row(const weiri_ring *self, uint32_t stride, uint64_t number)
{
    return self->words + (number & (self->capacity - 1)) * stride;
}

/* Bytes of its state, all zero when empty, aligned to 8. */
size_t
weiri_slide_size(const weiri_aggregate *plan);

/* How it follows the window, for people: static text. */
const char *
weiri_slide_way(const weiri_aggregate *plan);

/* Take row `number`, the newest, whose mask has the aggregate. False: out of memory. */
bool
weiri_slide_add(
    const weiri_slide_spec *spec, void *state, const weiri_ring *ring, uint64_t number);

/* Row ring->head, whose mask has the aggregate, is about to leave. */
bool
weiri_slide_evict(const weiri_slide_spec *spec, void *state, const weiri_ring *ring);

/* Ask for what adding the next row and evicting the oldest will read beside the state. */
void
weiri_slide_prefetch(
    const weiri_slide_spec *spec, const void *state, const weiri_ring *ring);

void
weiri_slide_clear(const weiri_slide_spec *spec, void *state);

/* As weiri_tally_value; strings borrowed from the ring. */
bool
weiri_slide_value(const weiri_slide_spec *spec, void *state, const weiri_ring *ring,
    weiri_results *results, weir_value *out);

/* How many of the rows at the head have suffixes: what the rows alone do not tell. Only
 * of moments above 0. */
uint64_t
weiri_slide_old(const weiri_slide_spec *spec, const void *state, const weiri_ring *ring);

/* What the rows alone do not tell of an aggregate of a plugin, and back, when all rows
 * are there. False: as of weiri_tally_save and weiri_tally_load. */
bool
weiri_slide_save(const weiri_slide_spec *spec, const void *state, const weiri_ring *ring,
    weiri_pack *out);
bool
weiri_slide_load(
    const weiri_slide_spec *spec, void *state, const weiri_ring *ring, weiri_unpack *in);

/* Make suffixes of all rows that are there, of moments. False: out of memory. */
bool
weiri_slide_flip(const weiri_slide_spec *spec, void *state, const weiri_ring *ring);

#endif
