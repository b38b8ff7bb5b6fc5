#include "sink.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/rows_merge.h"

struct channel {
    uint32_t       stream;
    uint32_t       rank;
    weiri_encoder *encoder;
};

struct weiri_outlet {
    char                 *path;
    bool                  is_wire;
    weiri_wire_config     wire; /* with `is_wire`; its texts are the plan's  */
    weiri_writer         *writer;
    weiri_format          format;
    struct channel       *channels; /* shape (n_channels,)               */
    weiri_rows_cursor    *cursors;  /* shape (n_channels,)               */
    uint32_t              n_channels;
    weiri_buffer          buffer; /* encoded, not yet with the writer  */
    bool                  is_begun;
    weiri_outlet         *from;   /* whose writer is lent, until it is inherited */
    uint64_t              n_rows; /* encoded so far, before a resume too */
    weiri_plug            codec;  /* of a plugin; name NULL: none */
    struct weiri_metrics *metrics;
    weiri_link_parting    noted; /* of a link: how far it was            */
};

static weir_status
open_writer(weiri_outlet *self, const weiri_outlet_config *config, uint64_t size,
    weiri_unpack *in, weir_error *err)
{
    if (config->codec != NULL) {
        self->codec = *config->codec;
    }
    self->metrics = config->metrics;
    if (self->is_wire) {
        self->wire         = *config->wire;
        self->wire.address = NULL; /* the path says it */
    }
    if (config->from != NULL) {
        self->from     = config->from;
        self->writer   = config->from->writer;
        self->is_begun = config->from->is_begun;
        self->n_rows   = config->from->n_rows;
        return WEIR_OK;
    }
    if (config->link != NULL) {
        return weiri_writer_link(config->links, config->link, in, &self->writer, err);
    }
    if (config->connector != NULL) {
        return weiri_writer_plug(config->connector, config->metrics, config->schema, size,
            in, &self->writer, err);
    }
    if (!self->is_wire) {
        return weiri_writer_resume(config->path, size, &self->writer, err);
    }
    return weiri_writer_connect(config->wires, config->wire, size, &self->writer, err);
}

static weir_status
open_outlet(const weiri_outlet_config *config, uint64_t size, bool is_begun,
    weiri_unpack *in, weiri_outlet **out, weir_error *err)
{
    weiri_outlet *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->path);
    }
    self->path         = strdup(config->path);
    self->is_begun     = is_begun;
    self->is_wire      = config->wire != NULL;
    weir_status status = self->path != NULL
                             ? open_writer(self, config, size, in, err)
                             : WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->path);
    if (status != WEIR_OK) {
        (void)weiri_outlet_close(&self, NULL);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_outlet_new(const weiri_outlet_config *config, weiri_outlet **out, weir_error *err)
{
    return open_outlet(config, 0, false, NULL, out, err);
}

void
weiri_outlet_inherit(weiri_outlet *self)
{
    if (self->from != NULL) {
        self->from->writer = NULL;
        self->from         = NULL;
    }
}

bool
weiri_outlet_has_stream(const weiri_outlet *self, uint32_t stream)
{
    for (uint32_t i = 0; i < self->n_channels; i++) {
        if (self->channels[i].stream == stream) {
            return true;
        }
    }
    return false;
}

weiri_format
weiri_outlet_format(const weiri_outlet *self)
{
    return self->n_channels > 0 ? self->format : WEIRI_FORMAT_AUTO;
}

weiri_outlet_stand
weiri_outlet_peek(weiri_unpack *in)
{
    weiri_outlet_stand stand = { 0 };
    stand.is_begun           = weiri_unpack_below(in, 2, "it is no flag") != 0;
    stand.n_written          = weiri_unpack_number(in);
    stand.n_rows             = in->at < in->end ? weiri_unpack_number(in) : 0;
    return stand;
}

weir_status
weiri_outlet_resume(const weiri_outlet_config *config, weiri_unpack *in,
    weiri_outlet **out, weir_error *err)
{
    weiri_outlet_stand stand = weiri_outlet_peek(in);
    if (in->wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "%s: %s", config->path, in->wrong);
    }
    weir_status status =
        open_outlet(config, stand.n_written, stand.is_begun, in, out, err);
    if (status == WEIR_OK) {
        (*out)->n_rows = stand.n_rows;
    }
    return status;
}

void
weiri_outlet_save(const weiri_outlet *self, weiri_pack *out)
{
    weiri_pack_number(out, self->is_begun);
    weiri_pack_number(out, weiri_writer_size(self->writer));
    weiri_pack_number(out, self->n_rows);
    weiri_writer_save(self->writer, out);
}

