#include "node.h"

#include <stdlib.h>
#include <time.h>

#include "weiri/assert.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

static weir_status
check(const weiri_node_config *config, weir_error *err)
{
    if (config->n_shards == 0 || config->n_shards > WEIRI_SHARDS) {
        return WEIR_FAIL(err, WEIR_EINVAL, "%u shards: 1 to %d can be had",
            config->n_shards, WEIRI_SHARDS);
    }
    if (config->n_levels == 0 || config->n_levels > WEIRI_LEVELS) {
        return WEIR_FAIL(err, WEIR_EINVAL, "%u levels of actors: 1 to %d can be had",
            config->n_levels, WEIRI_LEVELS);
    }
    return WEIR_OK;
}

static int64_t
monotonic_clock(void *context, uint32_t shard)
{
    struct timespec now;
    (void)context;
    (void)shard;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

weir_status
weiri_node_new(const weiri_node_config *config, weiri_node **out, weir_error *err)
{
    weir_status status = check(config, err);
    if (status != WEIR_OK) {
        return status;
    }
    weiri_node *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "a node");
    }
    self->config         = *config;
    self->config.credit  = config->credit > 0 ? config->credit : WEIRI_CREDIT;
    self->config.mailbox = config->mailbox > 0 ? config->mailbox : WEIRI_CREDIT;
    self->config.clock   = config->clock != NULL ? config->clock : monotonic_clock;
    self->shards         = calloc(config->n_shards, sizeof *self->shards);
    status               = self->shards != NULL ? WEIR_OK : WEIR_ENOMEM;
    for (uint32_t i = 0; i < config->n_shards && status == WEIR_OK; i++) {
        status = weiri_shard_new(self, i, &self->config, &self->shards[i]);
    }
    if (status != WEIR_OK) {
        weiri_node_destroy(&self);
        return WEIR_FAIL(err, status, "a node of %u shards", config->n_shards);
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_node_destroy(weiri_node **self_p)
{
    weiri_node *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->shards != NULL && i < self->config.n_shards; i++) {
        weiri_shard_destroy(&self->shards[i]);
    }
    weiri_directory_fini(&self->names);
    free(self->shards);
    free(self);
    *self_p = NULL;
}

static weir_status
check_spec(const weiri_node *self, const weiri_actor_spec *spec, weir_error *err)
{
    const char *name = spec->name != NULL ? spec->name : spec->behaviour->name;
    weiri_assert(spec->behaviour->size == sizeof(weiri_behaviour));
    if (spec->shard >= self->config.n_shards
        || (spec->level >= self->config.n_levels && spec->level != WEIRI_CONTROL)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "actor '%s': shard %u of %u, level %u of %u cannot be", name, spec->shard,
            self->config.n_shards, spec->level, self->config.n_levels);
    }
    if (spec->supervisor != WEIRI_NOBODY
        && address_level(spec->supervisor) != self->config.n_levels) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "actor '%s': its supervisor is not at WEIRI_CONTROL, where no event can hold "
            "it up",
            name);
    }
    if (spec->name != NULL && weiri_node_resolve(self, spec->name) != WEIRI_NOBODY) {
        return WEIR_FAIL(err, WEIR_EINVAL, "actor '%s': the name is taken", name);
    }
    return WEIR_OK;
}

static weir_status
register_name(weiri_node *self, const weiri_actor_spec *spec, weiri_address address,
    weir_error *err)
{
    weir_status status = spec->name == NULL
                             ? WEIR_OK
                             : weiri_directory_put(&self->names, spec->name, address);
    return status == WEIR_OK ? WEIR_OK : WEIR_FAIL(err, status, "actor '%s'", spec->name);
}

weir_status
weiri_node_spawn(
    weiri_node *self, const weiri_actor_spec *spec, weiri_address *out, weir_error *err)
{
    weir_status status = check_spec(self, spec, err);
    if (status != WEIR_OK) {
        return status;
    }
    status = weiri_shard_spawn(self->shards[spec->shard], spec, out);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "actor '%s'", spec->behaviour->name);
    }
    if (spec->supervisor != WEIRI_NOBODY) {
        weiri_shard_signal(self->shards[address_shard(spec->supervisor)],
            (weiri_message){
                .to = spec->supervisor, .about = *out, .kind = WEIRI_KIND_ADOPT });
    }
    return register_name(self, spec, *out, err);
}

