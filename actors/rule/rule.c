/* weiri_rule_actor: the host that the rule's heart needs, and where its events go. */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

struct weiri_rule_actor {
    const weiri_rule     *rule;
    const weiri_host_ops *ops;
    void                 *host;
    uint64_t              n_events;
    uint64_t              trigger; /* of the event being emitted */
    weiri_collector       emitted;
    weiri_collector       timeouts; /* schema NULL: they go the same way */
};

weiri_rule_counts
weiri_rule_actor_counts(const weiri_rule_actor *self)
{
    weiri_rule_counts counts = { .n_events = self->n_events,
        .n_emitted = self->emitted.n_emitted + self->timeouts.n_emitted,
        .n_given   = { self->emitted.n_emitted, self->timeouts.n_emitted } };
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
    bool is_told = err != NULL && err->status == status
                   && strcmp(err->text, weir_status_text(status)) != 0;
    if (status == WEIR_EFULL && is_told && self->rule->join != NULL) {
        return WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
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

static weiri_rule_target
target_of(const weiri_emit *emit)
{
    return (weiri_rule_target){ .schema = emit->schema, .stream = emit->stream };
}

void
weiri_rule_targets(const weiri_rule *rule, weiri_rule_target *out)
{
    const weiri_match *match = rule->match;
    out[1]                   = (weiri_rule_target){ .schema = NULL };
    if (rule->join != NULL) {
        out[0] = (weiri_rule_target){ rule->join->schema, rule->join->stream };
    } else if (match == NULL) {
        out[0] = target_of(rule->query->emit);
        if (rule->query->actor != NULL && rule->query->actor->dead != NULL) {
            out[1] = target_of(rule->query->actor->dead);
        }
    } else {
        out[0] = target_of(match->emit != NULL ? match->emit : match->on_timeout);
        if (match->on_timeout != NULL && match->on_timeout->stream != out[0].stream) {
            out[1] = target_of(match->on_timeout);
        }
    }
}

static void
init_collector(weiri_rule_actor *self, weiri_collector *collector,
    const weiri_rule_config *config, const weiri_rule_target *emit)
{
    const weiri_stream *stream = &config->plan->streams[emit->stream];
    *collector                 = (weiri_collector){
                        .schema  = emit->schema,
                        .used    = stream->used,
                        .to      = config->apart == NULL ? config->streams[emit->stream] : NULL,
                        .trigger = &self->trigger,
                        .order   = weiri_rule_first_order(config->index),
    };
    if (config->apart != NULL && stream->is_read) {
        collector->apart = &config->apart[collector == &self->timeouts];
    }
}

static void
init_collectors(weiri_rule_actor *self, const weiri_rule_config *config)
{
    weiri_rule_target targets[2];
    weiri_rule_targets(self->rule, targets);
    init_collector(self, &self->emitted, config, &targets[0]);
    if (targets[1].schema != NULL) {
        init_collector(self, &self->timeouts, config, &targets[1]);
    }
}

static const weiri_host_ops *
host_of(const weiri_rule *rule)
{
    if (rule->match != NULL) {
        return &weiri_match_host;
    }
    if (rule->join != NULL) {
        return &weiri_join_host;
    }
    if (rule->query->actor != NULL) {
        return rule->query->actor->is_process ? &weiri_remote_host_ops
                                              : &weiri_plugin_host_ops;
    }
    if (rule->query->fold != NULL) {
        return &weiri_fold_host;
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
         .n_events                          = &self->n_events,
         .trigger                           = config->is_part ? &self->trigger : NULL };
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
weiri_rule_actor_save(const weiri_rule_actor *self, weiri_keyed *out, weir_error *err)
{
    weiri_pack_number(&out->frame, self->n_events);
    weiri_collector_save(&self->emitted, &out->frame);
    weiri_collector_save(&self->timeouts, &out->frame);
    if (self->ops->save_counts != NULL) {
        self->ops->save_counts(self->host, &out->frame);
    }
    weir_status status = self->ops->save(self->host, out, err);
    return status == WEIR_OK ? status
                             : WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
}

/* What was counted, added up. */
static void
load_frames(weiri_rule_actor *self, weiri_keyed_reader *from)
{
    weiri_keyed_head head;
    while (weiri_keyed_next_head(from, &head)) {
        weiri_unpack *in = &head.frame;
        if (!head.counts) {
            continue;
        }
        self->n_events += weiri_unpack_number(in);
        weiri_collector_load(&self->emitted, in);
        weiri_collector_load(&self->timeouts, in);
        if (self->ops->load_counts != NULL) {
            self->ops->load_counts(self->host, in);
        }
        if (in->at != in->end) {
            weiri_unpack_fail(in, "something follows what was counted");
        }
        if (in->wrong != NULL) {
            weiri_unpack_fail(&from->in, in->wrong);
        }
    }
}

weir_status
weiri_rule_actor_load(
    weiri_rule_actor *self, const weiri_keyed_load *from, weir_error *err)
{
    weiri_keyed_reader frames = from->from;
    if (from->is_first) {
        load_frames(self, &frames);
    }
    if (frames.in.wrong != NULL) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "rule '%s': %s", self->rule->name, frames.in.wrong);
    }
    weir_status status = self->ops->load(self->host, from, err);
    return status == WEIR_OK ? status
                             : WEIR_CONTEXT(err, status, "rule '%s'", self->rule->name);
}

weir_status
weiri_rule_actor_inspect(const weiri_rule_actor *self, const weiri_inspector *inspector,
    bool *is_whole, weir_error *err)
{
    *is_whole = true;
    return self->ops->inspect != NULL
               ? self->ops->inspect(self->host, inspector, is_whole, err)
               : WEIR_OK;
}
