/* The far side: the host of a plugin's actor, whose events come as messages. What it is
 * given is a stream of (row, key, inputs), and what it gives keeps the row. */
#include "weiri/serve.h"

#include <stdlib.h>
#include <string.h>

#include "../rule/plugin_host.h"
#include "message.h"
#include "weiri/pair.h"

enum {
    AT_ROW,
    AT_KEY,
    AT_INPUTS,
    MOST_KEYS   = 1 << 20,
    PATIENCE_MS = 1000,
    SEND_MS     = 60000
};

typedef struct server {
    weiri_plugin       *library;
    weiri_pair         *pair;
    weiri_arena        *arena;
    weir_schema         schema;  /* row, key, inputs */
    weir_schema         emitted; /* row, outputs     */
    bool               *used;
    weir_plugin_actor   actor;
    weiri_actor_plan    plan;
    weiri_plan          of;
    weiri_rule          rule;
    weiri_query         query;
    weiri_emit          emit;
    weiri_collector     collector;
    weiri_collector     unused;
    weiri_chunks        given;
    uint64_t            n_events;
    uint64_t            trigger;
    weiri_plugin_served served;
    weiri_plugin_host  *host;
    uint64_t            sequence; /* of the request at hand */
    weiri_pack          failures; /* of this answer */
    uint32_t            n_failures;
    bool                is_stopping; /* at the first failure */
    weir_chunk         *chunk;
    uint32_t            n_taken;
} server;

/* ---- answers ---- */

static weir_status
answer(server *self, weiri_pack *payload, weir_error *err)
{
    uint8_t head[WEIRI_FRAME_HEAD];
    weiri_message_head(self->sequence, 0, payload, head);
    weir_status status = payload->is_out_of_memory
                             ? WEIR_ENOMEM
                             : weiri_pair_send(self->pair, head, sizeof head,
                                 payload->bytes, payload->size, SEND_MS, err);
    weiri_pack_fini(payload);
    *payload = (weiri_pack){ 0 };
    return status;
}

static weir_status
answer_error(server *self, const char *reason, weir_error *err)
{
    weiri_pack out = { 0 };
    weiri_message_array(&out, 2);
    weiri_message_word(&out, "error");
    weiri_message_word(&out, reason);
    return answer(self, &out, err);
}

/* What was counted since the last answer goes before this one. */
static weir_status
tell_metrics(server *self, weir_error *err)
{
    weir_status  status = WEIR_OK;
    weiri_metric metric;
    for (uint32_t i = 0;
         status == WEIR_OK && weiri_metrics_at(self->of.metrics, i, &metric); i++) {
        weiri_pack out   = { 0 };
        weir_value value = metric.is_gauge ? weir_plugin_float(metric.gauge)
                                           : weir_plugin_int(WEIR_INT, 0);
        if (!metric.is_gauge) {
            value.as.i = (int64_t)metric.count;
        }
        weiri_message_array(&out, 3);
        weiri_message_word(&out, metric.is_gauge ? "gauge" : "count");
        weiri_message_word(&out, metric.name);
        weiri_message_value(&out, &value);
        status = answer(self, &out, err);
    }
    weiri_metrics_destroy(&self->of.metrics);
    self->of.metrics = weiri_metrics_new();
    return status == WEIR_OK && self->of.metrics == NULL ? WEIR_ENOMEM : status;
}

/* With which number the key began whose timer it was. */
static void
write_number(const server *self, uint64_t trigger, weiri_pack *out)
{
    if (self->plan.n_keys > 0) {
        weiri_message_int(out, (int64_t)(trigger - WEIRI_TRIGGER_LATER));
    } else {
        weiri_message_nil(out);
    }
}

