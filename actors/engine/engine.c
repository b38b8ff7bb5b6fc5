/* weiri_engine: a graph between intakes and outlets.
 *
 * The source whose clock is furthest behind is read next, so that no other source's
 * events pile up in front of the watermark.
 */
#include "weiri/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inside.h"
#include "place.h"
#include "weiri/fault.h"
#include "weiri/timetext.h"

enum { HELD_UP_NS = 100000000 }; /* until whoever stops the run is asked again */

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

/* The least clock of the sources that are read once. */
static int64_t
least_clock(const weiri_engine *self)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (!weiri_intake_is_refreshed(self->intakes[i]) && clock_of(self, i) < least) {
            least = clock_of(self, i);
        }
    }
    return least;
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

/* ---- a turn ---- */

weir_status
weiri_engine_write(weiri_engine *self, const weiri_turn *turn,
    const weiri_rows_list *rows, weir_error *err)
{
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        weir_status status = weiri_outlet_write(self->outlets[i], rows, err);
        if (status == WEIR_OK) {
            status = weiri_outlet_advance(self->outlets[i], turn->watermark_ns, err);
        }
        if (status == WEIR_OK && turn->is_end && self->ends_links) {
            status = weiri_outlet_end(self->outlets[i], turn->deadline_ns, err);
        }
        if (status == WEIR_OK && self->is_live) {
            status = weiri_outlet_flush(self->outlets[i], err);
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static int64_t
wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

void
weiri_engine_note_written(weiri_engine *self, weiri_taken_in *turn)
{
    if (turn->n_events > 0) {
        weiri_histogram_add(
            &self->latency, wall_clock_ns() - turn->read_ns, turn->n_events);
    }
    *turn = (weiri_taken_in){ 0 };
}

static weir_status
pass(weiri_engine *self, int64_t watermark_ns, int64_t deadline_ns, bool is_end,
    weir_error *err)
{
    self->turn = (weiri_turn){ .number = self->turn.number,
        .watermark_ns                  = watermark_ns,
        .deadline_ns                   = deadline_ns,
        .is_end                        = is_end };
    if (self->flow != NULL) {
        self->has_turn                                         = true;
        self->on_the_way[self->turn.number % WEIRI_FLOW_TURNS] = self->taken_in;
        self->taken_in                                         = (weiri_taken_in){ 0 };
        return WEIR_OK;
    }
    weir_status status =
        weiri_graph_pass(self->graph, watermark_ns, deadline_ns, is_end, err);
    if (status == WEIR_OK) {
        status =
            weiri_engine_write(self, &self->turn, weiri_graph_rows(self->graph), err);
    }
    if (status == WEIR_OK && self->options.passed != NULL) {
        status = self->options.passed(self->options.passed_context,
            weiri_graph_rows(self->graph), deadline_ns, err);
    }
    weiri_graph_forget(self->graph);
    weiri_engine_note_written(self, &self->taken_in);
    return status;
}

/* When tables' files are to be looked at again. */
static weir_status
await_tables(weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (!self->has_refreshed) {
        return WEIR_OK;
    }
    int64_t others = least_clock(self);
    int64_t newest = newest_event(self);
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        status = weiri_intake_await(self->intakes[i], others, newest, err);
    }
    return status;
}

/* A silent source goes along with the others; if it is the only one left, or all wait
 * with it, time goes on from the last event by what has passed on the wall. */
static weir_status
mark_idle(weiri_engine *self, uint32_t source, int64_t waited_ns, weir_error *err)
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
        return WEIR_OK; /* no event yet: there is no time to go on */
    }
    int64_t to = others != INT64_MAX && others > now ? others : base + waited_ns;
    return weiri_intake_idle(self->intakes[source], to, err);
}

/* What the turn has taken in from a source, and when that was read. */
static void
note_taken(weiri_engine *self, uint32_t source, uint64_t n_before)
{
    weiri_intake_counts counts  = weiri_intake_get_counts(self->intakes[source]);
    int64_t             read_ns = weiri_intake_read_ns(self->intakes[source]);
    uint64_t            n       = counts.n_events - n_before;
    if (n == 0 || read_ns == 0) {
        return;
    }
    self->taken_in.n_events += n;
    if (self->taken_in.read_ns == 0) {
        self->taken_in.read_ns = read_ns;
    }
}

