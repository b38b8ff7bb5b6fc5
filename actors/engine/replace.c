/* Another plan in the place of one that is at work: what a recovery does, but from the
 * sections of an engine in memory, and with the inputs and outputs that it has open. */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "weiri/rows_pack.h"

/* ---- what is handed over ---- */

/* The source of `plan` that has the section that this one has; WEIRI_NONE: there is none.
 */
static uint32_t
find_source(const weiri_plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        char other[WEIRI_SECTION_NAME];
        weiri_engine_source_name(plan, i, other);
        if (strcmp(other, name) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

static bool
is_same_lines(const weiri_lines *was, const weiri_lines *now)
{
    bool is_none = was->pattern == NULL || now->pattern == NULL;
    return is_none ? was->pattern == now->pattern
                   : was->year == now->year && strcmp(was->pattern, now->pattern) == 0;
}

static bool
is_same_input(const weiri_engine *old, uint32_t index, const weiri_source *now,
    const weiri_intake_config *config)
{
    const weiri_source *was     = &old->plan->sources[index];
    bool                is_wire = now->endpoint == WEIRI_ENDPOINT_ZMQ;
    return was->endpoint == now->endpoint && was->has_header == now->has_header
           && was->delimiter == now->delimiter && was->format == now->format
           && is_same_lines(&was->lines, &now->lines)
           && strcmp(old->paths[index], config->path) == 0
           && (now->endpoint != WEIRI_ENDPOINT_NODE
               || weiri_schema_hash(&old->plan->streams[was->stream].schema)
                      == weiri_schema_hash(&config->stream->schema))
           && (!is_wire || weiri_wire_is_same(&was->wire, &now->wire));
}

weir_status
weiri_engine_heritage(weiri_engine *self, uint32_t source,
    const weiri_intake_config *config, weiri_intake **out, weir_error *err)
{
    char name[WEIRI_SECTION_NAME];
    weiri_engine_source_name(self->plan, source, name);
    uint32_t index = find_source(self->from->plan, name);
    *out           = NULL;
    if (index == WEIRI_NONE) {
        return WEIR_OK;
    }
    if (!is_same_input(self->from, index, &self->plan->sources[source], config)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "the source of '%s' at '%s' cannot become '%s' while it is read: sources of "
            "a "
            "stream are known by their order, so add new ones behind it",
            self->plan->streams[self->plan->sources[source].stream].schema.name,
            self->from->paths[index], config->path);
    }
    if (!weiri_intake_is_refreshed(self->from->intakes[index])) { /* it is never open */
        *out = self->from->intakes[index];
    }
    return WEIR_OK;
}

weiri_outlet *
weiri_engine_open_place(const weiri_engine *self, const weiri_outlet_config *config)
{
    for (uint32_t i = 0; i < self->from->n_outlets; i++) {
        weiri_outlet *outlet = self->from->outlets[i];
        if (strcmp(weiri_outlet_path(outlet), config->path) == 0
            && weiri_outlet_is_by(outlet, config->wire)) {
            return outlet;
        }
    }
    return NULL;
}

/* ---- outputs whose form is fixed ---- */

static bool
has_same_fields(const weir_schema *a, const weir_schema *b)
{
    bool is_same = a->n_fields == b->n_fields;
    for (uint32_t i = 0; is_same && i < a->n_fields; i++) {
        is_same = strcmp(a->fields[i].name, b->fields[i].name) == 0;
    }
    return is_same;
}

/* The header of a CSV file is written once. */
static weir_status
check_header(const weiri_engine *self, const weiri_outlet *was, const weiri_sink *sink,
    weir_error *err)
{
    const weiri_plan *old  = self->from->plan;
    const char       *name = self->plan->streams[sink->stream].schema.name;
    for (uint32_t i = 0; i < old->n_streams; i++) {
        if (strcmp(old->streams[i].schema.name, name) == 0
            && has_same_fields(
                &old->streams[i].schema, &self->plan->streams[sink->stream].schema)) {
            return WEIR_OK;
        }
    }
    return WEIR_FAIL(err, WEIR_EINVAL,
        "'%s' has the columns of another '%s': give the sink another name",
        weiri_outlet_path(was), name);
}

static weir_status
check_headers(const weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t o = 0; o < self->n_outlets && status == WEIR_OK; o++) {
        const weiri_outlet *outlet = self->outlets[o];
        const weiri_outlet *was    = NULL;
        for (uint32_t i = 0; i < self->from->n_outlets; i++) {
            if (strcmp(
                    weiri_outlet_path(self->from->outlets[i]), weiri_outlet_path(outlet))
                == 0) {
                was = self->from->outlets[i];
            }
        }
        if (was == NULL) {
            continue;
        }
        if (weiri_outlet_format(was) != weiri_outlet_format(outlet)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "'%s' is written in another format: give the sink another name",
                weiri_outlet_path(was));
        }
        for (uint32_t i = 0; i < self->plan->n_sinks && status == WEIR_OK
                             && (weiri_outlet_format(was) == WEIRI_FORMAT_CSV
                                 || weiri_outlet_format(was) == WEIRI_FORMAT_FRAMES);
             i++) {
            if (weiri_outlet_has_stream(outlet, self->plan->sinks[i].stream)) {
                status = check_header(self, was, &self->plan->sinks[i], err);
            }
        }
    }
    return status;
}

