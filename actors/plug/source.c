/* A source of a plugin as a reader. Events that it gives become MessagePack, so that all
 * that holds for bytes holds for them: the journal, dead records, positions.
 *
 * Of a source that can be read again, positions are asked for after each read, and kept
 * with how many bytes had come by then; a state has the last one before what was
 * decoded, and from there the bytes between the two are read and passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "../bytes/ops.h"
#include "plug.h"
#include "weiri/codec.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

enum { PLACES = 64, PATIENCE_NS = 1000000000, ROW_BYTES = WEIRI_RECORD_BYTES };

/* Where the plugin stood when so many bytes had come. */
typedef struct place {
    uint64_t offset;
    uint8_t *bytes;
    size_t   size;
} place;

typedef struct plug_reader {
    weiri_reader              base;
    const weiri_plug         *part;
    const weir_plugin_source *source;
    weiri_metrics            *metrics;
    void                     *self;
    bool                      is_open;
    uint32_t                  n_logged;
    uint64_t                  n_given; /* bytes, those passed over included */
    uint64_t                  n_skip;  /* still to be passed over */
    weir_field               *fields;  /* of events */
    weir_schema               schema;
    weir_chunk               *chunk;
    weiri_encoder            *encoder;
    weiri_buffer              rows; /* encoded */
    size_t                    taken;
    place                     places[PLACES]; /* by offset */
    uint32_t                  n_places;
} plug_reader;

static void
begin(plug_reader *self, weiri_plug_call *call)
{
    weiri_plug_call_init(call, self->part, self->metrics, &self->n_logged);
}

static void
close_plug(weiri_reader *base)
{
    plug_reader *self = (plug_reader *)base;
    if (self->is_open && self->source->close != NULL) {
        self->source->close(self->self);
    }
    for (uint32_t i = 0; i < self->n_places; i++) {
        free(self->places[i].bytes);
    }
    weir_chunk_drop(&self->chunk);
    weiri_encoder_destroy(&self->encoder);
    weiri_buffer_fini(&self->rows);
    free(self->fields);
    free(self);
}

/* ---- places ---- */

static void
drop_place(plug_reader *self, uint32_t i)
{
    free(self->places[i].bytes);
    self->n_places--;
    memmove(&self->places[i], &self->places[i + 1],
        (self->n_places - i) * sizeof self->places[0]);
}

/* Note where the plugin stands, `offset` bytes having come. */
static weir_status
note_place(plug_reader *self, uint64_t offset, weir_error *err)
{
    weiri_pack      out = { 0 };
    weiri_plug_call call;
    begin(self, &call);
    call.out  = &out;
    call.most = WEIRI_PLUG_POSITION;
    if (!self->source->position(&call.base.base, self->self) || call.base.is_failed) {
        weiri_pack_fini(&out);
        return weiri_plug_failed(&call, "source", self->part->name, err);
    }
    if (out.is_out_of_memory) {
        weiri_pack_fini(&out);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", self->part->name);
    }
    bool is_full = self->n_places == PLACES;
    for (uint32_t i = 1; is_full && i < self->n_places; i++) {
        drop_place(self, i); /* every other one: there are never many */
    }
    self->places[self->n_places++] =
        (place){ .offset = offset, .bytes = out.bytes, .size = out.size };
    return WEIR_OK;
}

/* The last place that is not behind a position; NULL: there is none. */
static const place *
place_before(const plug_reader *self, uint64_t position)
{
    uint32_t n = self->n_places;
    while (n > 0 && self->places[n - 1].offset > position) {
        n--;
    }
    return n > 0 ? &self->places[n - 1] : NULL;
}

static void
save_plug(const weiri_reader *base, uint64_t position, weiri_pack *out)
{
    const place *at = place_before((const plug_reader *)base, position);
    weiri_pack_number(out, at != NULL ? at->offset : 0);
    weiri_pack_text(out, at != NULL ? at->bytes : NULL, at != NULL ? at->size : 0);
}

