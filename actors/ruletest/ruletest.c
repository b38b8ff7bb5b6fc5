/* A test is a graph without sources and sinks: its events are pushed, one pass brings
 * them through, and what each stream gave is compared with the expectations.
 */
#include "weiri/ruletest.h"

#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "replay.h"
#include "weiri/limits.h"

enum { ORDER_BITS = 48, MAX_FILES = 1 << 14 };

struct feed {
    int64_t                time_ns;
    uint64_t               order; /* as written, files among them */
    const weiri_test_line *line;
};

struct session {
    const weiri_plan            *plan;
    const weiri_test            *test;
    const weiri_ruletest_report *report;
    weiri_graph                 *graph;
    struct feed                 *feeds; /* shape (n_feeds,), by time and order */
    size_t                       n_feeds;
    int64_t                      end_ns; /* where time stops */
    uint32_t                     n_failed;
};

/* ---- events in ---- */

static uint32_t
n_events_of(const weiri_test_line *line)
{
    return line->kind == WEIRI_TEST_EVENT ? line->repeat : 0;
}

static int
compare_feeds(const void *a, const void *b)
{
    const struct feed *x = a;
    const struct feed *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

/* A file may say any time, and time ends. */
static int64_t
later(int64_t time_ns, int64_t by_ns)
{
    return time_ns > 0 && by_ns > INT64_MAX - time_ns ? INT64_MAX : time_ns + by_ns;
}

/* Read the lines in their order: what a file says decides where those after it are in
 * time. Files are pushed; what stands in the test itself is collected. */
static weir_status
take_lines(struct session *self, weir_error *err)
{
    uint32_t n_files = 0;
    int64_t  base_ns = 0; /* of lines that count from what was read */
    for (uint32_t i = 0; i < self->test->n_lines; i++) {
        const weiri_test_line *line = &self->test->lines[i];
        int64_t at_ns  = line->is_after_file ? later(base_ns, line->at_ns) : line->at_ns;
        int64_t latest = INT64_MIN;
        weir_status status = WEIR_OK;
        if (line->kind == WEIRI_TEST_FILE) {
            status = n_files == MAX_FILES
                         ? WEIR_FAIL(err, WEIR_EFULL, "more than %d files", MAX_FILES)
                         : weiri_feed_file(self->graph, self->plan, line->source,
                             2 * n_files + 1, &latest, err);
            n_files++;
        } else if (line->kind == WEIRI_TEST_WAIT) {
            latest = later(at_ns, line->wait_ns);
        }
        if (status != WEIR_OK) {
            return WEIR_CONTEXT(err, status, "%s:%u", line->place.file, line->place.line);
        }
        for (uint32_t k = 0; k < n_events_of(line); k++) {
            latest                     = later(at_ns, (int64_t)k * line->every_ns);
            self->feeds[self->n_feeds] = (struct feed){
                .time_ns = latest,
                .order   = ((uint64_t)n_files << (ORDER_BITS + 1)) + self->n_feeds,
                .line    = line,
            };
            self->n_feeds++;
        }
        self->end_ns = latest > self->end_ns ? latest : self->end_ns;
        if (line->kind == WEIRI_TEST_FILE && self->end_ns != INT64_MIN) {
            base_ns = self->end_ns;
        }
    }
    qsort(self->feeds, self->n_feeds, sizeof self->feeds[0], compare_feeds);
    return WEIR_OK;
}

static weir_status
collect_feeds(struct session *self, weir_error *err)
{
    size_t n = 0;
    for (uint32_t i = 0; i < self->test->n_lines; i++) {
        n += n_events_of(&self->test->lines[i]);
    }
    self->feeds = calloc(n + 1, sizeof *self->feeds);
    return self->feeds != NULL ? take_lines(self, err)
                               : WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
}

/* What a field is that a test does not name. */
static weir_value
default_value(const weir_field *field)
{
    weir_value value = { .type = (uint8_t)field->type, .is_null = field->is_nullable };
    if (field->type == WEIR_STRING) {
        value.as.s = "";
    }
    return value;
}

static weir_status
append_event(weir_chunk *chunk, const struct feed *feed)
{
    const weir_schema *schema = chunk->schema;
    uint32_t           row    = chunk->n_rows;
    weir_status        status = WEIR_OK;
    for (uint32_t i = 0; i < schema->n_fields && status == WEIR_OK; i++) {
        weir_value value = default_value(&schema->fields[i]);
        for (uint32_t k = 0; k < feed->line->n_values; k++) {
            if (feed->line->values[k].field == i) {
                value = feed->line->values[k].value;
            }
        }
        if ((int32_t)i == schema->time_field) {
            value = (weir_value){ .type = WEIR_TIME, .as.i = feed->time_ns };
        }
        status = weir_chunk_set(chunk, row, i, &value);
    }
    chunk->time[row]  = feed->time_ns;
    chunk->order[row] = feed->order;
    chunk->n_rows += status == WEIR_OK;
    return status;
}

/* The events of one stream; an event that does not fit into a chunk begins the next. */
static weir_status
push_stream(struct session *self, uint32_t stream)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    weiri_merge       *merge  = weiri_graph_merge(self->graph, stream);
    weir_chunk        *chunk  = NULL;
    weir_status        status = WEIR_OK;
    for (size_t i = 0; i < self->n_feeds && status == WEIR_OK; i++) {
        if (self->feeds[i].line->stream != stream) {
            continue;
        }
        if (chunk != NULL && chunk->n_rows == chunk->capacity) {
            status = weiri_merge_push(merge, &chunk);
        }
        if (status == WEIR_OK && chunk == NULL) {
            status =
                weir_chunk_new(schema, weiri_graph_used(self->graph, stream), &chunk);
        }
        if (status == WEIR_OK) {
            status = append_event(chunk, &self->feeds[i]);
        }
    }
    if (status == WEIR_OK && chunk != NULL) {
        status = weiri_merge_push(merge, &chunk);
    }
    if (chunk != NULL) {
        weir_chunk_drop(&chunk);
    }
    return status;
}

