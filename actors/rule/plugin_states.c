/* A state for each key, found by hash; timers in a heap. What is made first comes first
 * where times are equal, so that no hash is seen. */
#include <stdlib.h>
#include <string.h>

#include "plugin_host.h"

/* ---- timers ---- */

static bool
is_before(const weiri_plugin_state *a, const weiri_plugin_state *b)
{
    return a->timer != b->timer ? a->timer < b->timer : a->serial < b->serial;
}

static void
put(weiri_plugin_host *self, uint32_t place, weiri_plugin_state *state)
{
    self->heap[place] = state;
    state->in_heap    = place;
}

static void
sift(weiri_plugin_host *self, uint32_t place)
{
    weiri_plugin_state *state = self->heap[place];
    while (place > 0 && is_before(state, self->heap[(place - 1) / 2])) {
        put(self, place, self->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < self->n_heap
            && is_before(self->heap[child + 1], self->heap[child])) {
            child++;
        }
        if (child >= self->n_heap || !is_before(self->heap[child], state)) {
            break;
        }
        put(self, place, self->heap[child]);
        place = child;
    }
    put(self, place, state);
}

void
weiri_plugin_set_timer(weiri_plugin_host *self, weiri_plugin_state *state, int64_t at_ns)
{
    state->timer = at_ns;
    if (at_ns == INT64_MAX && state->in_heap != UINT32_MAX) {
        uint32_t            place = state->in_heap;
        weiri_plugin_state *last  = self->heap[--self->n_heap];
        state->in_heap            = UINT32_MAX;
        if (last != state) {
            put(self, place, last);
            sift(self, place);
        }
    } else if (at_ns != INT64_MAX) {
        if (state->in_heap == UINT32_MAX) {
            put(self, self->n_heap++, state);
        }
        sift(self, state->in_heap);
    }
}

/* ---- keys ---- */

static uint32_t
home_of(const weiri_plugin_host *self, uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32) & (self->n_slots - 1);
}

static uint32_t
slot_of(const weiri_plugin_host *self, const uint8_t *key, size_t size, uint64_t hash)
{
    uint32_t slot = home_of(self, hash);
    while (self->slots[slot] != 0) {
        const weiri_plugin_state *state = self->states[self->slots[slot] - 1];
        if (state->hash == hash && state->key_size == size
            && (size == 0 || memcmp(state->key, key, size) == 0)) {
            break;
        }
        slot = (slot + 1) & (self->n_slots - 1);
    }
    return slot;
}

static weir_status
grow(weiri_plugin_host *self)
{
    uint32_t room   = self->room == 0 ? 8 : 2 * self->room;
    void    *states = realloc(self->states, room * sizeof(void *));
    self->states    = states != NULL ? states : self->states;
    void *heap      = realloc(self->heap, room * sizeof(void *));
    self->heap      = heap != NULL ? heap : self->heap;
    uint32_t *slots = calloc(2 * (size_t)room, sizeof *slots);
    if (states == NULL || heap == NULL || slots == NULL) {
        free(slots);
        return WEIR_ENOMEM;
    }
    free(self->slots);
    self->slots   = slots;
    self->n_slots = 2 * room;
    self->room    = room;
    for (uint32_t i = 0; i < self->n_states; i++) {
        const weiri_plugin_state *state = self->states[i];
        self->slots[slot_of(self, state->key, state->key_size, state->hash)] = i + 1;
    }
    return WEIR_OK;
}

static void
destroy_state(const weiri_plugin_host *self, weiri_plugin_state *state)
{
    if (state->state != NULL && self->plan->actor->state_free != NULL) {
        self->plan->actor->state_free(self->actor, state->state);
    }
    free(state->key);
    free(state);
}

void
weiri_plugin_drop_states(weiri_plugin_host *self)
{
    for (uint32_t i = 0; i < self->n_states; i++) {
        destroy_state(self, self->states[i]);
    }
    if (self->n_slots > 0) {
        memset(self->slots, 0, self->n_slots * sizeof *self->slots);
    }
    self->n_states = 0;
    self->n_heap   = 0;
    self->oldest   = NULL;
    self->newest   = NULL;
}

/* ---- one that goes ---- */

static void
unlink_state(weiri_plugin_host *self, weiri_plugin_state *state)
{
    bool is_in = self->oldest == state || state->older != NULL;
    if (!is_in) {
        return;
    }
    *(state->older != NULL ? &state->older->newer : &self->oldest) = state->newer;
    *(state->newer != NULL ? &state->newer->older : &self->newest) = state->older;
    state->older                                                   = NULL;
    state->newer                                                   = NULL;
}

void
weiri_plugin_touch(weiri_plugin_host *self, weiri_plugin_state *state, int64_t time_ns)
{
    state->last_ns = time_ns;
    if (self->newest == state) {
        return;
    }
    unlink_state(self, state);
    state->older                                                   = self->newest;
    *(self->newest != NULL ? &self->newest->newer : &self->oldest) = state;
    self->newest                                                   = state;
}

