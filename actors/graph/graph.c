#include "weiri/graph.h"

#include <stdlib.h>
#include <string.h>

#include "../rule/rule.h"
#include "dispatch.h"
#include "weiri/limits.h"

struct weiri_graph {
    const weiri_plan  *plan;
    weiri_rule_actor **rules;       /* shape (plan->n_rules,): NULL before the first event
                                     * that may matter to a gated one               */
    bool                  **used;   /* shape (plan->n_streams,), each (n_fields,)  */
    weiri_merge           **merges; /* shape (plan->n_streams,): NULL if unread    */
    weiri_rows_list        *rows;   /* shape (plan->n_streams,): of this pass      */
    bool                   *released; /* shape (plan->n_streams,): in this pass      */
    const weiri_rows_list **inputs;   /* scratch: of one rule                        */
    weiri_dispatch         *dispatch; /* which rules are run, and over what          */
};

/* The rows that a stream gives in this pass, and whom they may matter to. */
static weir_status
release(weiri_graph *self, uint32_t stream, int64_t watermark_ns)
{
    if (self->released[stream] || self->merges[stream] == NULL) {
        return WEIR_OK;
    }
    self->released[stream] = true;
    weir_status status =
        weiri_merge_release(self->merges[stream], watermark_ns, &self->rows[stream]);
    return status == WEIR_OK
               ? weiri_dispatch_scan(self->dispatch, stream, &self->rows[stream])
               : status;
}

/* A rule that needs to be run has something to run. */
static weir_status
make_actor(weiri_graph *self, uint32_t index, weir_error *err)
{
    const weiri_rule_config config = {
        .plan = self->plan, .index = index, .streams = self->merges
    };
    return self->rules[index] != NULL
               ? WEIR_OK
               : weiri_rule_actor_new(&config, &self->rules[index], err);
}

static weir_status
run_actor(weiri_graph *self, uint32_t index, int64_t deadline_ns, weir_error *err)
{
    const weiri_rule *rule = &self->plan->rules[index];
    if (weiri_dispatch_is_gated(self->dispatch, index)) {
        weir_status status = weiri_dispatch_rows(self->dispatch, index, &self->inputs[0]);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "rule '%s'", rule->name);
        }
    } else {
        for (uint32_t i = 0; i < weiri_rule_n_inputs(rule); i++) {
            self->inputs[i] = &self->rows[weiri_rule_input(rule, i)];
        }
    }
    return weiri_rule_actor_run(self->rules[index], self->inputs, deadline_ns, err);
}

static weir_status
run_rule(
    weiri_graph *self, uint32_t index, int64_t deadline_ns, bool is_end, weir_error *err)
{
    weir_status status = make_actor(self, index, err);
    if (status == WEIR_OK) {
        status = run_actor(self, index, deadline_ns, err);
    }
    if (status == WEIR_OK && is_end) {
        status = weiri_rule_actor_finish(self->rules[index], err);
    }
    if (status == WEIR_OK) {
        weiri_dispatch_ran(
            self->dispatch, index, weiri_rule_actor_next_deadline(self->rules[index]));
    }
    return status;
}

/* Rules of a range of the plan that are due. */
static weir_status
run_due(weiri_graph *self, uint32_t first, uint32_t end, int64_t deadline_ns, bool is_end,
    weir_error *err)
{
    uint32_t i = weiri_dispatch_next(self->dispatch, first, end);
    while (i < end) {
        weir_status status = run_rule(self, i, deadline_ns, is_end, err);
        if (status != WEIR_OK) {
            return status;
        }
        i = weiri_dispatch_next(self->dispatch, i + 1, end);
    }
    return WEIR_OK;
}

/* Each stream is released just before the first rule that reads it: all rules that emit
 * it stand before. What nobody reads comes last. */
weir_status
weiri_graph_pass(weiri_graph *self, int64_t watermark_ns, int64_t deadline_ns,
    bool is_end, weir_error *err)
{
    uint32_t done = 0;
    weiri_dispatch_begin(self->dispatch, deadline_ns, is_end);
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        uint32_t    reader = 0;
        uint32_t    stream = weiri_dispatch_stream(self->dispatch, i, &reader);
        weir_status status = run_due(self, done, reader, deadline_ns, is_end, err);
        if (status != WEIR_OK) {
            return status;
        }
        status = release(self, stream, watermark_ns);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "stream '%s': %s",
                self->plan->streams[stream].schema.name, weir_status_text(status));
        }
        done = reader;
    }
    return run_due(self, done, self->plan->n_rules, deadline_ns, is_end, err);
}

const weiri_rows_list *
weiri_graph_rows(const weiri_graph *self)
{
    return self->rows;
}

void
weiri_graph_forget(weiri_graph *self)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_rows_list_clear(&self->rows[i]);
        self->released[i] = false;
    }
    weiri_dispatch_forget(self->dispatch);
}

