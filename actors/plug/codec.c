/* Codecs of plugins, as a decoder's and an encoder's table. */
#include <stdlib.h>
#include <string.h>

#include "../codec/decoder_ops.h"
#include "../codec/encode.h"
#include "plug.h"
#include "weiri/limits.h"

enum { EACH = 64 /* events of a record */ };

/* A codec that was opened for a stream. */
typedef struct weiri_plug_codec {
    weiri_plug               part;
    const weir_plugin_codec *codec;
    weiri_metrics           *metrics;
    const weir_schema       *schema;
    weir_plugin_field       *inputs;
    void                    *self;
    bool                     is_open;
    uint32_t                 n_logged;
    weir_chunk              *chunk; /* being decoded into */
    uint32_t                 first; /* its row count before the record */
    weir_status              status;
} weiri_plug_codec;

static void
begin(weiri_plug_codec *self, weiri_plug_call *call)
{
    weiri_plug_call_init(call, &self->part, self->metrics, &self->n_logged);
}

static void
close_codec(void *state)
{
    weiri_plug_codec *self = state;
    if (self == NULL) {
        return;
    }
    if (self->is_open && self->codec->close != NULL) {
        self->codec->close(self->self);
    }
    free(self->inputs);
    free(self);
}

static weir_status
open_codec(const weiri_plug *part, weiri_metrics *metrics, const weir_schema *schema,
    weiri_plug_codec **out, weir_error *err)
{
    weiri_plug_codec *self = calloc(1, sizeof *self);
    weiri_plug_call   call;
    if (self == NULL || (self->inputs = weiri_plug_inputs(schema)) == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", part->name);
    }
    self->part                    = *part;
    self->codec                   = part->of.codec;
    self->metrics                 = metrics;
    self->schema                  = schema;
    const weir_plugin_setup setup = { .size = sizeof setup,
        .params                             = part->params,
        .n_params                           = self->codec->n_params,
        .inputs                             = self->inputs,
        .n_inputs                           = schema->n_fields };
    begin(self, &call);
    if (self->codec->open != NULL
        && (!self->codec->open(&call.base.base, &setup, &self->self)
            || call.base.is_failed)) {
        weir_status status = weiri_plug_failed(&call, "codec", part->name, err);
        close_codec(self);
        return status;
    }
    self->is_open = true;
    *out          = self;
    return WEIR_OK;
}

/* ---- decoding ---- */

static weir_status
create(const weiri_decoder_config *config, void **state, weir_error *err)
{
    weiri_plug_codec *self = NULL;
    weir_status       status =
        open_codec(config->codec, config->metrics, config->schema, &self, err);
    *state = self;
    return status;
}

static bool
take_row(weiri_plug_call *call, const weir_value *values, uint32_t n)
{
    weiri_plug_codec *self  = call->context;
    weir_chunk       *chunk = self->chunk;
    int32_t           time  = self->schema->time_field;
    if (chunk->n_rows - self->first == EACH) {
        return weiri_plugin_fail(
            &call->base.base, "it gives more than %d events for one record", EACH);
    }
    if (!weiri_plug_check(call, self->schema, values, n)) {
        return false;
    }
    if (time >= 0 && values[time].is_null) {
        return weiri_plugin_fail(&call->base.base, "it gives an event without a time");
    }
    for (uint32_t i = 0; i < n; i++) {
        weir_value value = values[i];
        value.type       = (uint8_t)self->schema->fields[i].type;
        self->status     = weir_chunk_set(chunk, chunk->n_rows, i, &value);
        if (self->status != WEIR_OK) {
            return weiri_plugin_fail(&call->base.base, "it gives too much text");
        }
    }
    chunk->time[chunk->n_rows++] = time >= 0 ? values[time].as.i : INT64_MIN;
    return true;
}

/* Take back the rows of the record at hand. */
static void
roll_back(weiri_plug_codec *self, uint32_t heap_used)
{
    weir_chunk *chunk = self->chunk;
    chunk->heap_used  = heap_used;
    for (uint32_t i = 0; i < chunk->schema->n_fields; i++) {
        for (uint32_t row = self->first;
             chunk->columns[i].has_nulls && row <= chunk->n_rows && row < chunk->capacity;
             row++) {
            chunk->columns[i].nulls[row] = 0;
        }
    }
    chunk->n_rows = self->first;
}