/* Empty a slot, and move up what stands behind it only because it was taken. */
static void
free_slot(weiri_plugin_host *self, uint32_t slot)
{
    uint32_t mask     = self->n_slots - 1;
    self->slots[slot] = 0;
    for (uint32_t next = (slot + 1) & mask; self->slots[next] != 0;
         next          = (next + 1) & mask) {
        uint32_t home = home_of(self, self->states[self->slots[next] - 1]->hash);
        if (((next - home) & mask) >= ((next - slot) & mask)) {
            self->slots[slot] = self->slots[next];
            self->slots[next] = 0;
            slot              = next;
        }
    }
}

void
weiri_plugin_drop_state(weiri_plugin_host *self, weiri_plugin_state *state)
{
    weiri_plugin_state *last = self->states[self->n_states - 1];
    weiri_plugin_set_timer(self, state, INT64_MAX);
    unlink_state(self, state);
    free_slot(self, slot_of(self, state->key, state->key_size, state->hash));
    self->n_states--;
    if (last != state) {
        self->slots[slot_of(self, last->key, last->key_size, last->hash)] =
            state->index + 1;
        self->states[state->index] = last;
        last->index                = state->index;
    }
    destroy_state(self, state);
}

/* A state of a key that is not there yet, its `state` still to be made. */
static weir_status
add_state(
    weiri_plugin_host *self, const uint8_t *key, size_t size, weiri_plugin_state **out)
{
    weir_status status = self->n_states == self->room ? grow(self) : WEIR_OK;
    if (status != WEIR_OK) {
        return status;
    }
    weiri_plugin_state *state = calloc(1, sizeof *state);
    uint8_t            *copy  = malloc(size + 1);
    if (state == NULL || copy == NULL) {
        free(state);
        free(copy);
        return WEIR_ENOMEM;
    }
    if (size > 0) {
        memcpy(copy, key, size);
    }
    state->key      = copy;
    state->key_size = size;
    state->hash     = weiri_hash_bytes(WEIRI_HASH_BEGIN, key, size);
    state->timer    = INT64_MAX;
    state->in_heap  = UINT32_MAX;
    state->last_ns  = INT64_MIN;
    *out            = state;
    return WEIR_OK;
}

static void
keep_state(weiri_plugin_host *self, weiri_plugin_state *state, uint64_t position)
{
    uint32_t slot = slot_of(self, state->key, state->key_size, state->hash);
    state->index  = self->n_states;
    state->serial = position;
    self->states[self->n_states++] = state;
    self->slots[slot]              = self->n_states;
}

weiri_plugin_state *
weiri_plugin_state_at(const weiri_plugin_host *self, const uint8_t *key, size_t size)
{
    if (self->n_slots == 0) {
        return NULL;
    }
    uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, key, size);
    uint32_t slot = slot_of(self, key, size, hash);
    return self->slots[slot] != 0 ? self->states[self->slots[slot] - 1] : NULL;
}

weir_status
weiri_plugin_find_state(weiri_plugin_host *self, const uint8_t *key, size_t size,
    uint64_t position, weiri_plugin_calling *call, weiri_plugin_state **out)
{
    *out = weiri_plugin_state_at(self, key, size);
    if (*out != NULL) {
        return WEIR_OK;
    }
    const weir_plugin_actor *actor = self->plan->actor;
    if (self->n_states == WEIRI_PLUGIN_STATES) {
        weiri_plugin_fail(
            &call->base.base, "more than %d keys have a state", WEIRI_PLUGIN_STATES);
        return WEIR_EDATA;
    }
    weiri_plugin_state *state  = NULL;
    weir_status         status = add_state(self, key, size, &state);
    if (status != WEIR_OK) {
        return status;
    }
    if (actor->state_new != NULL
        && !actor->state_new(&call->base.base, self->actor, &state->state)) {
        weiri_plugin_fail(&call->base.base, "state_new failed and gave no reason");
        state->state = NULL;
        destroy_state(self, state);
        return WEIR_EDATA;
    }
    keep_state(self, state, position);
    *out = state;
    return WEIR_OK;
}

/* ---- state as bytes ---- */

enum { IS_TIMED = 1, HAS_LAST = 2, FLAGS = 4 };
/* A state's key as values, which it was packed from. */
static void
unpack_key(
    const weiri_plugin_host *self, const weiri_plugin_state *state, weir_value *key)
{
    weiri_unpack in = { .at = state->key, .end = state->key + state->key_size };
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        key[i] = weiri_key_value_unpack(self->plan->keys[i]->type, &in);
    }
}

