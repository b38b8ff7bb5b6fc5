/* Delivering: from a lane to a callback. */
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "weiri/assert.h"

/* What is known of a message, remembered because a callback may change it. */
struct load {
    weiri_address from;
    uint32_t      lane;
    uint32_t      cost;
    uint32_t      n_rows;
    uint16_t      via;
    uint8_t       flags;
};

static struct load
load_of(const weiri_shard *shard, const weiri_message *message)
{
    return (struct load){
        .from   = message->from,
        .lane   = weiri_shard_lane_of(shard, message),
        .cost   = message_cost(message),
        .n_rows = message->n_rows,
        .via    = message->via,
        .flags  = message->flags,
    };
}

/* The same of an event of this shard, for which credit of no lane is owed. */
static struct load
load_of_plain(const weiri_message *message)
{
    return (struct load){
        .from   = message->from,
        .cost   = message->n_rows > 0 ? message->n_rows : 1,
        .n_rows = message->n_rows,
    };
}

static void
restore(weiri_message *message, weiri_address to, const struct load *load)
{
    message->to     = to;
    message->from   = load->from;
    message->n_rows = load->n_rows;
    message->via    = load->via;
    message->flags  = load->flags;
}

static bool
takes(const weiri_cell *which)
{
    return which->state == ACTOR_RUNNING || which->state == ACTOR_DRAINED;
}

static bool
holds(const weiri_cell *which)
{
    return which->extra != NULL && which->extra->held.n > 0;
}

/* ---- dead letters ---- */

void
weiri_shard_dead_letter(weiri_shard *self, weiri_message *message, weiri_reason reason)
{
    self->counts.n_dead[reason]++;
    if ((message->flags & WEIRI_FLAG_ASK) != 0) {
        weiri_shard_signal(self, (weiri_message){ .to = message->from,
                                     .kind            = WEIRI_KIND_UNANSWERED,
                                     .flags           = WEIRI_FLAG_REPLY,
                                     .id              = message->id,
                                     .n_rows          = reason });
    }
    weiri_address to = self->node->dead_letters;
    if (to == WEIRI_NOBODY || (message->flags & WEIRI_FLAG_DEAD) != 0
        || message->kind < WEIRI_KIND_USER) {
        weiri_message_drop(message);
        return;
    }
    message->flags = WEIRI_FLAG_DEAD;
    message->about = message->to;
    message->id    = reason;
    message->to    = to;
    weiri_shard_route(self, message);
}

/* ---- what is held ---- */

static void
count_held(weiri_shard *self, uint32_t lane, uint32_t cost)
{
    uint64_t bound = self->node->config.mailbox;
    if (self->n_held[lane] < bound && self->n_held[lane] + cost >= bound) {
        weiri_shard_block(self, lane);
    }
    self->n_held[lane] += cost;
    self->n_held_total += cost;
}

static void
count_taken_up(weiri_shard *self, uint32_t lane, uint32_t cost)
{
    uint64_t bound = self->node->config.mailbox;
    if (self->n_held[lane] >= bound && self->n_held[lane] - cost < bound) {
        weiri_shard_unblock(self, lane);
    }
    self->n_held[lane] -= cost;
    self->n_held_total -= cost;
}

static OUT_OF_LINE void
hold(weiri_shard *self, weiri_cell *which, weiri_message *message, bool is_first)
{
    weiri_cell_extra *extra  = weiri_cell_extra_of(which);
    weir_status       status = extra == NULL ? WEIR_ENOMEM
                               : is_first ? weiri_queue_push_front(&extra->held, message)
                                          : weiri_queue_push(&extra->held, message);
    if (status != WEIR_OK) {
        weiri_message_drop(message);
        weiri_shard_halt(self, WEIR_ENOMEM, NULL);
        return;
    }
    count_held(self, weiri_shard_lane_of(self, message), message_cost(message));
}

void
weiri_shard_resume(weiri_shard *self, weiri_cell *which)
{
    if (holds(which) && (which->flags & CELL_HAS_TOKEN) == 0) {
        which->flags |= CELL_HAS_TOKEN;
        weiri_shard_post(self, which, KIND_HELD);
    }
}

void
weiri_shard_drop_held(weiri_shard *self, weiri_cell *which, weiri_reason reason)
{
    while (holds(which)) {
        weiri_message message;
        weiri_queue_pop(&which->extra->held, &message);
        struct load load = load_of(self, &message);
        count_taken_up(self, load.lane, load.cost);
        if (message.kind == KIND_TIMER) {
            weiri_message_drop(&message);
        } else {
            weiri_shard_dead_letter(self, &message, reason);
        }
        weiri_shard_settle(self, load.via, load.lane, load.cost);
    }
}

/* ---- callbacks ---- */

