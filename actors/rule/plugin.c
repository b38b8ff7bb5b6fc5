/* An actor of a plugin: rows go to it a key at a time, what it gives to the collector.
 *
 * Timers fire between the events where they belong: before the first event later than
 * them, whatever chunks the events come in. An actor with timers is therefore given its
 * events one by one; others get as many of one key as stand together. What an event gives
 * is held until the plugin has said that it took the event.
 */
#include <stdlib.h>
#include <string.h>

#include "plugin_host.h"

/* ---- opening and closing ---- */

static weir_status
open_actor(weiri_plugin_host *self, weir_error *err)
{
    const weir_plugin_actor *actor = self->plan->actor;
    weiri_plugin_calling     call;
    weiri_plugin_calling_init(&call, self);
    const weir_plugin_setup setup = { .size = sizeof setup,
        .params                             = self->plan->params,
        .n_params                           = actor->n_params,
        .inputs                             = self->plan->inputs,
        .n_inputs                           = self->plan->n_inputs };
    if (actor->open != NULL
        && (!actor->open(&call.base.base, &setup, &self->actor) || call.base.is_failed)) {
        self->actor = NULL;
        return WEIR_FAIL(err, WEIR_EINVAL, "%s",
            call.base.is_failed ? call.base.reason : "open failed and gave no reason");
    }
    self->is_open = true;
    return WEIR_OK;
}

static void
close_actor(weiri_plugin_host *self)
{
    weiri_plugin_drop_states(self);
    if (self->is_open && self->plan->actor->close != NULL) {
        self->plan->actor->close(self->actor);
    }
    self->actor   = NULL;
    self->is_open = false;
}

/* Close and open it, and give it back what its states were. */
static weir_status
restart(weiri_plugin_host *self, weir_error *err)
{
    weiri_keyed keyed  = { .groups = NULL };
    weiri_pack  kept   = { 0 };
    bool        saves  = self->plan->actor->state_save != NULL;
    weir_status status = saves ? weiri_plugin_save_states(self, &keyed, err) : WEIR_OK;
    if (status == WEIR_OK && saves && !weiri_keyed_finish(&keyed, &kept)) {
        status = WEIR_ENOMEM;
    }
    if (status == WEIR_OK) {
        close_actor(self);
        status = open_actor(self, err);
    }
    if (status == WEIR_OK && saves) {
        weiri_keyed_load load = { .is_first = true };
        status                = weiri_keyed_open(&load.from, kept.bytes, kept.size)
                                    ? weiri_plugin_load_states(self, &load, err)
                                    : WEIR_EDATA;
    }
    weiri_keyed_fini(&keyed);
    weiri_pack_fini(&kept);
    return status;
}

/* ---- failures ---- */

static weir_status
encode_event(weiri_encoder **encoder, weir_rows event, weiri_buffer *out)
{
    weir_status status = WEIR_OK;
    if (*encoder == NULL) {
        status = weiri_encoder_new(event.chunk->schema, WEIRI_FORMAT_JSON, encoder, NULL);
    }
    status = status == WEIR_OK ? weiri_encoder_encode(*encoder, event, out) : status;
    while (out->used > 0 && out->bytes[out->used - 1] == '\n') {
        out->used--;
    }
    return status;
}

weir_status
weiri_plugin_bury(const weiri_host_frame *frame, weiri_encoder **encoder, int64_t at_ns,
    const char *reason, weir_rows event)
{
    if (frame->rule->query->actor->dead == NULL) {
        return WEIR_OK;
    }
    const char  *name   = frame->rule->name;
    weiri_buffer json   = { 0 };
    weir_status  status = event.n > 0 ? encode_event(encoder, event, &json) : WEIR_OK;
    weir_value   values[4];
    values[0] = weir_plugin_int(WEIR_TIME, at_ns);
    values[1] = weir_plugin_string(name, strlen(name));
    values[2] = weir_plugin_string(reason, strlen(reason));
    values[3] = event.n > 0 ? weir_plugin_string(json.bytes, json.used)
                            : weir_plugin_null(WEIR_STRING);
    if (status == WEIR_OK) {
        status = weiri_collector_add(frame->timeouts, at_ns, values);
    }
    weiri_buffer_fini(&json);
    return status;
}

/* What the rules say is done about a failure. *is_again: offer the event once more.
 *
 *   position  of the event, or of the one that made the state whose timer it was
 */
