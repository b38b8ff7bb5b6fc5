#include "weiri/reading.h"

#include <stdlib.h>
#include <string.h>

#include "driving.h"
#include "weiri/assert.h"
#include "weiri/codec.h"
#include "weiri/exprtext.h"

/* What is gathered while the key is not known: next to nothing. */
static const char NO_KEY[] = "\n";

struct weiri_reading {
    weiri_arena                 *arena;
    weiri_plan                   plan; /* without sinks, with late streams */
    const weiri_rule            *rule;
    const weiri_match           *inputs; /* the match, or of a query what it reads */
    const weiri_reading_request *request;
    const char                  *key;       /* of the match, once it is known */
    const char                  *found_key; /* of the result that was asked for */
    /* one reading */
    weiri_gather     *gather;
    weiri_matcher    *matcher;
    weiri_verdicts   *verdicts; /* of a window */
    weiri_encoder    *encoder;
    weir_chunk       *emitted; /* a row: what the match at work made */
    uint64_t          n_matches;
    weiri_read_match  next; /* told of by `matched`, made by `emitted` */
    weiri_read_match *matches;
    uint32_t          n_kept;
    uint64_t          first_order; /* of the match that is asked for */
    uint64_t          number;
    int64_t           end_ns;
    bool              is_told;   /* where the journal begins        */
    bool              is_at_end; /* all inputs were read to their ends */
};

/* ---- the plan ---- */

static const weir_schema *
late_schema(weiri_arena *arena, const weir_schema *of)
{
    weir_schema *schema = weiri_arena_alloc(arena, sizeof *schema);
    weir_field  *fields =
        weiri_arena_alloc(arena, (of->n_fields + (size_t)1) * sizeof *fields);
    *schema        = *of;
    schema->name   = weiri_arena_format(arena, "late.%s", of->name);
    schema->fields = fields;
    for (uint32_t i = 0; i < of->n_fields; i++) {
        fields[i] = of->fields[i];
    }
    fields[schema->n_fields++] = (weir_field){ .name = "original_at", .type = WEIR_TIME };
    return schema;
}

/* Late events of a source stream that the rule reads are to be seen, in a stream of their
 * own that nobody else reads. */
static void
add_late_stream(weiri_reading *self, uint32_t of)
{
    weiri_stream      *source = &self->plan.streams[of];
    const weir_schema *schema = late_schema(self->arena, &source->schema);
    const weiri_stream late   = { .schema = *schema,
          .origin                         = WEIRI_ORIGIN_LATE,
          .of                             = of,
          .late                           = WEIRI_NONE,
          .dead                           = WEIRI_NONE,
          .used                           = weiri_all_used(self->arena, schema->n_fields),
          .is_read                        = true };
    source->late              = self->plan.n_streams;
    self->plan.streams[self->plan.n_streams++] = late;
}

/* The plan with nothing to write and everything to see. */
static void
prepare_plan(weiri_reading *self, const weiri_plan *plan)
{
    const weiri_match *match = self->inputs;
    size_t             room  = plan->n_streams + (size_t)match->n_inputs;
    self->plan               = *plan;
    self->plan.n_sinks       = 0;
    self->plan.streams =
        weiri_arena_alloc(self->arena, room * sizeof *self->plan.streams);
    memcpy(self->plan.streams, plan->streams, plan->n_streams * sizeof *plan->streams);
    self->plan.rules =
        weiri_arena_alloc(self->arena, (plan->n_rules + (size_t)1) * sizeof *plan->rules);
    memcpy(self->plan.rules, plan->rules, plan->n_rules * sizeof *plan->rules);
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        weiri_stream *stream = &self->plan.streams[match->inputs[i].stream];
        weiri_see_sides(self->arena, &self->plan, match->inputs[i].stream);
        stream->used = weiri_all_used(self->arena, stream->schema.n_fields);
        weiri_stream *late =
            stream->late != WEIRI_NONE ? &self->plan.streams[stream->late] : NULL;
        if (late != NULL && late->is_read) {
            late->used = weiri_all_used(self->arena, late->schema.n_fields);
        } else if (stream->origin == WEIRI_ORIGIN_SOURCE) {
            add_late_stream(self, match->inputs[i].stream);
        }
    }
}

/* ---- matches as they come ---- */