/* ---- who is told ---- */

static bool
has_sink(const weiri_plan *plan, const char *path)
{
    bool has = false;
    for (uint32_t i = 0; i < plan->n_sinks && !has; i++) {
        char *other = weiri_engine_sink_path(plan, &plan->sinks[i]);
        has         = other != NULL && strcmp(other, path) == 0;
        free(other);
    }
    return has;
}

static void
tell(const weiri_restore *restore, const char *what, const char *name, weiri_kept kept)
{
    if (restore->told != NULL) {
        restore->told(restore->context, what, name, kept);
    }
}

static void
tell_sinks(const weiri_plan *plan, const weiri_plan *other, const weiri_restore *restore,
    weiri_kept kept)
{
    for (uint32_t i = 0; i < plan->n_sinks; i++) {
        char *path = weiri_engine_sink_path(plan, &plan->sinks[i]);
        if (path != NULL && !has_sink(other, path)) {
            tell(restore, "sink", path, kept);
        }
        free(path);
    }
}

static void
tell_sources(const weiri_plan *plan, const weiri_plan *other,
    const weiri_restore *restore, weiri_kept kept)
{
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        char name[WEIRI_SECTION_NAME];
        weiri_engine_source_name(plan, i, name);
        if (find_source(other, name) == WEIRI_NONE) {
            tell(restore, "source", name, kept);
        }
    }
}

/* Of sources and sinks, those that come and go; of new sources a load has told. */
static void
tell_ends(const weiri_engine *self, const weiri_plan *plan, const weiri_restore *restore)
{
    tell_sources(self->plan, plan, restore, WEIRI_KEPT_GONE);
    tell_sinks(plan, self->plan, restore, WEIRI_KEPT_NONE);
    tell_sinks(self->plan, plan, restore, WEIRI_KEPT_GONE);
}

/* ---- replacing ---- */

/* Nothing fails from here on. */
static void
take_over(weiri_engine *self)
{
    weiri_engine *from = self->from;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_intake_inherit(self->intakes[i]);
    }
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        weiri_outlet_inherit(self->outlets[i]);
    }
    if (self->wires == from->wires) {
        from->wires = NULL;
    }
    self->from            = NULL;
    self->options.restore = NULL;
}

/* All that the engine is, at rest. */
static weir_status
save(weiri_engine *self, weiri_sections *out, weir_error *err)
{
    weir_status status = weiri_engine_flush(self, err);
    return status == WEIR_OK ? weiri_engine_save(self, out, err) : status;
}

weir_status
weiri_engine_replace(weiri_engine **self_p, const weiri_plan *plan,
    const weiri_engine_options *options, weir_error *err)
{
    weiri_engine        *next     = NULL;
    weiri_sections       sections = { 0 };
    weiri_restore        restore  = { 0 };
    weiri_engine_options with     = *options;
    weir_status          status   = save(*self_p, &sections, err);
    if (options->restore != NULL) {
        restore = *options->restore;
    }
    restore.sections = &sections;
    with.restore     = &restore;
    if (status == WEIR_OK) {
        status = weiri_engine_make(plan, &with, *self_p, &next, err);
    }
    if (status == WEIR_OK) {
        status = check_headers(next, err);
    }
    weiri_sections_fini(&sections);
    if (status != WEIR_OK) {
        weiri_engine_destroy(&next);
        return status;
    }
    tell_ends(*self_p, plan, &restore);
    take_over(next);
    weiri_engine_destroy(self_p);
    *self_p = next;
    return WEIR_OK;
}

/* ---- trying ---- */

static weir_status
try_graph(const weiri_plan *plan, const weiri_restore *restore, weir_error *err)
{
    weiri_graph *graph  = NULL;
    weir_status  status = weiri_graph_new(plan, &graph, err);
    if (status == WEIR_OK) {
        status = weiri_graph_load(graph, restore, err);
    }
    weiri_graph_destroy(&graph);
    return status;
}

static weir_status
try_flow(const weiri_plan *plan, uint32_t n_shards, const weiri_restore *restore,
    weir_error *err)
{
    weiri_flow *flow   = NULL;
    weir_status status = weiri_flow_new(plan, n_shards, NULL, 0, &flow, err);
    if (status == WEIR_OK) {
        status = weiri_flow_load(flow, restore, err);
    }
    weiri_flow_destroy(&flow);
    return status;
}

weir_status
weiri_engine_try(const weiri_plan *plan, uint32_t n_shards, const weiri_restore *restore,
    weir_error *err)
{
    weiri_restore trial = *restore;
    trial.is_trial      = true;
    return n_shards > 1 ? try_flow(plan, n_shards, &trial, err)
                        : try_graph(plan, &trial, err);
}

weir_status
weiri_engine_try_replace(weiri_engine *self, const weiri_plan *plan,
    const weiri_restore *restore, weir_error *err)
{
    weiri_sections sections = { 0 };
    weiri_restore  trial    = *restore;
    trial.sections          = &sections;
    weir_status status      = save(self, &sections, err);
    if (status == WEIR_OK) {
        status = weiri_engine_try(plan, self->options.n_shards, &trial, err);
    }
    if (status == WEIR_OK) {
        tell_sources(plan, self->plan, restore, WEIRI_KEPT_NONE);
        tell_ends(self, plan, restore);
    }
    weiri_sections_fini(&sections);
    return status;
}
