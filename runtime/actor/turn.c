/* A turn: what has arrived, the clock, the work, what is to be sent.
 *
 * Deepest first, and within a level in order: so what follows from one message is done
 * before the next of a shallower level is looked at, and what a shard does depends on the
 * order of what it was given and not on how its work was cut into turns.
 */
#include "node.h"

/* ---- time ---- */

static void
tick(weiri_shard *self, int64_t now_ns, bool is_asked)
{
    const weiri_node_config *config = &self->node->config;
    const weiri_tick         tick   = { self->counts.n_messages, now_ns, is_asked };
    self->clock_ns                  = now_ns;
    if (now_ns < INT64_MAX) {
        weiri_timer_wheel_advance(self->wheels[WEIRI_CLOCK_TIME], now_ns + 1);
    }
    self->may_be_due = true;
    if (config->on_tick != NULL) {
        config->on_tick(config->context, self->index, &tick);
    }
}

static int64_t
read_clock(weiri_shard *self, bool is_asked)
{
    const weiri_transport   *face   = self->transport;
    const weiri_node_config *config = &self->node->config;
    int64_t                  now    = face->clock != NULL ? face->clock(
                                          face->context, self->index, self->counts.n_messages, is_asked)
                                                          : config->clock(config->context, self->index);
    return now > self->clock_ns ? now : self->clock_ns;
}

int64_t
weiri_shard_ask_clock(weiri_shard *self)
{
    tick(self, read_clock(self, true), true);
    return self->clock_ns;
}

/* The next timer that is due: event time first. */
static const weiri_timer *
next_due(weiri_shard *self, weiri_timer_wheel **of)
{
    for (uint32_t i = 0; self->may_be_due && i < 2; i++) {
        const weiri_timer *timer = weiri_timer_wheel_peek(self->wheels[i]);
        if (timer != NULL) {
            *of = self->wheels[i];
            return timer;
        }
    }
    self->may_be_due = false;
    return NULL;
}

/* Most readings change nothing; those are not part of the input. */
static void
look_at_clock(weiri_shard *self)
{
    const weiri_timer_wheel *wheel = self->wheels[WEIRI_CLOCK_TIME];
    if (weiri_timer_wheel_size(wheel) == 0) {
        return;
    }
    weiri_timer_wheel *due = NULL;
    if (next_due(self, &due) != NULL) {
        return; /* those first */
    }
    int64_t now = read_clock(self, false);
    if (weiri_timer_wheel_next(wheel) <= now) {
        tick(self, now, false);
    }
}

/* ---- work ---- */

/* A timer of a level has its turn when no event waits for that level or a deeper one:
 * those were there before time went on. Returns whether one fired. */
static bool
fire_due(weiri_shard *self, int32_t deepest, int32_t blocked)
{
    weiri_timer_wheel *wheel = NULL;
    const weiri_timer *due   = next_due(self, &wheel);
    if (due == NULL) {
        return false;
    }
    int32_t level =
        due->owner == WEIRI_NOBODY ? INT32_MAX : (int32_t)address_level(due->owner);
    if (level <= deepest || level < blocked) {
        return false;
    }
    weiri_timer timer = *due;
    weiri_timer_wheel_pop(wheel);
    weiri_shard_fire(self, &timer);
    return true;
}

/* A timer, or up to `budget` events; returns what was done, 0 if nothing could be. */
static uint64_t
step(weiri_shard *self, uint64_t budget)
{
    int32_t deepest = weiri_shard_deepest(self);
    int32_t blocked = weiri_level_set_deepest(&self->blocked);
    if (self->may_be_due && fire_due(self, deepest, blocked)) {
        return 1;
    }
    if (deepest >= 0 && deepest >= blocked) {
        return weiri_shard_work(self, budget);
    }
    if (deepest < 0 && self->draining >= blocked && weiri_shard_drain(self)) {
        return 1;
    }
    self->counts.n_stalls += deepest >= 0;
    return 0;
}

void
weiri_shard_wake_file(weiri_shard *self, uint32_t index)
{
    weiri_cell *which  = weiri_shard_find(self, self->files[index].who);
    self->files[index] = self->files[--self->n_files];
    if (which != NULL) {
        weiri_shard_post(self, which, WEIRI_KIND_WAKE);
    }
}

bool
weiri_shard_turn(weiri_shard *self, uint32_t budget)
{
    bool any = weiri_shard_take_in(self);
    look_at_clock(self);
    uint64_t spent = 0;
    uint64_t done  = 0;
    while (
        !self->has_ended && spent < budget && (done = step(self, budget - spent)) > 0) {
        spent += done;
    }
    weiri_shard_flush(self, spent < budget);
    return any || spent > 0;
}
