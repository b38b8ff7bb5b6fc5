/* weiri_engine: intakes fill the merges of source streams; each turn releases rows before
 * the watermark, stream by stream as the rules, sorted along the graph, ask for them.
 *
 * Rules of a turn see only rows before the watermark and emit only rows before it, so one
 * pass over the sorted rules brings every event through the whole graph.
 */
#include "weiri/engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../rule/rule.h"
#include "../sink/sink.h"
#include "../source/source.h"
#include "place.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

struct weiri_engine {
    const weiri_plan       *plan;
    weiri_engine_options    options;
    weiri_intake          **intakes;  /* shape (plan->n_sources,)                     */
    char                  **paths;    /* shape (plan->n_sources,): resolved           */
    bool                  **used;     /* shape (plan->n_streams,): fields to decode   */
    weiri_merge           **merges;   /* shape (plan->n_streams,): NULL if unread     */
    weiri_rows_list        *rows;     /* shape (plan->n_streams,): of this turn       */
    bool                   *released; /* shape (plan->n_streams,): in this turn       */
    weiri_rule_actor      **rules;    /* shape (plan->n_rules,)                       */
    const weiri_rows_list **inputs;   /* scratch for one rule                         */
    weiri_outlet          **outlets;  /* shape (n_outlets,)                           */
    uint32_t                n_outlets;
    int64_t                 watermark_ns; /* of the last turn                         */
    bool                    is_live;      /* some source is not a regular file        */
    bool                    is_finished;
};

/* ---- watermark ---- */

static int64_t
clock_of(const weiri_engine *self, uint32_t source)
{
    return weiri_intake_clock(self->intakes[source])->now_ns;
}

/* The source that holds time back, the first of them; -1 when all have ended. */
static int64_t
slowest_source(const weiri_engine *self)
{
    int64_t slowest = -1;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (clock_of(self, i) != INT64_MAX
            && (slowest < 0 || clock_of(self, i) < clock_of(self, (uint32_t)slowest))) {
            slowest = i;
        }
    }
    return slowest;
}

static int64_t
current_watermark(const weiri_engine *self)
{
    int64_t slowest = slowest_source(self);
    return slowest < 0 ? INT64_MAX : clock_of(self, (uint32_t)slowest);
}

/* Time of the newest event of any source; INT64_MIN if there was none. */
static int64_t
newest_event(const weiri_engine *self)
{
    int64_t newest = INT64_MIN;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        int64_t ns = weiri_intake_clock(self->intakes[i])->newest_ns;
        newest     = ns > newest ? ns : newest;
    }
    return newest;
}

/* ---- one turn's pass over the graph ---- */

/* The rows that a stream releases in this turn. */
static weir_status
release(weiri_engine *self, uint32_t stream, int64_t watermark_ns)
{
    if (self->released[stream] || self->merges[stream] == NULL) {
        return WEIR_OK;
    }
    self->released[stream] = true;
    return weiri_merge_release(self->merges[stream], watermark_ns, &self->rows[stream]);
}

static uint32_t
rule_n_inputs(const weiri_rule *rule)
{
    return rule->match != NULL ? rule->match->n_inputs : 1;
}

static uint32_t
rule_input(const weiri_rule *rule, uint32_t i)
{
    return rule->match != NULL ? rule->match->inputs[i].stream : rule->query->stream;
}

static weir_status
run_rule(weiri_engine *self, uint32_t index, int64_t watermark_ns, int64_t deadline_ns,
    weir_error *err)
{
    const weiri_rule *rule = &self->plan->rules[index];
    for (uint32_t i = 0; i < rule_n_inputs(rule); i++) {
        uint32_t    stream = rule_input(rule, i);
        weir_status status = release(self, stream, watermark_ns);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "rule '%s'", rule->name);
        }
        self->inputs[i] = &self->rows[stream];
    }
    return weiri_rule_actor_run(self->rules[index], self->inputs, deadline_ns, err);
}