static void
write_events(server *self, weiri_pack *out)
{
    weiri_message_array(out, (uint32_t)self->given.n_rows);
    for (uint32_t i = 0; i < self->given.n; i++) {
        const weir_chunk *chunk = self->given.items[i];
        for (uint32_t row = 0; row < chunk->n_rows; row++) {
            weir_value of = weir_chunk_get(chunk, row, 0);
            weiri_message_array(out, self->emitted.n_fields + (of.is_null ? 2 : 1));
            weiri_message_value(out, &of);
            weiri_message_int(out, chunk->time[row]);
            if (of.is_null) {
                write_number(self, chunk->order[row], out);
            }
            for (uint32_t j = 1; j < self->emitted.n_fields; j++) {
                weir_value value = weir_chunk_get(chunk, row, j);
                weiri_message_value(out, &value);
            }
        }
    }
}

static weir_status
answer_result(server *self, weir_error *err)
{
    weiri_pack  out    = { 0 };
    int64_t     next   = weiri_plugin_host_ops.next_deadline(self->host);
    weir_status status = weiri_collector_flush(&self->collector);
    if (status == WEIR_OK) {
        status = tell_metrics(self, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    weiri_message_array(&out, 5);
    weiri_message_word(&out, "result");
    weiri_message_int(&out, self->n_taken);
    write_events(self, &out);
    weiri_message_array(&out, self->n_failures);
    weiri_pack_bytes(&out, self->failures.bytes, self->failures.size);
    if (next == INT64_MAX) {
        weiri_message_nil(&out);
    } else {
        weiri_message_int(&out, next);
    }
    weiri_chunks_fini(&self->given);
    self->given         = (weiri_chunks){ .items = NULL };
    self->failures.size = 0;
    self->n_failures    = 0;
    return answer(self, &out, err);
}

/* ---- hello ---- */

static weir_type
type_of(const char *text, uint32_t size)
{
    for (int type = WEIR_BOOL; type <= WEIR_DURATION; type++) {
        const char *name = weir_type_text((weir_type)type);
        if (strlen(name) == size && memcmp(name, text, size) == 0) {
            return (weir_type)type;
        }
    }
    return WEIR_NULL;
}

static weir_plugin_field *
read_fields(server *self, weiri_message *in, uint32_t *n)
{
    *n = weiri_message_read_array(in, 0, WEIRI_FIELDS);
    weir_plugin_field *fields =
        weiri_arena_alloc(self->arena, (*n + (size_t)1) * sizeof *fields);
    for (uint32_t i = 0; i < *n && in->wrong == NULL; i++) {
        uint32_t size = 0;
        uint32_t type = 0;
        weiri_message_read_array(in, 3, 3);
        const char *name      = weiri_message_read_text(in, 64, &size);
        fields[i].name        = weiri_arena_text(self->arena, name, size);
        const char *text      = weiri_message_read_text(in, 16, &type);
        fields[i].type        = (uint8_t)type_of(text, type);
        fields[i].is_nullable = weiri_message_read_bool(in);
        if (fields[i].type == WEIR_NULL) {
            weiri_message_fail(in, "a field is of no type");
        }
    }
    return fields;
}

/* What the actor is given must be what its library says that it takes, by now: the rules
 * were read with the library as it was then. */
static void
check_inputs(const server *self, weiri_message *in)
{
    const weir_plugin_actor *actor = &self->actor;
    bool                     is    = self->plan.n_inputs == actor->n_inputs;
    for (uint32_t i = 0; is && i < actor->n_inputs; i++) {
        const weir_plugin_field *given = &self->plan.inputs[i];
        is                             = strcmp(given->name, actor->inputs[i].name) == 0
             && given->type == actor->inputs[i].type
             && given->is_nullable == actor->inputs[i].is_nullable;
    }
    if (!is && (actor->flags & WEIR_PLUGIN_TAKES_NUMBERS) == 0) {
        weiri_message_fail(in, "its library takes other fields");
    }
}

/* {name: value}, in the order that the actor declares. */
static weir_value *
read_params(server *self, weiri_message *in)
{
    const weir_plugin_actor *actor = &self->actor;
    weir_value              *values =
        weiri_arena_alloc(self->arena, (actor->n_params + (size_t)1) * sizeof *values);
    weiri_mp_token token = { .kind = WEIRI_MP_NIL };
    if (in->wrong == NULL
        && (weiri_mp_read(&in->cursor, &token) != WEIRI_MP_OK
            || token.kind != WEIRI_MP_MAP || token.as.n_items != actor->n_params)) {
        weiri_message_fail(in, "the parameters are missing");
    }
    for (uint32_t i = 0; i < actor->n_params && in->wrong == NULL; i++) {
        uint32_t    size = 0;
        const char *name = weiri_message_read_text(in, 64, &size);
        if (size != strlen(actor->params[i].name)
            || memcmp(name, actor->params[i].name, size) != 0) {
            weiri_message_fail(in, "it has no such parameter");
        }
        values[i] = weiri_message_read_value(in, (weir_type)actor->params[i].type, true);
        if (values[i].type == WEIR_STRING && !values[i].is_null) {
            values[i].as.s =
                weiri_arena_text(self->arena, values[i].as.s, values[i].size);
        }
    }
    return values;
}

static bool
pick_actor(server *self, const char *name, uint32_t size)
{
    const weir_plugin_actor *actor = NULL;
    for (uint32_t i = 0; (actor = weiri_plugin_actor(self->library, i)) != NULL; i++) {
        if (strlen(actor->name) == size && memcmp(actor->name, name, size) == 0) {
            self->actor = *actor;
            return true;
        }
    }
    return false;
}

/* The stream that it is given, and the one that it gives. */
static void
make_schemas(server *self)
{
    const weir_plugin_actor *actor = &self->actor;
    uint32_t                 n_in  = AT_INPUTS + self->plan.n_inputs;
    weir_field              *in    = weiri_arena_alloc(self->arena, n_in * sizeof *in);
    weir_field              *out =
        weiri_arena_alloc(self->arena, (actor->n_outputs + (size_t)1) * sizeof *out);
    in[AT_ROW] = (weir_field){ .name = "#row", .type = WEIR_INT };
    in[AT_KEY] = (weir_field){ .name = "#key", .type = WEIR_STRING, .is_nullable = true };
    out[0]     = (weir_field){ .name = "#row", .type = WEIR_INT, .is_nullable = true };
    for (uint32_t i = 0; i < self->plan.n_inputs; i++) {
        in[AT_INPUTS + i] = (weir_field){ .name = self->plan.inputs[i].name,
            .type                               = (weir_type)self->plan.inputs[i].type,
            .is_nullable                        = self->plan.inputs[i].is_nullable };
    }
    for (uint32_t i = 0; i < actor->n_outputs; i++) {
        out[1 + i] = (weir_field){ .name = actor->outputs[i].name,
            .type                        = (weir_type)actor->outputs[i].type,
            .is_nullable                 = actor->outputs[i].is_nullable };
    }
    self->schema = (weir_schema){
        .name = actor->name, .fields = in, .n_fields = n_in, .time_field = -1
    };
    self->emitted = (weir_schema){ .name = actor->name,
        .fields                          = out,
        .n_fields                        = actor->n_outputs + 1,
        .time_field                      = -1 };
    self->used    = weiri_arena_alloc(self->arena, self->emitted.n_fields);
    memset(self->used, 1, self->emitted.n_fields);
}

static weir_status
on_failure(void *context, int64_t at_ns, const char *reason, weir_rows event)
{
    server *self = context;
    weiri_message_array(&self->failures, event.n > 0 ? 3 : 4);
    if (event.n > 0) {
        weir_value row = weir_chunk_get(event.chunk, event.first, AT_ROW);
        weiri_message_int(&self->failures, row.as.i);
        self->n_taken = self->is_stopping ? (uint32_t)row.as.i : self->n_taken;
    } else {
        weiri_message_nil(&self->failures);
    }
    weiri_message_int(&self->failures, at_ns);
    if (event.n == 0) {
        write_number(self, self->trigger, &self->failures);
    }
    weiri_message_word(&self->failures, reason);
    self->n_failures++;
    return self->is_stopping ? WEIR_EDATA : WEIR_OK;
}

static weir_status
make_host(server *self, bool is_keyed, weir_error *err)
{
    const weiri_expr **values = weiri_arena_alloc(
        self->arena, (self->plan.n_inputs + (size_t)1) * sizeof(const weiri_expr *));
    const weiri_expr **keys = weiri_arena_alloc(self->arena, sizeof(const weiri_expr *));
    for (uint32_t i = 0; i < self->plan.n_inputs; i++) {
        values[i] = weiri_expr_field(self->arena, &self->schema, AT_INPUTS + i);
    }
    keys[0]                       = weiri_expr_field(self->arena, &self->schema, AT_KEY);
    self->plan.actor              = &self->actor;
    self->plan.values             = values;
    self->plan.keys               = keys;
    self->plan.n_keys             = is_keyed && self->actor.state_new != NULL ? 1 : 0;
    self->of.arena                = self->arena;
    self->of.metrics              = weiri_metrics_new();
    self->emit.schema             = &self->emitted;
    self->query.schema            = &self->schema;
    self->query.emit              = &self->emit;
    self->query.actor             = &self->plan;
    self->rule.name               = self->actor.name;
    self->rule.query              = &self->query;
    self->collector               = (weiri_collector){ .schema = &self->emitted,
                      .used                                    = self->used,
                      .apart                                   = &self->given,
                      .trigger                                 = &self->trigger };
    const weiri_host_frame frame  = { .plan = &self->of,
         .rule                              = &self->rule,
         .emitted                           = &self->collector,
         .timeouts                          = &self->unused,
         .n_events                          = &self->n_events,
         .trigger                           = &self->trigger };
    void                  *host   = NULL;
    weir_status            status = weiri_plugin_host_ops.make(&frame, &host, err);
    self->host                    = host;
    self->served = (weiri_plugin_served){ .context = self, .failed = on_failure };
    if (self->host != NULL) {
        self->host->served = &self->served;
    }
    return status;
}

static weir_status
answer_hello(server *self, weir_error *err)
{
    weiri_pack out = { 0 };
    weiri_message_array(&out, 6);
    weiri_message_word(&out, "hello");
    weiri_message_int(&out, WEIRI_REMOTE_PROTOCOL);
    weiri_message_fields(&out, self->plan.inputs, self->plan.n_inputs);
    weiri_message_fields(&out, self->actor.outputs, self->actor.n_outputs);
    weiri_message_word(&out, self->actor.state_new == NULL    ? "none"
                             : self->actor.state_save != NULL ? "saved"
                                                              : "lost");
    weiri_message_int(&out, self->actor.state_version);
    return answer(self, &out, err);
}

/* ["hello", protocol, actor, params, takes, gives, keyed, idle] */
static weir_status
take_hello(server *self, weiri_message *in, uint32_t n_left, weir_error *err)
{
    weir_error why  = { .status = WEIR_OK };
    uint32_t   size = 0;
    if (self->host != NULL || n_left != 7) {
        return answer_error(self, "a second hello, or one of another length", err);
    }
    if (weiri_message_read_int(in) != WEIRI_REMOTE_PROTOCOL) {
        return answer_error(self, "it speaks another version of the protocol", err);
    }
    const char *name = weiri_message_read_text(in, 64, &size);
    if (!pick_actor(self, name, size)) {
        return answer_error(self, "its library has no such actor", err);
    }
    self->plan.params = read_params(self, in);
    self->plan.inputs = read_fields(self, in, &self->plan.n_inputs);
    if (in->wrong == NULL) {
        check_inputs(self, in);
    }
    weiri_message_check_fields(
        in, self->actor.outputs, self->actor.n_outputs, "its library gives other fields");
    bool is_keyed      = weiri_message_read_bool(in);
    self->plan.idle_ns = weiri_message_take_nil(in) ? -1 : weiri_message_read_int(in);
    weiri_message_end(in);
    if (in->wrong != NULL) {
        return answer_error(self, in->wrong, err);
    }
    make_schemas(self);
    if (make_host(self, is_keyed, &why) != WEIR_OK) {
        return answer_error(self, why.text, err);
    }
    return answer_hello(self, err);
}

/* ---- requests ---- */

static weir_status
read_row(server *self, weiri_message *in, uint32_t row)
{
    weir_chunk *chunk  = self->chunk;
    weir_value  number = weir_plugin_int(WEIR_INT, row);
    weir_value  key    = weir_plugin_null(WEIR_STRING);
    uint32_t    n      = WEIRI_REMOTE_HEAD + self->plan.n_inputs;
    weiri_message_read_array(in, n, n);
    chunk->time[row]  = weiri_message_read_int(in);
    chunk->order[row] = row;
    if (!weiri_message_take_nil(in)) {
        uint32_t    size  = 0;
        const char *bytes = weiri_message_read_bytes(in, &size);
        key               = weir_plugin_string(bytes, size);
    }
    if (!weiri_message_take_nil(in)) {
        chunk->order[row] = (uint64_t)weiri_message_read_int(in);
    }
    weir_status status = weir_chunk_set(chunk, row, AT_ROW, &number);
    if (status == WEIR_OK) {
        status = weir_chunk_set(chunk, row, AT_KEY, &key);
    }
    for (uint32_t i = 0; i < self->plan.n_inputs && status == WEIR_OK; i++) {
        weir_value value = weiri_message_read_value(
            in, (weir_type)self->plan.inputs[i].type, self->plan.inputs[i].is_nullable);
        status = weir_chunk_set(chunk, row, AT_INPUTS + i, &value);
    }
    chunk->n_rows = row + 1;
    return status;
}

/* ["rows", stop at the first failure, [[time, key, number, value, …], …]] */
static weir_status
take_rows(server *self, weiri_message *in, weir_error *err)
{
    weir_status status = weir_chunk_new(&self->schema, NULL, &self->chunk);
    self->is_stopping  = weiri_message_read_bool(in);
    uint32_t n         = weiri_message_read_array(in, 0, WEIRI_CHUNK_ROWS);
    for (uint32_t i = 0; i < n && status == WEIR_OK && in->wrong == NULL; i++) {
        status = read_row(self, in, i);
    }
    weiri_message_end(in);
    if (status != WEIR_OK || in->wrong != NULL) {
        weir_chunk_drop(&self->chunk);
        return status != WEIR_OK ? status
                                 : WEIR_FAIL(err, WEIR_EDATA, "rows: %s", in->wrong);
    }
    weir_rows              rows     = { .chunk = self->chunk, .n = n };
    const weiri_rows_list  list     = { .items = &rows, .n = n > 0 };
    const weiri_rows_list *inputs[] = { &list };
    self->n_taken                   = n;
    status                          = weiri_plugin_host_ops.feed(self->host, inputs, err);
    weir_chunk_drop(&self->chunk);
    return status == WEIR_EDATA && self->n_failures > 0 ? WEIR_OK : status;
}

/* What is kept of one key. */
typedef struct kept_key {
    const char  *key;
    uint32_t     size;
    weiri_unpack state;
} kept_key;

static int
compare_keys(const void *a, const void *b)
{
    const kept_key *x = a;
    const kept_key *y = b;
    uint32_t        n = x->size < y->size ? x->size : y->size;
    int             d = n > 0 ? memcmp(x->key, y->key, n) : 0;
    return d != 0 ? d : (x->size > y->size) - (x->size < y->size);
}

/* [[key, bytes], …] in the order of the keys' bytes, of the host's state. */
static weir_status
write_keys(const weiri_pack *state, weiri_pack *out, weir_error *err)
{
    size_t             n    = 0;
    size_t             room = 0;
    kept_key          *all  = NULL;
    weiri_keyed_reader from;
    weiri_keyed_entry  entry;
    bool               is_ok = weiri_keyed_open(&from, state->bytes, state->size);
    while (is_ok && weiri_keyed_next(&from, NULL, &entry)) {
        if (n == room) {
            room            = room == 0 ? 64 : 2 * room;
            kept_key *grown = realloc(all, room * sizeof *all);
            is_ok           = grown != NULL;
            all             = is_ok ? grown : all;
        }
        if (is_ok) {
            kept_key *it = &all[n++];
            it->key      = weiri_unpack_text(&entry.key, &it->size);
            it->state    = entry.state;
        }
    }
    if (n > 1) {
        qsort(all, n, sizeof *all, compare_keys);
    }
    weiri_message_array(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        weiri_message_array(out, 2);
        weiri_message_bytes(out, all[i].key, all[i].size);
        weiri_message_bytes(
            out, all[i].state.at, (size_t)(all[i].state.end - all[i].state.at));
    }
    free(all);
    return is_ok ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
}

/* The other way: the state that the host would have saved. */
static void
read_keys(server *self, weiri_message *in, weiri_pack *out)
{
    weiri_keyed keyed = { 0 };
    uint32_t    n     = weiri_message_read_array(in, 0, MOST_KEYS);
    weiri_pack_text(&keyed.head, self->actor.name, strlen(self->actor.name));
    weiri_pack_number(&keyed.head, self->actor.state_version);
    weiri_keyed_add_type(&keyed, 0, WEIR_STRING);
    weiri_keyed_end_head(&keyed);
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        uint32_t size = 0;
        weiri_message_read_array(in, 2, 2);
        const char *text  = weiri_message_read_bytes(in, &size);
        weir_value  key   = weir_plugin_string(text, size);
        const char *bytes = weiri_message_read_bytes(in, &size);
        weiri_pack *pack  = weiri_keyed_begin(&keyed, &key, 1, 0);
        if (pack != NULL) {
            weiri_pack_bytes(pack, bytes, size);
            weiri_keyed_end(&keyed);
        }
    }
    out->is_out_of_memory = !weiri_keyed_finish(&keyed, out);
}

static weir_status
take_save(server *self, weir_error *err)
{
    weiri_keyed keyed  = { 0 };
    weiri_pack  state  = { 0 };
    weiri_pack  out    = { 0 };
    weir_error  why    = { .status = WEIR_OK };
    weir_status status = weiri_plugin_host_ops.save(self->host, &keyed, &why);
    if (status == WEIR_OK && !weiri_keyed_finish(&keyed, &state)) {
        status = WEIR_FAIL(&why, WEIR_ENOMEM, "no memory for the state");
    }
    weiri_message_array(&out, 2);
    weiri_message_word(&out, "state");
    if (status == WEIR_OK && self->plan.n_keys > 0) {
        status = write_keys(&state, &out, &why);
    } else {
        weiri_message_bytes(&out, state.bytes, state.size);
    }
    if (status == WEIR_OK) {
        status = answer(self, &out, err);
    } else {
        weiri_pack_fini(&out);
        status = answer_error(self, why.text, err);
    }
    weiri_keyed_fini(&keyed);
    weiri_pack_fini(&state);
    return status;
}

static weir_status
take_restore(server *self, weiri_message *in, weir_error *err)
{
    weiri_keyed_load how   = { .groups = NULL };
    weir_error       why   = { .status = WEIR_OK };
    weiri_pack       out   = { 0 };
    weiri_pack       state = { 0 };
    if (self->plan.n_keys > 0) {
        read_keys(self, in, &state);
    } else {
        uint32_t    size  = 0;
        const char *bytes = weiri_message_read_bytes(in, &size);
        weiri_pack_bytes(&state, bytes, size);
    }
    weiri_message_end(in);
    const char *wrong = in->wrong;
    if (wrong == NULL && state.is_out_of_memory) {
        wrong = "no memory for the state";
    }
    if (wrong == NULL && !weiri_keyed_open(&how.from, state.bytes, state.size)) {
        wrong = how.from.in.wrong;
    }
    if (wrong == NULL && weiri_plugin_host_ops.load(self->host, &how, &why) != WEIR_OK) {
        wrong = why.text;
    }
    weiri_pack_fini(&state);
    if (wrong != NULL) {
        return answer_error(self, wrong, err);
    }
    weiri_message_array(&out, 1);
    weiri_message_word(&out, "done");
    return answer(self, &out, err);
}

static weir_status
take(server *self, weiri_message *in, const char *word, uint32_t n_left, bool *is_over,
    weir_error *err)
{
    weir_status status = WEIR_OK;
    if (strcmp(word, "goodbye") == 0) {
        *is_over = true;
        return WEIR_OK;
    }
    if (strcmp(word, "hello") == 0) {
        return take_hello(self, in, n_left, err);
    }
    if (self->host == NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "'%s' comes before hello", word);
    }
    self->is_stopping = false;
    self->n_taken     = 0;
    if (strcmp(word, "rows") == 0 && n_left == 2) {
        status = take_rows(self, in, err);
    } else if (strcmp(word, "advance") == 0 && n_left == 1) {
        int64_t to = weiri_message_read_int(in);
        status     = weiri_plugin_host_ops.advance(self->host, to, err);
    } else if (strcmp(word, "save") == 0 && n_left == 0) {
        return take_save(self, err);
    } else if (strcmp(word, "restore") == 0 && n_left == 1) {
        return take_restore(self, in, err);
    } else {
        return WEIR_FAIL(err, WEIR_EDATA, "'%s' is no request", word);
    }
    return status == WEIR_OK ? answer_result(self, err) : status;
}