static weir_status
load_plug(weiri_reader *base, uint64_t position, weiri_unpack *in, weir_error *err)
{
    plug_reader    *self   = (plug_reader *)base;
    uint32_t        size   = 0;
    uint64_t        offset = weiri_unpack_number(in);
    const char     *bytes  = weiri_unpack_text(in, &size);
    weiri_plug_call call;
    if (in->wrong != NULL || offset > position || size > WEIRI_PLUG_POSITION) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "source '%s': its position is damaged", self->part->name);
    }
    begin(self, &call);
    if (!self->source->seek(&call.base.base, self->self, bytes, size)
        || call.base.is_failed) {
        return weiri_plug_failed(&call, "source", self->part->name, err);
    }
    while (self->n_places > 0) {
        drop_place(self, self->n_places - 1);
    }
    self->n_given = offset;
    self->n_skip  = position - offset;
    return note_place(self, offset, err);
}

static weir_status
acknowledge(weiri_reader *base, uint64_t position, weir_error *err)
{
    plug_reader *self = (plug_reader *)base;
    const place *at   = place_before(self, position);
    bool         has  = self->source->position != NULL;
    if (self->source->acknowledge == NULL || (has && at == NULL)) {
        return WEIR_OK;
    }
    weiri_plug_call call;
    begin(self, &call);
    self->source->acknowledge(
        &call.base.base, self->self, has ? at->bytes : NULL, has ? at->size : 0);
    while (has && self->n_places > 1 && self->places[1].offset <= position) {
        drop_place(self, 0);
    }
    return call.base.is_failed ? weiri_plug_failed(&call, "source", self->part->name, err)
                               : WEIR_OK;
}

/* ---- reading ---- */

static bool
take_row(weiri_plug_call *call, const weir_value *values, uint32_t n)
{
    plug_reader *self   = call->context;
    weir_chunk  *chunk  = self->chunk;
    weir_status  status = chunk->n_rows < chunk->capacity ? WEIR_OK : WEIR_EFULL;
    if (!weiri_plug_check(call, &self->schema, values, n)) {
        return false;
    }
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        weir_value value = values[i];
        value.type       = (uint8_t)self->schema.fields[i].type;
        status           = weir_chunk_set(chunk, chunk->n_rows, i, &value);
    }
    if (status != WEIR_OK) {
        return weiri_plugin_fail(&call->base.base,
            "it gives more than %d events, or too much text, in one read",
            WEIRI_CHUNK_ROWS);
    }
    chunk->time[chunk->n_rows++] = 0;
    return true;
}

static weir_plugin_read
read_rows(plug_reader *self, weiri_plug_call *call, int64_t wait_ns, weir_error *err,
    weir_status *status)
{
    weir_chunk_clear(self->chunk);
    self->rows.used = self->taken = 0;
    call->emit                    = take_row;
    call->context                 = self;
    weir_plugin_read got = self->source->read_rows(&call->base.base, self->self, wait_ns);
    if (!call->base.is_failed && self->chunk->n_rows > 0) {
        weir_rows all = { .chunk = self->chunk, .n = self->chunk->n_rows };
        *status       = weiri_encoder_encode(self->encoder, all, &self->rows);
        if (*status != WEIR_OK) {
            (void)WEIR_FAIL(err, *status, "%s", self->part->name);
        }
    }
    return got == WEIR_PLUGIN_GIVEN && self->rows.used == 0 ? WEIR_PLUGIN_NOTHING : got;
}

static void
move_rows(plug_reader *self, char *bytes, size_t size, size_t *n)
{
    size_t rest = self->rows.used - self->taken;
    *n          = rest < size ? rest : size;
    if (*n > 0) {
        memcpy(bytes, self->rows.bytes + self->taken, *n);
    }
    self->taken += *n;
}

static weir_status
judge(plug_reader *self, const weiri_plug_call *call, weir_plugin_read got, size_t n,
    size_t room, weir_error *err)
{
    if (call->base.is_failed || got == WEIR_PLUGIN_FAILED) {
        return weiri_plug_failed(call, "source", self->part->name, err);
    }
    if (got == WEIR_PLUGIN_ENDED) {
        return WEIR_EOF;
    }
    if (got == WEIR_PLUGIN_NOTHING) {
        return WEIR_EAGAIN;
    }
    if (got != WEIR_PLUGIN_GIVEN || n == 0 || n > room) {
        return WEIR_FAIL(err, WEIR_EIO,
            "source '%s': it says that it gave %zu bytes, into room for %zu",
            self->part->name, n, room);
    }
    return WEIR_OK;
}