static weir_status
write_outlets(weiri_engine *self, int64_t watermark_ns, weir_error *err)
{
    for (uint32_t i = 0; i < self->plan->n_sinks; i++) {
        weir_status status = release(self, self->plan->sinks[i].stream, watermark_ns);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "%s", weir_status_text(status));
        }
    }
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        weir_status status = weiri_outlet_write(self->outlets[i], self->rows, err);
        if (status == WEIR_OK && self->is_live) {
            status = weiri_outlet_flush(self->outlets[i], err);
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static void
forget_rows(weiri_engine *self)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_rows_list_clear(&self->rows[i]);
        self->released[i] = false;
    }
}

/* Bring everything before the watermark through the graph.
 *
 *   deadline_ns  deadlines before it fire: the watermark, or at the end the last event's
 * time is_end       rules give what they held back, each before those that read it
 */
static weir_status
pass(weiri_engine *self, int64_t watermark_ns, int64_t deadline_ns, bool is_end,
    weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        if (self->plan->streams[i].origin == WEIRI_ORIGIN_SOURCE) {
            status = release(self, i, watermark_ns); /* also if nobody reads it */
        }
    }
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        status = run_rule(self, i, watermark_ns, deadline_ns, err);
        if (status == WEIR_OK && is_end) {
            status = weiri_rule_actor_finish(self->rules[i], err);
        }
    }
    if (status == WEIR_OK) {
        status = write_outlets(self, watermark_ns, err);
    }
    forget_rows(self);
    return status;
}

static int64_t
wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* A silent source goes along with the others; if it is the only one left, or all wait
 * with it, time goes on from the last event by what has passed on the wall. */
static void
mark_idle(weiri_engine *self, uint32_t source, int64_t waited_ns)
{
    int64_t others = INT64_MAX;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (i != source && clock_of(self, i) < others) {
            others = clock_of(self, i);
        }
    }
    int64_t newest = newest_event(self);
    int64_t now    = clock_of(self, source);
    int64_t base   = now > newest ? now : newest;
    if (base == INT64_MIN) {
        return; /* no event yet: there is no time to go on */
    }
    int64_t to = others != INT64_MAX && others > now ? others : base + waited_ns;
    weiri_clock_advance(weiri_intake_clock(self->intakes[source]), to);
}

static weir_status
pump(weiri_engine *self, uint32_t source, weir_error *err)
{
    int64_t     idle_ns  = self->plan->sources[source].idle_ns;
    int64_t     begun_ns = idle_ns >= 0 ? wall_clock_ns() : 0;
    weir_status status   = weiri_intake_pump(self->intakes[source], idle_ns, err);
    if (status == WEIR_EAGAIN && idle_ns >= 0) {
        int64_t waited_ns = wall_clock_ns() - begun_ns;
        if (waited_ns >= idle_ns) {
            mark_idle(self, source, waited_ns);
        }
    }
    return status == WEIR_EAGAIN || status == WEIR_EOF ? WEIR_OK : status;
}

weir_status
weiri_engine_turn(weiri_engine *self, weir_error *err)
{
    int64_t source = slowest_source(self);
    if (source < 0
        || (self->options.should_stop != NULL
            && self->options.should_stop(self->options.context))) {
        return WEIR_EOF;
    }
    weir_status status = pump(self, (uint32_t)source, err);
    if (status != WEIR_OK) {
        return status;
    }
    int64_t watermark_ns = current_watermark(self);
    if (watermark_ns == INT64_MAX || watermark_ns == self->watermark_ns) {
        return WEIR_OK; /* the last pass is that of finish */
    }
    self->watermark_ns = watermark_ns;
    return pass(self, watermark_ns, watermark_ns, false, err);
}

static weir_status
close_outlets(weiri_engine *self, weir_error *err)
{
    weir_status first = WEIR_OK;
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        weir_error  other  = { 0 };
        weir_status status = weiri_outlet_close(&self->outlets[i], &other);
        if (first == WEIR_OK && status != WEIR_OK) {
            first = status;
            *err  = other;
        }
    }
    return first;
}