static weir_status
pump(weiri_engine *self, uint32_t source, bool may_wait, weir_error *err)
{
    int64_t     idle_ns  = self->plan->sources[source].idle_ns;
    int64_t     begun_ns = idle_ns >= 0 ? wall_clock_ns() : 0;
    uint64_t    n_before = weiri_intake_get_counts(self->intakes[source]).n_events;
    weir_status status =
        weiri_intake_pump(self->intakes[source], may_wait ? idle_ns : 0, err);
    note_taken(self, source, n_before);
    if (status == WEIR_EAGAIN && weiri_intake_is_over(self->intakes[source])) {
        return WEIR_EOF;
    }
    if (status == WEIR_EAGAIN && !may_wait) {
        return status;
    }
    if (status == WEIR_EAGAIN && idle_ns >= 0) {
        int64_t waited_ns = wall_clock_ns() - begun_ns;
        if (waited_ns >= idle_ns) {
            return mark_idle(self, source, waited_ns, err);
        }
    }
    return status == WEIR_EAGAIN || status == WEIR_EOF ? WEIR_OK : status;
}

/* A link to another node has no room: nothing is taken in until it has. */
static bool
is_held_up(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        if (weiri_outlet_is_full(self->outlets[i])) {
            return true;
        }
    }
    return false;
}

weir_status
weiri_engine_take(weiri_engine *self, bool may_wait, weir_error *err)
{
    weir_status status = await_tables(self, err);
    if (status != WEIR_OK) {
        return status;
    }
    int64_t source = slowest_source(self);
    if (source < 0 || self->is_ended
        || (self->options.should_stop != NULL
            && self->options.should_stop(self->options.context))) {
        return WEIR_EOF;
    }
    if (self->options.links != NULL && is_held_up(self)) {
        if (!may_wait) {
            return WEIR_EAGAIN;
        }
        weiri_links_wait(self->options.links, HELD_UP_NS);
        return WEIR_OK;
    }
    weir_status pumped = pump(self, (uint32_t)source, may_wait, err);
    status             = pumped;
    if (pumped == WEIR_OK || pumped == WEIR_EOF) {
        status = await_tables(self, err); /* the watermark is not to pass them */
    }
    if (status != WEIR_OK) {
        return status;
    }
    int64_t watermark_ns = current_watermark(self);
    if (watermark_ns == INT64_MAX || watermark_ns <= self->watermark_ns) {
        return pumped; /* the last pass is that of finish; a new table begins before */
    }
    self->watermark_ns = watermark_ns;
    return pass(self, watermark_ns, watermark_ns, false, err);
}

weir_status
weiri_engine_turn(weiri_engine *self, weir_error *err)
{
    return weiri_engine_take(self, true, err);
}

weir_status
weiri_engine_end(weiri_engine *self, weir_error *err)
{
    if (self->is_ended) {
        return WEIR_OK;
    }
    self->is_ended   = true;
    self->ends_links = slowest_source(self) < 0;
    return pass(self, INT64_MAX, newest_event(self), true, err);
}

bool
weiri_engine_has_arrived(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        if (!weiri_outlet_is_done(self->outlets[i])) {
            return false;
        }
    }
    return true;
}

bool
weiri_engine_has_told(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (clock_of(self, i) == INT64_MAX && !weiri_intake_is_done(self->intakes[i])) {
            return false;
        }
    }
    return true;
}

weir_status
weiri_engine_close(weiri_engine *self, weir_error *err)
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
    self->n_outlets = 0;
    return first;
}

bool
weiri_engine_is_at_end(const weiri_engine *self)
{
    return self->is_ended || slowest_source(self) < 0;
}

const char *
weiri_engine_notice(const weiri_engine *self, uint64_t *n_notices)
{
    const char *notice = NULL;
    *n_notices         = 0;
    for (uint32_t i = 0; self->has_refreshed && i < self->plan->n_sources; i++) {
        weiri_intake_counts of = weiri_intake_get_counts(self->intakes[i]);
        *n_notices += of.n_notices;
        notice = of.notice != NULL ? of.notice : notice;
    }
    return notice;
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
        counts.first_dead = counts.first_dead != NULL ? counts.first_dead : of.first_dead;
    }
    counts.is_running = self->is_running;
    if (self->is_running) {
        for (uint32_t i = 0; i < self->plan->n_rules; i++) {
            weiri_rule_sight sight = weiri_flow_rule(self->flow, i);
            counts.n_matches += self->plan->rules[i].join == NULL ? sight.n_matches : 0;
            counts.n_dropped += sight.n_dropped;
        }
        return counts;
    }
    weiri_graph_counts of = self->flow != NULL ? weiri_flow_get_counts(self->flow)
                                               : weiri_graph_get_counts(self->graph);
    counts.n_matches      = of.n_matches;
    counts.n_dropped      = of.n_dropped;
    counts.n_faults       = of.n_faults;
    counts.n_failed       = of.n_failed;
    counts.n_null_keys    = of.n_null_keys;
    return counts;
}