static weir_status
loop(server *self, weir_error *err)
{
    weir_status status  = WEIR_OK;
    bool        is_over = false;
    while (status == WEIR_OK && !is_over) {
        char           word[16];
        const uint8_t *bytes  = NULL;
        size_t         size   = 0;
        uint32_t       n_left = 0;
        weiri_message  in;
        status = weiri_pair_receive(self->pair, PATIENCE_MS, &bytes, &size, err);
        if (status == WEIR_EAGAIN) {
            status = WEIR_OK; /* who started this process ends it when it ends */
            continue;
        }
        if (status == WEIR_OK && !weiri_message_begin(&in, bytes, size, word, &n_left)) {
            status = WEIR_FAIL(err, WEIR_EDATA, "%s", in.wrong);
        }
        if (status == WEIR_OK) {
            self->sequence = in.sequence;
            status         = take(self, &in, word, n_left, &is_over, err);
        }
    }
    return status;
}

weir_status
weiri_serve(const char *path, const char *address, weir_error *err)
{
    server     *self   = calloc(1, sizeof *self);
    weir_status status = self != NULL ? WEIR_OK : WEIR_ENOMEM;
    if (status == WEIR_OK) {
        self->arena = weiri_arena_new();
        status      = self->arena != NULL ? WEIR_OK : WEIR_ENOMEM;
    }
    if (status != WEIR_OK) {
        free(self);
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    status = weiri_plugin_open(path, &self->library, err);
    if (status == WEIR_OK) {
        status = weiri_pair_open(address, false, &self->pair, err);
    }
    if (status == WEIR_OK) {
        status = loop(self, err);
    }
    if (self->host != NULL) {
        weiri_plugin_host_ops.destroy(self->host);
    }
    weiri_collector_fini(&self->collector);
    weiri_chunks_fini(&self->given);
    weiri_pack_fini(&self->failures);
    weiri_metrics_destroy(&self->of.metrics);
    weiri_pair_close(&self->pair);
    weiri_plugin_close(&self->library);
    weiri_arena_destroy(&self->arena);
    free(self);
    return status;
}
