#include "replay.h"

#include <stdlib.h>

#include "weiri/rows_merge.h"

/* Tests are small: each event is a batch of its own. */
static weir_status
feed(const weiri_replay *self, const weiri_match *match, weiri_matcher *matcher,
    weiri_rows_cursor *cursors)
{
    const weiri_rows_list *rows = weiri_graph_rows(self->graph);
    weir_error             err  = { .status = WEIR_OK };
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        uint32_t stream = match->inputs[i].stream;
        weiri_rows_cursor_init(
            &cursors[i], &rows[stream], self->plan->streams[stream].rank, stream);
    }
    weir_status        status = WEIR_OK;
    weiri_rows_cursor *next   = weiri_rows_merge_next(cursors, match->n_inputs);
    while (status == WEIR_OK && next != NULL) {
        const weiri_part  part  = { .input = (uint32_t)(next - cursors),
              .rows = { .chunk = next->list->items[next->range].chunk,
                  .first       = next->row,
                  .n           = 1 } };
        const weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = 1 };
        status                  = weiri_matcher_feed(matcher, &batch, &err);
        weiri_rows_cursor_step(next);
        next = weiri_rows_merge_next(cursors, match->n_inputs);
    }
    return status == WEIR_OK ? weiri_matcher_advance(matcher, self->deadline_ns, &err)
                             : status;
}

weir_status
weiri_replay_match(const weiri_replay *self, const weiri_match *match,
    weiri_replay_matched *matched, void *context)
{
    weiri_match            copy    = *match;
    weir_error             err     = { .status = WEIR_OK };
    weiri_matcher         *matcher = NULL;
    const weiri_match_sink sink    = { .context = context, .matched = matched };
    weiri_rows_cursor     *cursors = calloc(match->n_inputs, sizeof *cursors);
    weiri_emit             nothing = { .schema = NULL };
    copy.emit                      = NULL;
    copy.on_timeout                = match->on_timeout != NULL ? &nothing : NULL;
    weir_status status             = cursors == NULL ? WEIR_ENOMEM : WEIR_OK;
    if (status == WEIR_OK) {
        status = weiri_matcher_new(&copy, &sink, &matcher, &err);
    }
    if (status == WEIR_OK) {
        status = feed(self, match, matcher, cursors);
    }
    if (status == WEIR_OK) {
        status = weiri_matcher_finish(matcher, &err);
    }
    weiri_matcher_destroy(&matcher);
    free(cursors);
    return status;
}
