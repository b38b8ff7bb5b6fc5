/* Asks: who waits for which reply. An id is an index and how often it was used. */
#include <stdlib.h>

#include "shard.h"
#include "weiri/limits.h"

enum { FIRST = 16 };

static weir_status
grow(weiri_shard *self)
{
    uint32_t n = self->n_asks == 0 ? FIRST : self->n_asks * 2;
    if (n > WEIRI_ASKS) {
        return WEIR_EFULL;
    }
    struct ask *asks = realloc(self->asks, n * sizeof *asks);
    if (asks == NULL) {
        return WEIR_ENOMEM;
    }
    self->asks = asks;
    for (uint32_t i = n; i > self->n_asks; i--) {
        asks[i - 1]    = (struct ask){ .next = self->free_ask };
        self->free_ask = i;
    }
    self->n_asks = n;
    return WEIR_OK;
}

weir_status
weiri_shard_open_ask(
    weiri_shard *self, weiri_address who, int64_t timeout_ns, uint32_t *id)
{
    weir_status status = self->free_ask == 0 ? grow(self) : WEIR_OK;
    if (status != WEIR_OK) {
        return status;
    }
    uint32_t    index = self->free_ask - 1;
    struct ask *ask   = &self->asks[index];
    uint32_t    mine  = (uint32_t)(ask->generation + 1U) << 16 | index;
    int64_t     now   = weiri_shard_ask_clock(self);
    weiri_timer timer = { .owner = WEIRI_NOBODY,
        .tag                     = mine,
        .deadline_ns = timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX };
    status = weiri_timer_wheel_set(self->wheels[WEIRI_CLOCK_TIME], &timer, &ask->timer);
    if (status != WEIR_OK) {
        return status;
    }
    self->free_ask = ask->next;
    ask->generation++;
    ask->who     = who;
    ask->is_open = true;
    *id          = mine;
    return WEIR_OK;
}

bool
weiri_shard_close_ask(weiri_shard *self, uint32_t id, weiri_address who)
{
    uint32_t index = id & 0xFFFF;
    if (index >= self->n_asks) {
        return false;
    }
    struct ask *ask = &self->asks[index];
    if (!ask->is_open || ask->generation != id >> 16 || ask->who != who) {
        return false;
    }
    weiri_timer_wheel_cancel(self->wheels[WEIRI_CLOCK_TIME], ask->timer);
    ask->is_open   = false;
    ask->next      = self->free_ask;
    self->free_ask = index + 1;
    return true;
}

void
weiri_shard_ask_timeout(weiri_shard *self, uint32_t id)
{
    weiri_message unanswered = { .to = self->asks[id & 0xFFFF].who,
        .kind                        = WEIRI_KIND_UNANSWERED,
        .flags                       = WEIRI_FLAG_REPLY,
        .id                          = id,
        .n_rows                      = WEIRI_REASON_TIMEOUT };
    weiri_shard_signal(self, unanswered); /* closes the ask when it is delivered */
}
