/* A graph that is fed by hand. What is pushed is admitted by one clock, as all of it
 * comes through one door; without lateness and batches a pass follows each event. */
#include "weir/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/clock.h"
#include "weiri/codec.h"
#include "weiri/dsl.h"
#include "weiri/graph.h"
#include "weiri/limits.h"
#include "weiri/rows_merge.h"

struct channel {
    weir_event_fn fn; /* NULL: nobody listens */
    void         *context;
};

struct weir_engine {
    weiri_plan        *plan;
    weiri_graph       *graph;
    weiri_clock        clock;
    uint32_t           batch;
    uint32_t           n_waiting; /* rows in `chunks`                         */
    uint64_t           order;
    weir_chunk       **chunks;   /* shape (n_streams,): pushed, not yet merged */
    weiri_decoder    **decoders; /* shape (n_streams,): NULL until JSON comes */
    struct channel    *channels; /* shape (n_streams,)                       */
    weiri_rows_cursor *cursors;  /* shape (n_streams,): scratch              */
    weir_value        *values;   /* of one event: scratch                    */
    bool               is_finished;
    weir_engine_counts counts;
    const char        *stream; /* of the JSON at work */
    weir_error        *dead;   /* why a record of it is no event */
};

/* ---- streams ---- */

static uint32_t
find_stream(const weir_engine *self, const char *name)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        if (strcmp(self->plan->streams[i].schema.name, name) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

static weir_status
find(const weir_engine *self, const char *name, uint32_t *out, weir_error *err)
{
    *out = find_stream(self, name);
    return *out != WEIRI_NONE
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EINVAL, "these rules have no stream '%s'", name);
}

static weir_status
find_fed(const weir_engine *self, const char *name, uint32_t *out, weir_error *err)
{
    weir_status status = find(self, name, out, err);
    if (status == WEIR_OK && self->is_finished) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the engine has been finished");
    }
    if (status == WEIR_OK && self->plan->streams[*out].schema.time_field < 0) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "stream '%s' cannot be pushed to: it is not declared with a time", name);
    }
    return status;
}

const weir_schema *
weir_engine_schema(const weir_engine *self, const char *stream)
{
    uint32_t index = find_stream(self, stream);
    return index != WEIRI_NONE ? &self->plan->streams[index].schema : NULL;
}

weir_status
weir_engine_on(weir_engine *self, const char *stream, weir_event_fn fn, void *context,
    weir_error *err)
{
    uint32_t    index  = 0;
    weir_status status = find(self, stream, &index, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (self->channels[index].fn != NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "stream '%s' has a callback already", stream);
    }
    self->channels[index] = (struct channel){ .fn = fn, .context = context };
    return WEIR_OK;
}

const weir_value *
weir_event_get(const weir_event *event, const char *name)
{
    int32_t field = weir_schema_find(event->schema, name);
    return field >= 0 ? &event->values[field] : NULL;
}

/* ---- passes ---- */

static void
tell(weir_engine *self, const weiri_rows_cursor *cursor)
{
    const weir_chunk *chunk = cursor->list->items[cursor->range].chunk;
    for (uint32_t f = 0; f < chunk->schema->n_fields; f++) {
        self->values[f] = weir_chunk_get(chunk, cursor->row, f);
    }
    const weir_event      event   = { .schema = chunk->schema,
               .time_ns                       = chunk->time[cursor->row],
               .values                        = self->values };
    const struct channel *channel = &self->channels[cursor->stream];
    channel->fn(channel->context, &event);
}

static void
tell_rows(weir_engine *self)
{
    const weiri_rows_list *rows = weiri_graph_rows(self->graph);
    uint32_t               n    = 0;
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        if (self->channels[i].fn != NULL && rows[i].n > 0) {
            weiri_rows_cursor_init(
                &self->cursors[n++], &rows[i], self->plan->streams[i].rank, i);
        }
    }
    weiri_rows_cursor *next = n > 0 ? weiri_rows_merge_next(self->cursors, n) : NULL;
    while (next != NULL) {
        tell(self, next);
        (void)weiri_rows_cursor_step(next);
        next = weiri_rows_merge_next(self->cursors, n);
    }
}

static weir_status
pass(weir_engine *self, int64_t watermark_ns, int64_t deadline_ns, bool is_end,
    weir_error *err)
{
    weir_status status =
        weiri_graph_pass(self->graph, watermark_ns, deadline_ns, is_end, err);
    if (status == WEIR_OK) {
        tell_rows(self);
    }
    weiri_graph_forget(self->graph);
    return status;
}