weiri_merge *
weiri_graph_merge(weiri_graph *self, uint32_t stream)
{
    return self->merges[stream];
}

const bool *
weiri_graph_used(const weiri_graph *self, uint32_t stream)
{
    return self->used[stream];
}

uint64_t
weiri_graph_rule_matches(const weiri_graph *self, uint32_t rule)
{
    if (self->rules[rule] == NULL) {
        return 0;
    }
    weiri_rule_counts of = weiri_rule_actor_counts(self->rules[rule]);
    return of.match.matches + of.window.emitted;
}

weiri_graph_counts
weiri_graph_get_counts(const weiri_graph *self)
{
    weiri_graph_counts counts = { 0 };
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        if (self->rules[i] == NULL) {
            continue;
        }
        weiri_rule_counts of = weiri_rule_actor_counts(self->rules[i]);
        counts.n_matches += of.match.matches - of.match.limited + of.window.emitted;
        counts.n_dropped += of.match.dropped_runs + of.match.dropped_matches
                            + of.window.dropped_keys + of.window.dropped_rows
                            + of.window.dropped_fills;
        counts.n_failed += of.n_failed;
        counts.n_faults += of.match.faults + of.window.faults;
        counts.n_null_keys += of.match.null_keys + of.window.null_keys;
    }
    return counts;
}

/* A source stream has its own fields and those that its late events are read for. */
static weir_status
init_stream(weiri_graph *self, uint32_t index)
{
    const weiri_stream *stream = &self->plan->streams[index];
    const weiri_stream *late   = NULL;
    if (stream->origin == WEIRI_ORIGIN_SOURCE && stream->late != WEIRI_NONE
        && self->plan->streams[stream->late].is_read) {
        late = &self->plan->streams[stream->late];
    }
    self->used[index] = calloc(stream->schema.n_fields + 1, sizeof(bool));
    if (self->used[index] == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < stream->schema.n_fields; i++) {
        self->used[index][i] = stream->used[i] || (late != NULL && late->used[i]);
    }
    if (!stream->is_read && stream->origin != WEIRI_ORIGIN_SOURCE) {
        return WEIR_OK;
    }
    return weiri_merge_new(WEIRI_REORDER_ROWS, &self->merges[index]);
}

static weir_status
allocate(weiri_graph *self)
{
    const weiri_plan *plan       = self->plan;
    uint32_t          max_inputs = 1;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        uint32_t n = weiri_rule_n_inputs(&plan->rules[i]);
        max_inputs = n > max_inputs ? n : max_inputs;
    }
    self->rules    = calloc(plan->n_rules + 1, sizeof(void *));
    self->used     = calloc(plan->n_streams + 1, sizeof(void *));
    self->merges   = calloc(plan->n_streams + 1, sizeof(void *));
    self->rows     = calloc(plan->n_streams + 1, sizeof *self->rows);
    self->released = calloc(plan->n_streams + 1, sizeof *self->released);
    self->inputs   = calloc(max_inputs, sizeof(void *));
    if (self->rules == NULL || self->used == NULL || self->merges == NULL
        || self->rows == NULL || self->released == NULL || self->inputs == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        weir_status status = init_stream(self, i);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_status
make_rules(weiri_graph *self, const weiri_graph_options *options, weir_error *err)
{
    bool        is_ungated = options != NULL && options->is_ungated;
    weir_status status = weiri_dispatch_new(self->plan, is_ungated, &self->dispatch, err);
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        if (!weiri_dispatch_is_gated(self->dispatch, i)) {
            status = make_actor(self, i, err);
        }
    }
    return status;
}

weir_status
weiri_graph_new_with(const weiri_plan *plan, const weiri_graph_options *options,
    weiri_graph **out, weir_error *err)
{
    weiri_graph *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan         = plan;
    weir_status status = allocate(self);
    if (status != WEIR_OK) {
        weiri_graph_destroy(&self);
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    status = make_rules(self, options, err);
    if (status != WEIR_OK) {
        weiri_graph_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_graph_new(const weiri_plan *plan, weiri_graph **out, weir_error *err)
{
    return weiri_graph_new_with(plan, NULL, out, err);
}

static void
destroy_streams(weiri_graph *self)
{
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
}

void
weiri_graph_destroy(weiri_graph **self_p)
{
    weiri_graph *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->rules != NULL && i < self->plan->n_rules; i++) {
        weiri_rule_actor_destroy(&self->rules[i]);
    }
    weiri_dispatch_destroy(&self->dispatch);
    destroy_streams(self);
    free(self->rules);
    free(self->used);
    free(self->merges);
    free(self->rows);
    free(self->released);
    free(self->inputs);
    free(self);
    *self_p = NULL;
}

/* ---- state ---- */

static weir_status
save_stream(const weiri_graph *self, uint32_t index, weiri_sections *out)
{
    if (self->merges[index] == NULL || weiri_merge_waiting(self->merges[index]) == 0) {
        return WEIR_OK;
    }
    weiri_pack *pack =
        weiri_sections_begin(out, "stream", self->plan->streams[index].schema.name);
    if (pack == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_merge_save(self->merges[index], pack);
    return pack->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}

static weir_status
save_rule(const weiri_graph *self, uint32_t index, weiri_sections *out, weir_error *err)
{
    weiri_pack *pack = weiri_sections_begin(out, "rule", self->plan->rules[index].name);
    if (pack == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return self->rules[index] != NULL
               ? weiri_rule_actor_save(self->rules[index], pack, err)
               : WEIR_OK; /* nothing that may matter to it has come */
}

weir_status
weiri_graph_save(const weiri_graph *self, weiri_sections *out, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        status = save_stream(self, i, out);
    }
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "no memory for the state");
    }
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        status = save_rule(self, i, out, err);
    }
    return status;
}

