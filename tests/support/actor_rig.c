#include "actor_rig.h"

#include <string.h>

/* ---- source ---- */

struct source {
    const rig_source *config;
    weiri_address     to;
    uint64_t          next;
};

static weir_status
source_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct source *self = state;
    (void)err;
    self->config = config;
    self->to     = weiri_actor_resolve(actor, self->config->to);
    weiri_actor_wake(actor);
    return WEIR_OK;
}

static weir_status
give_number(weiri_actor *actor, struct source *self)
{
    weiri_message message = { .to = self->to,
        .kind                     = KIND_NUMBER,
        .n_rows                   = self->config->n_rows,
        .size                     = 8,
        .as.words                 = { self->next } };
    uint64_t      key = self->config->n_keys > 0 ? self->next % self->config->n_keys : 0;
    self->next++;
    if (self->config->n_given != NULL) {
        *self->config->n_given = self->next;
    }
    return self->config->n_keys > 0
               ? weiri_actor_send_keyed(actor, &message, &key, sizeof key)
               : weiri_actor_send(actor, &message);
}

static weir_status
source_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct source *self   = state;
    weir_status    status = WEIR_OK;
    (void)message;
    (void)err;
    uint32_t burst = self->config->burst > 0 ? self->config->burst : 1;
    for (uint32_t i = 0; i < burst && self->next < self->config->n && status == WEIR_OK;
         i++) {
        status = give_number(actor, self);
    }
    if (self->next < self->config->n) {
        weiri_actor_wake(actor);
    } else if (self->config->ends) {
        weiri_actor_end_node(actor);
    }
    return status;
}

const weiri_behaviour rig_source_behaviour = {
    .size       = sizeof(weiri_behaviour),
    .name       = "numbers",
    .state_size = sizeof(struct source),
    .init       = source_init,
    .on_message = source_message,
};

/* ---- stage ---- */

struct stage {
    weiri_address to[4];
    uint32_t      n;
    uint32_t      n_spread;
};

static weir_status
stage_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct stage    *self = state;
    const rig_stage *how  = config;
    (void)err;
    self->n_spread = how->n_spread;
    while (self->n < 4 && how->to[self->n] != NULL) {
        self->to[self->n] = weiri_actor_resolve(actor, how->to[self->n]);
        self->n++;
    }
    return WEIR_OK;
}

static weir_status
stage_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct stage *self   = state;
    weir_status   status = WEIR_OK;
    (void)err;
    for (uint32_t i = 0; i < self->n && status == WEIR_OK; i++) {
        if (self->n_spread == 0 || message->as.words[0] % self->n_spread == i) {
            weiri_message copy = *message;
            copy.to            = self->to[i];
            status             = weiri_actor_send(actor, &copy);
        }
    }
    return status;
}

const weiri_behaviour rig_stage_behaviour = {
    .size       = sizeof(weiri_behaviour),
    .name       = "stage",
    .state_size = sizeof(struct stage),
    .init       = stage_init,
    .on_message = stage_message,
};

/* ---- sink ---- */

struct sink {
    rig_sink *totals;
    uint64_t  next; /* the least number that is in order */
    uint64_t  n_waited;
};

static weir_status
sink_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct sink *self = state;
    (void)actor;
    (void)err;
    memcpy(&self->totals, &config, sizeof config);
    return WEIR_OK;
}

static weir_status
sink_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct sink *self   = state;
    rig_sink    *totals = self->totals;
    uint64_t     number = message->as.words[0];
    (void)err;
    if (totals->wait_every > 0 && totals->n / totals->wait_every > self->n_waited) {
        self->n_waited++;
        weir_status status = weiri_actor_set_timer(actor, WEIRI_CLOCK_TIME,
            weiri_actor_now(actor, WEIRI_CLOCK_TIME) + totals->wait_ns, 0, NULL);
        return status == WEIR_OK ? WEIR_EAGAIN : status;
    }
    if (totals->n_given != NULL && *totals->n_given - number > totals->max_lead) {
        totals->max_lead = *totals->n_given - number;
    }
    totals->n_out_of_order += number < self->next;
    self->next = number + 1;
    totals->n++;
    totals->sum += number;
    return WEIR_OK;
}

static weir_status
sink_timer(
    weiri_actor *actor, void *state, uint64_t tag, int64_t deadline_ns, weir_error *err)
{
    (void)state;
    (void)tag;
    (void)deadline_ns;
    (void)err;
    weiri_actor_resume(actor);
    return WEIR_OK;
}

const weiri_behaviour rig_sink_behaviour = {
    .size       = sizeof(weiri_behaviour),
    .name       = "sum",
    .state_size = sizeof(struct sink),
    .init       = sink_init,
    .on_message = sink_message,
    .on_timer   = sink_timer,
};
