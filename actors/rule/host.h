/* weiri_host: what runs the heart of a rule, one kind for each kind of heart.
 *
 *   filter.c   a query without a window, on columns
 *   window.c   a query with one: the windower
 *   plugin.c   an actor of a plugin
 *   remote.c   the same in a process of its own
 *   join.c     what comes before a query that reads two streams: the joiner
 *   fold.c     a query that reads and writes one table
 *   match.c    a match: the matcher, on the ordered batch of its inputs
 */
#ifndef WEIRI_HOST_H
#define WEIRI_HOST_H

#include "collector.h"
#include "rule.h"
#include "weiri/inspect.h"
#include "weiri/keyed.h"

/* What a host is lent by its rule actor, which outlives it. */
typedef struct weiri_host_frame {
    const weiri_plan *plan;
    const weiri_rule *rule;
    weiri_collector  *emitted;
    weiri_collector  *timeouts; /* schema NULL: timeouts go to `emitted`. Of an actor:
                                 * events that failed */
    uint64_t *n_events;
    uint64_t *trigger; /* for the sink's `trigger`; NULL: fed the whole input */
} weiri_host_frame;

typedef struct weiri_host_ops {
    /* errors  WEIR_ENOMEM, WEIR_EINVAL; *out is to be destroyed all the same */
    weir_status (*make)(const weiri_host_frame *frame, void **out, weir_error *err);
    void (*destroy)(void *self);
    weir_status (*feed)(
        void *self, const weiri_rows_list *const *inputs, weir_error *err);
    weir_status (*advance)(void *self, int64_t watermark_ns, weir_error *err);
    /* Before a watermark beyond this, advance changes nothing; INT64_MAX: never does. */
    int64_t (*next_deadline)(const void *self);
    weir_status (*finish)(void *self, weir_error *err);
    void (*count)(const void *self, weiri_rule_counts *counts);
    /* Add the state to `out`, one head and the keys: all that what is emitted later
     * depends on, between two calls of feed and advance. The frame's collectors and
     * n_events are the actor's.
     *
     *   errors  WEIR_ENOMEM, WEIR_EINVAL
     */
    weir_status (*save)(const void *self, weiri_keyed *out, weir_error *err);
    /* Have a host that has just been made go on where saved ones were.
     *
     *   from    not trusted; of a rule that is not split by key it is of one host, or
     *           has heads alone
     *   errors  WEIR_EDATA   damaged, of another format, or of another rule
     *           WEIR_EINVAL, WEIR_ENOMEM
     *           After any of them the host is to be destroyed.
     */
    weir_status (*load)(void *self, const weiri_keyed_load *from, weir_error *err);
    /* What it has counted by itself, behind what the actor has; loading adds it up.
     * NULL: nothing. */
    void (*save_counts)(const void *self, weiri_pack *out);
    void (*load_counts)(void *self, weiri_unpack *in);
    /* Tell what is held; NULL: nothing is that can be told. As weiri_matcher_inspect. */
    weir_status (*inspect)(const void *self, const weiri_inspector *inspector,
        bool *is_whole, weir_error *err);
} weiri_host_ops;

extern const weiri_host_ops weiri_filter_host;
extern const weiri_host_ops weiri_window_host;
extern const weiri_host_ops weiri_match_host;
extern const weiri_host_ops weiri_plugin_host_ops;
extern const weiri_host_ops weiri_remote_host_ops;
extern const weiri_host_ops weiri_join_host;
extern const weiri_host_ops weiri_fold_host;

#endif
