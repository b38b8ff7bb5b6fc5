/* A query with a window: rows go to the windower, what it gives to the collector. */
#include <stdlib.h>

#include "host.h"

struct window_host {
    weiri_host_frame frame;
    weiri_windower  *windower;
};

static weir_status
on_emitted(void *context, int64_t time_ns, const weir_value *values)
{
    struct window_host *self = context;
    return weiri_collector_add(self->frame.emitted, time_ns, values);
}

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    struct window_host *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->frame                  = *frame;
    *out                         = self;
    const weiri_window_sink sink = {
        .context = self, .emitted = on_emitted, .trigger = frame->trigger
    };
    return weiri_windower_new(frame->rule->query, &sink, &self->windower, err);
}

static void
destroy(void *context)
{
    struct window_host *self = context;
    weiri_windower_destroy(&self->windower);
    free(self);
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    struct window_host    *self = context;
    const weiri_rows_list *rows = inputs[0];
    for (uint32_t i = 0; i < rows->n; i++) {
        *self->frame.n_events += rows->items[i].n;
        weir_status status = weiri_windower_feed(self->windower, rows->items[i], err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    struct window_host *self = context;
    return weiri_windower_advance(self->windower, watermark_ns, err);
}

static int64_t
next_deadline(const void *self)
{
    (void)self; /* windows close whenever time passes */
    return INT64_MIN;
}

static weir_status
finish(void *context, weir_error *err)
{
    struct window_host *self = context;
    return weiri_windower_finish(self->windower, err);
}

static void
count(const void *context, weiri_rule_counts *counts)
{
    const struct window_host *self = context;
    counts->window                 = weiri_windower_counts(self->windower);
    counts->position               = weiri_windower_position(self->windower);
}

static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    const struct window_host *self = context;
    return weiri_windower_save(self->windower, out, err);
}

static weir_status
load(void *context, const weiri_keyed_load *from, weir_error *err)
{
    struct window_host *self = context;
    return weiri_windower_load(self->windower, from, err);
}

static weir_status
inspect(const void *context, const weiri_inspector *inspector, bool *is_whole,
    weir_error *err)
{
    const struct window_host *self = context;
    *is_whole                      = true;
    return weiri_windower_inspect(self->windower, inspector, err);
}

const weiri_host_ops weiri_window_host = { make, destroy, feed, advance, next_deadline,
    finish, count, save, load, NULL, NULL, inspect };