static void
on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    weiri_reading *self = context;
    self->next          = (weiri_read_match){
                 .is_timeout = is_timeout, .time_ns = time_ns, .n_taken = n_taken
    };
    self->next.number = is_timeout ? 0 : ++self->n_matches;
    self->next.taken =
        weiri_arena_alloc(self->arena, (n_taken + (size_t)1) * sizeof *taken);
    memcpy(self->next.taken, taken, n_taken * sizeof *taken);
}

/* The values as a line of JSON, in the arena. */
static weir_status
encode(weiri_reading *self, const weir_value *values, const char **out)
{
    weiri_buffer       buffer = { 0 };
    const weir_schema *schema = self->emitted->schema;
    weir_status        status = WEIR_OK;
    weir_chunk_clear(self->emitted);
    for (uint32_t i = 0; i < schema->n_fields && status == WEIR_OK; i++) {
        status = weir_chunk_set(self->emitted, 0, i, &values[i]);
    }
    if (status == WEIR_OK) {
        self->emitted->time[0] = self->next.time_ns;
        self->emitted->n_rows  = 1;
        const weir_rows rows   = { .chunk = self->emitted, .n = 1 };
        status                 = weiri_encoder_encode(self->encoder, rows, &buffer);
    }
    if (status == WEIR_OK) {
        size_t size = buffer.used > 0 ? buffer.used - 1 : 0; /* its newline */
        *out        = weiri_arena_text(self->arena, buffer.bytes, size);
    }
    weiri_buffer_fini(&buffer);
    return status;
}

uint64_t
weiri_reading_id(const weiri_reading *self, int64_t time_ns, const char *line)
{
    const char *name = self->rule->name;
    uint64_t    hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, name, strlen(name) + 1);
    hash             = weiri_hash_number(hash, (uint64_t)time_ns);
    hash             = weiri_hash_bytes(hash, line, strlen(line));
    return hash != 0 ? hash : 1;
}

static bool
is_asked_for(const weiri_reading *self)
{
    const weiri_reading_request *request = self->request;
    return self->number == 0 && !self->next.is_timeout
           && (request->line != NULL ? strcmp(request->line, self->next.line) == 0
               : request->id != 0    ? request->id == self->next.id
                                     : request->number == self->next.number);
}

static bool
is_of_key(const weiri_reading *self, const weiri_taken *first)
{
    uint32_t              n    = 0;
    const weiri_gathered *keys = weiri_gather_keys(self->gather, &n);
    uint32_t              low  = 0;
    uint32_t              high = n > 0 ? keys[0].n : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keys[0].orders[middle] < first->order) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return n > 0 && low < keys[0].n && keys[0].orders[low] == first->order;
}

static weir_status
on_emitted(void *context, bool is_timeout, int64_t time_ns, const weir_value *values)
{
    weiri_reading *self   = context;
    weir_status    status = WEIR_OK;
    (void)time_ns;
    if (!is_timeout) {
        status = encode(self, values, &self->next.line);
    }
    if (status != WEIR_OK) {
        return status;
    }
    if (!is_timeout) {
        self->next.id = weiri_reading_id(self, self->next.time_ns, self->next.line);
    }
    if (self->key == NULL && is_asked_for(self)) {
        self->number      = self->next.number;
        self->first_order = self->next.taken[0].order;
    }
    if (self->key != NULL && is_of_key(self, &self->next.taken[0])) {
        WEIRI_ARENA_PUSH(self->arena, self->matches, self->n_kept, self->next);
    }
    return WEIR_OK;
}

/* ---- results of a window as they come ---- */

static weir_status
on_given(void *context, uint64_t number, const char *key, int64_t time_ns,
    const weir_value *made)
{
    weiri_reading *self = context;
    self->n_matches     = number;
    self->next          = (weiri_read_match){ .number = number, .time_ns = time_ns };
    weir_status status  = WEIR_OK;
    if (self->key != NULL || self->number > 0) {
        return status;
    }
    if (self->request->line != NULL || self->request->id != 0) {
        status = encode(self, made, &self->next.line);
    }
    if (status == WEIR_OK && self->request->id != 0) {
        self->next.id = weiri_reading_id(self, time_ns, self->next.line);
    }
    if (status == WEIR_OK && is_asked_for(self)) {
        self->number    = number;
        self->found_key = weiri_arena_text(self->arena, key, strlen(key));
    }
    return status;
}

weir_status
weiri_reading_made(
    weiri_reading *self, int64_t time_ns, const weir_value *made, const char **out)
{
    self->next.time_ns = time_ns;
    return encode(self, made, out);
}