static weir_status
merge_chunk(weir_engine *self, uint32_t stream, weir_error *err)
{
    if (self->chunks[stream] == NULL) {
        return WEIR_OK;
    }
    self->n_waiting -= self->chunks[stream]->n_rows;
    weir_status status =
        weiri_merge_push(weiri_graph_merge(self->graph, stream), &self->chunks[stream]);
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "stream '%s': too many events wait",
                                 self->plan->streams[stream].schema.name);
}

/* Without lateness the newest events are complete: nothing older will be taken in. */
static int64_t
watermark_of(const weir_engine *self)
{
    bool is_open = self->clock.lateness_ns == 0 && self->clock.now_ns != INT64_MIN
                   && self->clock.now_ns < INT64_MAX;
    return self->clock.now_ns + (is_open ? 1 : 0);
}

weir_status
weir_engine_flush(weir_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        status = merge_chunk(self, i, err);
    }
    int64_t watermark_ns = watermark_of(self);
    if (status != WEIR_OK || watermark_ns == INT64_MIN) {
        return status;
    }
    return pass(self, watermark_ns, self->clock.now_ns, false, err);
}

weir_status
weir_engine_advance(weir_engine *self, int64_t time_ns, weir_error *err)
{
    weiri_clock_advance(&self->clock, time_ns);
    return weir_engine_flush(self, err);
}

weir_status
weir_engine_finish(weir_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (self->is_finished) {
        return status;
    }
    self->is_finished = true;
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        status = merge_chunk(self, i, err);
    }
    int64_t newest_ns = self->clock.newest_ns;
    if (self->clock.now_ns > newest_ns) {
        newest_ns = self->clock.now_ns; /* time was let go on without an event */
    }
    return status == WEIR_OK ? pass(self, INT64_MAX, newest_ns, true, err) : status;
}

/* ---- pushing ---- */

/* A chunk with room for one more row that may have this time. */
static weir_status
open_chunk(weir_engine *self, uint32_t stream, int64_t time_ns, weir_error *err)
{
    weir_chunk *chunk = self->chunks[stream];
    if (chunk != NULL
        && (chunk->n_rows == chunk->capacity
            || chunk->time[chunk->n_rows - 1] > time_ns)) {
        weir_status status = merge_chunk(self, stream, err);
        if (status != WEIR_OK) {
            return status;
        }
        chunk = NULL;
    }
    if (chunk != NULL) {
        return WEIR_OK;
    }
    enum { FEWEST_ROWS = 8 };
    uint32_t    rows   = (self->batch + FEWEST_ROWS - 1) / FEWEST_ROWS * FEWEST_ROWS;
    weir_status status = weiri_chunk_new_small(&self->plan->streams[stream].schema,
        weiri_graph_used(self->graph, stream), rows, &self->chunks[stream]);
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "%s", weir_status_text(status));
}

static weir_status
admit(weir_engine *self, uint32_t stream, int64_t time_ns, weir_error *err)
{
    uint8_t is_late     = 0;
    bool    is_in_order = true;
    self->counts.n_events++;
    if (weiri_clock_admit(&self->clock, &time_ns, 1, &is_late, &is_in_order) > 0) {
        self->counts.n_late++;
        return WEIR_FAIL(err, WEIR_ELATE,
            "stream '%s': the event is older than the newest one%s",
            self->plan->streams[stream].schema.name,
            self->clock.lateness_ns > 0 ? " by more than the lateness" : "");
    }
    return open_chunk(self, stream, time_ns, err);
}

/* The row behind the last of the chunk has been set. */
static weir_status
close_row(weir_engine *self, uint32_t stream, int64_t time_ns, weir_error *err)
{
    weir_chunk *chunk           = self->chunks[stream];
    chunk->time[chunk->n_rows]  = time_ns;
    chunk->order[chunk->n_rows] = self->order++;
    chunk->n_rows++;
    self->n_waiting++;
    return self->n_waiting >= self->batch ? weir_engine_flush(self, err) : WEIR_OK;
}

static weir_status
check_values(const weir_schema *schema, const weir_value *values, weir_error *err)
{
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        const weir_field *field = &schema->fields[f];
        bool may_be_null        = field->is_nullable && (int32_t)f != schema->time_field;
        if (values[f].is_null && !may_be_null) {
            return WEIR_FAIL(err, WEIR_EINVAL, "stream '%s': field '%s' may not be null",
                schema->name, field->name);
        }
        if (!values[f].is_null && values[f].type != field->type) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "stream '%s': field '%s' is a %s, and was given a %s", schema->name,
                field->name, weir_type_text(field->type),
                weir_type_text((weir_type)values[f].type));
        }
    }
    return WEIR_OK;
}

