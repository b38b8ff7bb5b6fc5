/* Sending: into a lane of this shard, or into the frame of another. */
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "weiri/assert.h"
#include "weiri/frame.h"

enum { FIRST_FRAME = 4096 };

/* ---- what blocks ---- */

void
weiri_shard_block(weiri_shard *self, uint32_t lane)
{
    if (self->n_blocked[lane]++ == 0) {
        weiri_level_set_add(&self->blocked, lane);
    }
}

void
weiri_shard_unblock(weiri_shard *self, uint32_t lane)
{
    if (--self->n_blocked[lane] == 0) {
        weiri_level_set_remove(&self->blocked, lane);
    }
}

/* ---- here ---- */

static void
out_of_memory(weiri_shard *self, weiri_message *message)
{
    weir_error err = { 0 };
    weiri_message_drop(message);
    weir_error_set(&err, WEIR_ENOMEM, 0, __FILE__, __LINE__, "no memory for a message");
    weiri_shard_halt(self, WEIR_ENOMEM, &err);
}

static void
push(weiri_shard *self, uint32_t lane, weiri_message *message)
{
    weiri_queue *queue = &self->lanes[lane];
    if (queue->n == queue->capacity && weiri_queue_grow(queue) != WEIR_OK) {
        out_of_memory(self, message);
        return;
    }
    *weiri_shard_put(self, lane) = *message;
    weiri_shard_count_waiting(self, message_cost(message));
}

void
weiri_shard_post(weiri_shard *self, weiri_cell *which, uint16_t kind)
{
    weiri_message message = { .to = which->address, .kind = kind };
    push(self, which->class->level, &message);
}

weir_status
weiri_shard_instance(weiri_shard *self, uint32_t family, const void *key, uint32_t size,
    weiri_address *out)
{
    weiri_cell_class *class = self->families[family];
    weiri_cell *which       = weiri_cells_find_key(&self->cells, class, key, size);
    if (which == NULL) {
        weir_status status =
            weiri_cells_add(&self->cells, class, self->index, key, size, &which);
        if (status != WEIR_OK) {
            return status;
        }
    }
    which->n_pending++;
    *out = which->address;
    return WEIR_OK;
}

/* ---- away ---- */

static void
append(weiri_shard *self, struct peer *peer, weiri_message *message)
{
    if (peer->out_size + sizeof *message > peer->out_capacity) {
        size_t capacity = peer->out_capacity == 0 ? FIRST_FRAME : peer->out_capacity * 2;
        uint8_t *out    = realloc(peer->out, capacity);
        if (out == NULL) {
            out_of_memory(self, message);
            return;
        }
        peer->out          = out;
        peer->out_capacity = capacity;
    }
    if (peer->out_size == 0) {
        peer->out_size = WEIRI_FRAME_HEAD;
    }
    memcpy(peer->out + peer->out_size, message, sizeof *message);
    peer->out_size += sizeof *message;
    peer->out_rows += message_cost(message);
}

static void
park(weiri_shard *self, struct way *way, uint32_t lane, weiri_message *message)
{
    if (weiri_queue_push(&way->parked, message) != WEIR_OK) {
        out_of_memory(self, message);
        return;
    }
    if (way->parked.n == 1) {
        weiri_shard_block(self, lane);
    }
}

static void
route_away(weiri_shard *self, uint32_t to, uint32_t lane, weiri_message *message)
{
    struct peer *peer = &self->peers[to];
    struct way  *way  = &peer->ways[lane];
    if (address_slot(message->to) != 0 || address_shard(message->to) == FAMILY_SHARD) {
        bool is_signal = lane == self->n_levels;
        if (!is_signal && (way->parked.n > 0 || way->credit <= 0)) {
            park(self, way, lane, message);
            return;
        }
        uint32_t cost = message_cost(message);
        way->credit -= cost;
        self->n_outstanding += is_signal ? 0 : cost;
    }
    self->counts.n_sent++;
    append(self, peer, message);
}

void
weiri_shard_route(weiri_shard *self, weiri_message *message)
{
    uint32_t to   = address_shard(message->to);
    uint32_t lane = weiri_shard_lane_of(self, message);
    message->via  = 0;
    if (to == FAMILY_SHARD) {
        to = message->id; /* where its key lives, as weiri_actor_send_keyed found */
    }
    if (to >= self->n_shards) {
        weiri_shard_dead_letter(self, message, WEIRI_REASON_NOBODY);
    } else if (to != self->index) {
        route_away(self, to, lane, message);
    } else if (address_slot(message->to) == 0) {
        weiri_shard_system(self, message);
    } else {
        push(self, lane, message);
    }
}

void
weiri_shard_signal(weiri_shard *self, weiri_message message)
{
    message.flags |= WEIRI_FLAG_SIGNAL;
    weiri_shard_route(self, &message);
}

/* ---- credit ---- */

void
weiri_shard_owe(weiri_shard *self, uint32_t via, uint32_t lane, uint32_t cost)
{
    struct peer *peer = &self->peers[via - 1];
    struct way  *way  = &peer->ways[lane];
    if (way->owed == 0) {
        peer->owed[peer->n_owed++] = lane;
    }
    way->owed += cost;
    uint64_t window = lane == self->n_levels ? WEIRI_SIGNALS : self->node->config.credit;
    peer->is_owed_much = peer->is_owed_much || way->owed * 2 >= window;
}

