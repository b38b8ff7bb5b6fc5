#include "match/state.h"

#include <stdlib.h>
#include <string.h>

#include "match/fingerprint.h"

static const weiri_seal SEAL = { .magic = "weirM",
    .not_ours                           = "it is no matcher's state",
    .version                            = WEIRI_STATE_VERSION };

#define MAX_EVENTS (UINT64_C(1) << 56)

/* Counters in the order in which they are written. */
#define COUNTER_LIST(X)                                                                  \
    X(matches)                                                                           \
    X(timeouts)                                                                          \
    X(dropped_runs)                                                                      \
    X(dropped_matches)                                                                   \
    X(dropped_at_end)                                                                    \
    X(null_keys)                                                                         \
    X(faults)

/* ---- saving ---- */

static void
save_key(const weiri_match *plan, const weir_value *values, weiri_pack *out)
{
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        switch ((weir_type)values[k].type) {
        case WEIR_BOOL: weiri_pack_number(out, values[k].as.b); break;
        case WEIR_FLOAT: weiri_pack_float(out, values[k].as.f); break;
        case WEIR_STRING:
        case WEIR_LIST: weiri_pack_text(out, values[k].as.s, values[k].size); break;
        case WEIR_TIME:
        case WEIR_DURATION: weiri_pack_time(out, values[k].as.i); break;
        case WEIR_NULL:
        case WEIR_INT: weiri_pack_signed(out, values[k].as.i); break;
        }
    }
}

static bool
save_partitions(const weiri_stateful *self, weiri_pack *out)
{
    const weiri_match *plan    = self->core->plan;
    uint32_t           n       = weiri_keys_live(self->core->keys);
    uint32_t          *numbers = weiri_keys_list(self->core->keys);
    weir_value        *key     = calloc(plan->n_keys + (size_t)1, sizeof *key);
    weiri_seen         seen    = { .slots = NULL };
    bool               ok      = numbers != NULL && key != NULL;
    weiri_pack_number(out, n);
    for (uint32_t i = 0; ok && i < n; i++) {
        const weiri_partition *partition = weiri_keys_at(self->core->keys, numbers[i]);
        weiri_seen_clear(&seen);
        weiri_keys_values(self->core->keys, partition, key);
        save_key(plan, key, out);
        self->ops->save_partition(self->executor, partition, out, &seen);
        ok = !seen.is_out_of_memory && !out->is_out_of_memory;
    }
    weiri_seen_fini(&seen);
    free(key);
    free(numbers);
    return ok;
}

/* A rule without a limit has nothing here. */
static bool
save_limiter(const weiri_core *core, weiri_pack *out)
{
    if (core->limiter == NULL) {
        return true;
    }
    weiri_pack_number(out, core->counts.limited);
    return weiri_limiter_save(core->limiter, out);
}

static void
save_head(const weiri_stateful *self, weiri_pack *out)
{
    const weiri_match_counts *counts = &self->core->counts;
    weiri_pack_open(out, &SEAL);
    weiri_pack_text(out, self->ops->name, strlen(self->ops->name));
    weiri_pack_fixed(out, weiri_match_fingerprint(self->core->plan));
    weiri_pack_number(out, self->n_events);
#define X(name) weiri_pack_number(out, counts->name);
    COUNTER_LIST(X)
#undef X
    if (self->ops->save != NULL) {
        self->ops->save(self->executor, out);
    }
}

weir_status
weiri_state_save(const weiri_stateful *self, weiri_pack *out, weir_error *err)
{
    size_t begin = out->size;
    if (self->ops->save_partition == NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "executor '%s' cannot save its state", self->ops->name);
    }
    if (self->core->status != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the matcher has stopped");
    }
    save_head(self, out);
    bool ok = save_limiter(self->core, out) && save_partitions(self, out);
    if (!weiri_pack_close(out, begin, ok)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return WEIR_OK;
}

/* ---- loading ---- */

static weir_value
load_value(weir_type type, weiri_unpack *in)
{
    weir_value value = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL:
        value.as.b = weiri_unpack_below(in, 2, "a key is no bool") != 0;
        break;
    case WEIR_FLOAT: value.as.f = weiri_unpack_float(in); break;
    case WEIR_STRING:
    case WEIR_LIST: value.as.s = weiri_unpack_text(in, &value.size); break;
    case WEIR_TIME:
    case WEIR_DURATION: value.as.i = weiri_unpack_time(in); break;
    case WEIR_NULL:
    case WEIR_INT: value.as.i = weiri_unpack_signed(in); break;
    }
    return value;
}