/* ---- opening ---- */

static bool
is_of_table(const weiri_plan *plan, const weiri_source *source)
{
    return plan->streams[source->stream].origin == WEIRI_ORIGIN_TABLE;
}

static char *
link_path(const char *peer, const char *stream)
{
    static const char FORM[] = "node(%s)/%s";
    size_t            size   = sizeof FORM + strlen(peer) + strlen(stream);
    char             *out    = malloc(size);
    if (out != NULL) {
        snprintf(out, size, FORM, peer, stream);
    }
    return out;
}

/* Where a source or sink is, as the rule file says; NULL: no memory. */
static char *
endpoint_path(
    weiri_endpoint endpoint, const char *file, const char *path, const char *stream)
{
    switch (endpoint) {
    case WEIRI_ENDPOINT_STDIO: return strdup("-");
    case WEIRI_ENDPOINT_PLUGIN: return strdup(path);
    case WEIRI_ENDPOINT_ZMQ: return weiri_place_resolve_address(file, path);
    case WEIRI_ENDPOINT_NODE: return link_path(path, stream);
    default: return weiri_place_resolve(file, path);
    }
}

/* Where a source is read from instead; NULL: nowhere. */
static const weiri_redirect *
redirect_of(const weiri_engine *self, const weiri_source *source)
{
    const char *stream = self->plan->streams[source->stream].schema.name;
    for (size_t i = 0; i < self->options.n_redirects; i++) {
        const weiri_redirect *redirect = &self->options.redirects[i];
        bool is_meant = redirect->stream == NULL ? !is_of_table(self->plan, source)
                                                 : strcmp(redirect->stream, stream) == 0;
        if (is_meant) {
            return redirect;
        }
    }
    return NULL;
}

static weir_status
source_path(
    const weiri_engine *self, const weiri_source *source, char **out, weir_error *err)
{
    const weiri_redirect *redirect = redirect_of(self, source);
    *out                           = redirect != NULL
                                         ? strdup(redirect->path)
                                         : endpoint_path(source->endpoint, source->place.file, source->path,
                                             self->plan->streams[source->stream].schema.name);
    return *out != NULL ? WEIR_OK
                        : WEIR_FAIL(err, WEIR_ENOMEM, "%s",
                            self->plan->streams[source->stream].schema.name);
}

/* The sockets of this run, from the first one on. */
static weir_status
need_wires(weiri_engine *self, weir_error *err)
{
    return self->wires != NULL ? WEIR_OK : weiri_wires_new(&self->wires, err);
}

/* Links are a node's: a run by itself has no name that others could know. */
static weir_status
need_links(const weiri_engine *self, weir_error *err)
{
    return self->options.links != NULL
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EINVAL,
                   "these rules send to other nodes or read from them: run them with "
                   "`weir node --config FILE`, whose file says who they are, or read the "
                   "stream from a file with --from STREAM=PATH");
}

/* The first source of a stream; NULL: there is none. */
static const weiri_source *
first_stream_source(const weiri_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        if (!is_of_table(plan, &plan->sources[i])) {
            return &plan->sources[i];
        }
    }
    return NULL;
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

static bool
are_of_one_stream(const weiri_redirect *a, const weiri_redirect *b)
{
    return a->stream == NULL || b->stream == NULL || strcmp(a->stream, b->stream) == 0;
}

/* A stream is read from one place: of two, one would be passed over in silence. */
static weir_status
check_redirects_differ(const weiri_engine *self, weir_error *err)
{
    const weiri_redirect *redirects = self->options.redirects;
    for (size_t i = 1; i < self->options.n_redirects; i++) {
        for (size_t k = 0; k < i; k++) {
            if (are_of_one_stream(&redirects[k], &redirects[i])) {
                return WEIR_FAIL(err, WEIR_EINVAL,
                    "--from is given twice for one stream: '%s' and '%s'",
                    redirects[k].path, redirects[i].path);
            }
        }
    }
    return WEIR_OK;
}