/* ---- one reading ---- */

/* Every event goes to the matcher; that of the match asked for says the key. */
static weir_status
on_event(void *context, uint32_t input, const weir_chunk *chunk, uint32_t row,
    uint64_t order, const char *key, weir_error *err)
{
    weiri_reading *self = context;
    if (self->verdicts != NULL) {
        bool is_of_key = key != NULL && self->key != NULL && strcmp(key, self->key) == 0;
        return is_of_key || weiri_verdicts_want_all(self->verdicts)
                   ? weiri_verdicts_feed(self->verdicts, chunk, row, is_of_key, err)
                   : WEIR_OK;
    }
    if (self->matcher == NULL) {
        if (order == self->first_order && key != NULL && self->key == NULL) {
            self->key = weiri_arena_text(self->arena, key, strlen(key));
        }
        return WEIR_OK;
    }
    const weiri_part  part  = { .input = input, .rows = { chunk, row, 1 } };
    const weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = 1 };
    return weiri_matcher_feed(self->matcher, &batch, err);
}

static weir_status
gather_lates(weiri_reading *self, const weiri_rows_list *rows, weir_error *err)
{
    const weiri_match *match  = self->inputs;
    weir_status        status = WEIR_OK;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        uint32_t late = self->plan.streams[match->inputs[i].stream].late;
        for (uint32_t r = 0; late != WEIRI_NONE && r < rows[late].n; r++) {
            const weir_rows *range = &rows[late].items[r];
            for (uint32_t k = 0; k < range->n && status == WEIR_OK; k++) {
                status = weiri_gather_late(
                    self->gather, i, range->chunk, range->first + k, err);
            }
        }
    }
    return status;
}

static weir_status
on_passed(
    void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    weiri_reading *self   = context;
    weir_status    status = weiri_gather_rows(self->gather, rows, err);
    self->end_ns          = deadline_ns;
    if (status == WEIR_OK && self->matcher != NULL) {
        status = weiri_matcher_advance(self->matcher, deadline_ns, err);
    }
    if (status == WEIR_OK && self->verdicts != NULL) {
        status = weiri_verdicts_advance(self->verdicts, deadline_ns, err);
    }
    return status == WEIR_OK && self->key != NULL ? gather_lates(self, rows, err)
                                                  : status;
}

static weir_status
drive(weiri_reading *self, weir_error *err)
{
    weiri_drive drive  = { .plan = &self->plan,
         .request                = self->request,
         .is_told                = &self->is_told,
         .passed                 = on_passed,
         .context                = self };
    weir_status status = weiri_drive_all(&drive, err);
    self->is_at_end    = drive.is_at_end;
    return status;
}

static void
end_reading(weiri_reading *self)
{
    weiri_matcher_destroy(&self->matcher);
    weiri_verdicts_destroy(&self->verdicts);
    weiri_gather_destroy(&self->gather);
}

/* Whoever works the events off beside the engine. */
static weir_status
make_worker(weiri_reading *self, weir_error *err)
{
    const weiri_match_sink sink = {
        .context = self, .matched = on_matched, .emitted = on_emitted
    };
    if (self->rule->match != NULL) {
        return weiri_matcher_new(self->rule->match, &sink, &self->matcher, err);
    }
    if (self->rule->query->window == NULL) {
        return WEIR_OK;
    }
    weir_status status =
        weiri_verdicts_new(self->rule->query, self->key, &self->verdicts, err);
    if (status == WEIR_OK) {
        weiri_verdicts_listen(self->verdicts, on_given, self);
    }
    return status;
}

/* Read all sources once. */
static weir_status
read_all(weiri_reading *self, bool with_worker, weir_error *err)
{
    const weiri_rule rule = { .match = (weiri_match *)(uintptr_t)self->inputs };
    end_reading(self);
    self->n_matches    = 0;
    weir_status status = weiri_gather_new(
        &self->plan, &rule, self->key != NULL ? self->key : NO_KEY, &self->gather, err);
    if (status == WEIR_OK && with_worker) {
        status = make_worker(self, err);
    }
    if (status == WEIR_OK) {
        weiri_gather_listen(self->gather, on_event, self);
        status = drive(self, err);
    }
    if (status == WEIR_OK && self->verdicts != NULL) {
        status = weiri_verdicts_finish(self->verdicts, self->is_at_end, err);
    }
    return status;
}

