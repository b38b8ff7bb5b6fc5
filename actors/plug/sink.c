/* A sink of a plugin as a writer. */
#include <stdlib.h>
#include <string.h>

#include "../bytes/ops.h"
#include "plug.h"
#include "weiri/limits.h"

typedef struct plug_writer {
    weiri_writer            base;
    weiri_plug              part;
    const weir_plugin_sink *sink;
    weiri_metrics          *metrics;
    void                   *self;
    bool                    is_open;
    uint32_t                n_logged;
    weir_plugin_field      *inputs;
    weiri_pack              place; /* where it was when it was settled last */
    weir_status             fault;
    weir_error              why; /* with the fault */
} plug_writer;

static void
begin(plug_writer *self, weiri_plug_call *call)
{
    weiri_plug_call_init(call, &self->part, self->metrics, &self->n_logged);
}

/* What a call came to; the first failure stays. */
static weir_status
end(plug_writer *self, const weiri_plug_call *call, bool is_ok, weir_error *err)
{
    if (self->fault == WEIR_OK && (!is_ok || call->base.is_failed)) {
        self->fault = weiri_plug_failed(call, "sink", self->part.name, &self->why);
    }
    if (self->fault != WEIR_OK && err != NULL) {
        *err = self->why;
    }
    return self->fault;
}

static weir_status
write_plug(weiri_writer *base, const char *bytes, size_t size, weir_error *err)
{
    plug_writer    *self = (plug_writer *)base;
    weiri_plug_call call;
    begin(self, &call);
    bool is_ok =
        self->fault == WEIR_OK
        && (size == 0 || self->sink->write(&call.base.base, self->self, bytes, size));
    base->n_written += is_ok ? size : 0;
    return end(self, &call, is_ok, err);
}

static weir_status
rows_plug(weiri_writer *base, weir_rows rows, weir_error *err)
{
    plug_writer *self   = (plug_writer *)base;
    weir_value  *values = weiri_plug_values(rows);
    if (values == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", self->part.name);
    }
    const weir_plugin_rows lent = { .size = sizeof lent,
        .n                                = rows.n,
        .n_fields                         = rows.chunk->schema->n_fields,
        .times                            = rows.chunk->time + rows.first,
        .values                           = values };
    weiri_plug_call        call;
    begin(self, &call);
    bool is_ok = self->fault == WEIR_OK
                 && self->sink->write_rows(&call.base.base, self->self, &lent);
    base->n_written += is_ok ? rows.n : 0;
    free(values);
    return end(self, &call, is_ok, err);
}

static weir_status
flush_plug(weiri_writer *base, weir_error *err)
{
    plug_writer    *self = (plug_writer *)base;
    weiri_plug_call call;
    begin(self, &call);
    bool is_ok =
        self->fault == WEIR_OK
        && (self->sink->flush == NULL || self->sink->flush(&call.base.base, self->self));
    return end(self, &call, is_ok, err);
}

/* Synced, and asked where it is: by the process that writes, before another saves it. */
static weir_status
settle_plug(weiri_writer *base, weir_error *err)
{
    plug_writer    *self = (plug_writer *)base;
    weiri_plug_call call;
    begin(self, &call);
    bool is_ok =
        self->fault == WEIR_OK
        && (self->sink->sync == NULL || self->sink->sync(&call.base.base, self->self));
    self->place.size = 0;
    call.out         = &self->place;
    call.most        = WEIRI_PLUG_POSITION;
    is_ok            = is_ok && !call.base.is_failed
            && (self->sink->position == NULL
                || self->sink->position(&call.base.base, self->self));
    return end(self, &call, is_ok, err);
}

static void
save_plug(const weiri_writer *base, weiri_pack *out)
{
    const plug_writer *self = (const plug_writer *)base;
    weiri_pack_text(out, self->place.bytes, self->place.size);
}

static weir_status
close_plug(weiri_writer *base, weir_error *err)
{
    plug_writer *self   = (plug_writer *)base;
    weir_status  status = self->is_open ? flush_plug(base, err) : WEIR_OK;
    if (self->is_open && self->sink->close != NULL) {
        self->sink->close(self->self);
    }
    weiri_pack_fini(&self->place);
    free(self->inputs);
    free(self);
    return status;
}

static const weiri_writer_ops OPS = {
    .close  = close_plug,
    .write  = write_plug,
    .rows   = rows_plug,
    .flush  = flush_plug,
    .settle = settle_plug,
    .save   = save_plug,
};

static weir_status
open_plug(plug_writer *self, const weir_schema *schema, weiri_unpack *in, weir_error *err)
{
    bool            has_rows = self->sink->write_rows != NULL;
    weiri_plug_call call;
    self->inputs = weiri_plug_inputs(schema);
    if (self->inputs == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", self->part.name);
    }
    const weir_plugin_setup setup = { .size = sizeof setup,
        .params                             = self->part.params,
        .n_params                           = self->sink->n_params,
        .inputs                             = has_rows ? self->inputs : NULL,
        .n_inputs                           = has_rows ? schema->n_fields : 0 };
    begin(self, &call);
    bool is_ok = self->sink->open == NULL
                 || self->sink->open(&call.base.base, &setup, &self->self);
    self->is_open = is_ok && !call.base.is_failed;
    if (self->is_open && in != NULL) {
        uint32_t    size  = 0;
        const char *bytes = weiri_unpack_text(in, &size);
        if (in->wrong != NULL || size > WEIRI_PLUG_POSITION) {
            return WEIR_FAIL(
                err, WEIR_EDATA, "sink '%s': its position is damaged", self->part.name);
        }
        is_ok = self->sink->resume == NULL
                || self->sink->resume(&call.base.base, self->self, bytes, size);
    }
    return end(self, &call, is_ok, err);
}

weir_status
weiri_writer_plug(const weiri_plug *part, weiri_metrics *metrics,
    const weir_schema *schema, uint64_t size, weiri_unpack *in, weiri_writer **out,
    weir_error *err)
{
    plug_writer *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", part->name);
    }
    self->base.ops          = &OPS;
    self->base.n_written    = size;
    self->base.takes_events = part->of.sink->write_rows != NULL;
    self->part              = *part;
    self->sink              = part->of.sink;
    self->metrics           = metrics;
    weir_status status      = open_plug(self, schema, in, err);
    if (status != WEIR_OK) {
        (void)close_plug(&self->base, NULL);
        return status;
    }
    *out = &self->base;
    return WEIR_OK;
}