/* NOLINTBEGIN(readability-function-size): the parameters of weiri_decoder_decode */
/* One record from the front; *used 0: more bytes are needed. */
static weir_status
decode_one(weiri_plug_codec *self, weiri_decode *decode, size_t offset, const char *bytes,
    size_t size, bool is_last, size_t *used, weir_error *err)
{
    uint32_t        heap_used = self->chunk->heap_used;
    weiri_plug_call call;
    begin(self, &call);
    call.emit    = take_row;
    call.context = self;
    self->first  = self->chunk->n_rows;
    self->status = WEIR_OK;
    *used        = 0;
    bool is_ok =
        self->codec->decode(&call.base.base, self->self, bytes, size, is_last, used)
        && !call.base.is_failed;
    if (*used > size) {
        return WEIR_FAIL(err, WEIR_EDATA, "codec '%s' takes %zu bytes of %zu",
            self->part.name, *used, size);
    }
    if (*used == 0 && (!is_ok || self->chunk->n_rows > self->first)) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "codec '%s' does not say how long a record is%s%s", self->part.name,
            is_ok ? "" : ": ", is_ok ? "" : weiri_plugin_reason(&call.base));
    }
    bool is_full = self->status == WEIR_EFULL && self->first > 0;
    if (self->status == WEIR_ENOMEM || is_full) {
        roll_back(self, heap_used);
        *used = 0;
        return self->status;
    }
    bool is_long = *used > WEIRI_RECORD_BYTES;
    if (*used == 0 && (is_last || size >= WEIRI_RECORD_BYTES)) {
        *used   = size < WEIRI_RECORD_BYTES ? size : WEIRI_RECORD_BYTES;
        is_long = true;
    }
    if (!is_ok || is_long) {
        roll_back(self, heap_used);
        bool is_cut = is_ok && is_last && size < WEIRI_RECORD_BYTES;
        weiri_decode_reason(decode, "%s",
            !is_ok   ? weiri_plugin_reason(&call.base)
            : is_cut ? "the input ends within it"
                     : "it is longer than 1 MiB");
        weiri_decode_dead(decode, offset, bytes, *used);
    }
    decode->line += *used > 0;
    return WEIR_OK;
}

static weir_status
decode_all(void *state, weiri_decode *decode, const char *bytes, size_t size,
    bool is_last, weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    weiri_plug_codec *self   = state;
    weir_status       status = WEIR_OK;
    self->chunk              = chunk;
    while (*consumed < size && status == WEIR_OK) {
        size_t used = 0;
        if (chunk->capacity - chunk->n_rows < EACH) {
            return WEIR_EFULL;
        }
        status = decode_one(self, decode, *consumed, bytes + *consumed, size - *consumed,
            is_last, &used, err);
        *consumed += used;
        if (used == 0) {
            break;
        }
    }
    return status;
}
/* NOLINTEND(readability-function-size) */

const weiri_decoder_ops WEIRI_DECODE_PLUGIN = {
    .create  = create,
    .destroy = close_codec,
    .decode  = decode_all,
};

/* ---- encoding ---- */

weir_status
weiri_plug_encoder_new(const weiri_plug *part, weiri_metrics *metrics,
    const weir_schema *schema, weiri_plug_codec **out, weir_error *err)
{
    return open_codec(part, metrics, schema, out, err);
}

void
weiri_plug_encoder_destroy(weiri_plug_codec **self_p)
{
    close_codec(*self_p);
    *self_p = NULL;
}

weir_status
weiri_plug_encode(
    weiri_plug_codec *self, weir_rows rows, weiri_buffer *out, weir_error *err)
{
    weir_value     *values = weiri_plug_values(rows);
    weiri_pack      bytes  = { 0 };
    weiri_plug_call call;
    if (values == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", self->part.name);
    }
    const weir_plugin_rows lent = { .size = sizeof lent,
        .n                                = rows.n,
        .n_fields                         = rows.chunk->schema->n_fields,
        .times                            = rows.chunk->time + rows.first,
        .values                           = values };
    begin(self, &call);
    call.out           = &bytes;
    call.most          = (size_t)64 << 20;
    bool        is_ok  = self->codec->encode(&call.base.base, self->self, &lent);
    weir_status status = WEIR_OK;
    if (!is_ok || call.base.is_failed) {
        status = weiri_plug_failed(&call, "codec", self->part.name, err);
    } else if (bytes.is_out_of_memory
               || weiri_buffer_reserve(out, bytes.size) != WEIR_OK) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "%s", self->part.name);
    } else if (bytes.size > 0) {
        memcpy(out->bytes + out->used, bytes.bytes, bytes.size);
        out->used += bytes.size;
    }
    weiri_pack_fini(&bytes);
    free(values);
    return status;
}
