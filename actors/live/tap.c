/* A tap looks at what has passed, between two passes, on the thread that drives the run.
 * What it costs is bounded twice: by how many lines a second somebody wants, and by how
 * long it may look, a fiftieth of the time. Past either it does not look, and says so.
 *
 * Partial matches are those of a tracing matcher that is fed the events of one key, from
 * the moment on that somebody asked: the executors know nothing of it.
 */
#include "tap_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../rule/rule.h"
#include "weiri/assert.h"
#include "weiri/condition.h"
#include "weiri/exprtext.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

enum {
    WINDOW_MS     = 100, /* over which rate and time hold */
    WINDOWS_PER_S = 10,
    SPEND_US      = 2000, /* of a window                                          */
    MOST_TRACED   = 4096, /* events of the key that is followed; then it begins anew */
    MOST_OF_A_KEY = 64,   /* of one that the tap has chosen; then another one's turn is */
    MOST_CAUSES   = 2     /* of an ended partial match                            */
};

static int64_t
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* ---- lines into the ring ---- */

static void
put(weiri_live_page *page, uint64_t at, const void *bytes, size_t size)
{
    size_t from  = (size_t)(at % WEIRI_LIVE_RING);
    size_t first = size < WEIRI_LIVE_RING - from ? size : WEIRI_LIVE_RING - from;
    memcpy(page->ring + from, bytes, first);
    memcpy(page->ring, (const char *)bytes + first, size - first);
}

static void
give(weiri_tap *self, weiri_live_kind kind, const char *line, size_t size)
{
    weiri_live_page *page = self->page;
    weiri_live_head  head = {
         .size = (uint32_t)size, .kind = kind, .wish = self->version
    };
    uint64_t end = atomic_load_explicit(&page->ring_end, memory_order_relaxed);
    put(page, end, &head, sizeof head);
    put(page, end + sizeof head, line, size);
    atomic_store_explicit(
        &page->ring_end, end + sizeof head + size, memory_order_release);
}

/* A line of text; one that is too long is cut. */
static void
say(weiri_tap *self, weiri_live_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(weiri_tap *self, weiri_live_kind kind, const char *format, ...)
{
    char    line[WEIRI_LIVE_LINE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n < 0) {
        return;
    }
    size_t size  = (size_t)n < sizeof line - 2 ? (size_t)n : sizeof line - 2;
    line[size++] = '\n';
    give(self, kind, line, size);
}

static bool
may_say(weiri_tap *self)
{
    if (self->budget == 0) {
        self->n_unsaid++;
        return false;
    }
    self->budget--;
    return true;
}

/* ---- the answer to a wish ---- */

static void
drop_trace(weiri_tap *self)
{
    weiri_trace_destroy(&self->trace);
    weiri_gather_destroy(&self->gather);
    for (uint32_t i = 0; self->keys != NULL && i < self->inputs->n_inputs; i++) {
        weiri_program_destroy(&self->keys[i]);
    }
    self->n_pushed  = 0;
    self->n_nodes   = 0;
    self->n_ends    = 0;
    self->n_outputs = 0;
    self->has_key   = false;
}

static void
drop_answer(weiri_tap *self)
{
    drop_trace(self);
    for (uint32_t i = 0; i < self->plan->n_streams && self->arena != NULL; i++) {
        weiri_program_destroy(&self->filters[i]);
        weiri_rows_list_fini(&self->picked[i]);
    }
    weiri_arena_destroy(&self->arena);
    self->filters = NULL;
    self->keys    = NULL;
    self->version = 0;
}

/* "a and b"; either may be NULL. */
static weir_status
both(weiri_tap *self, const weiri_expr *a, const weiri_expr *b, const weiri_expr **out,
    weir_error *err)
{
    weiri_expr *args[2] = { (weiri_expr *)(uintptr_t)a, (weiri_expr *)(uintptr_t)b };
    weiri_expr *joined  = NULL;
    if (a == NULL || b == NULL) {
        *out = a != NULL ? a : b;
        return WEIR_OK;
    }
    weir_status status = weiri_expr_call(self->arena, "and", args, 2, &joined, err);
    *out               = joined;
    return status;
}

/* Whether an event of an input has the key. */
static weir_status
key_condition(weiri_tap *self, uint32_t input, const char *key, const weiri_expr **out,
    weir_error *err)
{
    uint32_t    n      = self->inputs->n_keys;
    const char *at     = key;
    weir_status status = WEIR_OK;
    *out               = NULL;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        const weiri_expr *value = self->inputs->inputs[input].keys[i];
        const char       *comma = i + 1 < n ? strchr(at, ',') : NULL;
        size_t            size  = comma != NULL ? (size_t)(comma - at) : strlen(at);
        weir_value        part;
        weiri_expr       *equal = NULL;
        if ((i + 1 < n && comma == NULL)
            || !weiri_tap_read_value(self, at, size, value->type, &part)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "rule '%s' has no such key as '%s': it has %u value%s", self->rule->name,
                key, n, n == 1 ? "" : "s, separated by commas");
        }
        weiri_expr *args[2] = { (weiri_expr *)(uintptr_t)value,
            weiri_expr_constant(self->arena, &part) };
        status              = weiri_expr_call(self->arena, "==", args, 2, &equal, err);
        if (status == WEIR_OK) {
            status = both(self, *out, equal, out, err);
        }
        at += size + (comma != NULL);
    }
    return status;
}

