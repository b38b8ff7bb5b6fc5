#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "weiri/frame.h"
#include "weiri/limits.h"

static weir_status
make_peer(const weiri_shard *self, struct peer *peer, uint32_t credit)
{
    uint32_t n = self->n_levels + 1;
    peer->ways = calloc(n, sizeof *peer->ways);
    peer->owed = calloc(n, sizeof *peer->owed);
    if (peer->ways == NULL || peer->owed == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        peer->ways[i].credit = i == self->n_levels ? (int64_t)WEIRI_SIGNALS : credit;
    }
    return WEIR_OK;
}

weir_status
weiri_shard_new(
    weiri_node *node, uint32_t index, const weiri_node_config *config, weiri_shard **out)
{
    weiri_shard *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    uint32_t n      = config->n_levels + 1;
    self->node      = node;
    self->index     = index;
    self->n_shards  = config->n_shards;
    self->n_levels  = config->n_levels;
    self->current   = (weiri_actor){ .shard = self };
    self->clock_ns  = INT64_MIN;
    self->handed    = -1;
    self->draining  = -1;
    self->end_level = -1;
    self->lanes     = calloc(n, sizeof *self->lanes);
    self->n_held    = calloc(n, sizeof *self->n_held);
    self->n_blocked = calloc(n, sizeof *self->n_blocked);
    self->peers     = calloc(config->n_shards, sizeof *self->peers);
    bool is_made = self->lanes != NULL && self->n_held != NULL && self->n_blocked != NULL
                   && self->peers != NULL;
    weir_status status = is_made ? WEIR_OK : WEIR_ENOMEM;
    for (uint32_t i = 0; status == WEIR_OK && i < 2; i++) {
        status = weiri_timer_wheel_new(WEIRI_TIMERS, &self->wheels[i]);
    }
    for (uint32_t i = 0; status == WEIR_OK && i < config->n_shards; i++) {
        status = make_peer(self, &self->peers[i], config->credit);
    }
    if (status != WEIR_OK) {
        weiri_shard_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_shard_discard(weiri_shard *self)
{
    size_t         size  = 0;
    const uint8_t *bytes = NULL;
    while (
        (bytes = self->transport->receive(self->transport->context, self->index, &size))
        != NULL) {
        for (size_t at = WEIRI_FRAME_HEAD; at < size; at += sizeof(weiri_message)) {
            weiri_message message;
            memcpy(&message, bytes + at, sizeof message);
            weiri_message_drop(&message);
        }
    }
}

static void
destroy_peer(const weiri_shard *self, struct peer *peer)
{
    for (uint32_t i = 0; peer->ways != NULL && i <= self->n_levels; i++) {
        weiri_queue_fini(&peer->ways[i].parked);
    }
    for (size_t at = WEIRI_FRAME_HEAD; at < peer->out_size; at += sizeof(weiri_message)) {
        weiri_message message;
        memcpy(&message, peer->out + at, sizeof message);
        weiri_message_drop(&message);
    }
    free(peer->ways);
    free(peer->owed);
    free(peer->out);
}

/* In reverse order of making. */
static void
stop_cells(weiri_shard *self)
{
    for (uint32_t i = self->cells.n_slots; i > 1; i--) {
        weiri_cell *which = self->cells.slots[i - 1].cell;
        if (which != NULL && (which->flags & CELL_STARTED) != 0
            && which->class->behaviour->fini != NULL) {
            which->class->behaviour->fini(weiri_cell_state(which));
        }
    }
    weiri_cells_fini(&self->cells);
}

void
weiri_shard_destroy(weiri_shard **self_p)
{
    weiri_shard *self = *self_p;
    if (self == NULL) {
        return;
    }
    stop_cells(self);
    for (uint32_t i = 0; self->lanes != NULL && i <= self->n_levels; i++) {
        weiri_queue_fini(&self->lanes[i]);
    }
    if (self->handed >= 0) {
        weiri_message_drop(&self->hands[self->hand]);
    }
    for (uint32_t i = 0; self->peers != NULL && i < self->n_shards; i++) {
        destroy_peer(self, &self->peers[i]);
    }
    for (uint32_t i = 0; i < self->n_families; i++) {
        weiri_cell_class_destroy(&self->families[i]);
    }
    weiri_timer_wheel_destroy(&self->wheels[0]);
    weiri_timer_wheel_destroy(&self->wheels[1]);
    weiri_directory_fini(&self->names);
    free(self->families);
    free(self->lanes);
    free(self->n_held);
    free(self->n_blocked);
    free(self->peers);
    free(self->asks);
    free(self->files);
    free(self);
    *self_p = NULL;
}

weir_status
weiri_shard_add_family(weiri_shard *self, const weiri_actor_spec *spec)
{
    weiri_cell_class **families =
        realloc(self->families, (self->n_families + 1) * sizeof *families);
    if (families == NULL) {
        return WEIR_ENOMEM;
    }
    self->families     = families;
    weir_status status = weiri_cell_class_new(spec, &families[self->n_families]);
    if (status == WEIR_OK) {
        families[self->n_families++]->is_family = true;
    }
    return status;
}

weir_status
weiri_shard_spawn(weiri_shard *self, const weiri_actor_spec *spec, weiri_address *out)
{
    weiri_cell_class *class = NULL;
    weiri_cell *which       = NULL;
    weir_status status      = weiri_cell_class_new(spec, &class);
    if (status != WEIR_OK) {
        return status;
    }
    class->level = spec->level == WEIRI_CONTROL ? self->n_levels : spec->level;
    status       = weiri_cells_add(&self->cells, class, self->index, NULL, 0, &which);
    if (status != WEIR_OK) {
        weiri_cell_class_destroy(&class);
        return status;
    }
    which->flags |= CELL_ALONE;
    *out = which->address;
    weiri_shard_post(self, which, KIND_START);
    return WEIR_OK;
}
