/* What an engine gives the other nodes of its cluster; without one there is nothing to
 * do in any of these. */
#ifndef WEIRI_ENGINE_GIVEN_H
#define WEIRI_ENGINE_GIVEN_H

#include "../cluster/parts.h"
#include "../sink/sink.h"
#include "weiri/engine.h"
#include "weiri/flow.h"

/* A stream of which others get their parts. */
typedef struct weiri_giver {
    const weiri_given *given;
    weiri_merge       *merge; /* of sources: what waits; else NULL            */
    weiri_parts       *parts;
    weiri_outlet     **outlets;      /* shape (n_members,): of this node NULL        */
    weiri_rows_list   *to;           /* shape (n_members,): scratch                  */
    weiri_rows_list    rows;         /* scratch                                      */
    int64_t            watermark_ns; /* up to when it was given */
    bool               is_ended;
} weiri_giver;

/* Before sources are opened. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_make_givers(weiri_engine *self, weir_error *err);

/* When the state has been loaded. errors  WEIR_EINVAL  there is no such peer; WEIR_EDATA,
 * WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_open_givers(weiri_engine *self, weir_error *err);

/* Where events of a source of this node go beside its stream; NULL: nowhere. */
weiri_merge *
weiri_engine_giver_of(const weiri_engine *self, const weiri_source *source);

/* Give what sources have delivered before their clocks; on the thread that takes in. */
WEIR_MUST_CHECK weir_status
weiri_engine_give(weiri_engine *self, weir_error *err);

/* Give what rules gave in a turn; on the thread that writes. rows: (plan->n_streams,) */
WEIR_MUST_CHECK weir_status
weiri_engine_give_derived(weiri_engine *self, const weiri_turn *turn,
    const weiri_rows_list *rows, weir_error *err);

/* Whether this node gives others a stream. */
bool
weiri_engine_gives(const weiri_engine *self, uint32_t stream);

/* Of what streams give that which sinks of this node write; on the thread that writes.
 *
 *   rows, *out  shape (plan->n_streams,), borrowed until the next call
 *   errors      WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_engine_keep_own(
    weiri_engine *self, const weiri_rows_list *rows, const weiri_rows_list **out);

/* Whether a way to another node has no room for more of what a source brings: for its
 * stream, where it is one of this node's own, or for what rules give. */
bool
weiri_engine_is_overfull(const weiri_engine *self, const weiri_source *source);

WEIR_MUST_CHECK weir_status
weiri_engine_settle_givers(weiri_engine *self, weir_error *err);

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_save_givers(const weiri_engine *self, weiri_sections *out);

/* errors  WEIR_EDATA  damaged, or of other nodes; WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_load_givers(weiri_engine *self, weir_error *err);

void
weiri_engine_close_givers(weiri_engine *self);

#endif