static weir_status
find_rule(weiri_tap *self, weir_error *err)
{
    const weiri_plan *plan = self->plan;
    self->rule             = NULL;
    for (uint32_t i = 0; i < plan->n_rules && self->wish.rule[0] != '\0'; i++) {
        if (!plan->rules[i].is_made
            && strcmp(plan->rules[i].name, self->wish.rule) == 0) {
            self->rule       = &plan->rules[i];
            self->rule_index = i;
        }
    }
    if (self->wish.rule[0] != '\0' && self->rule == NULL) {
        return WEIR_FAIL(
            err, WEIR_ENOENT, "no rule of the node is called '%s'", self->wish.rule);
    }
    if (self->wish.is_partial && self->rule->match == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "rule '%s' begins with `from`: partial matches are of rules that begin with "
            "`match`",
            self->wish.rule);
    }
    self->inputs = self->rule != NULL ? weiri_inputs_of(self->arena, self->rule) : NULL;
    return WEIR_OK;
}

/* The streams that a wish is about: those of its rule's results, or with a key or partial
 * matches what the rule reads; the one that it names; or all. */
static bool
is_wanted(const weiri_tap *self, uint32_t stream)
{
    const weiri_rule *rule = self->rule;
    if (self->wish.stream[0] != '\0'
        && strcmp(self->wish.stream, self->plan->streams[stream].schema.name) != 0) {
        return false;
    }
    if (rule == NULL) {
        return true;
    }
    weiri_assert(self->inputs != NULL);
    if (self->wish.has_key || self->wish.is_partial) {
        for (uint32_t i = 0; i < self->inputs->n_inputs; i++) {
            if (self->inputs->inputs[i].stream == stream) {
                return !self->wish.is_partial;
            }
        }
        return false;
    }
    const weiri_emit *emits[2] = { rule->match != NULL ? rule->match->emit
                                                       : rule->query->emit,
        rule->match != NULL ? rule->match->on_timeout : NULL };
    return (emits[0] != NULL && emits[0]->stream == stream)
           || (emits[1] != NULL && emits[1]->stream == stream);
}

