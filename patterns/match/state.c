#include "match/state.h"

#include <stdlib.h>
#include <string.h>

#include "match/fingerprint.h"

enum { PARTITION, LIMIT };
enum { AHEAD = 16 }; /* keys that are looked at before the first of them is loaded */

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

static bool
save_partitions(const weiri_stateful *self, weiri_keyed *out)
{
    const weiri_match     *plan      = self->core->plan;
    uint32_t               number    = 0;
    weir_value            *key       = calloc(plan->n_keys + (size_t)1, sizeof *key);
    weiri_seen             seen      = { .slots = NULL };
    bool                   ok        = key != NULL;
    const weiri_partition *partition = weiri_keys_next(self->core->keys, &number);
    for (; ok && partition != NULL;
         partition = weiri_keys_next(self->core->keys, &number)) {
        weiri_keys_values(self->core->keys, partition, key);
        weiri_pack *pack = weiri_keyed_begin(out, key, plan->n_keys, PARTITION);
        if (pack != NULL) {
            weiri_seen_clear(&seen);
            self->ops->save_partition(self->executor, partition, pack, &seen);
            weiri_keyed_end(out);
            ok = !seen.is_out_of_memory;
        }
    }
    weiri_seen_fini(&seen);
    free(key);
    return ok;
}

static void
save_head(const weiri_stateful *self, weiri_pack *out)
{
    const weiri_match_counts *counts = &self->core->counts;
    weiri_pack_text(out, self->ops->name, strlen(self->ops->name));
    weiri_pack_fixed(out, weiri_match_fingerprint(self->core->plan));
    weiri_pack_number(out, self->n_events);
#define X(name) weiri_pack_number(out, counts->name);
    COUNTER_LIST(X)
#undef X
    if (self->ops->save != NULL) {
        self->ops->save(self->executor, out);
    }
    if (self->core->limiter != NULL) { /* else there is nothing of it */
        weiri_pack_number(out, counts->limited);
        weiri_limiter_save_head(self->core->limiter, out);
    }
}

static void
add_types(const weiri_match *plan, weiri_keyed *out)
{
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        weiri_keyed_add_type(out, k, plan->inputs[0].keys[k]->type);
    }
}

weir_status
weiri_state_save(const weiri_stateful *self, weiri_keyed *out, weir_error *err)
{
    if (self->ops->save_partition == NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "executor '%s' cannot save its state", self->ops->name);
    }
    if (self->core->status != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the matcher has stopped");
    }
    save_head(self, &out->head);
    add_types(self->core->plan, out);
    weiri_keyed_end_head(out);
    if (out->is_out_of_memory || !save_partitions(self, out)
        || (self->core->limiter != NULL
            && !weiri_limiter_save(self->core->limiter, LIMIT, out))) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    return WEIR_OK;
}

/* ---- loading ---- */

static void
unpack_key(
    const weiri_keyed_reader *from, const weiri_keyed_entry *entry, weir_value *key)
{
    weiri_unpack in = entry->key;
    for (uint32_t k = 0; k < from->n_values; k++) {
        key[k] = weiri_key_value_unpack((weir_type)from->types[k], &in);
    }
}