weir_status
weiri_engine_finish(weiri_engine *self, weir_error *err)
{
    if (self->is_finished) {
        return WEIR_OK;
    }
    self->is_finished  = true;
    int64_t     newest = newest_event(self);
    weir_status status = pass(self, INT64_MAX, newest, true, err);
    weir_error  other  = { 0 };
    weir_status closed = close_outlets(self, &other);
    if (status == WEIR_OK && closed != WEIR_OK) {
        *err   = other;
        status = closed;
    }
    return status;
}

weiri_engine_counts
weiri_engine_get_counts(const weiri_engine *self)
{
    weiri_engine_counts counts = { 0 };
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_intake_counts of = weiri_intake_get_counts(self->intakes[i]);
        counts.n_events += of.n_events;
        counts.n_bytes += of.n_bytes;
        counts.n_late += of.n_late;
        counts.n_dead += of.n_dead;
    }
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        weiri_rule_counts of = weiri_rule_actor_counts(self->rules[i]);
        counts.n_matches += of.match.matches;
        counts.n_dropped += of.match.dropped_runs + of.match.dropped_matches;
        counts.n_faults += of.match.faults;
        counts.n_null_keys += of.match.null_keys;
    }
    return counts;
}

/* ---- opening ---- */

/* Where a source is read from: a redirect to its stream, or what its rule file says. */
static weir_status
source_path(
    const weiri_engine *self, const weiri_source *source, char **out, weir_error *err)
{
    const char *stream = self->plan->streams[source->stream].schema.name;
    for (size_t i = 0; i < self->options.n_redirects; i++) {
        const weiri_redirect *redirect = &self->options.redirects[i];
        if (redirect->stream == NULL || strcmp(redirect->stream, stream) == 0) {
            *out = strdup(redirect->path);
            return *out != NULL ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "%s", stream);
        }
    }
    *out = source->endpoint == WEIRI_ENDPOINT_STDIO
               ? strdup("-")
               : weiri_place_resolve(source->place.file, source->path);
    return *out != NULL ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "%s", stream);
}

static bool
stream_has_source(const weiri_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        if (strcmp(plan->streams[plan->sources[i].stream].schema.name, name) == 0) {
            return true;
        }
    }
    return false;
}

static weir_status
check_redirects(const weiri_engine *self, weir_error *err)
{
    const weiri_plan *plan = self->plan;
    for (size_t i = 0; i < self->options.n_redirects; i++) {
        const weiri_redirect *redirect = &self->options.redirects[i];
        if (redirect->stream != NULL && !stream_has_source(plan, redirect->stream)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "--from %s=%s: no stream '%s' with a source in these rules",
                redirect->stream, redirect->path, redirect->stream);
        }
        for (uint32_t s = 1; redirect->stream == NULL && s < plan->n_sources; s++) {
            if (plan->sources[s].stream != plan->sources[0].stream) {
                return WEIR_FAIL(err, WEIR_EINVAL,
                    "--from %s: these rules read several streams: say which, as in "
                    "--from %s=%s",
                    redirect->path, plan->streams[plan->sources[0].stream].schema.name,
                    redirect->path);
            }
        }
    }
    return WEIR_OK;
}

/* As the source says, or the name of what is read, or the name the rule file has. */
static weir_status
source_format(
    const weiri_source *source, const char *path, weiri_format *out, weir_error *err)
{
    *out = source->format;
    if (*out == WEIRI_FORMAT_AUTO) {
        *out = weiri_place_format(path);
    }
    if (*out == WEIRI_FORMAT_AUTO && source->path != NULL) {
        *out = weiri_place_format(source->path);
    }
    if (*out == WEIRI_FORMAT_AUTO && strcmp(path, "-") == 0) {
        *out = WEIRI_FORMAT_JSON;
    }
    if (*out == WEIRI_FORMAT_AUTO || *out == WEIRI_FORMAT_TEXT) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "%s: the name does not say its format: add `format json`, `csv` or `msgpack` "
            "to the source",
            path);
    }
    return WEIR_OK;
}

