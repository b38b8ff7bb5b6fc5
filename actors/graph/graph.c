#include "weiri/graph.h"

#include <stdlib.h>

#include "restore.h"
#include "rules.h"
#include "streams.h"

struct weiri_graph {
    const weiri_plan *plan;
    weiri_rules      *rules; /* all of the plan */
    weiri_streams     streams;
    weiri_rows_list  *rows;     /* shape (plan->n_streams,): of this pass */
    bool             *released; /* shape (plan->n_streams,): in this pass */
};

/* The rows that a stream gives in this pass, and whom they may matter to. */
static weir_status
release(weiri_graph *self, uint32_t stream, int64_t watermark_ns)
{
    if (self->released[stream] || self->streams.merges[stream] == NULL) {
        return WEIR_OK;
    }
    self->released[stream] = true;
    weir_status status     = weiri_merge_release(
            self->streams.merges[stream], watermark_ns, &self->rows[stream]);
    return status == WEIR_OK ? weiri_rules_scan(self->rules, stream, &self->rows[stream])
                             : status;
}

/* Each stream is released just before the first rule that reads it: all rules that emit
 * it stand before. What nobody reads comes last. */
weir_status
weiri_graph_pass(weiri_graph *self, int64_t watermark_ns, int64_t deadline_ns,
    bool is_end, weir_error *err)
{
    uint32_t done = 0;
    weiri_rules_begin(self->rules, deadline_ns, is_end);
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        uint32_t    reader = 0;
        uint32_t    stream = weiri_rules_stream(self->rules, i, &reader);
        weir_status status = weiri_rules_run(self->rules, done, reader, self->rows, err);
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
    return weiri_rules_run(self->rules, done, self->plan->n_rules, self->rows, err);
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
    weiri_rules_forget(self->rules);
}

weiri_merge *
weiri_graph_merge(weiri_graph *self, uint32_t stream)
{
    return self->streams.merges[stream];
}

const bool *
weiri_graph_used(const weiri_graph *self, uint32_t stream)
{
    return self->streams.used[stream];
}

bool
weiri_graph_is_gated(const weiri_graph *self, uint32_t rule)
{
    return weiri_rules_is_gated(self->rules, rule);
}

uint64_t
weiri_graph_rule_matches(const weiri_graph *self, uint32_t rule)
{
    return weiri_rules_matches(self->rules, rule);
}

weiri_rule_sight
weiri_graph_rule(const weiri_graph *self, uint32_t rule)
{
    return weiri_rules_sight(self->rules, rule);
}

weir_status
weiri_graph_inspect(const weiri_graph *self, uint32_t rule,
    const weiri_inspector *inspector, bool *is_whole, weir_error *err)
{
    return weiri_rules_inspect(self->rules, rule, inspector, is_whole, err);
}

weiri_graph_counts
weiri_graph_get_counts(const weiri_graph *self)
{
    weiri_graph_counts counts = { 0 };
    weiri_rules_count(self->rules, &counts);
    return counts;
}

static weir_status
make(weiri_graph *self, const weiri_graph_options *options, weir_error *err)
{
    const weiri_plan *plan = self->plan;
    self->rows             = calloc(plan->n_streams + (size_t)1, sizeof *self->rows);
    self->released         = calloc(plan->n_streams + (size_t)1, sizeof *self->released);
    if (self->rows == NULL || self->released == NULL
        || weiri_streams_init(&self->streams, plan) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    const weiri_rules_config config = {
        .plan       = plan,
        .is_ungated = options != NULL && options->is_ungated,
        .streams    = self->streams.merges,
    };
    return weiri_rules_new(&config, &self->rules, err);
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
    weir_status status = make(self, options, err);
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

void
weiri_graph_destroy(weiri_graph **self_p)
{
    weiri_graph *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    weiri_rules_destroy(&self->rules);
    for (uint32_t i = 0; self->rows != NULL && i < self->plan->n_streams; i++) {
        weiri_rows_list_fini(&self->rows[i]);
    }
    weiri_streams_fini(&self->streams);
    free(self->rows);
    free(self->released);
    free(self);
}

/* ---- state ---- */

weir_status
weiri_graph_save(const weiri_graph *self, weiri_sections *out, weir_error *err)
{
    weir_status status = weiri_streams_save(&self->streams, self->plan, out, err);
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        weiri_keyed keyed = { .groups = NULL };
        status            = weiri_rules_save(self->rules, i, &keyed, err);
        if (status == WEIR_OK) {
            status = weiri_restore_add_rule(&keyed, self->plan->rules[i].name, out, err);
        }
        weiri_keyed_fini(&keyed);
    }
    return status;
}

weir_status
weiri_graph_load(weiri_graph *self, const weiri_restore *restore, weir_error *err)
{
    weir_status status = weiri_streams_load(&self->streams, self->plan, restore, err);
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        const char              *name = self->plan->rules[i].name;
        weiri_kept               kept = WEIRI_KEPT;
        const weiri_restore_part all  = {
             .rules = self->rules, .rule = i, .is_first = true
        };
        status = weiri_restore_rule(restore, &all, name, &kept, err);
        if (status == WEIR_OK) {
            weiri_restore_tell(restore, "rule", name, kept);
        }
    }
    if (status == WEIR_OK) {
        weiri_restore_tell_gone(restore, self->plan);
    }
    return status;
}
