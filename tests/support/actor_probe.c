#include "actor_probe.h"

/* The state is a count of messages, so that it can be saved, and where the config is. */
struct state {
    probe   *config;
    uint64_t n;
};

void
probe_note(const probe *self, const char *format, ...)
{
    if (self->log == NULL) {
        return;
    }
    size_t  used = strlen(self->log);
    va_list arguments;
    used += (size_t)snprintf(self->log + used, PROBE_LOG - used, "%s ", self->name);
    va_start(arguments, format);
    used += (size_t)vsnprintf(self->log + used, PROBE_LOG - used, format, arguments);
    va_end(arguments);
    assert_true(used + 2 < PROBE_LOG);
    memcpy(self->log + used, "\n", 2);
}

weir_status
probe_send(weiri_actor *actor, const char *to, uint64_t number)
{
    weiri_message message = { .to = weiri_actor_resolve(actor, to),
        .kind                     = KIND_NUMBER,
        .size                     = 8,
        .as.words                 = { number } };
    return weiri_actor_send(actor, &message);
}

weir_status
probe_signal(weiri_actor *actor, weiri_address to, uint64_t number)
{
    weiri_message message = {
        .to = to, .kind = KIND_NUMBER, .size = 8, .as.words = { number }
    };
    return weiri_actor_signal(actor, &message);
}

static weir_status
init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    struct state *self = state;
    (void)err;
    memcpy(&self->config, &config, sizeof config);
    return self->config->on_init != NULL ? self->config->on_init(actor, self->config)
                                         : WEIR_OK;
}

static weir_status
on_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    struct state *self = state;
    (void)err;
    self->n++;
    self->config->n = self->n;
    return self->config->on_message != NULL
               ? self->config->on_message(actor, self->config, message)
               : WEIR_OK;
}

static weir_status
on_timer(
    weiri_actor *actor, void *state, uint64_t tag, int64_t deadline_ns, weir_error *err)
{
    struct state *self = state;
    (void)err;
    (void)deadline_ns;
    return self->config->on_timer != NULL
               ? self->config->on_timer(actor, self->config, tag)
               : WEIR_OK;
}

static weir_status
drain(weiri_actor *actor, void *state, weir_error *err)
{
    struct state *self = state;
    (void)err;
    return self->config->on_drain != NULL ? self->config->on_drain(actor, self->config)
                                          : WEIR_OK;
}

static weir_status
save(const void *state, weiri_pack *out)
{
    weiri_pack_number(out, ((const struct state *)state)->n);
    return WEIR_OK;
}

static weir_status
load(void *state, weiri_unpack *in)
{
    ((struct state *)state)->n = weiri_unpack_number(in);
    return in->wrong == NULL ? WEIR_OK : WEIR_EDATA;
}

static bool
is_empty(const void *state)
{
    return ((const struct state *)state)->n % 2 == 0;
}

static void
fini(void *state)
{
    probe_note(((struct state *)state)->config, "fini");
}

const weiri_behaviour probe_behaviour = {
    .size       = sizeof(weiri_behaviour),
    .name       = "probe",
    .state_size = sizeof(struct state),
    .init       = init,
    .on_message = on_message,
    .on_timer   = on_timer,
    .drain      = drain,
    .save       = save,
    .load       = load,
    .is_empty   = is_empty,
    .fini       = fini,
};
