/* weiri_rule_actor: the host that the rule's heart needs, and where its events go. */
#include "rule.h"

#include <stdlib.h>

#include "host.h"

enum { ORDER_BITS = 48 };

struct weiri_rule_actor {
    const weiri_rule     *rule;
    const weiri_host_ops *ops;
    void                 *host;
    uint64_t              n_events;
    weiri_collector       emitted;
    weiri_collector       timeouts; /* schema NULL: they go the same way */
};

weiri_rule_counts
weiri_rule_actor_counts(const weiri_rule_actor *self)
{
    weiri_rule_counts counts = { .n_events = self->n_events,
        .n_emitted = self->emitted.n_emitted + self->timeouts.n_emitted };
    self->ops->count(self->host, &counts);
    return counts;
}

/* ---- running ---- */

static weir_status
flush(weiri_rule_actor *self, weir_error *err)
{
    weir_status status = weiri_collector_flush(&self->emitted);
    if (status == WEIR_OK) {
        status = weiri_collector_flush(&self->timeouts);
    }
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "rule '%s'", self->rule->name);
}

static weir_status
report(const weiri_rule_actor *self, weir_status status, weir_error *err)
{
    if (err != NULL && status == WEIR_EDATA && err->status == status) {
        return WEIR_CONTEXT(err, status, "actor '%s'", self->rule->name);
    }
    return WEIR_FAIL(err, status, "rule '%s': %s", self->rule->name,
        status == WEIR_EFULL ? "an emitted event is too large, or too many wait"
                             : weir_status_text(status));
}

weir_status
weiri_rule_actor_run(weiri_rule_actor *self, const weiri_rows_list *const *inputs,
    int64_t watermark_ns, weir_error *err)
{
    weir_status status = self->ops->feed(self->host, inputs, err);
    if (status == WEIR_OK) {
        status = self->ops->advance(self->host, watermark_ns, err);
    }
    return status == WEIR_OK ? flush(self, err) : report(self, status, err);
}

int64_t
weiri_rule_actor_next_deadline(const weiri_rule_actor *self)
{
    return self->ops->next_deadline(self->host);
}

weir_status
weiri_rule_actor_finish(weiri_rule_actor *self, weir_error *err)
{
    weir_status status = self->ops->finish(self->host, err);
    return status == WEIR_OK ? flush(self, err) : report(self, status, err);
}

/* ---- making and ending ---- */

static void
init_collector(
    weiri_collector *collector, const weiri_rule_config *config, const weiri_emit *emit)
{
    *collector = (weiri_collector){
        .schema = emit->schema,
        .used   = config->plan->streams[emit->stream].used,
        .to     = config->streams[emit->stream],
        .order  = (uint64_t)config->index << ORDER_BITS,
    };
}

static void
init_collectors(weiri_rule_actor *self, const weiri_rule_config *config)
{
    const weiri_match *match = self->rule->match;
    if (match == NULL) {
        const weiri_actor_plan *actor = self->rule->query->actor;
        init_collector(&self->emitted, config, self->rule->query->emit);
        if (actor != NULL && actor->dead != NULL) {
            init_collector(&self->timeouts, config, actor->dead);
        }
        return;
    }
    const weiri_emit *emit = match->emit != NULL ? match->emit : match->on_timeout;
    init_collector(&self->emitted, config, emit);
    if (match->on_timeout != NULL && match->on_timeout->stream != emit->stream) {
        init_collector(&self->timeouts, config, match->on_timeout);
    }
}

static const weiri_host_ops *
host_of(const weiri_rule *rule)
{
    if (rule->match != NULL) {
        return &weiri_match_host;
    }
    if (rule->query->actor != NULL) {
        return &weiri_plugin_host_ops;
    }
    return rule->query->window != NULL ? &weiri_window_host : &weiri_filter_host;
}

weir_status
weiri_rule_actor_new(
    const weiri_rule_config *config, weiri_rule_actor **out, weir_error *err)
{
    weiri_rule_actor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->rule = &config->plan->rules[config->index];
    self->ops  = host_of(self->rule);
    init_collectors(self, config);
    const weiri_host_frame frame  = { .plan = config->plan,
         .rule                              = self->rule,
         .emitted                           = &self->emitted,
         .timeouts                          = &self->timeouts,
         .n_events                          = &self->n_events };
    weir_error             why    = { .status = WEIR_OK };
    weir_status            status = self->ops->make(&frame, &self->host, &why);
    if (status != WEIR_OK) {
        status = WEIR_FAIL(err, status, "rule '%s': %s", self->rule->name,
            why.status != WEIR_OK ? why.text : weir_status_text(status));
        weiri_rule_actor_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_rule_actor_destroy(weiri_rule_actor **self_p)
{
    weiri_rule_actor *self = *self_p;
    if (self == NULL) {
        return;
    }
    weiri_collector_fini(&self->emitted);
    weiri_collector_fini(&self->timeouts);
    if (self->host != NULL) {
        self->ops->destroy(self->host);
    }
    free(self);
    *self_p = NULL;
}

/* ---- state ---- */

weir_status
weiri_rule_actor_save(const weiri_rule_actor *self, weiri_pack *out, weir_error *err)
{
    weiri_pack_number(out, self->n_events);
    weiri_collector_save(&self->emitted, out);
    weiri_collector_save(&self->timeouts, out);
    weir_status status = self->ops->save(self->host, out, err);
    return status == WEIR_OK ? status
                             : WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
}

weir_status
weiri_rule_actor_load(weiri_rule_actor *self, weiri_unpack *in, weir_error *err)
{
    self->n_events = weiri_unpack_number(in);
    weiri_collector_load(&self->emitted, in);
    weiri_collector_load(&self->timeouts, in);
    if (in->wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "rule '%s': %s", self->rule->name, in->wrong);
    }
    weir_status status = self->ops->load(self->host, in, err);
    return status == WEIR_OK ? status
                             : WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
}
