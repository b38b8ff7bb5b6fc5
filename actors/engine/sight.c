#include "inside.h"

int64_t
weiri_engine_watermark(const weiri_engine *self)
{
    return self->watermark_ns;
}

weiri_source_sight
weiri_engine_source(const weiri_engine *self, uint32_t source)
{
    weiri_intake_counts counts = weiri_intake_get_counts(self->intakes[source]);
    return (weiri_source_sight){
        .n_events = counts.n_events,
        .n_bytes  = counts.n_bytes,
        .n_late   = counts.n_late,
        .n_dead   = counts.n_dead,
        .clock_ns = weiri_intake_clock(self->intakes[source])->now_ns,
    };
}

const weiri_histogram *
weiri_engine_latency(const weiri_engine *self)
{
    return &self->latency;
}

bool
weiri_engine_shard(const weiri_engine *self, uint32_t shard, weiri_shard_sight *out)
{
    if (self->shards == NULL || shard > self->options.n_shards) {
        return false;
    }
    *out = self->shards[shard];
    return true;
}

bool
weiri_engine_rule(const weiri_engine *self, uint32_t rule, weiri_rule_sight *out)
{
    *out = self->graph != NULL ? weiri_graph_rule(self->graph, rule)
                               : weiri_flow_rule(self->flow, rule);
    return true;
}