/* ---- the whole ---- */

/* Which key the match that is asked for is of: one reading to find it, one to read its
 * first event. */
static weir_status
find_key(weiri_reading *self, weir_error *err)
{
    if (weiri_drive_is_fleeting(self->request, &self->plan)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "standard input and sockets cannot be read twice: write them to a file, or "
            "ask for a key");
    }
    weir_status status = read_all(self, true, err);
    if (status == WEIR_OK && self->number == 0) {
        return WEIR_FAIL(err, WEIR_ENOENT, "rule '%s' gave %llu %s%s, and not that one",
            self->rule->name, (unsigned long long)self->n_matches,
            self->rule->match != NULL ? "match" : "result",
            self->n_matches == 1        ? ""
            : self->rule->match != NULL ? "es"
                                        : "s");
    }
    if (status == WEIR_OK && self->rule->match != NULL) {
        return read_all(self, false, err);
    }
    self->key = self->found_key;
    return status;
}

static weir_status
run(weiri_reading *self, weir_error *err)
{
    const weiri_rule *rule = self->rule;
    const weiri_emit *emit = rule->match != NULL ? rule->match->emit : rule->query->emit;
    if (emit == NULL) {
        weiri_assert(rule->match != NULL);
        emit = rule->match->on_timeout;
    }
    const weir_schema *schema = emit->schema;
    weir_status        status = weir_chunk_new(schema, NULL, &self->emitted);
    if (status == WEIR_OK) {
        status = weiri_encoder_new(schema, WEIRI_FORMAT_JSON, &self->encoder, err);
    }
    if (status == WEIR_OK && self->key == NULL) {
        status = find_key(self, err);
    }
    return status == WEIR_OK ? read_all(self, true, err) : status;
}

weir_status
weiri_reading_new(const weiri_plan *plan, const weiri_reading_request *request,
    weiri_reading **out, weir_error *err)
{
    const weiri_rule *rule = &plan->rules[request->rule];
    if (rule->match == NULL && (rule->query == NULL || rule->query->actor != NULL)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' is an actor of a plugin, which alone knows what it does", rule->name);
    }
    if (rule->match == NULL && rule->query->fold != NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "rule '%s' reads and writes a table row by row: what it did depends on all "
            "rows before; `weir run` with a sink for its results shows them",
            rule->name);
    }
    if (rule->match == NULL && rule->query->window == NULL
        && (request->number > 0 || request->id != 0 || request->line != NULL)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "rule '%s' has no window: each result is one event; ask for a time, with "
            "--at",
            rule->name);
    }
    weiri_reading *self  = calloc(1, sizeof *self);
    weiri_arena   *arena = weiri_arena_new();
    if (self == NULL || arena == NULL) {
        free(self);
        weiri_arena_destroy(&arena);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->arena   = arena;
    self->rule    = rule;
    self->request = request;
    self->key     = request->key;
    self->inputs  = weiri_inputs_of(arena, rule);
    prepare_plan(self, plan);
    weir_status status = run(self, err);
    if (status != WEIR_OK) {
        weiri_reading_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_reading_destroy(weiri_reading **self_p)
{
    weiri_reading *self = *self_p;
    *self_p             = NULL;
    if (self == NULL) {
        return;
    }
    end_reading(self);
    weiri_encoder_destroy(&self->encoder);
    weir_chunk_drop(&self->emitted);
    weiri_arena_destroy(&self->arena);
    free(self);
}

weiri_gathered
weiri_reading_events(const weiri_reading *self)
{
    uint32_t              n    = 0;
    const weiri_gathered *keys = weiri_gather_keys(self->gather, &n);
    return n > 0 ? keys[0] : (weiri_gathered){ .key = self->key };
}

const weiri_trace_event *
weiri_reading_lates(const weiri_reading *self, uint32_t *n)
{
    return weiri_gather_lates(self->gather, n);
}

const weiri_read_match *
weiri_reading_matches(const weiri_reading *self, uint32_t *n)
{
    *n = self->n_kept;
    return self->matches;
}

const weiri_verdicts *
weiri_reading_verdicts(const weiri_reading *self)
{
    return self->verdicts;
}

uint64_t
weiri_reading_number(const weiri_reading *self)
{
    return self->number;
}

int64_t
weiri_reading_end(const weiri_reading *self)
{
    return self->end_ns;
}