/* A condition on a field that the run does not keep would never hold. */
static weir_status
check_fields(weiri_tap *self, uint32_t stream, const weiri_expr *where, weir_error *err)
{
    const weiri_stream *of = &self->plan->streams[stream];
    bool *read = weiri_arena_alloc(self->arena, of->schema.n_fields + (size_t)1);
    weiri_expr_mark_fields(where, read);
    for (uint32_t f = 0; f < of->schema.n_fields; f++) {
        if (read[f] && !of->used[f] && (int32_t)f != of->schema.time_field) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "no rule and no sink reads '%s' of '%s', so the node does not keep it",
                of->schema.fields[f].name, of->schema.name);
        }
    }
    return WEIR_OK;
}

static weir_status
make_filter(weiri_tap *self, uint32_t stream, weir_error *err)
{
    const weiri_expr *where  = NULL;
    const weiri_expr *of_key = NULL;
    weir_status       status = WEIR_OK;
    if (self->wish.where[0] != '\0') {
        status = weiri_condition_of_text(self->arena, &self->plan->streams[stream].schema,
            self->wish.where, &where, err);
    }
    if (status == WEIR_OK && where != NULL) {
        status = check_fields(self, stream, where, err);
    }
    weiri_assert(self->inputs != NULL || !self->wish.has_key);
    for (uint32_t i = 0; self->wish.has_key && i < self->inputs->n_inputs; i++) {
        if (status == WEIR_OK && self->inputs->inputs[i].stream == stream) {
            status = key_condition(self, i, self->wish.key, &of_key, err);
        }
    }
    if (status == WEIR_OK) {
        status = both(self, where, of_key, &where, err);
    }
    if (status == WEIR_OK && where != NULL) {
        status = weiri_program_new(&where, 1, &self->filters[stream]);
    }
    return status;
}

/* Without a stream's name a condition is one on all streams that it can be one on. */
static weir_status
make_filters(weiri_tap *self, weir_error *err)
{
    bool        is_any   = self->wish.stream[0] == '\0' && self->wish.where[0] != '\0';
    uint32_t    n_wanted = 0;
    uint32_t    n_made   = 0;
    weir_status status   = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        if (is_wanted(self, i)) {
            weir_status made = make_filter(self, i, err);
            self->is_seen[i] = made == WEIR_OK;
            n_wanted++;
            n_made += made == WEIR_OK;
            status = is_any && made != WEIR_ENOMEM ? WEIR_OK : made;
        }
    }
    if (status == WEIR_OK && n_wanted > 0 && n_made == 0) {
        return err->status; /* of the last of them */
    }
    if (status == WEIR_OK && n_wanted == 0 && !self->wish.is_partial) {
        return self->rule != NULL && self->wish.stream[0] != '\0'
                   ? WEIR_FAIL(err, WEIR_ENOENT, "rule '%s' has nothing to do with '%s'",
                       self->wish.rule, self->wish.stream)
                   : WEIR_FAIL(err, WEIR_ENOENT, "no stream of the node is called '%s'",
                       self->wish.stream);
    }
    return status;
}

static weir_status
make_answer(weiri_tap *self, weir_error *err)
{
    uint32_t n  = self->plan->n_streams;
    self->arena = weiri_arena_new();
    if (self->arena == NULL) {
        return WEIR_ENOMEM;
    }
    self->filters =
        weiri_arena_alloc(self->arena, (n + (size_t)1) * sizeof *self->filters);
    self->picked = weiri_arena_alloc(self->arena, (n + (size_t)1) * sizeof *self->picked);
    self->is_seen      = weiri_arena_alloc(self->arena, n + (size_t)1);
    weir_status status = find_rule(self, err);
    status             = status == WEIR_OK ? weiri_tap_check_place(self, err) : status;
    if (status == WEIR_OK && self->inputs != NULL) {
        self->keys = weiri_arena_alloc(
            self->arena, (self->inputs->n_inputs + (size_t)1) * sizeof(weiri_program *));
    }
    return status == WEIR_OK ? make_filters(self, err) : status;
}