static weir_status
handle(weiri_plugin_host *self, weiri_plugin_calling *call, int64_t at_ns,
    uint64_t position, weir_rows event, bool *is_again, weir_error *err)
{
    const char *reason = weiri_plugin_reason(&call->base);
    *is_again          = false;
    self->tally.n_failed++;
    if (call->status != WEIR_OK) {
        return call->status;
    }
    weiri_plugin_trigger(&self->frame, position, event.n == 0);
    if (self->served != NULL) {
        return self->served->failed(self->served->context, at_ns, reason, event);
    }
    if (self->plan->on_error == WEIRI_ON_ERROR_SKIP) {
        return weiri_plugin_bury(&self->frame, &self->encoder, at_ns, reason, event);
    }
    self->tally.n_in_a_row++;
    if (self->plan->on_error == WEIRI_ON_ERROR_RESTART) {
        *is_again = true;
        return self->tally.n_in_a_row <= WEIRI_PLUGIN_RESTARTS
                   ? restart(self, err)
                   : WEIR_FAIL(err, WEIR_EDATA,
                       "failed again after %d restarts: %s (with 'on error skip' it goes "
                       "on)",
                       WEIRI_PLUGIN_RESTARTS, reason);
    }
    return WEIR_FAIL(err, WEIR_EDATA, "%s (with 'on error skip' it goes on)", reason);
}

/* ---- timers ---- */

/* A state that the plugin has said is as good as new. */
static void
drop_if_asked(weiri_plugin_host *self, const weiri_plugin_calling *call)
{
    if (call->is_dropped && call->state != NULL && self->plan->actor->state_new != NULL) {
        weiri_plugin_drop_state(self, call->state);
    }
}

static weir_status
fire(weiri_plugin_host *self, weiri_plugin_state *state, weir_error *err)
{
    int64_t    at_ns    = state->timer;
    uint64_t   position = state->serial;
    bool       is_again = true;
    weiri_pack key      = { 0 };
    weiri_pack_bytes(&key, state->key, state->key_size);
    weir_status status = key.is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
    weiri_plugin_set_timer(self, state, INT64_MAX);
    while (is_again && status == WEIR_OK) {
        weiri_plugin_calling call;
        weiri_plugin_calling_init(&call, self);
        call.state    = state;
        call.now      = at_ns;
        call.position = position;
        call.may_emit = true;
        bool is_ok =
            self->plan->actor->on_timer(&call.base.base, self->actor, state->state, at_ns)
            && !call.base.is_failed;
        status   = weiri_plugin_commit(&call, is_ok ? 1 : 0);
        is_again = false;
        if (status == WEIR_OK && is_ok) {
            self->tally.n_in_a_row = 0;
            drop_if_asked(self, &call);
        } else if (status == WEIR_OK) {
            status =
                handle(self, &call, at_ns, position, (weir_rows){ 0 }, &is_again, err);
        }
        if (is_again) { /* what cannot be saved began empty, without timers */
            state    = weiri_plugin_state_at(self, key.bytes, key.size);
            is_again = state != NULL;
        }
    }
    weiri_pack_fini(&key);
    return status;
}

/* When a state is forgotten for want of events; INT64_MAX: never. */
static int64_t
idle_from(const weiri_plugin_host *self, const weiri_plugin_state *state)
{
    int64_t idle_ns = self->plan->idle_ns;
    bool    is_far  = idle_ns < 0 || state->last_ns > INT64_MAX - idle_ns;
    return is_far ? INT64_MAX : state->last_ns + idle_ns;
}

/* All timers before a time. */
static weir_status
fire_before(weiri_plugin_host *self, int64_t time_ns, weir_error *err)
{
    weir_status status = WEIR_OK;
    while (self->n_heap > 0 && self->heap[0]->timer < time_ns && status == WEIR_OK) {
        weiri_plugin_state *next = self->heap[0];
        if (idle_from(self, next) <= next->timer) {
            weiri_plugin_drop_state(self, next);
        } else {
            status = fire(self, next, err);
        }
    }
    while (status == WEIR_OK && self->oldest != NULL && self->plan->idle_ns >= 0
           && idle_from(self, self->oldest) <= time_ns) {
        weiri_plugin_drop_state(self, self->oldest);
    }
    return status;
}

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    return fire_before(context, watermark_ns, err);
}

static int64_t
next_deadline(const void *context)
{
    const weiri_plugin_host *self = context;
    return self->n_heap > 0 ? self->heap[0]->timer : INT64_MAX;
}

/* ---- events ---- */