static weir_status
save_state(const weiri_plugin_host *self, const weiri_plugin_state *state,
    weir_value *key, weiri_keyed *out, weir_error *err)
{
    weiri_plugin_calling call;
    weiri_pack           bytes = { 0 };
    unpack_key(self, state, key);
    weiri_pack *pack = weiri_keyed_begin(out, key, self->plan->n_keys, 0);
    if (pack == NULL) {
        return WEIR_OK;
    }
    weiri_plugin_calling_init(&call, (weiri_plugin_host *)(uintptr_t)self);
    call.out   = &bytes;
    bool is_ok = self->plan->actor->state_save(&call.base.base, self->actor, state->state)
                 && !call.base.is_failed;
    bool is_timed = state->timer != INT64_MAX;
    bool has_last = self->plan->idle_ns >= 0;
    weiri_pack_number(pack, state->serial);
    weiri_pack_number(pack, (is_timed ? IS_TIMED : 0) | (has_last ? HAS_LAST : 0));
    weiri_pack_time(pack, is_timed ? state->timer : 0);
    if (has_last) {
        weiri_pack_time(pack, state->last_ns);
    }
    weiri_pack_text(pack, bytes.bytes, bytes.size);
    pack->is_out_of_memory = pack->is_out_of_memory || bytes.is_out_of_memory;
    weiri_pack_fini(&bytes);
    weiri_keyed_end(out);
    return is_ok ? WEIR_OK
                 : WEIR_FAIL(err, WEIR_EINVAL, "its state cannot be saved: %s",
                     weiri_plugin_reason(&call.base));
}

static int
compare_serials(const void *a, const void *b)
{
    uint64_t x = (*(weiri_plugin_state *const *)a)->serial;
    uint64_t y = (*(weiri_plugin_state *const *)b)->serial;
    return (x > y) - (x < y);
}

/* By last event; of one time whatever was made first. */
static int
compare_lasts(const void *a, const void *b)
{
    const weiri_plugin_state *x = *(weiri_plugin_state *const *)a;
    const weiri_plugin_state *y = *(weiri_plugin_state *const *)b;
    return x->last_ns != y->last_ns ? (x->last_ns > y->last_ns ? 1 : -1)
                                    : compare_serials(a, b);
}

/* The order of last events anew, when all states are there. */
static void
link_states(weiri_plugin_host *self)
{
    if (self->n_states > 0) {
        weiri_plugin_state **sorted = malloc(self->n_states * sizeof(void *));
        if (sorted == NULL) {
            return; /* none is dropped before its next event */
        }
        memcpy(sorted, self->states, self->n_states * sizeof(void *));
        qsort(sorted, self->n_states, sizeof(void *), compare_lasts);
        for (uint32_t i = 0; i < self->n_states; i++) {
            weiri_plugin_touch(self, sorted[i], sorted[i]->last_ns);
        }
        free(sorted);
    }
}

weir_status
weiri_plugin_save_states(const weiri_plugin_host *self, weiri_keyed *out, weir_error *err)
{
    const weir_plugin_actor *actor  = self->plan->actor;
    weir_status              status = WEIR_OK;
    if (actor->state_new != NULL && actor->state_save == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "actor '%s' has no state_save, so its state cannot be kept", actor->name);
    }
    weir_value *key = calloc(self->plan->n_keys + (size_t)1, sizeof *key);
    if (key == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    weiri_pack_text(&out->head, actor->name, strlen(actor->name));
    weiri_pack_number(&out->head, actor->state_version);
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        weiri_keyed_add_type(out, i, self->plan->keys[i]->type);
    }
    weiri_keyed_end_head(out);
    uint32_t n = actor->state_new == NULL ? 0 : self->n_states;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = save_state(self, self->states[i], key, out, err);
    }
    free(key);
    return status;
}

/* A state that is to be loaded, and where it stood among them. */
typedef struct found {
    uint64_t     number;
    weiri_unpack key;
    weiri_unpack in;
} found;