/* ---- expectations ---- */

static bool
values_are_equal(const weir_value *a, const weir_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null && b->is_null;
    }
    switch ((weir_type)a->type) {
    case WEIR_BOOL: return a->as.b == b->as.b;
    case WEIR_FLOAT: return !(a->as.f < b->as.f) && !(a->as.f > b->as.f);
    case WEIR_STRING:
    case WEIR_LIST:
        return a->size == b->size
               && (a->size == 0 || memcmp(a->as.s, b->as.s, a->size) == 0);
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: break;
    }
    return a->as.i == b->as.i;
}

static bool
row_is_as_expected(const weir_chunk *chunk, uint32_t row, const weiri_test_line *line)
{
    for (uint32_t i = 0; i < line->n_values; i++) {
        weir_value value = weir_chunk_get(chunk, row, line->values[i].field);
        if (!values_are_equal(&value, &line->values[i].value)) {
            return false;
        }
    }
    return true;
}

static uint32_t
count_expected(const weiri_rows_list *rows, const weiri_test_line *line)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        for (uint32_t r = 0; r < rows->items[i].n; r++) {
            n += row_is_as_expected(rows->items[i].chunk, rows->items[i].first + r, line);
        }
    }
    return n;
}

/* The first rule that makes events of a stream, and of which there is something to tell;
 * NULL: none. */
static const weiri_rule *
maker_of(const weiri_plan *plan, uint32_t stream)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        const weiri_match *match = plan->rules[i].match;
        if (match != NULL && match->emit != NULL && match->emit->stream == stream) {
            return &plan->rules[i];
        }
        const weiri_query *query = plan->rules[i].query;
        if (query != NULL && query->emit->stream == stream && query->fold == NULL
            && query->actor == NULL) {
            return &plan->rules[i];
        }
    }
    return NULL;
}

static int64_t
deadline_of(const struct session *self)
{
    return self->end_ns < INT64_MAX ? self->end_ns + 1 : INT64_MAX;
}