/* The wish, unless it is being written. */
static bool
read_wish(weiri_tap *self)
{
    weiri_live_page *page = self->page;
    uint64_t before = atomic_load_explicit(&page->tap_version, memory_order_acquire);
    if (before == self->version || before % 2 != 0) {
        return before % 2 == 0 && before != 0;
    }
    drop_answer(self);
    self->wish = page->tap_wish;
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&page->tap_version, memory_order_relaxed) != before) {
        return false;
    }
    self->wish.stream[sizeof self->wish.stream - 1] = '\0';
    self->wish.rule[sizeof self->wish.rule - 1]     = '\0';
    self->wish.key[sizeof self->wish.key - 1]       = '\0';
    self->wish.where[sizeof self->wish.where - 1]   = '\0';
    self->wish.is_partial = self->wish.is_partial && self->wish.rule[0] != '\0';
    self->wish.has_key    = self->wish.has_key && self->wish.rule[0] != '\0';
    weir_error err        = { .status = WEIR_OK };
    self->version         = before;
    self->is_refused      = make_answer(self, &err) != WEIR_OK;
    if (self->is_refused) {
        say(self, WEIRI_LIVE_REFUSED, "%s",
            err.text[0] != '\0' ? err.text : "there is no memory for it");
    }
    return true;
}

/* ---- events ---- */

static bool
show_row(weiri_tap *self, uint32_t stream, const weir_chunk *chunk, uint32_t row)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    weir_error         err    = { .status = WEIR_OK };
    char               at[WEIRI_TIME_TEXT];
    const weir_rows    one = { .chunk = chunk, .first = row, .n = 1 };
    if (!may_say(self)) {
        return false;
    }
    if (self->encoders[stream] == NULL
        && weiri_encoder_new(schema, WEIRI_FORMAT_JSON, &self->encoders[stream], &err)
               != WEIR_OK) {
        return false;
    }
    self->buffer.used = 0;
    if (weiri_encoder_encode(self->encoders[stream], one, &self->buffer) != WEIR_OK) {
        return false;
    }
    weiri_time_format(chunk->time[row], at);
    size_t size = self->buffer.used > 0 ? self->buffer.used - 1 : 0; /* its newline */
    if (size + sizeof at + strlen(schema->name) + 3 < WEIRI_LIVE_LINE) {
        say(self, WEIRI_LIVE_EVENT, "%s %s %.*s", at, schema->name, (int)size,
            self->buffer.bytes);
    }
    return true;
}

/* Whether results of the rule that is asked about are wanted, and this is another's. */
static bool
is_of_other_rule(const weiri_tap *self, const weir_chunk *chunk, uint32_t row)
{
    return self->rule != NULL && !self->wish.has_key
           && chunk->order[row] >> WEIRI_RULE_ORDER_BITS != self->rule_index;
}

static bool
show_range(weiri_tap *self, uint32_t stream, weir_rows rows)
{
    uint8_t mask[WEIRI_CHUNK_ROWS];
    bool    is_filtered = self->filters[stream] != NULL;
    if (is_filtered) {
        weiri_program_filter(self->filters[stream], rows, mask);
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        if ((is_filtered && !mask[i])
            || is_of_other_rule(self, rows.chunk, rows.first + i)) {
            continue;
        }
        if (!show_row(self, stream, rows.chunk, rows.first + i)) {
            return false;
        }
    }
    return true;
}

static bool
has_time_left(const weiri_tap *self, int64_t begun_ns)
{
    return self->spent_ns + monotonic_ns() - begun_ns
           < SPEND_US * (WEIRI_NS_PER_MS / 1000);
}

static void
show_events(weiri_tap *self, const weiri_rows_list *rows, int64_t begun_ns)
{
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        for (uint32_t i = 0; self->is_seen[s] && i < rows[s].n; i++) {
            if (self->budget == 0 || !has_time_left(self, begun_ns)
                || !show_range(self, s, rows[s].items[i])) {
                return;
            }
        }
    }
}

/* ---- partial matches ---- */