static weir_status
load_state(weiri_plugin_host *self, found *from, weir_error *err)
{
    weiri_unpack *in       = &from->in;
    uint32_t      size     = 0;
    uint64_t      flags    = weiri_unpack_below(in, FLAGS, "a timer is none");
    bool          is_timed = (flags & IS_TIMED) != 0;
    int64_t       timer    = weiri_unpack_time(in);
    int64_t       last_ns  = (flags & HAS_LAST) != 0 ? weiri_unpack_time(in) : INT64_MIN;
    const char   *bytes    = weiri_unpack_text(in, &size);
    weiri_plugin_state  *state = NULL;
    weiri_plugin_calling call;
    weiri_plugin_calling_init(&call, self);
    if (in->wrong == NULL && in->at != in->end) {
        weiri_unpack_fail(in, "something follows what is kept of a key");
    }
    if (in->wrong != NULL) {
        return WEIR_OK; /* told by the caller */
    }
    weir_status status =
        add_state(self, from->key.at, (size_t)(from->key.end - from->key.at), &state);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "no memory for the state");
    }
    if (self->slots[slot_of(self, state->key, state->key_size, state->hash)] != 0) {
        weiri_unpack_fail(in, "a key is there twice");
    } else if (!self->plan->actor->state_load(
                   &call.base.base, self->actor, bytes, size, &state->state)
               || call.base.is_failed) {
        state->state = NULL;
        destroy_state(self, state);
        return WEIR_FAIL(err, WEIR_EDATA, "its state cannot be read: %s",
            weiri_plugin_reason(&call.base));
    }
    if (in->wrong != NULL) {
        destroy_state(self, state);
        return WEIR_OK;
    }
    state->last_ns = last_ns;
    keep_state(self, state, from->number);
    self->tally.position =
        from->number >= self->tally.position ? from->number + 1 : self->tally.position;
    if (is_timed && self->plan->actor->on_timer != NULL) {
        weiri_plugin_set_timer(self, state, timer);
    }
    return WEIR_OK;
}

static int
compare_found(const void *a, const void *b)
{
    const found *x = a;
    const found *y = b;
    return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
                                  : (x->key.at > y->key.at) - (x->key.at < y->key.at);
}

static void
load_heads(const weiri_plugin_host *self, weiri_keyed_reader *from)
{
    const weir_plugin_actor *actor = self->plan->actor;
    weiri_keyed_head         head;
    while (weiri_keyed_next_head(from, &head)) {
        uint32_t    size = 0;
        const char *name = weiri_unpack_text(&head.in, &size);
        if (head.in.wrong == NULL
            && (size != strlen(actor->name) || memcmp(name, actor->name, size) != 0)) {
            weiri_unpack_fail(&head.in, "it is of another actor");
        }
        if (weiri_unpack_number(&head.in) != actor->state_version) {
            weiri_unpack_fail(
                &head.in, "it was written by another version of the plugin");
        }
        if (head.in.at != head.in.end) {
            weiri_unpack_fail(&head.in, "something follows a head");
        }
        if (head.in.wrong != NULL) {
            weiri_unpack_fail(&from->in, head.in.wrong);
        }
    }
}

/* What is there, into `all`, shape (*n,), in the order of making. */
static weir_status
find_states(weiri_keyed_reader *from, const weiri_groups *groups, found **all, size_t *n)
{
    enum { FIRST = 64 };
    size_t            room = 0;
    weiri_keyed_entry entry;
    while (weiri_keyed_next(from, groups, &entry)) {
        if (*n == room) {
            room         = room > 0 ? 2 * room : FIRST;
            found *grown = realloc(*all, room * sizeof *grown);
            if (grown == NULL) {
                return WEIR_ENOMEM;
            }
            *all = grown;
        }
        if (*n == WEIRI_PLUGIN_STATES) {
            weiri_unpack_fail(&from->in, "it has too many keys");
            return WEIR_OK;
        }
        found *it = &(*all)[(*n)++];
        *it       = (found){ .key = entry.key, .in = entry.state };
        it->number =
            weiri_unpack_below(&it->in, WEIRI_TRIGGER_LATER, "a key began with no event");
    }
    if (*n > 1) {
        qsort(*all, *n, sizeof **all, compare_found);
    }
    return WEIR_OK;
}

static bool
has_types(const weiri_actor_plan *plan, weiri_keyed_reader *from)
{
    bool is_same = weiri_keyed_has_values(from, plan->n_keys);
    for (uint32_t i = 0; is_same && i < plan->n_keys; i++) {
        is_same = weiri_keyed_has_type(from, i, plan->keys[i]->type);
    }
    return is_same;
}

weir_status
weiri_plugin_load_states(
    weiri_plugin_host *self, const weiri_keyed_load *how, weir_error *err)
{
    weiri_keyed_reader from   = how->from;
    found             *all    = NULL;
    size_t             n      = 0;
    weir_status        status = WEIR_OK;
    load_heads(self, &from);
    if (has_types(self->plan, &from)) {
        status = find_states(&from, how->groups, &all, &n);
    }
    if (n > 0 && self->plan->actor->state_load == NULL) {
        weiri_unpack_fail(&from.in, "the plugin has no state_load any more");
    }
    for (size_t i = 0; i < n && from.in.wrong == NULL && status == WEIR_OK; i++) {
        status = load_state(self, &all[i], err);
        if (all[i].in.wrong != NULL) {
            weiri_unpack_fail(&from.in, all[i].in.wrong);
        }
    }
    free(all);
    if (self->plan->idle_ns >= 0) {
        link_states(self);
    }
    if (status == WEIR_OK && from.in.wrong != NULL) {
        status =
            WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", from.in.wrong);
    }
    return status;
}