/* The key of an event, in self->key; false: it has none. */
static bool
read_key(weiri_plugin_host *self, const weir_chunk *chunk, uint32_t row)
{
    self->key.size = 0;
    bool has_null  = false;
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        weir_value value = weiri_program_eval(self->keys, i, chunk, row, NULL);
        has_null         = has_null || value.is_null;
        if (!has_null) {
            weiri_key_value_pack(&value, &self->key);
        }
    }
    return !has_null;
}

static bool
is_key_of(const weiri_plugin_host *self, const weiri_plugin_state *state)
{
    return self->key.size == state->key_size
           && memcmp(self->key.bytes, state->key, state->key_size) == 0;
}

/* How many events from `first` on go to the plugin in one call. */
static uint32_t
run_length(weiri_plugin_host *self, weir_rows rows, uint32_t first,
    const weiri_plugin_state *state)
{
    if (self->plan->actor->on_timer != NULL) {
        return 1;
    }
    uint32_t n = 1;
    if (self->plan->n_keys == 0) {
        return rows.n - first;
    }
    while (first + n < rows.n && read_key(self, rows.chunk, rows.first + first + n)
           && is_key_of(self, state)) {
        n++;
    }
    return n;
}

/* Offer events of one key once; *n_taken of them have been. */
static weir_status
offer(weiri_plugin_host *self, weiri_plugin_state *state, weir_rows rows,
    uint64_t position, const weir_value *values, weiri_plugin_calling *call,
    uint32_t *n_taken)
{
    weiri_plugin_calling_init(call, self);
    call->state                 = state;
    call->rows                  = rows;
    call->position              = position;
    call->may_emit              = true;
    const weir_plugin_rows lent = { .size = sizeof lent,
        .n                                = rows.n,
        .n_fields                         = self->plan->n_inputs,
        .times                            = rows.chunk->time + rows.first,
        .values                           = values };
    uint32_t               n =
        self->plan->actor->on_rows(&call->base.base, self->actor, state->state, &lent);
    if (call->base.is_failed && call->failed_row < n) {
        n = call->failed_row;
    }
    if (call->base.is_failed && n >= rows.n) {
        n = rows.n - 1;
    }
    *n_taken = n < rows.n ? n : rows.n;
    if (*n_taken > 0) {
        self->tally.n_in_a_row = 0;
    }
    return weiri_plugin_commit(call, *n_taken);
}

