/* A state for each key, found by hash; timers in a heap. What is made first comes first
 * where times are equal, so that no hash is seen. */
#include <stdlib.h>
#include <string.h>

#include "plugin_host.h"

/* ---- timers ---- */

static bool
is_before(const weiri_plugin_state *a, const weiri_plugin_state *b)
{
    return a->timer != b->timer ? a->timer < b->timer : a->index < b->index;
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
slot_of(const weiri_plugin_host *self, const uint8_t *key, size_t size, uint64_t hash)
{
    uint32_t slot = (uint32_t)(hash ^ hash >> 32) & (self->n_slots - 1);
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
    state->index    = self->n_states;
    *out            = state;
    return WEIR_OK;
}

static void
keep_state(weiri_plugin_host *self, weiri_plugin_state *state)
{
    uint32_t slot = slot_of(self, state->key, state->key_size, state->hash);
    self->states[self->n_states++] = state;
    self->slots[slot]              = self->n_states;
}

weir_status
weiri_plugin_find_state(weiri_plugin_host *self, const uint8_t *key, size_t size,
    weiri_plugin_calling *call, weiri_plugin_state **out)
{
    uint64_t hash = weiri_hash_bytes(WEIRI_HASH_BEGIN, key, size);
    if (self->n_slots > 0) {
        uint32_t slot = slot_of(self, key, size, hash);
        if (self->slots[slot] != 0) {
            *out = self->states[self->slots[slot] - 1];
            return WEIR_OK;
        }
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
    keep_state(self, state);
    *out = state;
    return WEIR_OK;
}

/* ---- state as bytes ---- */

static weir_status
save_state(const weiri_plugin_host *self, const weiri_plugin_state *state,
    weiri_pack *out, weir_error *err)
{
    weiri_pack           bytes = { 0 };
    weiri_plugin_calling call;
    weiri_plugin_calling_init(&call, (weiri_plugin_host *)(uintptr_t)self);
    call.out   = &bytes;
    bool is_ok = self->plan->actor->state_save(&call.base.base, self->actor, state->state)
                 && !call.base.is_failed;
    weiri_pack_text(out, state->key, state->key_size);
    weiri_pack_number(out, state->timer != INT64_MAX);
    weiri_pack_time(out, state->timer != INT64_MAX ? state->timer : 0);
    weiri_pack_text(out, bytes.bytes, bytes.size);
    out->is_out_of_memory = out->is_out_of_memory || bytes.is_out_of_memory;
    weiri_pack_fini(&bytes);
    return is_ok ? WEIR_OK
                 : WEIR_FAIL(err, WEIR_EINVAL, "its state cannot be saved: %s",
                     weiri_plugin_reason(&call.base));
}

weir_status
weiri_plugin_save_states(const weiri_plugin_host *self, weiri_pack *out, weir_error *err)
{
    const weir_plugin_actor *actor  = self->plan->actor;
    weir_status              status = WEIR_OK;
    if (actor->state_new != NULL && actor->state_save == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "actor '%s' has no state_save, so its state cannot be kept", actor->name);
    }
    weiri_pack_text(out, actor->name, strlen(actor->name));
    weiri_pack_number(out, actor->state_version);
    uint32_t n = actor->state_new == NULL ? 0 : self->n_states;
    weiri_pack_number(out, n);
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = save_state(self, self->states[i], out, err);
    }
    return status;
}

static weir_status
load_state(weiri_plugin_host *self, weiri_unpack *in, weir_error *err)
{
    uint32_t             key_size = 0;
    uint32_t             size     = 0;
    const char          *key      = weiri_unpack_text(in, &key_size);
    bool                 is_timed = weiri_unpack_below(in, 2, "a timer is none") == 1;
    int64_t              timer    = weiri_unpack_time(in);
    const char          *bytes    = weiri_unpack_text(in, &size);
    weiri_plugin_state  *state    = NULL;
    weiri_plugin_calling call;
    weiri_plugin_calling_init(&call, self);
    if (in->wrong != NULL) {
        return WEIR_OK; /* told by the caller */
    }
    weir_status status = add_state(self, (const uint8_t *)key, key_size, &state);
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
    keep_state(self, state);
    if (is_timed && self->plan->actor->on_timer != NULL) {
        weiri_plugin_set_timer(self, state, timer);
    }
    return WEIR_OK;
}

weir_status
weiri_plugin_load_states(weiri_plugin_host *self, weiri_unpack *in, weir_error *err)
{
    const weir_plugin_actor *actor  = self->plan->actor;
    uint32_t                 size   = 0;
    const char              *name   = weiri_unpack_text(in, &size);
    weir_status              status = WEIR_OK;
    if (in->wrong == NULL
        && (size != strlen(actor->name) || memcmp(name, actor->name, size) != 0)) {
        weiri_unpack_fail(in, "it is of another actor");
    }
    if (weiri_unpack_number(in) != actor->state_version) {
        weiri_unpack_fail(in, "it was written by another version of the plugin");
    }
    uint64_t n = weiri_unpack_below(in, WEIRI_PLUGIN_STATES + 1, "it has too many keys");
    if (n > 0 && actor->state_load == NULL) {
        weiri_unpack_fail(in, "the plugin has no state_load any more");
    }
    for (uint64_t i = 0; i < n && in->wrong == NULL && status == WEIR_OK; i++) {
        status = load_state(self, in, err);
    }
    if (status == WEIR_OK && in->wrong != NULL) {
        status = WEIR_FAIL(err, WEIR_EDATA, "the state cannot be loaded: %s", in->wrong);
    }
    return status;
}
