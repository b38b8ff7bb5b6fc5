/* A plugin with an actor for each thing that the tests want to see. */
#include <weir/plugin.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if WEIR_PLUGIN_ABI_MINOR >= 1
#define FORGET(call) (call)->host->drop_state(call)
#else
#define FORGET(call) (void)(call)
#endif

/* ---- pass: gives the event with n + bias; fails at thirteen ---- */

static const weir_plugin_field pass_params[] = {
    { .name = "bias", .type = WEIR_INT, .is_nullable = true },
    { .name = "file", .type = WEIR_STRING, .is_nullable = true, .is_path = true },
};
static const weir_plugin_field pass_inputs[]  = { { .name = "n", .type = WEIR_INT } };
static const weir_plugin_field pass_outputs[] = { { .name = "more", .type = WEIR_INT } };

struct pass {
    int64_t bias;
    int64_t opened;
};

static bool
pass_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct pass *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->bias = setup->params[0].is_null ? 0 : setup->params[0].as.i;
    if (self->bias == 666) {
        free(self);
        return call->host->fail(call, "a bias of %d is refused", 666);
    }
    *out = self;
    return true;
}

static bool
pass_event(weir_plugin_call *call, void *actor, void *state, uint32_t row,
    int64_t time_ns, const weir_value *values)
{
    struct pass *self = actor;
    weir_value   more = weir_plugin_int(WEIR_INT, values[0].as.i + self->bias);
    (void)state;
    (void)time_ns;
    if (!call->host->emit(call, row, &more, 1)) {
        return false;
    }
    if (values[0].as.i == 13) {
        return call->host->fail(call, "thirteen brings bad luck");
    }
    return true;
}

static uint32_t
pass_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, pass_event);
}

static const weir_plugin_actor pass = { .size = sizeof pass,
    .name                                     = "pass",
    .params                                   = pass_params,
    .n_params                                 = 2,
    .inputs                                   = pass_inputs,
    .n_inputs                                 = 1,
    .outputs                                  = pass_outputs,
    .n_outputs                                = 1,
    .flags                                    = WEIR_PLUGIN_KEEPS_EVENT,
    .open                                     = pass_open,
    .close                                    = free,
    .on_rows                                  = pass_rows };

/* ---- tally: counts a key's events, and says when it was quiet for ten seconds ---- */

static const weir_plugin_field tally_outputs[] = { { .name = "count", .type = WEIR_INT },
    { .name = "what", .type = WEIR_STRING } };

static bool
tally_new(weir_plugin_call *call, void *self, void **out)
{
    (void)self;
    *out = calloc(1, sizeof(int64_t));
    return *out != NULL || call->host->fail(call, "no memory");
}

static void
tally_free(void *self, void *state)
{
    (void)self;
    free(state);
}

static bool
tally_give(weir_plugin_call *call, uint32_t row, int64_t count, const char *what)
{
    weir_value values[2];
    values[0] = weir_plugin_int(WEIR_INT, count);
    values[1] = weir_plugin_string(what, strlen(what));
    return call->host->emit(call, row, values, 2);
}

static bool
tally_event(weir_plugin_call *call, void *self, void *state, uint32_t row,
    int64_t time_ns, const weir_value *values)
{
    int64_t *count = state;
    (void)self;
    if (values[0].as.i == 13) {
        return call->host->fail(call, "thirteen");
    }
    ++*count;
    if (values[0].as.i == 0) {
        FORGET(call);
    }
    return call->host->set_timer(call, time_ns + INT64_C(10000000000))
           && tally_give(call, row, *count, "event");
}

static uint32_t
tally_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, tally_event);
}

static bool
tally_timer(weir_plugin_call *call, void *self, void *state, int64_t at_ns)
{
    int64_t *count = state;
    (void)self;
    (void)at_ns;
    return tally_give(call, 0, *count, "quiet");
}

static bool
tally_save(weir_plugin_call *call, void *self, const void *state)
{
    (void)self;
    call->host->write(call, state, sizeof(int64_t));
    return true;
}

static bool
tally_load(weir_plugin_call *call, void *self, const void *bytes, size_t size, void **out)
{
    if (size != sizeof(int64_t)) {
        return call->host->fail(call, "%zu bytes are no count", size);
    }
    if (!tally_new(call, self, out)) {
        return false;
    }
    memcpy(*out, bytes, size);
    return true;
}

