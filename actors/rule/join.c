/* A join: the joiner, fed with the rows of both sides; what it gives is the joined
 * stream as it is. */
#include <stdlib.h>

#include "host.h"

struct join_host {
    weiri_host_frame frame;
    weiri_joiner    *joiner;
};

static weir_status
on_joined(void *context, weir_chunk **chunk_p)
{
    struct join_host *self = context;
    return weiri_collector_add_chunk(self->frame.emitted, chunk_p);
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    struct join_host *self = context;
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < inputs[side]->n; i++) {
            *self->frame.n_events += inputs[side]->items[i].n;
        }
    }
    return weiri_joiner_feed(self->joiner, inputs[0], inputs[1], err);
}

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    struct join_host *self = context;
    return weiri_joiner_advance(self->joiner, watermark_ns, err);
}

static int64_t
next_deadline(const void *self)
{
    const struct join_host *host = self;
    return weiri_joiner_next_deadline(host->joiner);
}

static weir_status
finish(void *context, weir_error *err)
{
    struct join_host *self = context;
    return weiri_joiner_finish(self->joiner, err);
}

static void
count(const void *context, weiri_rule_counts *counts)
{
    const struct join_host *self = context;
    counts->join                 = weiri_joiner_counts(self->joiner);
}

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    struct join_host *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out                       = self;
    self->frame                = *frame;
    const weiri_join_sink sink = { .context = self, .joined = on_joined };
    return weiri_joiner_new(frame->rule->join, &sink, &self->joiner, err);
}

static void
destroy(void *context)
{
    struct join_host *self = context;
    weiri_joiner_destroy(&self->joiner);
    free(self);
}

static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    const struct join_host *self = context;
    return weiri_joiner_save(self->joiner, out, err);
}

static weir_status
load(void *context, const weiri_keyed_load *from, weir_error *err)
{
    struct join_host *self = context;
    return weiri_joiner_load(self->joiner, from, err);
}

static weir_status
inspect(const void *context, const weiri_inspector *inspector, bool *is_whole,
    weir_error *err)
{
    const struct join_host *self = context;
    (void)err;
    *is_whole = true;
    weiri_joiner_inspect(self->joiner, inspector);
    return WEIR_OK;
}

const weiri_host_ops weiri_join_host = { make, destroy, feed, advance, next_deadline,
    finish, count, save, load, NULL, NULL, inspect };