static inline weir_status
call(weiri_shard *self, weiri_cell *which, weiri_message *message)
{
    return which->class->behaviour->on_message(
        weiri_shard_enter(self, which), weiri_cell_state(which), message, &self->error);
}

/* Unless the simulation makes it fail. */
static OUT_OF_LINE weir_status
call_in_simulation(weiri_shard *self, weiri_cell *which, weiri_message *message)
{
    const weiri_transport *face = self->transport;
    if (which->class->supervisor != WEIRI_NOBODY && message->kind >= WEIRI_KIND_USER
        && face->should_fail(face->context)) {
        return WEIR_FAIL(&self->error, WEIR_EIO, "the simulation made it fail");
    }
    return call(self, which, message);
}

static bool
may_wait(const struct load *load, uint16_t kind)
{
    return (load->flags & WEIRI_FLAG_SIGNAL) == 0 && kind >= WEIRI_KIND_USER;
}

/* It is kept, or settled. */
static OUT_OF_LINE void
give_failed(weiri_shard *self, weiri_cell *which, weiri_message *message,
    struct load load, weir_status status)
{
    restore(message, which->address, &load);
    if (status == WEIR_EAGAIN && may_wait(&load, message->kind)) {
        weiri_cell_step(which, ACTOR_PAUSE);
        hold(self, which, message, true);
    } else {
        weiri_shard_dead_letter(self, message, WEIRI_REASON_FAILED);
        weiri_shard_fail_cell(self, which, status);
        which->n_pending -= (load.flags & WEIRI_FLAG_KEYED) != 0;
        weiri_shard_settle(self, load.via, load.lane, load.cost);
    }
    weiri_shard_after(self, which);
}

/* Inline, so that of a plain event no more is remembered than it has. */
static ALWAYS_INLINE void
give(weiri_shard *self, weiri_cell *which, weiri_message *message, struct load load)
{
    which->n_messages++;
    self->counts.n_messages++;
    self->counts.n_events += load.cost;
    weir_status status = self->transport->should_fail == NULL
                             ? call(self, which, message)
                             : call_in_simulation(self, which, message);
    if (status != WEIR_OK) {
        give_failed(self, which, message, load, status);
        return;
    }
    if (message->form != WEIRI_FORM_INLINE) {
        weiri_message_drop(message);
    }
    which->n_pending -= (load.flags & WEIRI_FLAG_KEYED) != 0;
    weiri_shard_settle(self, load.via, load.lane, load.cost);
    weiri_shard_after(self, which);
}

static void
call_timer(weiri_shard *self, weiri_cell *which, uint64_t tag, int64_t deadline_ns)
{
    const weiri_behaviour *behaviour = which->class->behaviour;
    which->n_messages++;
    self->counts.n_messages++;
    self->counts.n_events++;
    weir_status status = WEIR_OK;
    if (behaviour->on_timer != NULL) {
        status = behaviour->on_timer(weiri_shard_enter(self, which),
            weiri_cell_state(which), tag, deadline_ns, &self->error);
    }
    if (status != WEIR_OK) {
        weiri_shard_fail_cell(self, which, status);
    }
    weiri_shard_after(self, which);
}

void
weiri_shard_fire(weiri_shard *self, const weiri_timer *timer)
{
    if (timer->owner == WEIRI_NOBODY) {
        weiri_shard_ask_timeout(self, (uint32_t)timer->tag);
        return;
    }
    weiri_cell *which = weiri_shard_find(self, timer->owner);
    if (which == NULL || which->n_restarts != timer->life) {
        return;
    }
    if (which->state == ACTOR_DRAINED) {
        return; /* it has given what it had */
    }
    if (which->state == ACTOR_RUNNING || which->state == ACTOR_PAUSED) {
        call_timer(self, which, timer->tag, timer->deadline_ns);
        return;
    }
    weiri_message message = { .to = timer->owner,
        .kind                     = KIND_TIMER,
        .id                       = timer->life,
        .as.words                 = { timer->tag, (uint64_t)timer->deadline_ns } };
    self->counts.n_waiting++;
    hold(self, which, &message, false);
}

void
weiri_shard_take_up(weiri_shard *self, weiri_cell *which)
{
    weiri_address address = which->address;
    which->flags &= (uint8_t)~CELL_HAS_TOKEN;
    if (!takes(which) || !holds(which)) {
        return;
    }
    weiri_message message;
    weiri_queue_pop(&which->extra->held, &message);
    count_taken_up(self, weiri_shard_lane_of(self, &message), message_cost(&message));
    if (message.kind != KIND_TIMER) {
        give(self, which, &message, load_of(self, &message));
    } else {
        self->counts.n_waiting--;
        if (message.id == which->n_restarts) {
            call_timer(self, which, message.as.words[0], (int64_t)message.as.words[1]);
        }
    }
    which = weiri_shard_find(self, address);
    if (which != NULL && takes(which)) {
        weiri_shard_resume(self, which);
    }
}