void
weiri_shard_take_credit(weiri_shard *self, uint32_t from, uint32_t lane, uint32_t n)
{
    struct peer *peer = &self->peers[from];
    struct way  *way  = &peer->ways[lane];
    way->credit += n;
    if (lane == self->n_levels) {
        return;
    }
    self->n_outstanding -= n;
    if (way->parked.n == 0) {
        return;
    }
    while (way->parked.n > 0 && way->credit > 0) {
        weiri_message message;
        weiri_queue_pop(&way->parked, &message);
        way->credit -= message_cost(&message);
        self->n_outstanding += message_cost(&message);
        self->counts.n_sent++;
        append(self, peer, &message);
    }
    if (way->parked.n == 0) {
        weiri_queue_shrink(&way->parked);
        weiri_shard_unblock(self, lane);
    }
}

static void
append_credit(weiri_shard *self, struct peer *peer, uint32_t to)
{
    for (uint32_t i = 0; i < peer->n_owed; i++) {
        struct way   *way    = &peer->ways[peer->owed[i]];
        weiri_message credit = { .to = weiri_shard_system_address(to),
            .kind                    = KIND_CREDIT,
            .id                      = peer->owed[i],
            .n_rows                  = (uint32_t)way->owed };
        way->owed            = 0;
        append(self, peer, &credit);
    }
    peer->n_owed       = 0;
    peer->is_owed_much = false;
}

/* ---- frames ---- */

static void
send_frame(weiri_shard *self, struct peer *peer, uint32_t to)
{
    const weiri_frame frame = {
        .kind         = WEIRI_FRAME_ADDRESSES,
        .link         = self->index,
        .sequence     = ++peer->n_out,
        .watermark_ns = weiri_timer_wheel_now(self->wheels[WEIRI_EVENT_TIME]),
        .n_rows       = (uint32_t)peer->out_rows,
        .n_parts =
            (uint32_t)((peer->out_size - WEIRI_FRAME_HEAD) / sizeof(weiri_message)),
        .size = peer->out_size - WEIRI_FRAME_HEAD,
    };
    weiri_frame_write(&frame, peer->out);
    weir_status status = self->transport->send(
        self->transport->context, self->index, to, peer->out, peer->out_size);
    self->counts.n_frames++;
    if (status != WEIR_OK) {
        /* Nothing reaches that shard any more, not even the news; the others hear it. */
        weir_error err = { 0 };
        weir_error_set(&err, status, 0, __FILE__, __LINE__,
            "shard %u cannot reach shard %u", self->index, to);
        self->has_ended = true;
        weiri_shard_halt(self, status, &err);
    }
    peer->out_size = 0;
    peer->out_rows = 0;
}

void
weiri_shard_flush(weiri_shard *self, bool all)
{
    for (uint32_t i = 0; i < self->n_shards; i++) {
        struct peer *peer = &self->peers[i];
        if (peer->n_owed > 0 && (all || peer->is_owed_much || peer->out_size > 0)) {
            append_credit(self, peer, i);
        }
        if (peer->out_size > 0) {
            send_frame(self, peer, i);
        }
    }
}

static weir_status
resolve_key(weiri_shard *self, weiri_message *message)
{
    union {
        uint64_t word;
        uint8_t  bytes[8];
    } small              = { .word = message->about };
    const void   *key    = message->key_size > sizeof small.bytes
                               ? (const void *)(uintptr_t)message->about
                               : small.bytes;
    weiri_address to     = WEIRI_NOBODY;
    weir_status   status = weiri_shard_instance(
          self, address_slot(message->to), key, message->key_size, &to);
    if (status == WEIR_OK) {
        if (message->key_size > sizeof small.bytes) {
            free((void *)(uintptr_t)message->about);
        }
        message->key_size = 0;
        message->about    = 0;
        message->id       = 0;
        message->to       = to;
    }
    return status;
}

static void
take_message(weiri_shard *self, uint32_t from, weiri_message *message)
{
    message->via  = (uint16_t)(from + 1);
    uint32_t lane = weiri_shard_lane_of(self, message);
    if (address_shard(message->to) == FAMILY_SHARD) {
        if (resolve_key(self, message) != WEIR_OK) {
            out_of_memory(self, message);
            return;
        }
    } else if (address_slot(message->to) == 0) {
        weiri_shard_system(self, message);
        return;
    }
    push(self, lane, message);
}

bool
weiri_shard_take_in(weiri_shard *self)
{
    bool           any   = false;
    size_t         size  = 0;
    const uint8_t *bytes = NULL;
    while (
        (bytes = self->transport->receive(self->transport->context, self->index, &size))
        != NULL) {
        weiri_frame frame;
        weir_status status = weiri_frame_read(&frame, bytes, size, NULL);
        weiri_assert(status == WEIR_OK && frame.link < self->n_shards);
        self->peers[frame.link].n_in++;
        weiri_assert(frame.sequence == self->peers[frame.link].n_in);
        for (uint32_t i = 0; i < frame.n_parts; i++) {
            weiri_message message;
            memcpy(
                &message, bytes + WEIRI_FRAME_HEAD + i * sizeof message, sizeof message);
            take_message(self, frame.link, &message);
        }
        any = true;
    }
    return any;
}
