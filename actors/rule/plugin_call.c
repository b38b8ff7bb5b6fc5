/* What a plugin may ask for during a call. Nothing that it gives is believed: types,
 * nulls, text and order are checked before any of it goes on. */
#include <string.h>

#include "plugin_host.h"

static weiri_plugin_calling *
calling(weir_plugin_call *call)
{
    return (weiri_plugin_calling *)(void *)call;
}

/* ---- events given ---- */

static bool
is_fitting(weir_plugin_call *call, const weir_field *field, const weir_value *value)
{
    if (value->is_null) {
        return field->is_nullable
               || weiri_plugin_fail(
                   call, "it gives null as '%s', which is never null", field->name);
    }
    if (value->type != field->type) {
        return weiri_plugin_fail(call,
            "it gives a value of type %s as '%s', which is of type %s",
            weir_type_text((weir_type)value->type), field->name,
            weir_type_text(field->type));
    }
    const char *fault = weiri_plugin_value_fault(value, field->type);
    return fault == NULL
           || weiri_plugin_fail(call, "it gives %s as '%s'", fault, field->name);
}

static bool
check_values(weir_plugin_call *call, const weir_value *values, uint32_t n_values)
{
    const weiri_plugin_host *self   = calling(call)->self;
    const weir_schema       *schema = self->frame.emitted->schema;
    if (n_values != schema->n_fields - self->n_kept || (values == NULL && n_values > 0)) {
        return weiri_plugin_fail(call, "it gives an event of %u values, and declares %u",
            (unsigned)n_values, (unsigned)(schema->n_fields - self->n_kept));
    }
    for (uint32_t i = 0; i < n_values; i++) {
        if (!is_fitting(call, &schema->fields[self->n_kept + i], &values[i])) {
            return false;
        }
    }
    return true;
}

static bool
check_row(weir_plugin_call *call, uint32_t row)
{
    const weiri_plugin_calling *at = calling(call);
    if (!at->may_emit) {
        return weiri_plugin_fail(call, "it gives an event where it was not given one");
    }
    if (at->rows.n == 0) {
        return (row == 0 && (at->self->n_kept == 0 || at->self->served != NULL))
               || weiri_plugin_fail(call,
                   "it gives an event with a timer: of a row that is not 0, or "
                   "though it keeps the event's fields");
    }
    return (row < at->rows.n && row >= at->row)
           || weiri_plugin_fail(call,
               "it gives an event for row %u of %u, after one for row %u", (unsigned)row,
               (unsigned)at->rows.n, (unsigned)at->row);
}

static weir_status
put_row(const weiri_plugin_calling *at, uint32_t row, const weir_value *values)
{
    weiri_plugin_host *self   = at->self;
    weir_chunk        *chunk  = self->pending;
    uint32_t           place  = chunk->n_rows;
    weir_status        status = place < chunk->capacity ? WEIR_OK : WEIR_EFULL;
    for (uint32_t i = 0; i < self->n_kept && status == WEIR_OK; i++) {
        weir_value kept = at->rows.n == 0
                              ? weir_plugin_null(chunk->schema->fields[i].type)
                              : weir_chunk_get(at->rows.chunk, at->rows.first + row, i);
        status          = weir_chunk_set(chunk, place, i, &kept);
    }
    for (uint32_t i = self->n_kept; i < chunk->schema->n_fields && status == WEIR_OK;
         i++) {
        weir_value value = values[i - self->n_kept];
        value.type       = (uint8_t)chunk->schema->fields[i].type;
        status           = weir_chunk_set(chunk, place, i, &value);
    }
    if (status == WEIR_OK) {
        chunk->time[place] =
            at->rows.n == 0 ? at->now : at->rows.chunk->time[at->rows.first + row];
        chunk->order[place] = row;
        chunk->n_rows++;
    }
    return status;
}

static weir_status
commit_row(const weiri_plugin_calling *call, uint32_t row)
{
    weiri_plugin_host *self = call->self;
    uint32_t           of   = (uint32_t)self->pending->order[row];
    weiri_plugin_trigger(&self->frame,
        call->rows.n > 0
            ? weiri_plugin_position(&self->frame, call->rows, of, call->position)
            : call->position,
        call->rows.n == 0);
    for (uint32_t i = 0; i < self->pending->schema->n_fields; i++) {
        self->row[i] = weir_chunk_get(self->pending, row, i);
    }
    return weiri_collector_add(self->frame.emitted, self->pending->time[row], self->row);
}