static weir_status
set_row(weir_engine *self, uint32_t stream, const weir_value *values, weir_error *err)
{
    weir_chunk *chunk     = self->chunks[stream];
    uint32_t    heap_used = chunk->heap_used;
    for (uint32_t f = 0; f < chunk->schema->n_fields; f++) {
        weir_status status = weir_chunk_set(chunk, chunk->n_rows, f, &values[f]);
        if (status != WEIR_OK) {
            chunk->heap_used = heap_used;
            return WEIR_FAIL(
                err, status, "stream '%s': the event is too large", chunk->schema->name);
        }
    }
    return WEIR_OK;
}

weir_status
weir_engine_push(
    weir_engine *self, const char *stream, const weir_value *values, weir_error *err)
{
    uint32_t    index  = 0;
    weir_status status = find_fed(self, stream, &index, err);
    if (status != WEIR_OK) {
        return status;
    }
    const weir_schema *schema = &self->plan->streams[index].schema;
    status                    = check_values(schema, values, err);
    if (status != WEIR_OK) {
        return status;
    }
    int64_t time_ns = values[schema->time_field].as.i;
    status          = admit(self, index, time_ns, err);
    if (status == WEIR_OK) {
        status = set_row(self, index, values, err);
    }
    return status == WEIR_OK ? close_row(self, index, time_ns, err) : status;
}

/* ---- JSON ---- */

static void
on_dead(void *context, const weiri_dead_record *record)
{
    weir_engine *self = context;
    if (self->dead != NULL && self->dead->status == WEIR_OK) {
        (void)WEIR_FAIL(self->dead, WEIR_EDATA, "stream '%s', line %llu: %s",
            self->stream, (unsigned long long)record->line, record->reason);
    }
}

static weir_status
open_decoder(weir_engine *self, uint32_t stream, weir_error *err)
{
    const weiri_decoder_config config = { .schema = &self->plan->streams[stream].schema,
        .format                                   = WEIRI_FORMAT_JSON,
        .used                                     = weiri_graph_used(self->graph, stream),
        .on_dead                                  = on_dead,
        .context                                  = self };
    weiri_decoder_destroy(
        &self->decoders[stream]); /* lines are counted from this text on */
    return weiri_decoder_new(&config, &self->decoders[stream], err);
}

/* Rows of a decoded chunk become events one by one. */
static weir_status
take_rows(weir_engine *self, uint32_t stream, const weir_chunk *from, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < from->n_rows && status == WEIR_OK; i++) {
        for (uint32_t f = 0; f < from->schema->n_fields; f++) {
            self->values[f] = weir_chunk_get(from, i, f);
        }
        status = admit(self, stream, from->time[i], err);
        if (status == WEIR_OK) {
            status = set_row(self, stream, self->values, err);
        }
        if (status == WEIR_OK) {
            status = close_row(self, stream, from->time[i], err);
        }
    }
    return status;
}

/* One line: an event, or nothing but blanks, or `err` says why it is none. */
static weir_status
take_line(weir_engine *self, uint32_t stream, const char *line, size_t size,
    weir_chunk *chunk, weir_error *err)
{
    size_t     consumed = 0;
    weir_error dead     = { .status = WEIR_OK };
    weir_chunk_clear(chunk);
    self->dead         = &dead;
    weir_status status = weiri_decoder_decode(
        self->decoders[stream], line, size, true, chunk, &consumed, err);
    self->dead = NULL;
    if (status == WEIR_OK && dead.status != WEIR_OK) {
        if (err != NULL) {
            *err = dead;
        }
        return WEIR_EDATA;
    }
    return status == WEIR_OK ? take_rows(self, stream, chunk, err) : status;
}

/* One record at a time: those behind a wrong one are not taken in. */
weir_status
weir_engine_push_json(
    weir_engine *self, const char *stream, const char *json, size_t size, weir_error *err)
{
    uint32_t    index  = 0;
    weir_chunk *chunk  = NULL;
    weir_status status = find_fed(self, stream, &index, err);
    if (status == WEIR_OK) {
        status = open_decoder(self, index, err);
    }
    if (status == WEIR_OK) {
        status = weir_chunk_new(&self->plan->streams[index].schema,
            weiri_graph_used(self->graph, index), &chunk);
    }
    self->stream = stream;
    while (status == WEIR_OK && size > 0) {
        const char *end  = memchr(json, '\n', size);
        size_t      line = end != NULL ? (size_t)(end - json) + 1 : size;
        status           = take_line(self, index, json, line, chunk, err);
        json += line;
        size -= line;
    }
    weir_chunk_drop(&chunk);
    return status;
}

/* ---- making and ending ---- */