void
weiri_outlet_skip(weiri_outlet *self, uint64_t n_rows)
{
    self->n_rows += n_rows;
}

weir_status
weiri_outlet_sync(const weiri_outlet *self, weir_error *err)
{
    return weiri_writer_sync(self->writer, err);
}

weir_status
weiri_outlet_close(weiri_outlet **self_p, weir_error *err)
{
    weiri_outlet *self   = *self_p;
    weir_status   status = WEIR_OK;
    if (self == NULL) {
        return status;
    }
    if (self->writer != NULL && self->from == NULL) {
        status = weiri_writer_close(&self->writer, err);
    }
    for (uint32_t i = 0; i < self->n_channels; i++) {
        weiri_encoder_destroy(&self->channels[i].encoder);
    }
    weiri_buffer_fini(&self->buffer);
    free(self->channels);
    free(self->cursors);
    free(self->path);
    free(self);
    *self_p = NULL;
    return status;
}

const char *
weiri_outlet_path(const weiri_outlet *self)
{
    return self->path;
}

bool
weiri_outlet_is_by(const weiri_outlet *self, const weiri_wire_config *wire)
{
    if (!self->is_wire || wire == NULL) {
        return !self->is_wire && wire == NULL;
    }
    return weiri_wire_is_same(&self->wire, wire);
}

static const char *
name_of(const weiri_outlet *self)
{
    return strcmp(self->path, "-") == 0 ? "standard output" : self->path;
}

static weir_status
check_shared(const weiri_outlet *self, weiri_format format, weir_error *err)
{
    if (self->n_channels == 0) {
        return WEIR_OK;
    }
    if (format != self->format) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' is written in two formats: give both sinks the same", name_of(self));
    }
    if (format == WEIRI_FORMAT_PLUGIN) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' would hold two streams in a plugin's format: give each a file of its "
            "own",
            name_of(self));
    }
    if (format == WEIRI_FORMAT_CSV) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' would hold two streams as CSV, which has one header: give each a file "
            "of its own, or use json",
            name_of(self));
    }
    return WEIR_OK;
}

weir_status
weiri_outlet_add_stream(weiri_outlet *self, const weiri_stream *stream, uint32_t index,
    weiri_format format, const char *identity, weir_error *err)
{
    weir_status status = check_shared(self, format, err);
    if (status != WEIR_OK) {
        return status;
    }
    uint32_t        n          = self->n_channels + 1;
    struct channel *channels   = realloc(self->channels, n * sizeof *channels);
    self->channels             = channels != NULL ? channels : self->channels;
    weiri_rows_cursor *cursors = realloc(self->cursors, n * sizeof *cursors);
    self->cursors              = cursors != NULL ? cursors : self->cursors;
    if (channels == NULL || cursors == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", self->path);
    }
    struct channel *channel = &channels[self->n_channels];
    *channel                = (struct channel){ .stream = index, .rank = stream->rank };
    if (format == WEIRI_FORMAT_PLUGIN) {
        status = weiri_encoder_plug(
            &stream->schema, &self->codec, self->metrics, &channel->encoder, err);
    } else if (!weiri_writer_is_link(self->writer)) {
        status = weiri_encoder_new_numbered(
            &stream->schema, format, identity, &channel->encoder, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    self->format = format;
    self->n_channels++;
    return WEIR_OK;
}

static weir_status
write_link(weiri_outlet *self, const weiri_rows_list *rows, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < rows->n && status == WEIR_OK; i++) {
        status = weiri_writer_rows(self->writer, rows->items[i], err);
    }
    return status;
}

static struct channel *
channel_of(weiri_outlet *self, const weiri_rows_cursor *cursor)
{
    return &self->channels[cursor - self->cursors];
}

static weir_status
hand_over(weiri_outlet *self, weir_error *err)
{
    weir_status status =
        weiri_writer_write(self->writer, self->buffer.bytes, self->buffer.used, err);
    self->buffer.used = 0;
    return status;
}

/* A writer that cuts what it is given into messages gets a row at a time. */
static weir_status
encode(weiri_outlet *self, weiri_encoder *encoder, weir_rows rows, weir_error *err)
{
    if (weiri_writer_takes_events(self->writer)) {
        return rows.n > 0 ? weiri_writer_rows(self->writer, rows, err) : WEIR_OK;
    }
    bool        is_split = weiri_writer_takes_rows(self->writer);
    weir_rows   next     = rows;
    weir_status status   = WEIR_OK;
    weiri_encoder_count(encoder, self->n_rows);
    self->n_rows += rows.n;
    while (rows.n > 0 && status == WEIR_OK) {
        next.n = is_split ? 1 : rows.n;
        status = weiri_encoder_encode(encoder, next, &self->buffer);
        if (status == WEIR_EIO) {
            return WEIR_FAIL(
                err, status, "%s: %s", self->path, weiri_encoder_reason(encoder));
        }
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "%s", self->path);
        }
        next.first += next.n;
        rows.n -= next.n;
        status = is_split ? hand_over(self, err) : WEIR_OK;
    }
    return status;
}