/* The key of the first of some rows that has one of this node, into `values` and `key`.
 */
static bool
find_key(weiri_tap *self, weiri_program *program, weir_rows rows, weir_value *values)
{
    const weiri_match *match = self->inputs;
    for (uint32_t i = 0; i < rows.n; i++) {
        bool is_null = false;
        for (uint32_t k = 0; k < match->n_keys; k++) {
            values[k] = weiri_program_eval(program, k, rows.chunk, rows.first + i, NULL);
            is_null   = is_null || values[k].is_null;
        }
        if (!is_null && weiri_tap_has_key(self, values)) {
            self->key = weiri_key_text(self->arena, values, match->n_keys);
            return true;
        }
    }
    return false;
}

/* From the first event on that is of the key that is asked about, or of any. */
static bool
choose_key(weiri_tap *self, const weiri_rows_list *rows, weir_error *err)
{
    const weiri_match *match = self->inputs;
    weir_value        *values =
        weiri_arena_alloc(self->arena, (match->n_keys + (size_t)1) * sizeof *values);
    self->key = self->wish.key;
    for (uint32_t i = 0; !self->wish.has_key && match->n_keys > 0; i++) {
        weiri_program *program = NULL;
        if (i == match->n_inputs) {
            return false;
        }
        const weiri_rows_list *of = &rows[match->inputs[i].stream];
        if (of->n == 0
            || weiri_program_new_narrow(match->inputs[i].keys, match->n_keys, &program)
                   != WEIR_OK) {
            continue;
        }
        bool is_found = find_key(self, program, of->items[0], values);
        weiri_program_destroy(&program);
        if (is_found) {
            break;
        }
    }
    self->has_key = true;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        const weiri_expr *is_it = NULL;
        if (key_condition(self, i, self->key, &is_it, err) != WEIR_OK
            || (is_it != NULL
                && weiri_program_new(&is_it, 1, &self->keys[i]) != WEIR_OK)) {
            return false;
        }
    }
    return true;
}

static bool
begin_trace(weiri_tap *self, const weiri_rows_list *rows)
{
    weir_error err = { .status = WEIR_OK };
    return choose_key(self, rows, &err)
           && weiri_gather_new(self->plan, self->rule, self->key, &self->gather, &err)
                  == WEIR_OK
           && weiri_trace_open(self->rule->match, MOST_TRACED, &self->trace, &err)
                  == WEIR_OK;
}

/* The rows of the key, each a range of its own, to `picked`. */
static bool
pick_range(weiri_tap *self, uint32_t input, weir_rows range)
{
    uint8_t        mask[WEIRI_CHUNK_ROWS];
    weiri_program *is_it   = self->keys[input];
    uint32_t       stream  = self->inputs->inputs[input].stream;
    bool           is_fine = true;
    if (is_it != NULL) {
        weiri_program_filter(is_it, range, mask);
    }
    for (uint32_t k = 0; k < range.n && is_fine; k++) {
        const weir_rows one = { range.chunk, range.first + k, 1 };
        is_fine             = (is_it != NULL && !mask[k])
                  || weiri_rows_list_add(&self->picked[stream], one) == WEIR_OK;
    }
    return is_fine;
}

static bool
pick_rows(weiri_tap *self, const weiri_rows_list *rows, int64_t begun_ns)
{
    bool is_fine = true;
    for (uint32_t i = 0; i < self->inputs->n_inputs; i++) {
        const weiri_rows_list *of = &rows[self->inputs->inputs[i].stream];
        for (uint32_t r = 0; r < of->n && is_fine; r++) {
            is_fine = has_time_left(self, begun_ns) && pick_range(self, i, of->items[r]);
        }
    }
    return is_fine;
}