static void
load_partition(
    weiri_stateful *self, weir_value *key, weiri_unpack *in, weiri_shared *shared)
{
    const weiri_match *plan      = self->core->plan;
    weiri_partition   *partition = NULL;
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        key[k] = load_value(plan->inputs[0].keys[k]->type, in);
    }
    if (in->wrong != NULL) {
        return;
    }
    weir_status status = weiri_keys_restore(self->core->keys, key, &partition);
    if (status != WEIR_OK) {
        self->core->status = status == WEIR_ENOMEM ? status : self->core->status;
        weiri_unpack_fail(in, "a key comes twice");
        return;
    }
    weiri_shared_clear(shared);
    self->ops->load_partition(self->executor, partition, in, shared);
    if (self->ops->is_empty(partition)) {
        weiri_unpack_fail(in, "a partition is empty");
    }
}

static void
load_partitions(weiri_stateful *self, weiri_unpack *in)
{
    weiri_shared shared = { .n_text_bytes = 0 };
    weir_value  *key    = calloc(self->core->plan->n_keys + (size_t)1, sizeof *key);
    uint64_t     n      = weiri_unpack_number(in);
    if (key == NULL) {
        self->core->status = WEIR_ENOMEM;
    }
    for (; n > 0 && in->wrong == NULL && self->core->status == WEIR_OK; n--) {
        load_partition(self, key, in, &shared);
    }
    if (in->wrong == NULL && in->at != in->end) {
        weiri_unpack_fail(in, "something follows its end");
    }
    weiri_shared_fini(&shared);
    free(key);
}

static weir_status
check_owner(const weiri_stateful *self, weiri_unpack *in, weir_error *err)
{
    uint32_t    size = 0;
    const char *name = weiri_unpack_text(in, &size);
    if (name == NULL || size != strlen(self->ops->name)
        || memcmp(name, self->ops->name, size) != 0) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "the state cannot be loaded: it is not of executor '%s', which the rule has "
            "now",
            self->ops->name);
    }
    if (weiri_unpack_fixed(in) != weiri_match_fingerprint(self->core->plan)) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "the state cannot be loaded: it belongs to another rule, or the rule has "
            "changed since");
    }
    return WEIR_OK;
}

static void
load_limiter(weiri_core *core, weiri_unpack *in)
{
    if (core->limiter == NULL) {
        return;
    }
    core->counts.limited = weiri_unpack_number(in);
    if (!weiri_limiter_load(core->limiter, in) && in->wrong == NULL) {
        core->status = WEIR_ENOMEM;
    }
}

static void
load_body(weiri_stateful *self, weiri_unpack *in)
{
    weiri_match_counts *counts = &self->core->counts;
    self->n_events = weiri_unpack_below(in, MAX_EVENTS, "it is of too many events");
#define X(name) counts->name = weiri_unpack_number(in);
    COUNTER_LIST(X)
#undef X
    if (self->ops->load != NULL) {
        self->ops->load(self->executor, in);
    }
    load_limiter(self->core, in);
    load_partitions(self, in);
    if (in->wrong == NULL && self->core->status == WEIR_OK) {
        self->ops->loaded(self->executor);
    }
}

weir_status
weiri_state_load(weiri_stateful *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    if (self->ops->load_partition == NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "executor '%s' cannot load its state", self->ops->name);
    }
    if (self->n_events > 0 || weiri_keys_live(self->core->keys) > 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "state is loaded into a matcher in use");
    }
    weiri_unpack in    = { .at = bytes, .end = bytes + size };
    const char  *wrong = weiri_unpack_open(&in, &SEAL);
    if (wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", wrong);
    }
    weir_status status = check_owner(self, &in, err);
    if (status != WEIR_OK) {
        return status;
    }
    load_body(self, &in);
    if (self->core->status == WEIR_ENOMEM) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    if (in.wrong != NULL) {
        self->core->status = WEIR_EDATA;
        return WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", in.wrong);
    }
    return WEIR_OK;
}
