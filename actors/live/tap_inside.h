/* The inside of a tap.
 *
 *   tap.c        what is asked, and what is shown of it
 *   tap_where.c  keys as they are typed, and whose they are in a cluster
 */
#ifndef WEIRI_LIVE_TAP_INSIDE_H
#define WEIRI_LIVE_TAP_INSIDE_H

#include "tap.h"
#include "weiri/codec.h"
#include "weiri/gather.h"

struct weiri_tap {
    const weiri_plan  *plan;
    weiri_live_page   *page;
    weiri_encoder    **encoders; /* shape (plan->n_streams,): NULL until used */
    weiri_buffer       buffer;
    uint64_t           version; /* of the wish that is answered; 0: of none */
    weiri_tap_wish     wish;
    bool               is_refused; /* it cannot be answered, and that was said */
    weiri_arena       *arena;      /* of the answer                            */
    const weiri_rule  *rule;       /* NULL: none is asked about                */
    uint32_t           rule_index;
    const weiri_match *inputs;  /* of the rule; of a query as of a match       */
    weiri_program    **filters; /* shape (plan->n_streams,): NULL: all rows    */
    bool              *is_seen; /* likewise: the stream is looked at           */
    /* what may still be done in this window */
    int64_t  window_ns;
    int64_t  spent_ns;
    uint32_t budget;
    uint64_t n_unsaid;
    /* partial matches of one key */
    bool             has_key;
    weiri_program  **keys; /* of each input: is it of the key? */
    const char      *key;
    weiri_rows_list *picked; /* of each stream, for `gather`   */
    weiri_gather    *gather;
    weiri_trace     *trace;
    uint32_t         n_pushed;
    uint32_t         n_nodes; /* told of, as are ... */
    uint32_t         n_ends;
    uint32_t         n_outputs;
};

/* A value of the key as it was typed. False: it is none of this type. */
bool
weiri_tap_read_value(
    weiri_tap *self, const char *text, size_t size, weir_type type, weir_value *out);

/* Whether events of a key of the rule that is asked about all pass here: in a cluster a
 * node has the keys of its own key groups.
 *
 *   values  of the key, shape (self->inputs->n_keys,)
 */
bool
weiri_tap_has_key(const weiri_tap *self, const weir_value *values);

/* What is asked of a rule or a key that another node of the cluster has cannot be
 * answered from the events that pass here.
 *
 *   errors  WEIR_EINVAL  `err` says who has it, where that is known
 */
WEIR_MUST_CHECK weir_status
weiri_tap_check_place(weiri_tap *self, weir_error *err);

#endif