static const weir_plugin_actor tally = { .size = sizeof tally,
    .name                                      = "tally",
    .inputs                                    = pass_inputs,
    .n_inputs                                  = 1,
    .outputs                                   = tally_outputs,
    .n_outputs                                 = 2,
    .state_version                             = 1,
    .state_new                                 = tally_new,
    .state_free                                = tally_free,
    .on_rows                                   = tally_rows,
    .on_timer                                  = tally_timer,
    .state_save                                = tally_save,
    .state_load                                = tally_load };

/* ---- flaky: fails at thirteen, unless it has just been opened ---- */

static bool
flaky_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    (void)setup;
    *out = calloc(1, sizeof(int64_t));
    return *out != NULL || call->host->fail(call, "no memory");
}

static bool
flaky_event(weir_plugin_call *call, void *self, void *state, uint32_t row,
    int64_t time_ns, const weir_value *values)
{
    int64_t *taken = self;
    int64_t *count = state;
    (void)time_ns;
    if (values[0].as.i == 13 && *taken > 0) {
        return call->host->fail(call, "thirteen");
    }
    ++*taken;
    ++*count;
    return tally_give(call, row, *count, "event");
}

static uint32_t
flaky_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, flaky_event);
}

static const weir_plugin_actor flaky = { .size = sizeof flaky,
    .name                                      = "flaky",
    .inputs                                    = pass_inputs,
    .n_inputs                                  = 1,
    .outputs                                   = tally_outputs,
    .n_outputs                                 = 2,
    .open                                      = flaky_open,
    .close                                     = free,
    .state_new                                 = tally_new,
    .state_free                                = tally_free,
    .on_rows                                   = flaky_rows,
    .state_save                                = tally_save,
    .state_load                                = tally_load };

/* ---- fresh: the same, and cannot save its states ---- */

static const weir_plugin_actor fresh = { .size = sizeof fresh,
    .name                                      = "fresh",
    .inputs                                    = pass_inputs,
    .n_inputs                                  = 1,
    .outputs                                   = tally_outputs,
    .n_outputs                                 = 2,
    .open                                      = flaky_open,
    .close                                     = free,
    .state_new                                 = tally_new,
    .state_free                                = tally_free,
    .on_rows                                   = flaky_rows };

/* ---- garbage: what it gives is wrong, in the way that n says ---- */

static const weir_plugin_field garbage_outputs[] = { { .name = "f", .type = WEIR_FLOAT },
    { .name = "s", .type = WEIR_STRING, .is_nullable = true } };

static bool
garbage_event(weir_plugin_call *call, void *self, void *state, uint32_t row,
    int64_t time_ns, const weir_value *values)
{
    weir_value out[2];
    uint32_t   n = 2;
    (void)self;
    (void)state;
    (void)time_ns;
    out[0] = weir_plugin_float(1.5);
    out[1] = weir_plugin_null(WEIR_STRING);
    switch (values[0].as.i) {
    case 1: out[0] = weir_plugin_int(WEIR_INT, 1); break;
    case 2: out[0] = weir_plugin_null(WEIR_FLOAT); break;
    case 3: out[0] = weir_plugin_float(NAN); break;
    case 4: out[1] = weir_plugin_string("\xff\xfe", 2); break;
    case 5: n = 1; break;
    case 6: row += 5000; break;
    case 7: return false;
    case 8:
        while (call->host->emit(call, row, out, n)) {
        }
        return true;
    case 9: return call->host->set_timer(call, 0);
    case 10: call->host->write(call, "x", 1); return false;
    case 11: out[0].type = 99; break;
    default: break;
    }
    call->host->emit(call, row, out, n);
    return true; /* what emit said is not looked at */
}

static uint32_t
garbage_rows(
    weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, garbage_event);
}

static const weir_plugin_actor garbage = { .size = sizeof garbage,
    .name                                        = "garbage",
    .inputs                                      = pass_inputs,
    .n_inputs                                    = 1,
    .outputs                                     = garbage_outputs,
    .n_outputs                                   = 2,
    .on_rows                                     = garbage_rows };