/* The state that an event belongs to; *out NULL: it failed and is dealt with. */
static weir_status
state_of(weiri_plugin_host *self, weir_rows event, uint64_t position,
    weiri_plugin_state **out, weir_error *err)
{
    bool                is_keyed = self->plan->n_keys > 0;
    bool                is_again = true;
    const uint8_t      *key      = is_keyed ? self->key.bytes : (const uint8_t *)"";
    size_t              size     = is_keyed ? self->key.size : 0;
    int64_t             time_ns  = event.chunk->time[event.first];
    weiri_plugin_state *old =
        self->plan->idle_ns >= 0 ? weiri_plugin_state_at(self, key, size) : NULL;
    if (old != NULL && idle_from(self, old) <= time_ns) {
        weiri_plugin_drop_state(self, old);
    }
    *out = NULL;
    while (is_again) {
        weiri_plugin_calling call;
        weiri_plugin_calling_init(&call, self);
        weir_status status =
            weiri_plugin_find_state(self, key, size, position, &call, out);
        if (status != WEIR_EDATA) {
            return status;
        }
        status = handle(self, &call, time_ns, position, event, &is_again, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_rows
part(weir_rows rows, uint32_t first, uint32_t n)
{
    return (weir_rows){ .chunk = rows.chunk, .first = rows.first + first, .n = n };
}

/* Have the events from `first` on that stand together taken, or dealt with; *n is how
 * many. */
static weir_status
give(
    weiri_plugin_host *self, weir_rows rows, uint32_t first, uint32_t *n, weir_error *err)
{
    weiri_plugin_state *state  = NULL;
    weir_status         status = WEIR_OK;
    uint64_t            position =
        weiri_plugin_position(&self->frame, rows, first, self->tally.position);
    *n = 1;
    if (self->plan->n_keys > 0 && !read_key(self, rows.chunk, rows.first + first)) {
        self->tally.n_null_keys++;
        return WEIR_OK;
    }
    status = state_of(self, part(rows, first, 1), position, &state, err);
    if (status != WEIR_OK || state == NULL) {
        return status;
    }
    uint32_t             n_taken  = 0;
    uint32_t             length   = run_length(self, rows, first, state);
    bool                 is_again = false;
    weiri_plugin_calling call;
    if (self->plan->idle_ns >= 0) {
        length = 1; /* each event may be the one before which the key is forgotten */
        weiri_plugin_touch(self, state, rows.chunk->time[rows.first + first]);
    }
    status = offer(self, state, part(rows, first, length), position,
        self->values + (size_t)first * self->plan->n_inputs, &call, &n_taken);
    *n     = n_taken;
    if (status == WEIR_OK && n_taken < length) {
        status = handle(self, &call, rows.chunk->time[rows.first + first + n_taken],
            weiri_plugin_position(
                &self->frame, rows, first + n_taken, self->tally.position),
            part(rows, first + n_taken, 1), &is_again, err);
        *n += !is_again;
    } else {
        self->tally.n_in_a_row = 0;
        if (status == WEIR_OK) {
            drop_if_asked(self, &call);
        }
    }
    return status;
}

static void
read_inputs(weiri_plugin_host *self, weir_rows rows)
{
    uint32_t n_inputs = self->plan->n_inputs;
    for (uint32_t i = 0; i < rows.n; i++) {
        for (uint32_t j = 0; j < n_inputs; j++) {
            weir_value *value = &self->values[(size_t)i * n_inputs + j];
            *value =
                weiri_program_eval(self->inputs, j, rows.chunk, rows.first + i, NULL);
            value->type = self->plan->inputs[j].type;
        }
    }
}

static void
forget(weiri_plugin_host *self)
{
    if (self->inputs != NULL) {
        weiri_program_forget(self->inputs);
    }
    if (self->keys != NULL) {
        weiri_program_forget(self->keys);
    }
}

static weir_status
feed_rows(weiri_plugin_host *self, weir_rows rows, weir_error *err)
{
    weir_status status = WEIR_OK;
    read_inputs(self, rows);
    for (uint32_t i = 0; i < rows.n && status == WEIR_OK;) {
        uint32_t n = 0;
        status     = fire_before(self, rows.chunk->time[rows.first + i], err);
        if (status == WEIR_OK) {
            status = give(self, rows, i, &n, err);
        }
        i += n;
    }
    if (rows.n > 0) {
        self->tally.position =
            weiri_plugin_position(&self->frame, rows, rows.n - 1, self->tally.position)
            + 1;
    }
    forget(self);
    return self->key.is_out_of_memory ? WEIR_ENOMEM : status;
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    weiri_plugin_host     *self   = context;
    const weiri_rows_list *rows   = inputs[0];
    weir_status            status = WEIR_OK;
    for (uint32_t i = 0; i < rows->n && status == WEIR_OK; i++) {
        *self->frame.n_events += rows->items[i].n;
        status = feed_rows(self, rows->items[i], err);
    }
    return status;
}

/* ---- making and ending ---- */

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    const weiri_query *query = frame->rule->query;
    weiri_plugin_host *self  = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out         = self;
    self->frame  = *frame;
    self->plan   = query->actor;
    self->n_kept = query->emit->schema->n_fields - self->plan->actor->n_outputs;
    self->values = calloc(
        (size_t)WEIRI_CHUNK_ROWS * (self->plan->n_inputs + 1), sizeof *self->values);
    self->row = calloc(query->emit->schema->n_fields + (size_t)1, sizeof *self->row);
    if (self->values == NULL || self->row == NULL) {
        return WEIR_ENOMEM;
    }
    weir_status status =
        weiri_plugin_host_programs(self->plan, &self->inputs, &self->keys);
    return status == WEIR_OK ? open_actor(self, err) : status;
}

static void
destroy(void *context)
{
    weiri_plugin_host *self = context;
    close_actor(self);
    weiri_program_destroy(&self->inputs);
    weiri_program_destroy(&self->keys);
    weiri_encoder_destroy(&self->encoder);
    weir_chunk_drop(&self->pending);
    weiri_pack_fini(&self->key);
    free(self->values);
    free(self->row);
    free(self->states);
    free(self->slots);
    free(self->heap);
    free(self);
}

static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    return weiri_plugin_save_states(context, out, err);
}

static weir_status
load(void *context, const weiri_keyed_load *from, weir_error *err)
{
    return weiri_plugin_load_states(context, from, err);
}

const weiri_host_ops weiri_plugin_host_ops = { make, destroy, feed, advance,
    next_deadline, weiri_plugin_host_finish, weiri_plugin_host_count, save, load,
    weiri_plugin_host_save_counts, weiri_plugin_host_load_counts, NULL };