/* Tell of a failure, with what the rule saw whose events are wanting. */
static weir_status
report_failure(struct session *self, weiri_ruletest_failure *failure)
{
    weiri_arena  *arena      = weiri_arena_new();
    weiri_gather *gather     = NULL;
    weir_error    err        = { 0 };
    weir_status   status     = WEIR_OK;
    bool          is_wanting = failure->line->kind == WEIRI_TEST_EXPECT
                      && (failure->n_found > 0 ? failure->n_found < failure->line->count
                                               : failure->size == 0);
    failure->rule   = is_wanting ? maker_of(self->plan, failure->line->stream) : NULL;
    failure->end_ns = deadline_of(self);
    if (arena == NULL) {
        return WEIR_ENOMEM;
    }
    if (failure->rule != NULL) {
        const weiri_rule inputs = { .match = (weiri_match *)(uintptr_t)weiri_inputs_of(
                                        arena, failure->rule) };
        status = weiri_gather_new(self->plan, &inputs, NULL, &gather, &err);
        if (status == WEIR_OK) {
            status = weiri_gather_rows(gather, weiri_graph_rows(self->graph), &err);
            failure->keys = weiri_gather_keys(gather, &failure->n_keys);
        }
    }
    if (status == WEIR_OK) {
        self->n_failed++;
        self->report->failed(self->report->context, failure);
    }
    weiri_gather_destroy(&gather);
    weiri_arena_destroy(&arena);
    return status;
}

static weiri_replay
replay_of(const struct session *self)
{
    return (weiri_replay){
        .plan = self->plan, .graph = self->graph, .deadline_ns = deadline_of(self)
    };
}

static weir_status
tell_failure(struct session *self, const weiri_test_line *line, uint32_t n_found)
{
    const weir_schema     *schema  = &self->plan->streams[line->stream].schema;
    const weiri_rows_list *rows    = &weiri_graph_rows(self->graph)[line->stream];
    weiri_encoder         *encoder = NULL;
    weiri_buffer           buffer  = { 0 };
    weir_status status = weiri_encoder_new(schema, WEIRI_FORMAT_TEXT, &encoder, NULL);
    for (uint32_t i = 0; i < rows->n && status == WEIR_OK; i++) {
        status = weiri_encoder_encode(encoder, rows->items[i], &buffer);
    }
    if (status == WEIR_OK) {
        weiri_ruletest_failure failure = { .line = line,
            .n_found                             = n_found,
            .came                                = buffer.used > 0 ? buffer.bytes : "",
            .size                                = buffer.used };
        status                         = report_failure(self, &failure);
    }
    weiri_encoder_destroy(&encoder);
    weiri_buffer_fini(&buffer);
    return status;
}

static bool
is_as_many(const weiri_test_line *line, uint32_t n)
{
    if (line->kind == WEIRI_TEST_EXPECT_NO) {
        return n == 0;
    }
    return line->count == WEIRI_NONE ? n > 0 : n == line->count;
}

static weir_status
check(struct session *self)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->test->n_lines && status == WEIR_OK; i++) {
        const weiri_test_line *line = &self->test->lines[i];
        if (line->kind != WEIRI_TEST_EXPECT && line->kind != WEIRI_TEST_EXPECT_NO) {
            continue;
        }
        uint32_t n = count_expected(&weiri_graph_rows(self->graph)[line->stream], line);
        if (!is_as_many(line, n)) {
            status = tell_failure(self, line, n);
        }
    }
    return status;
}

/* ---- the whole ---- */

static weir_status
run(struct session *self, weir_error *err)
{
    weir_status status = weiri_graph_new(self->plan, &self->graph, err);
    if (status == WEIR_OK) {
        status = collect_feeds(self, err);
    }
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        status = push_stream(self, i);
    }
    if (status == WEIR_OK) {
        status = weiri_graph_pass(self->graph, INT64_MAX, deadline_of(self), true, err);
    }
    if (status == WEIR_OK && self->report->coverage != NULL) {
        const weiri_replay replay = replay_of(self);
        status                    = weiri_replay_cover(&replay, self->report->coverage);
    }
    return status == WEIR_OK ? check(self) : status;
}

weir_status
weiri_ruletest_run(const weiri_plan *plan, const weiri_test *test,
    const weiri_ruletest_report *report, uint32_t *n_failed, weir_error *err)
{
    struct session self = {
        .plan = plan, .test = test, .report = report, .end_ns = INT64_MIN
    };
    weir_status status = run(&self, err);
    if (status != WEIR_OK) {
        status = WEIR_CONTEXT(err, status, "test \"%s\"", test->title);
    }
    *n_failed = self.n_failed;
    weiri_graph_destroy(&self.graph);
    free(self.feeds);
    return status;
}
