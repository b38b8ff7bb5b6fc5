#include "rules.h"

#include <stdlib.h>

#include "dispatch.h"

struct weiri_rules {
    weiri_rules_config config;
    const weiri_plan  *plan;
    weiri_rule_actor **actors; /* shape (plan->n_rules,): NULL before the first event
                                * that may matter to a gated one               */
    weiri_chunks           *emitted;  /* shape (plan->n_rules, 2); NULL with streams  */
    const weiri_rows_list **inputs;   /* scratch: of one rule                         */
    weiri_dispatch         *dispatch; /* which rules are run, and over what           */
    uint32_t               *ran;      /* shape (n_ran,): in this pass                 */
    uint32_t                n_ran;
    int64_t                 deadline_ns; /* of this pass */
    bool                    is_end;
};

/* A rule that needs to be run has something to run. */
static weir_status
make_actor(weiri_rules *self, uint32_t index, weir_error *err)
{
    const weiri_rule_config config = {
        .plan    = self->plan,
        .index   = index,
        .streams = self->config.streams,
        .apart   = self->emitted != NULL ? &self->emitted[2 * (size_t)index] : NULL,
        .is_part = self->config.is_part,
    };
    return self->actors[index] != NULL
               ? WEIR_OK
               : weiri_rule_actor_new(&config, &self->actors[index], err);
}

int64_t
weiri_rules_end(int64_t deadline_ns, const weiri_rows_list *rows)
{
    if (rows->n == 0) {
        return deadline_ns;
    }
    weir_rows last    = rows->items[rows->n - 1];
    int64_t   last_ns = last.chunk->time[last.first + last.n - 1];
    return last_ns > deadline_ns ? last_ns : deadline_ns;
}

static weir_status
run_actor(weiri_rules *self, uint32_t index, const weiri_rows_list *rows, weir_error *err)
{
    const weiri_rule *rule        = &self->plan->rules[index];
    int64_t           deadline_ns = self->deadline_ns;
    for (uint32_t i = 0; self->is_end && i < weiri_rule_n_inputs(rule); i++) {
        deadline_ns = weiri_rules_end(deadline_ns, &rows[weiri_rule_input(rule, i)]);
    }
    if (weiri_dispatch_is_gated(self->dispatch, index)) {
        weir_status status = weiri_dispatch_rows(self->dispatch, index, &self->inputs[0]);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "rule '%s'", rule->name);
        }
    } else {
        for (uint32_t i = 0; i < weiri_rule_n_inputs(rule); i++) {
            self->inputs[i] = &rows[weiri_rule_input(rule, i)];
        }
    }
    return weiri_rule_actor_run(self->actors[index], self->inputs, deadline_ns, err);
}

static weir_status
run_rule(weiri_rules *self, uint32_t index, const weiri_rows_list *rows, weir_error *err)
{
    weir_status status = make_actor(self, index, err);
    if (status == WEIR_OK) {
        status = run_actor(self, index, rows, err);
    }
    if (status == WEIR_OK && self->is_end) {
        status = weiri_rule_actor_finish(self->actors[index], err);
    }
    if (status == WEIR_OK) {
        self->ran[self->n_ran++] = index;
        weiri_dispatch_ran(
            self->dispatch, index, weiri_rule_actor_next_deadline(self->actors[index]));
    }
    return status;
}

weir_status
weiri_rules_run(weiri_rules *self, uint32_t first, uint32_t end,
    const weiri_rows_list *rows, weir_error *err)
{
    uint32_t i = weiri_dispatch_next(self->dispatch, first, end);
    while (i < end) {
        weir_status status = run_rule(self, i, rows, err);
        if (status != WEIR_OK) {
            return status;
        }
        i = weiri_dispatch_next(self->dispatch, i + 1, end);
    }
    return WEIR_OK;
}

void
weiri_rules_begin(weiri_rules *self, int64_t deadline_ns, bool is_end)
{
    self->deadline_ns = deadline_ns;
    self->is_end      = is_end;
    weiri_dispatch_begin(self->dispatch, deadline_ns, is_end);
}

weir_status
weiri_rules_scan(weiri_rules *self, uint32_t stream, const weiri_rows_list *rows)
{
    return weiri_dispatch_scan(self->dispatch, stream, rows);
}

const uint32_t *
weiri_rules_ran(const weiri_rules *self, uint32_t *n)
{
    *n = self->n_ran;
    return self->ran;
}

weiri_chunks *
weiri_rules_emitted(weiri_rules *self, uint32_t rule)
{
    return &self->emitted[2 * (size_t)rule];
}

void
weiri_rules_forget(weiri_rules *self)
{
    self->n_ran = 0;
    weiri_dispatch_forget(self->dispatch);
}

uint32_t
weiri_rules_stream(const weiri_rules *self, uint32_t i, uint32_t *reader)
{
    return weiri_dispatch_stream(self->dispatch, i, reader);
}

bool
weiri_rules_is_gated(const weiri_rules *self, uint32_t rule)
{
    return weiri_dispatch_is_gated(self->dispatch, rule);
}

uint64_t
weiri_rules_matches(const weiri_rules *self, uint32_t rule)
{
    if (self->actors[rule] == NULL) {
        return 0;
    }
    weiri_rule_counts of = weiri_rule_actor_counts(self->actors[rule]);
    return of.match.matches + of.window.emitted;
}

