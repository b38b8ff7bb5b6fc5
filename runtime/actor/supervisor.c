/* weiri_supervisor_behaviour: an ordinary actor that is told of failures and answers with
 * verdicts.
 *
 * Source: supervisors of Erlang/OTP (restart intensity, one for one, rest for one,
 * stopped from the last to the first and started from the first to the last). Restarts
 * are in place: the child keeps its address and what waits for it.
 */
#include <stdlib.h>

#include "shard.h"

typedef struct supervisor {
    const weiri_supervisor_config *config;
    weiri_address                 *children; /* shape (n,), in order */
    uint32_t                       n;
    int64_t                       *restarts; /* shape (max_restarts,): a ring of times */
    uint32_t                       n_restarts;
    uint32_t                       oldest;
} supervisor;

static weir_status
init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    supervisor *self = state;
    (void)actor;
    self->config   = config;
    self->restarts = calloc(self->config->max_restarts + 1, sizeof *self->restarts);
    return self->restarts != NULL ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "a supervisor");
}

static weir_status
adopt(supervisor *self, weiri_address child)
{
    weiri_address *grown = realloc(self->children, (self->n + 1) * sizeof *grown);
    if (grown == NULL) {
        return WEIR_ENOMEM;
    }
    grown[self->n++] = child;
    self->children   = grown;
    return WEIR_OK;
}

static weir_status
tell(weiri_actor *actor, weiri_address child, uint16_t kind, uint32_t reason)
{
    weiri_message message = { .to = child, .kind = kind, .id = reason };
    return weiri_actor_signal(actor, &message);
}

/* Counts one more restart; false: that is too many within the period. */
static bool
may_restart(supervisor *self, int64_t now_ns)
{
    const weiri_supervisor_config *config = self->config;
    uint32_t                       size   = config->max_restarts + 1;
    while (self->n_restarts > 0
           && now_ns - self->restarts[self->oldest] >= config->period_ns) {
        self->oldest = (self->oldest + 1) % size;
        self->n_restarts--;
    }
    if (self->n_restarts == config->max_restarts) {
        return false;
    }
    self->restarts[(self->oldest + self->n_restarts++) % size] = now_ns;
    return true;
}

static int64_t
back_off(const supervisor *self)
{
    const weiri_supervisor_config *config = self->config;
    int64_t                        ns     = config->back_off_ns;
    for (uint32_t i = 1; i < self->n_restarts && ns < config->max_back_off_ns; i++) {
        ns = ns > INT64_MAX / 2 ? INT64_MAX : ns * 2;
    }
    return ns < config->max_back_off_ns ? ns : config->max_back_off_ns;
}

/* Those who are restarted with a child: itself alone, or it and those after it. */
static uint32_t
first_of(const supervisor *self, weiri_address child)
{
    uint32_t i = 0;
    while (i < self->n && self->children[i] != child) {
        i++;
    }
    return i;
}

static weir_status
begin_restart(weiri_actor *actor, supervisor *self, weiri_address child, weir_error *err)
{
    int64_t now = weiri_actor_now(actor, WEIRI_CLOCK_TIME);
    if (!may_restart(self, now)) {
        weir_status status = tell(actor, child, KIND_STOP, WEIRI_REASON_LIMIT);
        return WEIR_FAIL(err, status != WEIR_OK ? status : WEIR_EFULL,
            "more than %u restarts within the period", self->config->max_restarts);
    }
    if (self->config->strategy == WEIRI_REST_FOR_ONE) {
        for (uint32_t i = self->n; i > first_of(self, child) + 1; i--) {
            weir_status status = tell(actor, self->children[i - 1], KIND_SUSPEND, 0);
            if (status != WEIR_OK) {
                return WEIR_FAIL(err, status, "a supervisor: too many signals wait");
            }
        }
    }
    weir_status status =
        weiri_actor_set_timer(actor, WEIRI_CLOCK_TIME, now + back_off(self), child, NULL);
    return status == WEIR_OK ? WEIR_OK : WEIR_FAIL(err, status, "a supervisor's timer");
}

static weir_status
on_failed(weiri_actor *actor, supervisor *self, weiri_address child, weir_error *err)
{
    switch (self->config->verdict) {
    case WEIRI_SKIP: return tell(actor, child, KIND_SKIP, 0);
    case WEIRI_STOP: return tell(actor, child, KIND_STOP, WEIRI_REASON_FAILED);
    case WEIRI_RESTART: break;
    }
    return begin_restart(actor, self, child, err);
}

static weir_status
on_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    supervisor *self = state;
    switch (message->kind) {
    case WEIRI_KIND_ADOPT: return adopt(self, message->about);
    case WEIRI_KIND_FAILED: return on_failed(actor, self, message->about, err);
    default: return WEIR_OK;
    }
}

/* The back-off is over; `tag` is the child that failed. */
static weir_status
on_timer(
    weiri_actor *actor, void *state, uint64_t tag, int64_t deadline_ns, weir_error *err)
{
    const supervisor *self   = state;
    weir_status       status = tell(actor, tag, KIND_RESTART, 0);
    (void)deadline_ns;
    if (self->config->strategy == WEIRI_REST_FOR_ONE) {
        for (uint32_t i = first_of(self, tag) + 1; i < self->n && status == WEIR_OK;
             i++) {
            status = tell(actor, self->children[i], KIND_RESTART, 0);
        }
    }
    return status == WEIR_OK ? WEIR_OK : WEIR_FAIL(err, status, "a supervisor's verdict");
}

static void
fini(void *state)
{
    supervisor *self = state;
    free(self->children);
    free(self->restarts);
}

const weiri_behaviour weiri_supervisor_behaviour = {
    .size       = sizeof(weiri_behaviour),
    .name       = "supervisor",
    .state_size = sizeof(supervisor),
    .init       = init,
    .on_message = on_message,
    .on_timer   = on_timer,
    .fini       = fini,
};