/* Encode the longest run of rows that come one after another in one range. */
static weir_status
encode_run(weiri_outlet *self, weiri_rows_cursor *cursor, weir_error *err)
{
    weir_rows rows = { .chunk = cursor->list->items[cursor->range].chunk,
        .first                = cursor->row };
    bool      has_left_range;
    do {
        rows.n++;
        has_left_range = weiri_rows_cursor_step(cursor);
    } while (!has_left_range
             && weiri_rows_merge_next(self->cursors, self->n_channels) == cursor);
    return encode(self, channel_of(self, cursor)->encoder, rows, err);
}

static weir_status
begin(weiri_outlet *self)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_channels && status == WEIR_OK; i++) {
        status = weiri_encoder_begin(self->channels[i].encoder, &self->buffer);
    }
    self->is_begun = true;
    return status;
}

static weir_status
encode_single(weiri_outlet *self, const weiri_rows_list *rows, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < rows->n && status == WEIR_OK; i++) {
        status = encode(self, self->channels[0].encoder, rows->items[i], err);
    }
    return status;
}

static weir_status
encode_merged(weiri_outlet *self, const weiri_rows_list *rows, weir_error *err)
{
    for (uint32_t i = 0; i < self->n_channels; i++) {
        const struct channel *channel = &self->channels[i];
        weiri_rows_cursor_init(
            &self->cursors[i], &rows[channel->stream], channel->rank, channel->stream);
    }
    weir_status        status = WEIR_OK;
    weiri_rows_cursor *next   = weiri_rows_merge_next(self->cursors, self->n_channels);
    while (next != NULL && status == WEIR_OK) {
        status = encode_run(self, next, err);
        next   = weiri_rows_merge_next(self->cursors, self->n_channels);
    }
    return status;
}

weir_status
weiri_outlet_write(weiri_outlet *self, const weiri_rows_list *rows, weir_error *err)
{
    if (weiri_writer_is_link(self->writer)) {
        self->is_begun = true;
        return write_link(self, &rows[self->channels[0].stream], err);
    }
    weir_status status = self->is_begun ? WEIR_OK : begin(self);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "%s", self->path);
    }
    status = self->n_channels == 1
                 ? encode_single(self, &rows[self->channels[0].stream], err)
                 : encode_merged(self, rows, err);
    return status == WEIR_OK && self->buffer.used > 0 ? hand_over(self, err) : status;
}

weir_status
weiri_outlet_flush(weiri_outlet *self, weir_error *err)
{
    return weiri_writer_flush(self->writer, err);
}

weir_status
weiri_outlet_advance(weiri_outlet *self, int64_t watermark_ns, weir_error *err)
{
    return weiri_writer_advance(self->writer, watermark_ns, err);
}

weir_status
weiri_outlet_end(weiri_outlet *self, int64_t newest_ns, weir_error *err)
{
    return weiri_writer_end(self->writer, newest_ns, err);
}

weir_status
weiri_outlet_settle(weiri_outlet *self, weir_error *err)
{
    return weiri_writer_settle(self->writer, err);
}

bool
weiri_outlet_is_full(const weiri_outlet *self)
{
    return weiri_writer_is_full(self->writer);
}

weiri_link_standing
weiri_outlet_standing(const weiri_outlet *self)
{
    return weiri_writer_standing(self->writer);
}

weiri_link_farewell
weiri_outlet_farewell(const weiri_outlet *self)
{
    return weiri_writer_farewell(self->writer);
}

void
weiri_outlet_note(weiri_outlet *self)
{
    self->noted = weiri_writer_farewell(self->writer).parting;
}

bool
weiri_outlet_has_news(const weiri_outlet *self)
{
    return weiri_writer_is_link(self->writer)
           && weiri_writer_farewell(self->writer).parting > self->noted;
}

void
weiri_outlet_release(weiri_outlet *self)
{
    weiri_writer_release(self->writer, self->noted);
}