static weir_status
read_once(plug_reader *self, char *bytes, size_t size, int64_t wait_ns, size_t *n,
    weir_error *err)
{
    weir_status     status = WEIR_OK;
    size_t          given  = 0;
    weiri_plug_call call;
    if (self->taken < self->rows.used) {
        move_rows(self, bytes, size, n);
        return WEIR_OK;
    }
    begin(self, &call);
    weir_plugin_read got = WEIR_PLUGIN_NOTHING;
    if (self->source->read_rows != NULL) {
        got         = read_rows(self, &call, wait_ns, err, &status);
        given       = self->rows.used;
        size_t most = given > 0 ? given : 1;
        status = status == WEIR_OK ? judge(self, &call, got, given, most, err) : status;
    } else {
        got =
            self->source->read(&call.base.base, self->self, wait_ns, bytes, size, &given);
        status = judge(self, &call, got, given, size, err);
    }
    if (status == WEIR_OK && self->source->position != NULL) {
        status = note_place(self, self->n_given + given, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    self->n_given += given;
    if (self->source->read_rows != NULL) {
        move_rows(self, bytes, size, n);
    } else {
        *n = given;
    }
    return WEIR_OK;
}

static weir_status
read_plug(weiri_reader *base, char *bytes, size_t size, int64_t wait_ns, size_t *n,
    weir_error *err)
{
    plug_reader *self   = (plug_reader *)base;
    weir_status  status = WEIR_OK;
    int64_t      wait   = wait_ns < 0 || wait_ns > PATIENCE_NS ? PATIENCE_NS : wait_ns;
    do {
        *n     = 0;
        status = read_once(self, bytes, size, wait, n, err);
        if (status == WEIR_OK && self->n_skip > 0) {
            size_t skip = self->n_skip < *n ? (size_t)self->n_skip : *n;
            memmove(bytes, bytes + skip, *n - skip);
            *n -= skip;
            self->n_skip -= skip;
        }
    } while (status == WEIR_OK && *n == 0);
    return status;
}

static const weiri_reader_ops OPS = { .close = close_plug,
    .read                                    = read_plug,
    .acknowledge                             = acknowledge,
    .save                                    = save_plug,
    .load                                    = load_plug };

/* ---- opening ---- */

static weir_status
prepare(plug_reader *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (self->source->read_rows == NULL) {
        return status;
    }
    self->fields = weiri_plug_fields(self->source->outputs, self->source->n_outputs);
    self->schema = (weir_schema){ .name = self->part->name,
        .fields                         = self->fields,
        .n_fields                       = self->source->n_outputs,
        .time_field                     = -1 };
    status = self->fields != NULL ? weir_chunk_new(&self->schema, NULL, &self->chunk)
                                  : WEIR_ENOMEM;
    return status == WEIR_OK ? weiri_encoder_new(
               &self->schema, WEIRI_FORMAT_MSGPACK, &self->encoder, err)
                             : WEIR_FAIL(err, status, "%s", self->part->name);
}

static weir_status
open_plug(plug_reader *self, weir_error *err)
{
    weiri_plug_call         call;
    const weir_plugin_setup setup = { .size = sizeof setup,
        .params                             = self->part->params,
        .n_params                           = self->source->n_params };
    begin(self, &call);
    if (self->source->open != NULL
        && (!self->source->open(&call.base.base, &setup, &self->self)
            || call.base.is_failed)) {
        return weiri_plug_failed(&call, "source", self->part->name, err);
    }
    self->is_open = true;
    return self->source->position != NULL ? note_place(self, 0, err) : WEIR_OK;
}

weir_status
weiri_reader_plug(
    const weiri_plug *part, weiri_metrics *metrics, weiri_reader **out, weir_error *err)
{
    plug_reader *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", part->name);
    }
    self->base.ops     = &OPS;
    self->base.is_kept = part->of.source->position != NULL;
    self->part         = part;
    self->source       = part->of.source;
    self->metrics      = metrics;
    weir_status status = prepare(self, err);
    status             = status == WEIR_OK ? open_plug(self, err) : status;
    if (status != WEIR_OK) {
        close_plug(&self->base);
        return status;
    }
    *out = &self->base;
    return WEIR_OK;
}
