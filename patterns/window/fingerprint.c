#include "window/fingerprint.h"

#include <string.h>

#include "expr/fingerprint.h"

static uint64_t
add_aggregate(uint64_t hash, const weiri_aggregate *self, const weir_schema *schema)
{
    uint64_t p = 0;
    memcpy(&p, &self->p, sizeof p);
    hash = weiri_hash_number(weiri_hash_number(hash, self->kind), self->type);
    hash = weiri_hash_expr(hash, self->argument, schema);
    hash = weiri_hash_expr(hash, self->second, schema);
    hash = weiri_hash_expr(hash, self->filter, schema);
    switch (self->kind) {
    case WEIRI_AGGREGATE_KEY: return weiri_hash_number(hash, self->index);
    case WEIRI_AGGREGATE_LAG:
    case WEIRI_AGGREGATE_TOP: return weiri_hash_number(hash, self->k);
    case WEIRI_AGGREGATE_QUANTILE: return weiri_hash_number(hash, p);
    case WEIRI_AGGREGATE_PLUGIN:
        return weiri_hash_number(weiri_hash_text(hash, self->foreign->table->name),
            self->foreign->table->state_version);
    case WEIRI_AGGREGATE_EWMA: return weiri_hash_number(hash, (uint64_t)self->width_ns);
    default: return hash;
    }
}

static uint64_t
add_shape(uint64_t hash, const weiri_window *self)
{
    const uint64_t numbers[] = {
        self->kind,
        self->kind == WEIRI_WINDOW_LAST ? self->n_rows : (uint64_t)self->width_ns,
        self->kind == WEIRI_WINDOW_HOPPING ? (uint64_t)self->every_ns : self->linear,
        self->is_before,
        self->is_reset,
        self->has_fill,
        self->early_ns > 0 ? (uint64_t)self->early_ns : 0,
        self->has_changes,
        self->limit,
        self->limit > 0 ? (uint64_t)self->limit_ns : 0,
        self->max_keys,
        self->max_rows,
    };
    for (uint32_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        hash = weiri_hash_number(hash, numbers[i]);
    }
    if (self->offset_ns != 0 || self->months != 0) { /* others are as they always were */
        hash = weiri_hash_number(hash, (uint64_t)self->offset_ns);
        hash = weiri_hash_number(hash, self->months);
    }
    return hash;
}

uint64_t
weiri_query_fingerprint(const weiri_query *plan)
{
    const weiri_window *window = plan->window;
    uint64_t            hash   = weiri_hash_text(WEIRI_HASH_BEGIN, plan->schema->name);
    hash                       = weiri_hash_expr(hash, plan->where, plan->schema);
    hash                       = add_shape(hash, window);
    hash                       = weiri_hash_number(hash, window->n_keys);
    for (uint32_t i = 0; i < window->n_keys; i++) {
        hash = weiri_hash_expr(hash, window->keys[i], plan->schema);
    }
    hash = weiri_hash_number(hash, window->n_aggregates);
    for (uint32_t i = 0; i < window->n_aggregates; i++) {
        hash = add_aggregate(hash, &window->aggregates[i], plan->schema);
    }
    return weiri_hash_expr(hash, window->having, plan->schema);
}