bool
weiri_restore_discards(const weiri_restore *self, const char *rule)
{
    for (size_t i = 0; i < self->n_discard; i++) {
        if (strcmp(self->discard[i], rule) == 0) {
            return true;
        }
    }
    return false;
}

static void
tell(const weiri_restore *restore, const char *what, const char *name, weiri_kept kept)
{
    if (restore->told != NULL) {
        restore->told(restore->context, what, name, kept);
    }
}

static weir_status
load_rule(
    weiri_graph *self, uint32_t index, const weiri_restore *restore, weir_error *err)
{
    const char  *name = self->plan->rules[index].name;
    weiri_unpack in   = { 0 };
    if (!weiri_sections_find(restore->sections, "rule", name, &in)) {
        tell(restore, "rule", name, WEIRI_KEPT_NONE);
        return WEIR_OK;
    }
    if (in.at == in.end) {
        tell(restore, "rule", name, WEIRI_KEPT);
        return WEIR_OK;
    }
    if (weiri_restore_discards(restore, name)) {
        tell(restore, "rule", name, WEIRI_KEPT_LOST);
        return WEIR_OK;
    }
    weir_status status = make_actor(self, index, err);
    if (status == WEIR_OK) {
        status = weiri_rule_actor_load(self->rules[index], &in, err);
    }
    if (status == WEIR_OK) {
        weiri_dispatch_ran(
            self->dispatch, index, weiri_rule_actor_next_deadline(self->rules[index]));
        tell(restore, "rule", name, WEIRI_KEPT);
    } else if (status == WEIR_EDATA && restore->is_trial) {
        tell(restore, "rule", name, WEIRI_KEPT_OTHER);
        return WEIR_OK;
    } else if (status == WEIR_EDATA) {
        return WEIR_CONTEXT(err, status, "state (--discard %s begins it anew)", name);
    }
    return status;
}

static weir_status
load_stream(
    weiri_graph *self, uint32_t index, const weiri_restore *restore, weir_error *err)
{
    const weir_schema *schema = &self->plan->streams[index].schema;
    weiri_unpack       in     = { 0 };
    if (!weiri_sections_find(restore->sections, "stream", schema->name, &in)) {
        return WEIR_OK;
    }
    if (self->merges[index] == NULL) {
        tell(restore, "stream", schema->name, WEIRI_KEPT_GONE);
        return WEIR_OK;
    }
    weir_status status =
        weiri_merge_load(self->merges[index], &in, schema, self->used[index]);
    if (status == WEIR_OK) {
        tell(restore, "stream", schema->name, WEIRI_KEPT);
        return WEIR_OK;
    }
    return WEIR_FAIL(err, status, "stream '%s': events that wait cannot be read: %s",
        schema->name, in.wrong != NULL ? in.wrong : weir_status_text(status));
}

/* Sections of what these rules do not have any more. */
static void
tell_gone(const weiri_graph *self, const weiri_restore *restore)
{
    for (uint32_t s = 0; s < restore->sections->n; s++) {
        const char *name    = NULL;
        bool        is_here = false;
        if (!weiri_section_is(&restore->sections->items[s], "rule", &name)) {
            continue;
        }
        for (uint32_t i = 0; i < self->plan->n_rules && !is_here; i++) {
            is_here = strcmp(self->plan->rules[i].name, name) == 0;
        }
        if (!is_here) {
            tell(restore, "rule", name, WEIRI_KEPT_GONE);
        }
    }
}

weir_status
weiri_graph_load(weiri_graph *self, const weiri_restore *restore, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_streams && status == WEIR_OK; i++) {
        status = load_stream(self, i, restore, err);
    }
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        status = load_rule(self, i, restore, err);
    }
    if (status == WEIR_OK) {
        tell_gone(self, restore);
    }
    return status;
}