static const weiri_stream *
read_stream(const weiri_engine *self, uint32_t index)
{
    return index != WEIRI_NONE && self->plan->streams[index].is_read
               ? &self->plan->streams[index]
               : NULL;
}

static weir_status
open_source(weiri_engine *self, uint32_t index, weir_error *err)
{
    const weiri_source *source = &self->plan->sources[index];
    const weiri_stream *stream = &self->plan->streams[source->stream];
    weiri_format        format = WEIRI_FORMAT_AUTO;
    weir_status         status = source_path(self, source, &self->paths[index], err);
    if (status == WEIR_OK) {
        status = source_format(source, self->paths[index], &format, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    bool is_tsv = source->delimiter == ',' && weiri_place_is_tsv(self->paths[index]);
    const weiri_intake_config config = {
        .source    = source,
        .index     = index,
        .path      = self->paths[index],
        .format    = format,
        .delimiter = is_tsv ? '\t' : source->delimiter,
        .used      = self->used[source->stream],
        .stream    = stream,
        .late      = read_stream(self, stream->late),
        .dead      = read_stream(self, stream->dead),
        .to        = self->merges[source->stream],
        .late_to   = stream->late != WEIRI_NONE ? self->merges[stream->late] : NULL,
        .dead_to   = stream->dead != WEIRI_NONE ? self->merges[stream->dead] : NULL,
    };
    status = weiri_intake_new(&config, &self->intakes[index], err);
    if (status == WEIR_OK && !weiri_intake_is_regular(self->intakes[index])) {
        self->is_live = true;
    }
    return status;
}

static weir_status
open_outlet(weiri_engine *self, const char *path, weiri_outlet **out, weir_error *err)
{
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        if (strcmp(weiri_outlet_path(self->outlets[i]), path) == 0) {
            *out = self->outlets[i];
            return WEIR_OK;
        }
    }
    weir_status status = weiri_outlet_new(path, &self->outlets[self->n_outlets], err);
    if (status == WEIR_OK) {
        *out = self->outlets[self->n_outlets++];
    }
    return status;
}

static weiri_format
sink_format(const weiri_engine *self, const weiri_sink *sink)
{
    bool is_stdout = sink->endpoint == WEIRI_ENDPOINT_STDIO;
    if (is_stdout && self->options.stdout_format != WEIRI_FORMAT_AUTO) {
        return self->options.stdout_format;
    }
    weiri_format format = sink->format;
    if (format == WEIRI_FORMAT_AUTO && !is_stdout) {
        format = weiri_place_format(sink->path);
    }
    return format == WEIRI_FORMAT_AUTO ? WEIRI_FORMAT_JSON : format;
}

static weir_status
open_sink(weiri_engine *self, const weiri_sink *sink, weir_error *err)
{
    char *path = sink->endpoint == WEIRI_ENDPOINT_STDIO
                     ? strdup("-")
                     : weiri_place_resolve(sink->place.file, sink->path);
    if (path == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weiri_outlet *outlet = NULL;
    weir_status   status = open_outlet(self, path, &outlet, err);
    free(path);
    return status == WEIR_OK
               ? weiri_outlet_add_stream(outlet, &self->plan->streams[sink->stream],
                   sink->stream, sink_format(self, sink), err)
               : status;
}

/* Fields that a stream's late events need are decoded with its own. */
static weir_status
init_streams(weiri_engine *self, weir_error *err)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        const weiri_stream *stream   = &self->plan->streams[i];
        uint32_t            n_fields = stream->schema.n_fields;
        const weiri_stream *late     = read_stream(self, stream->late);
        bool needs_merge = stream->is_read || stream->origin == WEIRI_ORIGIN_SOURCE;
        self->used[i]    = calloc(n_fields + 1, sizeof(bool));
        if (self->used[i] == NULL
            || (needs_merge
                && weiri_merge_new(WEIRI_REORDER_ROWS, &self->merges[i]) != WEIR_OK)) {
            return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
        }
        for (uint32_t f = 0; f < n_fields; f++) {
            self->used[i][f] = stream->used[f]
                               || (stream->origin == WEIRI_ORIGIN_SOURCE && late != NULL
                                   && late->used[f]);
        }
    }
    return WEIR_OK;
}