weiri_rule_sight
weiri_rules_sight(const weiri_rules *self, uint32_t rule)
{
    if (self->actors[rule] == NULL) {
        return (weiri_rule_sight){ 0 };
    }
    weiri_rule_counts of = weiri_rule_actor_counts(self->actors[rule]);
    return (weiri_rule_sight){
        .n_events  = of.n_events,
        .n_matches = of.match.matches + of.window.emitted,
        .n_keys    = of.match.live_keys + of.window.live_keys + of.join.live_keys,
        .n_held    = of.match.live_runs + of.window.live_rows + of.join.live_rows,
        .n_dropped = of.match.dropped_runs + of.match.dropped_matches
                     + of.window.dropped_keys + of.window.dropped_rows
                     + of.window.dropped_fills + of.join.dropped_rows,
        .n_faults = of.match.faults + of.window.faults + of.join.faults,
    };
}

weir_status
weiri_rules_inspect(const weiri_rules *self, uint32_t rule,
    const weiri_inspector *inspector, bool *is_whole, weir_error *err)
{
    *is_whole = true;
    return self->actors[rule] != NULL
               ? weiri_rule_actor_inspect(self->actors[rule], inspector, is_whole, err)
               : WEIR_OK;
}

weir_status
weiri_rules_save(
    const weiri_rules *self, uint32_t rule, weiri_keyed *out, weir_error *err)
{
    return self->actors[rule] != NULL
               ? weiri_rule_actor_save(self->actors[rule], out, err)
               : WEIR_OK; /* nothing that may matter to it has come */
}

weir_status
weiri_rules_load(
    weiri_rules *self, uint32_t rule, const weiri_keyed_load *from, weir_error *err)
{
    weiri_rule_actor_destroy(&self->actors[rule]);
    weir_status status = make_actor(self, rule, err);
    if (status == WEIR_OK) {
        status = weiri_rule_actor_load(self->actors[rule], from, err);
    }
    if (status == WEIR_OK) {
        weiri_dispatch_ran(
            self->dispatch, rule, weiri_rule_actor_next_deadline(self->actors[rule]));
    }
    return status;
}

weiri_rule_counts
weiri_rules_counts_of(const weiri_rules *self, uint32_t rule)
{
    return self->actors[rule] != NULL ? weiri_rule_actor_counts(self->actors[rule])
                                      : (weiri_rule_counts){ 0 };
}

void
weiri_rules_count(const weiri_rules *self, weiri_graph_counts *counts)
{
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        if (self->actors[i] == NULL) {
            continue;
        }
        weiri_rule_counts of = weiri_rule_actor_counts(self->actors[i]);
        if (!self->plan->rules[i].is_made) {
            counts->n_matches += of.match.matches - of.match.limited + of.window.emitted;
        }
        counts->n_dropped += of.match.dropped_runs + of.match.dropped_matches
                             + of.window.dropped_keys + of.window.dropped_rows
                             + of.window.dropped_fills + of.join.dropped_rows;
        counts->n_failed += of.n_failed;
        counts->n_faults += of.match.faults + of.window.faults + of.join.faults;
        counts->n_null_keys +=
            of.match.null_keys + of.window.null_keys + of.join.null_keys;
    }
}

/* ---- making and ending ---- */

static weir_status
allocate(weiri_rules *self)
{
    const weiri_plan *plan       = self->plan;
    uint32_t          max_inputs = 1;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        uint32_t n = weiri_rule_n_inputs(&plan->rules[i]);
        max_inputs = n > max_inputs ? n : max_inputs;
    }
    self->actors = calloc(plan->n_rules + (size_t)1, sizeof(void *));
    self->ran    = calloc(plan->n_rules + (size_t)1, sizeof *self->ran);
    self->inputs = calloc(max_inputs, sizeof(void *));
    if (self->config.streams == NULL) {
        self->emitted = calloc(plan->n_rules + (size_t)1, 2 * sizeof *self->emitted);
    }
    return self->actors == NULL || self->ran == NULL || self->inputs == NULL
                   || (self->config.streams == NULL && self->emitted == NULL)
               ? WEIR_ENOMEM
               : WEIR_OK;
}

static weir_status
make_actors(weiri_rules *self, weir_error *err)
{
    const weiri_rules_config *config = &self->config;
    weir_status               status = weiri_dispatch_new(
                      self->plan, config->is_mine, config->is_ungated, &self->dispatch, err);
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        if ((config->is_mine == NULL || config->is_mine[i])
            && !weiri_dispatch_is_gated(self->dispatch, i)) {
            status = make_actor(self, i, err);
        }
    }
    return status;
}

weir_status
weiri_rules_new(const weiri_rules_config *config, weiri_rules **out, weir_error *err)
{
    weiri_rules *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->config       = *config;
    self->plan         = config->plan;
    weir_status status = allocate(self);
    if (status != WEIR_OK) {
        weiri_rules_destroy(&self);
        return WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    status               = make_actors(self, err);
    self->config.is_mine = NULL;
    if (status != WEIR_OK) {
        weiri_rules_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_rules_destroy(weiri_rules **self_p)
{
    weiri_rules *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->actors != NULL && i < self->plan->n_rules; i++) {
        weiri_rule_actor_destroy(&self->actors[i]);
    }
    for (size_t i = 0; self->emitted != NULL && i < 2 * (size_t)self->plan->n_rules;
         i++) {
        weiri_chunks_fini(&self->emitted[i]);
    }
    weiri_dispatch_destroy(&self->dispatch);
    free(self->actors);
    free(self->emitted);
    free(self->inputs);
    free(self->ran);
    free(self);
}