weir_status
weiri_plugin_commit(weiri_plugin_calling *call, uint64_t end)
{
    weiri_plugin_host *self   = call->self;
    weir_status        status = WEIR_OK;
    if (self->pending == NULL) {
        return status;
    }
    for (uint32_t i = 0;
         i < self->pending->n_rows && status == WEIR_OK && self->pending->order[i] < end;
         i++) {
        status = commit_row(call, i);
    }
    weir_chunk_clear(self->pending);
    return status;
}

static bool
emit(weir_plugin_call *call, uint32_t row, const weir_value *values, uint32_t n_values)
{
    weiri_plugin_calling *at   = calling(call);
    weiri_plugin_host    *self = at->self;
    if (at->base.is_failed || !check_row(call, row)
        || !check_values(call, values, n_values)) {
        if (at->may_emit && at->failed_row == UINT32_MAX) {
            at->failed_row = row < at->rows.n ? row : at->row;
        }
        return false;
    }
    weir_status status = WEIR_OK;
    if (self->pending == NULL) {
        status = weir_chunk_new(
            self->frame.emitted->schema, self->frame.emitted->used, &self->pending);
    }
    if (status == WEIR_OK) {
        status = put_row(at, row, values);
    }
    if (status == WEIR_EFULL && row > at->row) { /* rows before this one have succeeded */
        status = weiri_plugin_commit(at, row);
        status = status == WEIR_OK ? put_row(at, row, values) : status;
    }
    at->row = row;
    if (status == WEIR_EFULL) {
        weiri_plugin_fail(
            call, "it gives more than %d events, or 8 MiB, for one", WEIRI_CHUNK_ROWS);
        at->failed_row = row;
    } else if (status != WEIR_OK) {
        weiri_plugin_fail(call, "%s", weir_status_text(status));
        at->status = status;
    }
    return status == WEIR_OK;
}

/* ---- timers, state ---- */

static bool
set_timer(weir_plugin_call *call, int64_t at_ns)
{
    weiri_plugin_calling *at = calling(call);
    int64_t now = at->rows.n == 0 ? at->now : at->rows.chunk->time[at->rows.first];
    if (!at->may_emit || at->state == NULL || at->self->plan->actor->on_timer == NULL) {
        return weiri_plugin_fail(
            call, "it sets a timer, and has no on_timer or no state");
    }
    if (at_ns <= now || at_ns == INT64_MAX) {
        return weiri_plugin_fail(
            call, "it sets a timer that is not later than the event");
    }
    weiri_plugin_set_timer(at->self, at->state, at_ns);
    return true;
}

static void
clear_timer(weir_plugin_call *call)
{
    const weiri_plugin_calling *at = calling(call);
    if (at->may_emit && at->state != NULL) {
        weiri_plugin_set_timer(at->self, at->state, INT64_MAX);
    }
}

static void
write_state(weir_plugin_call *call, const void *bytes, size_t size)
{
    const weiri_plugin_calling *at = calling(call);
    if (at->out != NULL && size <= WEIRI_PLUGIN_STATE
        && at->out->size <= WEIRI_PLUGIN_STATE) {
        weiri_pack_bytes(at->out, bytes, size);
    } else {
        weiri_plugin_fail(
            call, "it writes more than 64 MiB of state, or when it was not asked");
    }
}

static void
drop_state(weir_plugin_call *call)
{
    weiri_plugin_calling *at = calling(call);
    at->is_dropped           = at->may_emit && at->state != NULL;
}

static const weir_plugin_host HOST = { sizeof(weir_plugin_host), weiri_plugin_fail,
    weiri_plugin_log, emit, set_timer, clear_timer, write_state, weiri_plugin_no_text,
    weiri_plugin_count, weiri_plugin_gauge, drop_state };

void
weiri_plugin_calling_init(weiri_plugin_calling *self, weiri_plugin_host *host)
{
    *self = (weiri_plugin_calling){ .self = host, .failed_row = UINT32_MAX };
    self->base.base.host = &HOST;
    self->base.name      = host->frame.rule->name;
    self->base.metrics   = host->frame.plan->metrics;
    self->base.n_logged  = &host->n_logged;
}