/* The first error as `err` has room for it; each one to whoever listens. */
static void
tell_diagnostics(const weiri_diagnostics *diagnostics, const weir_engine_options *options,
    weir_error *err)
{
    weiri_diagnostic about;
    bool             is_first = true;
    for (size_t i = 0; weiri_diagnostics_get(diagnostics, i, &about); i++) {
        char text[1024];
        snprintf(text, sizeof text, "line %u, column %u: %s[%s]: %s%s%s",
            about.place.line, about.place.column, about.is_error ? "error" : "warning",
            about.code, about.text, about.hint != NULL ? "\n= " : "",
            about.hint != NULL ? about.hint : "");
        if (options->diagnosed != NULL) {
            options->diagnosed(options->context, about.is_error, text);
        }
        if (about.is_error && is_first) {
            (void)WEIR_FAIL(err, WEIR_ESYNTAX, "line %u, column %u: %s", about.place.line,
                about.place.column, about.text);
            is_first = false;
        }
    }
}

static weir_status
compile(weir_engine *self, const char *rules, size_t size,
    const weir_engine_options *options, weir_error *err)
{
    weiri_diagnostics *diagnostics = NULL;
    weiri_setting     *settings    = calloc(options->n_settings + 1, sizeof *settings);
    weir_status        status =
        settings != NULL ? weiri_diagnostics_new(&diagnostics) : WEIR_ENOMEM;
    for (size_t i = 0; status == WEIR_OK && i < options->n_settings; i++) {
        settings[i] = (weiri_setting){ .name = options->settings[i].name,
            .value                           = options->settings[i].value };
    }
    const weiri_compile_options how = { .settings = settings,
        .n_settings                               = options->n_settings,
        .with_tests                               = true, /* every stream is read */
        .no_includes                              = true };
    if (status == WEIR_OK) {
        status =
            weiri_compile_text("rules", rules, size, &how, diagnostics, &self->plan, err);
        tell_diagnostics(diagnostics, options, err);
    } else {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weiri_diagnostics_destroy(&diagnostics);
    free(settings);
    return status;
}

static weir_status
allocate(weir_engine *self, weir_error *err)
{
    size_t n        = self->plan->n_streams + (size_t)1;
    size_t n_values = 1;
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        size_t n_fields = self->plan->streams[i].schema.n_fields;
        n_values        = n_fields > n_values ? n_fields : n_values;
    }
    self->chunks   = calloc(n, sizeof(void *));
    self->decoders = calloc(n, sizeof(void *));
    self->channels = calloc(n, sizeof *self->channels);
    self->cursors  = calloc(n, sizeof *self->cursors);
    self->values   = calloc(n_values, sizeof *self->values);
    if (self->chunks == NULL || self->decoders == NULL || self->channels == NULL
        || self->cursors == NULL || self->values == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    return weiri_graph_new(self->plan, &self->graph, err);
}

weir_status
weir_engine_new(const char *rules, size_t size, const weir_engine_options *options,
    weir_engine **out, weir_error *err)
{
    const weir_engine_options none = { 0 };
    weir_engine              *self = calloc(1, sizeof *self);
    *out                           = NULL;
    options                        = options != NULL ? options : &none;
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    if (options->lateness_ns < 0) {
        free(self);
        return WEIR_FAIL(err, WEIR_EINVAL, "a lateness below zero");
    }
    self->batch = options->batch > 0 ? options->batch : 1;
    if (self->batch > WEIRI_CHUNK_ROWS) {
        self->batch = WEIRI_CHUNK_ROWS;
    }
    weiri_clock_init(&self->clock, options->lateness_ns);
    weir_status status = compile(self, rules, size, options, err);
    if (status == WEIR_OK) {
        status = allocate(self, err);
    }
    if (status != WEIR_OK) {
        weir_engine_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weir_engine_destroy(weir_engine **self_p)
{
    weir_engine *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    uint32_t n = self->plan != NULL ? self->plan->n_streams : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (self->chunks != NULL) {
            weir_chunk_drop(&self->chunks[i]);
        }
        if (self->decoders != NULL) {
            weiri_decoder_destroy(&self->decoders[i]);
        }
    }
    weiri_graph_destroy(&self->graph);
    weiri_plan_destroy(&self->plan);
    free(self->chunks);
    free(self->decoders);
    free(self->channels);
    free(self->cursors);
    free(self->values);
    free(self);
}

weir_engine_counts
weir_engine_get_counts(const weir_engine *self)
{
    weiri_graph_counts of     = weiri_graph_get_counts(self->graph);
    weir_engine_counts counts = self->counts;
    counts.n_matches          = of.n_matches;
    counts.n_dropped          = of.n_dropped;
    counts.n_faults           = of.n_faults;
    counts.n_null_keys        = of.n_null_keys;
    return counts;
}