static weir_status
check_redirects(const weiri_engine *self, weir_error *err)
{
    const weiri_plan   *plan  = self->plan;
    const weiri_source *first = first_stream_source(plan);
    if (self->options.n_redirects > 0
        && (plan->n_sources == 0
            || (first == NULL && self->options.redirects[0].stream == NULL))) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "--from %s: no stream of these rules has a source to read instead of",
            self->options.redirects[0].path);
    }
    for (size_t i = 0; i < self->options.n_redirects; i++) {
        const weiri_redirect *redirect = &self->options.redirects[i];
        if (redirect->stream != NULL && !stream_has_source(plan, redirect->stream)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "--from %s=%s: no stream '%s' with a source in these rules",
                redirect->stream, redirect->path, redirect->stream);
        }
        for (uint32_t s = 0; redirect->stream == NULL && s < plan->n_sources; s++) {
            if (!is_of_table(plan, &plan->sources[s])
                && plan->sources[s].stream != first->stream) {
                return WEIR_FAIL(err, WEIR_EINVAL,
                    "--from %s: these rules read several streams: say which, as in "
                    "--from %s=%s",
                    redirect->path, plan->streams[first->stream].schema.name,
                    redirect->path);
            }
        }
    }
    return check_redirects_differ(self, err);
}

