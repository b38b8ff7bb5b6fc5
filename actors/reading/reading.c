#include "weiri/reading.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/codec.h"

/* What is gathered while the key is not known: next to nothing. */
static const char NO_KEY[] = "\n";

struct weiri_reading {
    weiri_arena                 *arena;
    weiri_plan                   plan; /* without sinks, with late streams */
    const weiri_rule            *rule;
    const weiri_reading_request *request;
    const char                  *key; /* of the match, once it is known */
    /* one reading */
    weiri_gather     *gather;
    weiri_matcher    *matcher;
    weiri_encoder    *encoder;
    weir_chunk       *emitted; /* a row: what the match at work made */
    uint64_t          n_matches;
    weiri_read_match  next; /* told of by `matched`, made by `emitted` */
    weiri_read_match *matches;
    uint32_t          n_kept;
    uint64_t          first_order; /* of the match that is asked for */
    uint64_t          number;
    int64_t           end_ns;
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

static bool *
all_used(weiri_arena *arena, uint32_t n)
{
    bool *used = weiri_arena_alloc(arena, n + (size_t)1);
    memset(used, true, n);
    return used;
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
          .used                           = all_used(self->arena, schema->n_fields),
          .is_read                        = true };
    source->late              = self->plan.n_streams;
    self->plan.streams[self->plan.n_streams++] = late;
}

/* The plan with nothing to write and everything to see. */
static void
prepare_plan(weiri_reading *self, const weiri_plan *plan)
{
    const weiri_match *match = self->rule->match;
    size_t             room  = plan->n_streams + (size_t)match->n_inputs;
    self->plan               = *plan;
    self->plan.n_sinks       = 0;
    self->plan.streams =
        weiri_arena_alloc(self->arena, room * sizeof *self->plan.streams);
    memcpy(self->plan.streams, plan->streams, plan->n_streams * sizeof *plan->streams);
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        weiri_stream *stream = &self->plan.streams[match->inputs[i].stream];
        stream->used         = all_used(self->arena, stream->schema.n_fields);
        weiri_stream *late =
            stream->late != WEIRI_NONE ? &self->plan.streams[stream->late] : NULL;
        if (late != NULL && late->is_read) {
            late->used = all_used(self->arena, late->schema.n_fields);
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
    const weir_schema *schema = self->rule->match->emit->schema;
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

static bool
is_asked_for(const weiri_reading *self)
{
    const weiri_reading_request *request = self->request;
    return self->number == 0 && !self->next.is_timeout
           && (request->line != NULL ? strcmp(request->line, self->next.line) == 0
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
    if (self->key == NULL && is_asked_for(self)) {
        self->number      = self->next.number;
        self->first_order = self->next.taken[0].order;
    }
    if (self->key != NULL && is_of_key(self, &self->next.taken[0])) {
        WEIRI_ARENA_PUSH(self->arena, self->matches, self->n_kept, self->next);
    }
    return WEIR_OK;
}

/* ---- one reading ---- */

/* Every event goes to the matcher; that of the match asked for says the key. */
static weir_status
on_event(void *context, uint32_t input, const weir_chunk *chunk, uint32_t row,
    uint64_t order, const char *key, weir_error *err)
{
    weiri_reading *self = context;
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
    const weiri_match *match  = self->rule->match;
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
    return status == WEIR_OK && self->key != NULL ? gather_lates(self, rows, err)
                                                  : status;
}

static weir_status
drive(weiri_reading *self, weir_error *err)
{
    const weiri_engine_options options = {
        .redirects      = self->request->redirects,
        .n_redirects    = self->request->n_redirects,
        .passed         = on_passed,
        .passed_context = self,
    };
    weiri_engine *engine = NULL;
    weir_status   status = weiri_engine_new(&self->plan, &options, &engine, err);
    while (status == WEIR_OK) {
        status = weiri_engine_turn(engine, err);
    }
    if (status == WEIR_EOF) {
        status = weiri_engine_end(engine, err);
    }
    weiri_engine_destroy(&engine);
    return status;
}

static void
end_reading(weiri_reading *self)
{
    weiri_matcher_destroy(&self->matcher);
    weiri_gather_destroy(&self->gather);
}

/* Read all sources once. */
static weir_status
read_all(weiri_reading *self, bool with_matcher, weir_error *err)
{
    const weiri_match_sink sink = {
        .context = self, .matched = on_matched, .emitted = on_emitted
    };
    end_reading(self);
    self->n_matches    = 0;
    weir_status status = weiri_gather_new(&self->plan, self->rule,
        self->key != NULL ? self->key : NO_KEY, &self->gather, err);
    if (status == WEIR_OK && with_matcher) {
        status = weiri_matcher_new(self->rule->match, &sink, &self->matcher, err);
    }
    if (status == WEIR_OK) {
        weiri_gather_listen(self->gather, on_event, self);
        status = drive(self, err);
    }
    return status;
}

/* ---- the whole ---- */

/* Whether an input is gone once it is read. */
static bool
is_fleeting(const weiri_reading_request *request, const weiri_plan *plan)
{
    for (size_t i = 0; i < request->n_redirects; i++) {
        if (strcmp(request->redirects[i].path, "-") == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < plan->n_sources && request->n_redirects == 0; i++) {
        if (plan->sources[i].endpoint != WEIRI_ENDPOINT_FILE) {
            return true;
        }
    }
    return false;
}

/* Which key the match that is asked for is of: one reading to find it, one to read its
 * first event. */
static weir_status
find_key(weiri_reading *self, weir_error *err)
{
    if (is_fleeting(self->request, &self->plan)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "standard input and sockets cannot be read twice: write them to a file, or "
            "ask for a key");
    }
    weir_status status = read_all(self, true, err);
    if (status == WEIR_OK && self->number == 0) {
        return WEIR_FAIL(err, WEIR_ENOENT,
            "rule '%s' gave %llu match%s, and not that one", self->rule->name,
            (unsigned long long)self->n_matches, self->n_matches == 1 ? "" : "es");
    }
    if (status == WEIR_OK) {
        status = read_all(self, false, err);
    }
    return status;
}

static weir_status
run(weiri_reading *self, weir_error *err)
{
    const weir_schema *schema = self->rule->match->emit->schema;
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
    if (rule->match == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "rule '%s' is a query; partial matches are of rules that begin with 'match'",
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