weir_status
weiri_node_add_family(
    weiri_node *self, const weiri_actor_spec *spec, weiri_address *out, weir_error *err)
{
    weiri_actor_spec anywhere = *spec;
    anywhere.shard            = 0;
    weir_status status        = check_spec(self, &anywhere, err);
    if (status == WEIR_OK && spec->level == WEIRI_CONTROL) {
        status = WEIR_FAIL(err, WEIR_EINVAL, "a family gets events: it has a level");
    }
    for (uint32_t i = 0; i < self->config.n_shards && status == WEIR_OK; i++) {
        status = weiri_shard_add_family(self->shards[i], &anywhere);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "family '%s'", spec->behaviour->name);
        }
    }
    if (status != WEIR_OK) {
        return status;
    }
    *out = address_make(FAMILY_SHARD, spec->level, self->n_families++, 0);
    return register_name(self, spec, *out, err);
}

weiri_address
weiri_node_resolve(const weiri_node *self, const char *name)
{
    return weiri_directory_find(&self->names, name);
}

void
weiri_node_set_dead_letters(weiri_node *self, weiri_address who)
{
    self->dead_letters = who;
}

weir_status
weiri_node_post(weiri_node *self, weiri_message *message)
{
    uint32_t to = address_shard(message->to);
    if (to >= self->config.n_shards) {
        return WEIR_EINVAL;
    }
    weiri_message copy = *message;
    message->form      = WEIRI_FORM_INLINE;
    message->size      = 0;
    weiri_shard_route(self->shards[to], &copy);
    return WEIR_OK;
}

/* ---- running ---- */

weir_status
weiri_node_begin(weiri_node *self, weiri_transport *transport, weir_error *err)
{
    if (self->has_run) {
        return WEIR_FAIL(err, WEIR_EINVAL, "a node runs once");
    }
    self->has_run = true;
    for (uint32_t i = 0; i < self->config.n_shards; i++) {
        self->shards[i]->transport = transport;
    }
    return WEIR_OK;
}

weir_status
weiri_node_end(weiri_node *self, weir_error *err)
{
    for (uint32_t i = 0; i < self->config.n_shards; i++) {
        weiri_shard_discard(self->shards[i]);
    }
    const weiri_shard *first = self->shards[0];
    if (first->halt_status != WEIR_OK && err != NULL) {
        *err = first->halt_error;
    }
    return first->halt_status;
}

/* ---- what it did ---- */

weiri_shard_counts
weiri_node_get_counts(const weiri_node *self, uint32_t shard)
{
    return weiri_shard_get_counts(self->shards[shard]);
}

weiri_actor_counts
weiri_node_get_actor_counts(const weiri_node *self, weiri_address who)
{
    weiri_actor_counts counts = { 0 };
    if (address_shard(who) >= self->config.n_shards) {
        return counts;
    }
    const weiri_shard *shard = self->shards[address_shard(who)];
    const weiri_cell  *which = weiri_shard_find(shard, who);
    if (which == NULL) {
        return counts;
    }
    counts.n_messages = which->n_messages;
    counts.n_failures = which->n_failures;
    counts.n_restarts = which->n_restarts;
    counts.n_waiting  = which->extra != NULL ? which->extra->held.n : 0;

    const weiri_queue *lane = &shard->lanes[which->class->level];
    for (uint32_t i = 0; i < lane->n; i++) {
        counts.n_waiting +=
            lane->items[(lane->head + i) & (lane->capacity - 1)].to == who;
    }
    counts.n_waiting += shard->handed >= 0 && shard->hands[shard->hand].to == who;
    return counts;
}

size_t
weiri_node_get_waits(const weiri_node *self, weiri_wait *waits, size_t capacity)
{
    size_t n = 0;
    for (uint32_t i = 0; i < self->config.n_shards; i++) {
        size_t left = n < capacity ? capacity - n : 0;
        n += weiri_shard_waits(self->shards[i], left > 0 ? waits + n : NULL, left);
    }
    return n;
}