void
weiri_shard_drain_cell(weiri_shard *self, weiri_cell *which)
{
    which->flags |= CELL_DRAINED;
    weiri_cell_step(which, ACTOR_DRAIN);
    if (which->class->behaviour->drain == NULL) {
        return;
    }
    weir_status status = which->class->behaviour->drain(
        weiri_shard_enter(self, which), weiri_cell_state(which), &self->error);
    if (status != WEIR_OK) {
        weiri_shard_fail_cell(self, which, status);
    }
    weiri_shard_after(self, which);
}

/* ---- messages ---- */

static void
deliver_nobody(weiri_shard *self, weiri_message *message)
{
    const struct load load = load_of(self, message);
    if (weiri_shard_control_nobody(self, message)) {
        weiri_message_drop(message);
    } else {
        weiri_shard_dead_letter(self, message, WEIRI_REASON_NOBODY);
    }
    weiri_shard_settle(self, load.via, load.lane, load.cost);
}

static void
deliver_late(weiri_shard *self, weiri_message *message)
{
    const struct load load = load_of(self, message);
    weiri_shard_dead_letter(self, message, WEIRI_REASON_LATE);
    weiri_shard_settle(self, load.via, load.lane, load.cost);
}

/* False: it stopped at once. */
static bool
start(weiri_shard *self, weiri_cell *which)
{
    weiri_address address = which->address;
    weiri_shard_start_cell(self, which);
    weiri_shard_after(self, which);
    return weiri_shard_find(self, address) != NULL;
}

static OUT_OF_LINE void
deliver(weiri_shard *self, weiri_cell *which, weiri_message *message)
{
    if (which == NULL) {
        deliver_nobody(self, message);
        return;
    }
    if (message->kind >= KIND_START && message->kind < WEIRI_KIND_USER) {
        const struct load load = load_of(self, message);
        weiri_shard_control(self, which, message);
        weiri_shard_settle(self, load.via, load.lane, load.cost);
        return;
    }
    if ((message->flags & WEIRI_FLAG_REPLY) != 0
        && !weiri_shard_close_ask(self, message->id, message->to)) {
        deliver_late(self, message);
        return;
    }
    if (which->state == ACTOR_CREATED && !start(self, which)) {
        deliver_nobody(self, message);
        return;
    }
    if (message->kind == WEIRI_KIND_WAKE) {
        which->flags &= (uint8_t)~CELL_WOKEN;
    }
    bool goes_first =
        (message->flags & WEIRI_FLAG_SIGNAL) != 0 || message->kind == WEIRI_KIND_WAKE;
    if (takes(which) ? goes_first || !holds(which)
                     : goes_first && which->state == ACTOR_PAUSED) {
        give(self, which, message, load_of(self, message));
    } else {
        hold(self, which, message, false);
    }
}

/* An event of this shard, not to a key, to an actor that runs and holds none back. */
static bool
is_plain(const weiri_cell *which, const weiri_message *message)
{
    return which != NULL && message->kind >= WEIRI_KIND_USER && message->via == 0
           && message->flags == 0 && which->state == ACTOR_RUNNING && !holds(which);
}

static void
end_read(weiri_shard *self, weiri_queue *lane)
{
    weiri_queue_done(lane);
    if (lane->n == 0) {
        weiri_level_set_remove(&self->ready, (uint32_t)(lane - self->lanes));
        weiri_queue_shrink(lane);
    }
}

static weiri_message *
read_hand(weiri_shard *self)
{
    weiri_message *message = &self->hands[self->hand];
    self->handed           = -1;
    self->hand ^= 1;
    return message;
}

/* Whether a message is next: no timer that is due, and no level that blocks. */
static bool
goes_on(const weiri_shard *self)
{
    int32_t deepest = weiri_shard_deepest(self);
    return !self->has_ended && !self->may_be_due && deepest >= 0
           && deepest >= weiri_level_set_deepest(&self->blocked);
}

uint64_t
weiri_shard_work(weiri_shard *self, uint64_t budget)
{
    int64_t left = (int64_t)budget;
    do {
        int32_t        deepest = weiri_level_set_deepest(&self->ready);
        weiri_queue   *lane    = self->handed < deepest ? &self->lanes[deepest] : NULL;
        weiri_message *message = lane != NULL ? weiri_queue_read(lane) : read_hand(self);
        weiri_cell    *which   = weiri_shard_find(self, message->to);
        if (is_plain(which, message)) {
            const struct load load = load_of_plain(message);
            left -= load.cost;
            give(self, which, message, load);
        } else {
            left -= message_cost(message);
            deliver(self, which, message);
        }
        if (lane != NULL) {
            end_read(self, lane);
        }
    } while (left > 0 && goes_on(self));
    return budget - (uint64_t)left;
}