/* As the source says, or the name of what is read, or the name the rule file has. */
static weir_status
source_format(const weiri_source *source, const char *path, bool is_redirected,
    weiri_format *out, weir_error *err)
{
    bool is_own = source->format == WEIRI_FORMAT_FRAMES
                  || (source->endpoint == WEIRI_ENDPOINT_PLUGIN
                      && source->connector.of.source->read_rows != NULL);
    *out = source->format;
    if (is_own && is_redirected) { /* what it would have given has no format */
        *out = WEIRI_FORMAT_AUTO;
    }
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

/* Where events of a stream go; of none: NULL. */
static weiri_merge *
merge_of(weiri_engine *self, uint32_t stream)
{
    if (stream == WEIRI_NONE) {
        return NULL;
    }
    return self->flow != NULL ? weiri_flow_merge(self->flow, stream)
                              : weiri_graph_merge(self->graph, stream);
}

static const bool *
used_of(const weiri_engine *self, uint32_t stream)
{
    return self->flow != NULL ? weiri_flow_used(self->flow, stream)
                              : weiri_graph_used(self->graph, stream);
}

static weir_status
open_source(weiri_engine *self, uint32_t index, weir_error *err)
{
    const weiri_source *source = &self->plan->sources[index];
    const weiri_stream *stream = &self->plan->streams[source->stream];
    weiri_format        format = WEIRI_FORMAT_AUTO;
    weir_status         status = source_path(self, source, &self->paths[index], err);
    if (status == WEIR_OK) {
        status = source_format(
            source, self->paths[index], redirect_of(self, source) != NULL, &format, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    weiri_wire_config   wire = source->wire;
    const weiri_extent *extent =
        self->options.extents != NULL ? &self->options.extents[index] : NULL;
    bool is_taped = extent != NULL && extent->is_taped;
    bool is_wire  = source->endpoint == WEIRI_ENDPOINT_ZMQ && !is_taped
                   && redirect_of(self, source) == NULL;
    if (is_wire && (status = need_wires(self, err)) != WEIR_OK) {
        return status;
    }
    wire.address = self->paths[index];
    bool is_link =
        source->endpoint == WEIRI_ENDPOINT_NODE && redirect_of(self, source) == NULL;
    const weiri_link_config link = { .peer = source->path,
        .schema                            = &stream->schema,
        .silence_ns                        = source->node.silence_ns };
    if (is_link && (status = need_links(self, err)) != WEIR_OK) {
        return status;
    }
    weiri_intake_config config = {
        .source        = source,
        .wire          = is_wire ? &wire : NULL,
        .wires         = self->wires,
        .link          = is_link ? &link : NULL,
        .links         = self->options.links,
        .index         = index,
        .place         = weiri_engine_source_place(self->plan, index),
        .path          = self->paths[index],
        .format        = format,
        .delimiter     = source->delimiter,
        .used          = used_of(self, source->stream),
        .stream        = stream,
        .late          = read_stream(self, stream->late),
        .dead          = read_stream(self, stream->dead),
        .to            = merge_of(self, source->stream),
        .late_to       = merge_of(self, stream->late),
        .dead_to       = merge_of(self, stream->dead),
        .gone_to       = source->refresh_ns > 0 ? merge_of(self, source->gone) : NULL,
        .metrics       = self->plan->metrics,
        .is_redirected = redirect_of(self, source) != NULL,
        .tape          = self->options.tape,
        .extent        = extent,
    };
    if (source->delimiter == ',' && weiri_place_is_tsv(self->paths[index])) {
        config.delimiter = '\t';
    }
    if (self->from != NULL) {
        status = weiri_engine_heritage(self, index, &config, &config.from, err);
    }
    if (status == WEIR_OK) {
        status = weiri_intake_new(&config, &self->intakes[index], err);
    }
    if (status == WEIR_OK && !weiri_intake_is_regular(self->intakes[index])) {
        self->is_live = true;
    }
    self->has_refreshed = self->has_refreshed || source->refresh_ns > 0;
    return status;
}

static weir_status
open_outlet(weiri_engine *self, const weiri_outlet_config *config, weiri_outlet **out,
    weir_error *err)
{
    const char *path = config->path;
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        const char *other = weiri_outlet_path(self->outlets[i]);
        if (strcmp(other, path) == 0 || weiri_place_is_same_file(other, path)) {
            *out = self->outlets[i];
            return weiri_outlet_is_by(*out, config->wire)
                       ? WEIR_OK
                       : WEIR_FAIL(err, WEIR_EINVAL,
                           "'%s' is written by two kinds of socket: give both sinks the "
                           "same options",
                           path);
        }
    }
    const weiri_restore *restore = self->options.restore;
    weiri_unpack         in      = { 0 };
    weir_status          status  = WEIR_OK;
    if (self->from != NULL) {
        weiri_outlet_config heir = *config;
        heir.from                = weiri_engine_open_place(self, config);
        status = weiri_outlet_new(&heir, &self->outlets[self->n_outlets], err);
    } else if (restore != NULL
               && weiri_sections_find(restore->sections, "sink", path, &in)) {
        status = weiri_outlet_resume(config, &in, &self->outlets[self->n_outlets], err);
    } else {
        status = weiri_outlet_new(config, &self->outlets[self->n_outlets], err);
    }
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

/* Opening a sink empties its file, which must not be what the run reads. */
static weir_status
check_target(
    const weiri_engine *self, const weiri_sink *sink, const char *path, weir_error *err)
{
    if (weiri_place_is_packed(path)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s': what is written is not compressed: give the sink another name", path);
    }
    if (weiri_place_is_same_file(sink->place.file, path)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' holds the rules: a sink to it would overwrite them", path);
    }
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (weiri_place_is_same_file(self->paths[i], path)) {
            return WEIR_FAIL(
                err, WEIR_EINVAL, "'%s' is read: a sink to it would overwrite it", path);
        }
    }
    return WEIR_OK;
}

/* A sink of a plugin is a place of its own: mqtt(hot), the next of that stream
 * mqtt(hot)#2. */
static char *
plug_path(const weiri_plan *plan, const weiri_sink *sink)
{
    const char *stream = plan->streams[sink->stream].schema.name;
    size_t      size   = strlen(stream) + strlen(sink->path) + sizeof "()#4294967295";
    char       *out    = malloc(size);
    unsigned    n      = 1;
    for (uint32_t i = 0; &plan->sinks[i] != sink; i++) {
        const weiri_sink *other = &plan->sinks[i];
        n += other->endpoint == WEIRI_ENDPOINT_PLUGIN && other->stream == sink->stream
             && strcmp(other->path, sink->path) == 0;
    }
    if (out != NULL && n == 1) {
        snprintf(out, size, "%s(%s)", sink->path, stream);
    } else if (out != NULL) {
        snprintf(out, size, "%s(%s)#%u", sink->path, stream, n);
    }
    return out;
}

char *
weiri_engine_sink_path(const weiri_plan *plan, const weiri_sink *sink)
{
    if (sink->endpoint == WEIRI_ENDPOINT_PLUGIN) {
        return plug_path(plan, sink);
    }
    return endpoint_path(sink->endpoint, sink->place.file, sink->path,
        plan->streams[sink->stream].schema.name);
}

static weir_status
sink_path(const weiri_engine *self, const weiri_sink *sink, char **out, weir_error *err)
{
    *out = weiri_engine_sink_path(self->plan, sink);
    return *out != NULL
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
}

/* All of them before any is opened: a refused run leaves every file as it was. */
static weir_status
check_targets(const weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_sinks && status == WEIR_OK; i++) {
        const weiri_sink *sink = &self->plan->sinks[i];
        char             *path = NULL;
        if (sink->endpoint != WEIRI_ENDPOINT_FILE) {
            continue;
        }
        status = sink_path(self, sink, &path, err);
        if (status == WEIR_OK) {
            status = check_target(self, sink, path, err);
        }
        free(path);
    }
    return status;
}

static weir_status
open_sink(weiri_engine *self, const weiri_sink *sink, weir_error *err)
{
    char       *path   = NULL;
    weir_status status = sink_path(self, sink, &path, err);
    if (status != WEIR_OK) {
        return status;
    }
    bool              is_wire = sink->endpoint == WEIRI_ENDPOINT_ZMQ;
    bool              is_plug = sink->endpoint == WEIRI_ENDPOINT_PLUGIN;
    weiri_wire_config wire    = sink->wire;
    weiri_outlet     *outlet  = NULL;
    wire.address              = path;
    bool is_link              = sink->endpoint == WEIRI_ENDPOINT_NODE;
    status = is_wire ? need_wires(self, err) : is_link ? need_links(self, err) : WEIR_OK;
    if (status == WEIR_OK) {
        const weiri_link_config   link   = { .peer = sink->path,
                .schema        = &self->plan->streams[sink->stream].schema,
                .silence_ns    = sink->node.silence_ns,
                .backlog_bytes = sink->node.backlog_bytes,
                .is_dropping   = sink->node.is_dropping };
        const weiri_outlet_config config = { .path = path,
            .wire                                  = is_wire ? &wire : NULL,
            .wires                                 = self->wires,
            .link                                  = is_link ? &link : NULL,
            .links                                 = self->options.links,
            .connector                             = is_plug ? &sink->connector : NULL,
            .codec   = sink->format == WEIRI_FORMAT_PLUGIN ? &sink->codec : NULL,
            .schema  = &self->plan->streams[sink->stream].schema,
            .metrics = self->plan->metrics };
        status                           = open_outlet(self, &config, &outlet, err);
    }
    free(path);
    return status == WEIR_OK
               ? weiri_outlet_add_stream(outlet, &self->plan->streams[sink->stream],
                   sink->stream, sink_format(self, sink), sink->identity, err)
               : status;
}

static weir_status
allocate(weiri_engine *self, weir_error *err)
{
    self->intakes = calloc(self->plan->n_sources + 1, sizeof(void *));
    self->paths   = calloc(self->plan->n_sources + 1, sizeof(void *));
    self->outlets = calloc(self->plan->n_sinks + 1, sizeof(void *));
    if (self->intakes == NULL || self->paths == NULL || self->outlets == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    return self->options.n_shards > 1 ? weiri_engine_make_flow(self, err)
                                      : weiri_graph_new(self->plan, &self->graph, err);
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
    if (status == WEIR_OK) {
        status = check_targets(self, err);
    }
    if (status == WEIR_OK && self->options.restore != NULL) {
        status = weiri_engine_load(self, err); /* before any output is cut back */
        weiri_fault_point("recover.loaded");
    }
    for (uint32_t i = 0; i < plan->n_sinks && status == WEIR_OK; i++) {
        status = open_sink(self, &plan->sinks[i], err);
    }
    for (uint32_t i = 0; i < plan->n_sources && status == WEIR_OK; i++) {
        status = weiri_intake_begin(self->intakes[i], err);
    }
    weiri_fault_point("recover.cut");
    return status;
}

weir_status
weiri_engine_make(const weiri_plan *plan, const weiri_engine_options *options,
    weiri_engine *from, weiri_engine **out, weir_error *err)
{
    weiri_engine *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan         = plan;
    self->options      = *options;
    self->watermark_ns = INT64_MIN;
    self->from         = from;
    self->wires        = from != NULL ? from->wires : NULL;
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

weir_status
weiri_engine_new(const weiri_plan *plan, const weiri_engine_options *options,
    weiri_engine **out, weir_error *err)
{
    return weiri_engine_make(plan, options, NULL, out, err);
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
    for (uint32_t i = 0; self->intakes != NULL && i < self->plan->n_sources; i++) {
        weiri_intake_destroy(&self->intakes[i]);
    }
    for (uint32_t i = 0; self->paths != NULL && i < self->plan->n_sources; i++) {
        free(self->paths[i]);
    }
    if (self->from == NULL || self->wires != self->from->wires) {
        weiri_wires_destroy(&self->wires);
    }
    weiri_graph_destroy(&self->graph);
    weiri_flow_destroy(&self->flow);
    free(self->sink_streams);
    free(self->shards);
    free(self->intakes);
    free(self->paths);
    free(self->outlets);
    free(self);
    *self_p = NULL;
}
