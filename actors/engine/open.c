/* Making an engine: opening the sources and sinks that a plan names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "mover.h"
#include "place.h"
#include "weiri/cluster.h"
#include "weiri/fault.h"

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
    if (self->wires != NULL) {
        return WEIR_OK;
    }
    weir_status status = weiri_wires_new(&self->wires, err);
    if (status == WEIR_OK) {
        weiri_wires_stop_when(
            self->wires, self->options.is_stopping, self->options.context);
    }
    return status;
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
    return weiri_place_check_format(path, *out, err);
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
    if (self->mover != NULL && stream == self->plan->cluster->moves) {
        return weiri_engine_words(self);
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

/* The place of a source among all of its stream, those of other nodes too. */
static uint32_t
global_place(const weiri_plan *plan, uint32_t index)
{
    uint32_t first = 0;
    uint32_t end   = 0;
    if (plan->cluster != NULL && plan->sources[index].numbered == NULL) {
        weiri_cluster_places(plan, plan->sources[index].stream, &first, &end);
    }
    return first + weiri_engine_source_place(plan, index);
}

/* NOLINTBEGIN(readability-function-size): a list of what an intake is told */
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
    const weiri_stream     *as   = source->numbered != NULL ? source->numbered : stream;
    const weiri_link_config link = { .peer = source->path,
        .is_inside                         = source->numbered != NULL,
        .terms      = source->numbered != NULL ? self->plan->cluster->terms : NULL,
        .n_terms    = source->numbered != NULL ? self->plan->cluster->n_terms : 0,
        .is_lasting = self->options.tape != NULL,
        .schema     = &as->schema,
        .silence_ns = source->node.silence_ns };
    if (is_link && (status = need_links(self, err)) != WEIR_OK) {
        return status;
    }
    weiri_intake_config config = {
        .source    = source,
        .wire      = is_wire ? &wire : NULL,
        .wires     = self->wires,
        .link      = is_link ? &link : NULL,
        .links     = self->options.links,
        .index     = index,
        .place     = global_place(self->plan, index),
        .path      = self->paths[index],
        .format    = format,
        .delimiter = source->delimiter,
        .used      = source->numbered != NULL ? as->used : used_of(self, source->stream),
        .stream    = as,
        .to_schema = &stream->schema,
        .late      = read_stream(self, as->late),
        .dead      = read_stream(self, as->dead),
        .to        = merge_of(self, source->stream),
        .given_to  = weiri_engine_giver_of(self, source),
        .late_to   = merge_of(self, as->late),
        .dead_to   = merge_of(self, as->dead),
        .gone_to   = source->refresh_ns > 0 ? merge_of(self, source->gone) : NULL,
        .metrics   = self->plan->metrics,
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
/* NOLINTEND(readability-function-size) */

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
                .is_dropping   = sink->node.is_dropping,
                .is_lasting    = self->options.tape != NULL };
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
    weir_status status = weiri_engine_make_givers(self, err);
    if (status != WEIR_OK) {
        return status;
    }
    status = self->options.n_shards > 1 ? weiri_engine_make_flow(self, err)
                                        : weiri_graph_new(self->plan, &self->graph, err);
    return status == WEIR_OK ? weiri_engine_make_mover(self, err) : status;
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
        weiri_fault_point("recover.cutting");
    }
    if (status == WEIR_OK) {
        status = weiri_engine_open_givers(self, err);
    }
    for (uint32_t i = 0; i < plan->n_sources && status == WEIR_OK; i++) {
        status = weiri_intake_begin(self->intakes[i], err);
    }
    if (status == WEIR_OK && self->options.links != NULL) {
        weiri_links_attend(self->options.links);
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
    weiri_engine_close_givers(self);
    weiri_engine_close_mover(self);
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
    free(self->passed_streams);
    free(self->shards);
    free(self->intakes);
    free(self->paths);
    free(self->outlets);
    free(self);
    *self_p = NULL;
}
