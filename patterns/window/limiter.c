#include "window/limiter.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/cell_pack.h"
#include "weiri/window.h"
#include "window/emission.h"
#include "window/key_table.h"

/* The owner's part of an entry of the table. */
typedef struct limited {
    weiri_emission emission;
    bool           is_used; /* false once given back */
} limited;

struct weiri_limiter {
    const weiri_match *plan;
    weir_type         *types; /* shape (n_keys,) */
    weiri_cell        *cells; /* shape (n_keys,) */
    weiri_key_table    keys;
    uint64_t           n_given;
    int64_t            now_ns;
    uint32_t           sweep; /* next entry to look at */
};

weir_status
weiri_limiter_new(const weiri_match *plan, weiri_limiter **out)
{
    weiri_limiter *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->plan   = plan;
    self->now_ns = INT64_MIN;
    self->types  = calloc(plan->n_keys + (size_t)1, sizeof *self->types);
    self->cells  = calloc(plan->n_keys + (size_t)1, sizeof *self->cells);
    for (uint32_t k = 0; self->types != NULL && k < plan->n_keys; k++) {
        self->types[k] = plan->inputs[0].keys[k]->type;
    }
    if (self->types == NULL || self->cells == NULL
        || weiri_key_table_init(
               &self->keys, self->types, plan->n_keys, sizeof(limited), 0)
               != WEIR_OK
        || weiri_key_table_bound_groups(&self->keys, WEIRI_WINDOW_KEYS) != WEIR_OK) {
        weiri_limiter_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_limiter_destroy(weiri_limiter **self_p)
{
    weiri_limiter *self = *self_p;
    *self_p             = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->keys.n_used; i++) {
        weiri_emission_fini(&((limited *)weiri_key_table_at(&self->keys, i))->emission);
    }
    weiri_key_table_fini(&self->keys);
    free(self->types);
    free(self->cells);
    free(self);
}

static bool
is_over(const weiri_limiter *self, const limited *key)
{
    return weiri_emission_over_from(&key->emission, self->plan->limit_ns) <= self->now_ns;
}

/* Forget up to n of the keys that are over. */
static weir_status
sweep(weiri_limiter *self, uint32_t n)
{
    weir_status status = WEIR_OK;
    for (; n > 0 && status == WEIR_OK; n--) {
        self->sweep = self->sweep + 1 < self->keys.n_used ? self->sweep + 1 : 0;
        limited *it = weiri_key_table_at(&self->keys, self->sweep);
        if (it->is_used && is_over(self, it)) {
            weiri_emission_fini(&it->emission);
            it->is_used = false;
            status      = weiri_key_table_remove(&self->keys, self->sweep);
        }
    }
    return status;
}

/* The entry of the key in self->cells; WEIRI_NO_ENTRY where the table is full. */
static weir_status
entry_of(weiri_limiter *self, uint32_t *index, bool *is_new)
{
    uint32_t    hash = weiri_key_hash(self->types, self->cells, self->plan->n_keys);
    weir_status status =
        weiri_key_table_need(&self->keys, hash, self->cells, index, is_new);
    if (status == WEIR_EFULL) {
        status = sweep(self, self->keys.n_used);
        if (status == WEIR_OK) {
            status = weiri_key_table_need(&self->keys, hash, self->cells, index, is_new);
        }
    }
    if (status == WEIR_OK) {
        ((limited *)weiri_key_table_at(&self->keys, *index))->is_used = true;
    }
    return status;
}

weir_status
weiri_limiter_allow(
    weiri_limiter *self, const weir_value *key, int64_t time_ns, bool *is_allowed)
{
    enum { AT_ONCE = 2 };
    const weiri_match *plan   = self->plan;
    uint32_t           index  = WEIRI_NO_ENTRY;
    bool               is_new = false;
    *is_allowed               = false;
    self->now_ns              = time_ns;
    if (plan->limit_ns < 0) {
        *is_allowed = self->n_given < plan->limit;
        self->n_given += *is_allowed;
        return WEIR_OK;
    }
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        weiri_cell cell = { .i = key[k].as.i };
        if (weiri_cell_is_text(self->types[k])) {
            cell.s = &key[k];
        } else if (self->types[k] == WEIR_BOOL) {
            cell.i = key[k].as.b;
        }
        self->cells[k] = weiri_cell_plain(self->types[k], cell);
    }
    weir_status status = entry_of(self, &index, &is_new);
    if (status != WEIR_OK) {
        return status == WEIR_EFULL ? WEIR_OK : status;
    }
    limited *it = weiri_key_table_at(&self->keys, index);
    if (!weiri_emission_allow(
            &it->emission, plan->limit, plan->limit_ns, time_ns, is_allowed)) {
        return WEIR_ENOMEM;
    }
    return is_new ? sweep(self, AT_ONCE) : WEIR_OK;
}