static const char *
line_head(const weiri_tap *self, weiri_arena *arena, int64_t time_ns)
{
    char   at[WEIRI_TIME_TEXT];
    size_t size = weiri_time_format(time_ns, at);
    return weiri_arena_format(arena, "%.*s rule %s%s%s", (int)size, at, self->rule->name,
        self->inputs->n_keys > 0 ? ", key " : "",
        self->inputs->n_keys > 0 ? self->key : "");
}

static void
tell_node(weiri_tap *self, weiri_arena *arena, uint32_t index)
{
    uint32_t                n    = 0;
    const weiri_trace_node *node = weiri_trace_node_at(self->trace, index);
    const weiri_gathered   *of   = weiri_gather_keys(self->gather, &n);
    const weiri_step       *step = &self->rule->match->steps[node->step];
    if (may_say(self)) {
        say(self, WEIRI_LIVE_PARTIAL, "%s: '%s' takes an event, %u now%s",
            line_head(self, arena, of->events[node->event].time_ns), step->name,
            node->n_taken, node->before == 0 ? ": a partial match begins" : "");
    }
}

static void
tell_end(weiri_tap *self, weiri_arena *arena, const weiri_trace_end *end)
{
    static const char *const CAUSES[]  = { "an event left it no way on",
         "the time of the rule was up", "the next event did not come in time",
         "a match took it away", "there were too many partial matches",
         "there were too many matches at one event", "the input ended" };
    weiri_obstacle          *obstacles = NULL;
    const char              *text      = "";
    if (!may_say(self)) {
        return;
    }
    uint32_t n = weiri_trace_obstacles(self->trace, arena, end, &obstacles);
    for (uint32_t i = 0; i < n && i < MOST_CAUSES; i++) {
        bool has_step = obstacles[i].step != WEIRI_NONE;
        text = weiri_arena_format(arena, "%s; %s%s%s%s", text, has_step ? "'" : "",
            has_step ? self->rule->match->steps[obstacles[i].step].name : "",
            has_step ? "': " : "", obstacles[i].text);
    }
    say(self, WEIRI_LIVE_PARTIAL, "%s: ended with %u: %s%s",
        line_head(self, arena, end->time_ns),
        weiri_trace_node_at(self->trace, end->node)->n_taken, CAUSES[end->cause], text);
}

static void
tell_output(weiri_tap *self, weiri_arena *arena, const weiri_trace_output *output)
{
    if (may_say(self)) {
        say(self, WEIRI_LIVE_PARTIAL, "%s: %s of %u",
            line_head(self, arena, output->time_ns),
            output->is_timeout ? "a timeout" : "a match",
            weiri_trace_node_at(self->trace, output->node)->n_taken);
    }
}

/* What is new since the last time, by kind: taken, given, ended. */
static void
tell_trace(weiri_tap *self)
{
    uint32_t     n     = 0;
    weiri_arena *arena = weiri_arena_new();
    if (arena == NULL) {
        return;
    }
    uint32_t n_nodes = weiri_trace_n_nodes(self->trace);
    for (uint32_t i = self->n_nodes > 0 ? self->n_nodes : 1; i < n_nodes; i++) {
        tell_node(self, arena, i);
    }
    self->n_nodes                     = n_nodes;
    const weiri_trace_output *outputs = weiri_trace_outputs(self->trace, &n);
    for (uint32_t i = self->n_outputs; i < n; i++) {
        tell_output(self, arena, &outputs[i]);
    }
    self->n_outputs             = n;
    const weiri_trace_end *ends = weiri_trace_ends(self->trace, &n);
    for (uint32_t i = self->n_ends; i < n; i++) {
        tell_end(self, arena, &ends[i]);
    }
    self->n_ends = n;
    weiri_arena_destroy(&arena);
}