static weir_status
allocate(weiri_engine *self, weir_error *err)
{
    const weiri_plan *plan     = self->plan;
    uint32_t          n_inputs = 1;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        uint32_t n = rule_n_inputs(&plan->rules[i]);
        n_inputs   = n > n_inputs ? n : n_inputs;
    }
    self->intakes  = calloc(plan->n_sources + 1, sizeof(void *));
    self->paths    = calloc(plan->n_sources + 1, sizeof(void *));
    self->used     = calloc(plan->n_streams + 1, sizeof(void *));
    self->merges   = calloc(plan->n_streams + 1, sizeof(void *));
    self->rows     = calloc(plan->n_streams + 1, sizeof *self->rows);
    self->released = calloc(plan->n_streams + 1, sizeof *self->released);
    self->rules    = calloc(plan->n_rules + 1, sizeof(void *));
    self->inputs   = calloc(n_inputs, sizeof(void *));
    self->outlets  = calloc(plan->n_sinks + 1, sizeof(void *));
    if (self->intakes == NULL || self->paths == NULL || self->used == NULL
        || self->merges == NULL || self->rows == NULL || self->released == NULL
        || self->rules == NULL || self->inputs == NULL || self->outlets == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    return init_streams(self, err);
}

/* Sources before sinks: a missing input leaves outputs as they were. */
static weir_status
open_all(weiri_engine *self, weir_error *err)
{
    const weiri_plan *plan   = self->plan;
    weir_status       status = check_redirects(self, err);
    for (uint32_t i = 0; i < plan->n_sources && status == WEIR_OK; i++) {
        status = open_source(self, i, err);
    }
    for (uint32_t i = 0; i < plan->n_rules && status == WEIR_OK; i++) {
        const weiri_rule_config config = {
            .plan = plan, .index = i, .streams = self->merges
        };
        status = weiri_rule_actor_new(&config, &self->rules[i], err);
    }
    for (uint32_t i = 0; i < plan->n_sinks && status == WEIR_OK; i++) {
        status = open_sink(self, &plan->sinks[i], err);
    }
    return status;
}

weir_status
weiri_engine_new(const weiri_plan *plan, const weiri_engine_options *options,
    weiri_engine **out, weir_error *err)
{
    weiri_engine *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan         = plan;
    self->options      = *options;
    self->watermark_ns = INT64_MIN;
    weir_status status = allocate(self, err);
    if (status == WEIR_OK) {
        status = open_all(self, err);
    }
    if (status != WEIR_OK) {
        weiri_engine_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_engine_destroy(weiri_engine **self_p)
{
    weiri_engine *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        (void)weiri_outlet_close(&self->outlets[i], NULL);
    }
    for (uint32_t i = 0; self->rules != NULL && i < self->plan->n_rules; i++) {
        weiri_rule_actor_destroy(&self->rules[i]);
    }
    for (uint32_t i = 0; self->intakes != NULL && i < self->plan->n_sources; i++) {
        weiri_intake_destroy(&self->intakes[i]);
    }
    for (uint32_t i = 0; self->paths != NULL && i < self->plan->n_sources; i++) {
        free(self->paths[i]);
    }
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        if (self->rows != NULL) {
            weiri_rows_list_fini(&self->rows[i]);
        }
        if (self->merges != NULL) {
            weiri_merge_destroy(&self->merges[i]);
        }
        if (self->used != NULL) {
            free(self->used[i]);
        }
    }
    free(self->intakes);
    free(self->paths);
    free(self->used);
    free(self->merges);
    free(self->rows);
    free(self->released);
    free(self->rules);
    free(self->inputs);
    free(self->outlets);
    free(self);
    *self_p = NULL;
}