/* ---- garbled: the same, of each key ---- */

static const weir_plugin_actor garbled = { .size = sizeof garbled,
    .name                                        = "garbled",
    .inputs                                      = pass_inputs,
    .n_inputs                                    = 1,
    .outputs                                     = garbage_outputs,
    .n_outputs                                   = 2,
    .state_new                                   = tally_new,
    .state_free                                  = tally_free,
    .on_rows                                     = garbage_rows,
    .state_save                                  = tally_save,
    .state_load                                  = tally_load };

/* ---- over: says that it took more than there is ---- */

static uint32_t
over_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    (void)call;
    (void)self;
    (void)state;
    return rows->n + 1000000;
}

static const weir_plugin_actor over = {
    .size = sizeof over, .name = "over", .on_rows = over_rows
};

/* ---- risky: ends the process at 13 (once, with a file), sleeps at 14, fails at 16 ----
 */

static const weir_plugin_field risky_params[] = {
    { .name = "file", .type = WEIR_STRING, .is_nullable = true, .is_path = true },
};

static bool
risky_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    enum { ROOM = 4096 };
    char *self = calloc(1, ROOM);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    if (!setup->params[0].is_null && setup->params[0].size < ROOM) {
        memcpy(self, setup->params[0].as.s, setup->params[0].size);
    }
    *out = self;
    return true;
}

static bool
is_first_time(const char *path)
{
    FILE *file = path[0] != 0 ? fopen(path, "wx") : NULL;
    if (file != NULL) {
        fclose(file);
    }
    return path[0] == 0 || file != NULL;
}

static bool
risky_event(weir_plugin_call *call, void *self, void *state, uint32_t row,
    int64_t time_ns, const weir_value *values)
{
    int64_t *count = state;
    (void)time_ns;
    if (values[0].as.i == 13 && is_first_time(self)) {
        abort();
    }
    while (values[0].as.i == 14) {
    }
    ++*count;
    if (values[0].as.i == 16) {
        return call->host->fail(call, "sixteen");
    }
    return tally_give(call, row, *count, "event");
}

static uint32_t
risky_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, risky_event);
}

static const weir_plugin_actor risky = { .size = sizeof risky,
    .name                                      = "risky",
    .params                                    = risky_params,
    .n_params                                  = 1,
    .inputs                                    = pass_inputs,
    .n_inputs                                  = 1,
    .outputs                                   = tally_outputs,
    .n_outputs                                 = 2,
    .open                                      = risky_open,
    .close                                     = free,
    .state_new                                 = tally_new,
    .state_free                                = tally_free,
    .on_rows                                   = risky_rows,
    .state_save                                = tally_save,
    .state_load                                = tally_load };

/* ---- functions ---- */

static const weir_plugin_field twice_params[] = { { .name = "x", .type = WEIR_FLOAT } };

static bool
twice_of(weir_plugin_call *call, const weir_value *args, weir_value *out)
{
    if (args[0].as.f == 13) {
        return call->host->fail(call, "thirteen");
    }
    *out = weir_plugin_float(2 * args[0].as.f);
    return true;
}

static const weir_plugin_function twice = { sizeof twice, "twice", twice_params, 1,
    WEIR_FLOAT, twice_of };

static const weir_plugin_field shout_params[] = { { .name = "text",
    .type                                                 = WEIR_STRING } };

static bool
shout_of(weir_plugin_call *call, const weir_value *args, weir_value *out)
{
    char *room = call->host->text(call, args[0].size + (size_t)1);
    if (room == NULL) {
        return false;
    }
    memcpy(room, args[0].as.s, args[0].size);
    room[args[0].size] = '!';
    *out               = weir_plugin_string(room, args[0].size + (size_t)1);
    return true;
}

static const weir_plugin_function shout = { sizeof shout, "shout", shout_params, 1,
    WEIR_STRING, shout_of };

static const weir_plugin_actor *const actors[] = { &pass, &tally, &garbage, &over, &flaky,
    &risky, &garbled, &fresh };
static const weir_plugin_function *const functions[] = { &twice, &shout };

WEIR_PLUGIN_DEFINE("fixture", "1.0.0", actors, 8, functions, 2)