/* False: there is too much of it, or no memory. */
static bool
feed_trace(weiri_tap *self, int64_t deadline_ns)
{
    weir_error            err    = { .status = WEIR_OK };
    uint32_t              n      = 0;
    weir_status           status = weiri_gather_rows(self->gather, self->picked, &err);
    const weiri_gathered *of     = weiri_gather_keys(self->gather, &n);
    while (status == WEIR_OK && n > 0 && self->n_pushed < of->n) {
        status = weiri_trace_push(self->trace, &of->events[self->n_pushed++], &err);
        if (status == WEIR_OK) {
            tell_trace(self);
        }
    }
    if (status == WEIR_OK) {
        weiri_trace_advance(self->trace, deadline_ns);
        tell_trace(self);
    }
    return status == WEIR_OK;
}

/* What is followed has to be followed from event to event. */
static void
lose_track(weiri_tap *self)
{
    if (self->trace != NULL) {
        say(self, WEIRI_LIVE_NOTE,
            "more than the tap may look at: partial matches are followed anew from here "
            "on");
        drop_trace(self);
    }
}

static void
show_partials(
    weiri_tap *self, const weiri_rows_list *rows, int64_t deadline_ns, int64_t begun_ns)
{
    bool is_fine = self->trace != NULL || begin_trace(self, rows);
    if (is_fine) {
        is_fine = pick_rows(self, rows, begun_ns) && feed_trace(self, deadline_ns);
    }
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        weiri_rows_list_clear(&self->picked[s]);
    }
    if (!is_fine) {
        lose_track(self);
    }
    bool is_over =
        is_fine && !self->wish.has_key && self->inputs->n_keys > 0
        && (weiri_trace_n_alive(self->trace) == 0 || self->n_pushed >= MOST_OF_A_KEY);
    if (!is_fine || is_over) {
        drop_trace(self);
    }
}

/* ---- a pass ---- */

static void
begin_window(weiri_tap *self, int64_t now_ns)
{
    if (now_ns - self->window_ns < WINDOW_MS * WEIRI_NS_PER_MS) {
        return;
    }
    if (self->wish.is_partial && self->n_unsaid > 0) {
        say(self, WEIRI_LIVE_NOTE, "%" PRIu64 " lines were left out: --rate is lower",
            self->n_unsaid);
    }
    self->window_ns = now_ns;
    self->spent_ns  = 0;
    self->n_unsaid  = 0;
    self->budget    = self->wish.rate / WINDOWS_PER_S + 1;
}

void
weiri_tap_passed(weiri_tap *self, const weiri_rows_list *rows, int64_t deadline_ns)
{
    uint64_t until =
        atomic_load_explicit(&self->page->tap_until_ns, memory_order_acquire);
    if (until == 0) {
        return;
    }
    int64_t now_ns = monotonic_ns();
    if ((uint64_t)now_ns > until) {
        if (self->version != 0) {
            drop_answer(self);
        }
        return;
    }
    if (!read_wish(self) || self->is_refused) {
        return;
    }
    begin_window(self, now_ns);
    if (!has_time_left(self, now_ns)) { /* until the next window */
        lose_track(self);
        return;
    }
    if (self->wish.is_partial) {
        show_partials(self, rows, deadline_ns, now_ns);
    }
    show_events(self, rows, now_ns);
    self->spent_ns += monotonic_ns() - now_ns;
}

weir_status
weiri_tap_new(const weiri_plan *plan, weiri_live_page *page, weiri_tap **out)
{
    weiri_tap *self = calloc(1, sizeof *self);
    if (self == NULL
        || (self->encoders = calloc(plan->n_streams + (size_t)1, sizeof(void *)))
               == NULL) {
        free(self);
        return WEIR_ENOMEM;
    }
    self->plan = plan;
    self->page = page;
    *out       = self;
    return WEIR_OK;
}

void
weiri_tap_destroy(weiri_tap **self_p)
{
    weiri_tap *self = *self_p;
    *self_p         = NULL;
    if (self == NULL) {
        return;
    }
    drop_answer(self);
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_encoder_destroy(&self->encoders[i]);
    }
    free(self->encoders);
    weiri_buffer_fini(&self->buffer);
    free(self);
}