/* ---- looking into it ---- */

void
weiri_limiter_key(const weiri_limiter *self, uint32_t number, weir_value *out)
{
    const weiri_cell *cells = weiri_key_table_cells(&self->keys, number);
    for (uint32_t k = 0; k < self->plan->n_keys; k++) {
        out[k] = weiri_cell_value(self->types[k], cells[k]);
    }
}

bool
weiri_limiter_list(
    const weiri_limiter *self, weir_value *key, uint32_t mark, weiri_listing *out)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < self->keys.n_used; i++) {
        const limited *it = weiri_key_table_at(&self->keys, i);
        if (it->is_used && !is_over(self, it)) {
            weiri_limiter_key(self, i, key);
            ok = weiri_listing_add(out, i | mark, key, self->plan->n_keys);
        }
    }
    return ok;
}

bool
weiri_limiter_tell(
    const weiri_limiter *self, uint32_t number, const weiri_inspector *inspector)
{
    const limited *it = weiri_key_table_at(&self->keys, number);
    return weiri_emission_tell(
        &it->emission, self->plan->limit, self->plan->limit_ns, false, inspector);
}

void
weiri_limiter_tell_all(const weiri_limiter *self, const weiri_inspector *inspector)
{
    const weiri_match     *plan  = self->plan;
    const weiri_held_given given = { .n = self->n_given,
        .limit                          = plan->limit,
        .next_ns = self->n_given < plan->limit ? INT64_MIN : INT64_MAX };
    if (plan->limit_ns < 0 && !inspector->is_enough(inspector->context)) {
        inspector->given(inspector->context, &given);
    }
}

/* ---- bytes ---- */

void
weiri_limiter_save_head(const weiri_limiter *self, weiri_pack *out)
{
    weiri_pack_number(out, self->n_given);
}

/* Keys that are over are left out: it depends on the cut of the input which are there. */
bool
weiri_limiter_save(const weiri_limiter *self, uint32_t part, weiri_keyed *out)
{
    uint32_t    n_keys = self->plan->n_keys;
    weir_value *key    = calloc(n_keys + (size_t)1, sizeof *key);
    for (uint32_t i = 0; key != NULL && i < self->keys.n_used; i++) {
        const limited *it = weiri_key_table_at(&self->keys, i);
        if (!it->is_used || is_over(self, it)) {
            continue;
        }
        weiri_limiter_key(self, i, key);
        weiri_pack *pack = weiri_keyed_begin(out, key, n_keys, part);
        if (pack != NULL) {
            weiri_emission_save(&it->emission, pack);
            weiri_keyed_end(out);
        }
    }
    bool ok = key != NULL;
    free(key);
    return ok;
}

void
weiri_limiter_load_head(weiri_limiter *self, weiri_unpack *in)
{
    uint64_t n_given = weiri_unpack_number(in);
    self->n_given    = n_given > self->n_given ? n_given : self->n_given;
}

bool
weiri_limiter_load(weiri_limiter *self, weiri_unpack *key, weiri_unpack *in)
{
    uint32_t    n      = 0;
    uint32_t    index  = WEIRI_NO_ENTRY;
    bool        is_new = false;
    weir_status status = WEIR_ENOMEM;
    while (
        n < self->plan->n_keys && weiri_cell_load(self->types[n], &self->cells[n], key)) {
        self->cells[n] = weiri_cell_plain(self->types[n], self->cells[n]);
        n++;
    }
    if (n == self->plan->n_keys) {
        status = entry_of(self, &index, &is_new);
    }
    while (n-- > 0) {
        weiri_cell_free(self->types[n], self->cells[n]);
    }
    if (key->wrong != NULL) {
        weiri_unpack_fail(in, key->wrong);
    }
    if (status == WEIR_EFULL || (status == WEIR_OK && !is_new)) {
        weiri_unpack_fail(in, "a key comes twice, or there are too many");
    }
    if (status != WEIR_OK || in->wrong != NULL) {
        return false;
    }
    limited *it = weiri_key_table_at(&self->keys, index);
    return weiri_emission_load(&it->emission, self->plan->limit, in);
}