static void
load_partition(weiri_stateful *self, const weiri_keyed_reader *from, weir_value *key,
    weiri_keyed_entry *entry, weiri_shared *shared)
{
    weiri_unpack    *in        = &entry->state;
    weiri_partition *partition = NULL;
    unpack_key(from, entry, key);
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
load_entry(weiri_stateful *self, weiri_keyed_reader *from, weir_value *key,
    weiri_keyed_entry *entry, weiri_shared *shared)
{
    weiri_unpack *in = &entry->state;
    if (entry->part == PARTITION) {
        load_partition(self, from, key, entry, shared);
    } else if (self->core->limiter == NULL) {
        weiri_unpack_fail(in, "its rule has no limit");
    } else if (!weiri_limiter_load(self->core->limiter, &entry->key, in)
               && in->wrong == NULL) {
        self->core->status = WEIR_ENOMEM;
    }
    if (in->wrong == NULL && in->at != in->end) {
        weiri_unpack_fail(in, "something follows what is kept of a key");
    }
    if (in->wrong != NULL) {
        weiri_unpack_fail(&from->in, in->wrong);
    }
}

/* Its place in the table of keys is far from that of the key before it. */
static void
fetch_entry(weiri_stateful *self, const weiri_keyed_reader *from, weir_value *key,
    const weiri_keyed_entry *entry)
{
    if (entry->part == PARTITION) {
        unpack_key(from, entry, key);
        weiri_keys_fetch(self->core->keys, key);
    }
}

static void
load_keys(weiri_stateful *self, weiri_keyed_reader *from, const weiri_groups *groups)
{
    weiri_shared      shared = { .n_text_bytes = 0 };
    weiri_keyed_entry entries[AHEAD];
    uint32_t          n   = AHEAD;
    weir_value       *key = calloc(self->core->plan->n_keys + (size_t)1, sizeof *key);
    if (key == NULL) {
        self->core->status = WEIR_ENOMEM;
    }
    while (n == AHEAD && self->core->status == WEIR_OK) {
        for (n = 0; n < AHEAD && weiri_keyed_next(from, groups, &entries[n]); n++) {
            fetch_entry(self, from, key, &entries[n]);
        }
        for (uint32_t i = 0; i < n && self->core->status == WEIR_OK; i++) {
            load_entry(self, from, key, &entries[i], &shared);
        }
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

/* Counters add up; the next event comes after all that any part has seen. */
static void
load_head(weiri_stateful *self, weiri_keyed_head *head, bool is_first)
{
    weiri_match_counts *counts  = &self->core->counts;
    weiri_unpack       *in      = &head->in;
    bool                is_ours = is_first && head->counts;
    uint64_t n_events = weiri_unpack_below(in, MAX_EVENTS, "it is of too many events");
    self->n_events    = n_events > self->n_events ? n_events : self->n_events;
#define X(name)                                                                          \
    {                                                                                    \
        uint64_t more = weiri_unpack_number(in);                                         \
        counts->name += is_ours ? more : 0;                                              \
    }
    COUNTER_LIST(X)
#undef X
    if (self->ops->load != NULL) {
        self->ops->load(self->executor, in);
    }
    if (self->core->limiter != NULL) {
        uint64_t limited = weiri_unpack_number(in);
        counts->limited += is_ours ? limited : 0;
        weiri_limiter_load_head(self->core->limiter, in);
    }
    if (in->at != in->end) {
        weiri_unpack_fail(in, "something follows a head");
    }
}

static weir_status
load_heads(weiri_stateful *self, weiri_keyed_reader *from, bool is_first, weir_error *err)
{
    weiri_keyed_head head;
    while (weiri_keyed_next_head(from, &head)) {
        weir_status status = check_owner(self, &head.in, err);
        if (status != WEIR_OK) {
            return status;
        }
        load_head(self, &head, is_first);
        if (head.in.wrong != NULL) {
            weiri_unpack_fail(&from->in, head.in.wrong);
        }
    }
    return WEIR_OK;
}

static bool
has_types(const weiri_match *plan, weiri_keyed_reader *from)
{
    bool is_same = weiri_keyed_has_values(from, plan->n_keys);
    for (uint32_t k = 0; is_same && k < plan->n_keys; k++) {
        is_same = weiri_keyed_has_type(from, k, plan->inputs[0].keys[k]->type);
    }
    return is_same;
}

weir_status
weiri_state_load(weiri_stateful *self, const weiri_keyed_load *how, weir_error *err)
{
    weiri_keyed_reader from = how->from;
    if (self->ops->load_partition == NULL) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "executor '%s' cannot load its state", self->ops->name);
    }
    if (self->n_events > 0 || weiri_keys_live(self->core->keys) > 0) {
        return WEIR_FAIL(err, WEIR_EINVAL, "state is loaded into a matcher in use");
    }
    weir_status status = load_heads(self, &from, how->is_first, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (from.in.wrong == NULL && has_types(self->core->plan, &from)) {
        load_keys(self, &from, how->groups);
    }
    if (from.in.wrong == NULL && self->core->status == WEIR_OK) {
        self->ops->loaded(self->executor);
    }
    if (self->core->status == WEIR_ENOMEM) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    if (from.in.wrong != NULL) {
        self->core->status = WEIR_EDATA;
        return WEIR_FAIL(
            err, WEIR_EDATA, "the state cannot be loaded: %s", from.in.wrong);
    }
    return WEIR_OK;
}
