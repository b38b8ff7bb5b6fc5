/* Looking into a matcher: the keys in order, and by the executor what each holds. */
#include "weiri/inspect.h"

#include <stdlib.h>

#include "inspect/listing.h"
#include "match/inside.h"

enum { FIRST_ROOM = 16 };

#define OF_LIMITER (UINT32_C(1) << 31) /* in the number of a key that is listed */

bool
weiri_viewer_reserve(weiri_viewer *self, uint32_t n)
{
    if (n <= self->n_room) {
        return true;
    }
    uint32_t     room  = n > 2 * self->n_room ? n : 2 * self->n_room;
    weiri_taken *grown = realloc(self->taken, room * sizeof *grown);
    if (grown == NULL) {
        self->is_out_of_memory = true;
        return false;
    }
    self->taken  = grown;
    self->n_room = room;
    return true;
}

int64_t
weiri_viewer_expiry(const weiri_viewer *self, int64_t start_ns)
{
    int64_t within   = self->core->automaton->within_ns; /* or silence */
    bool    is_never = within < 0 || start_ns > INT64_MAX - within;
    return is_never ? INT64_MAX : start_ns + within;
}

void
weiri_viewer_tell(weiri_viewer *self, weiri_held_match *held, const weiri_cell *cells)
{
    const weiri_match *plan     = self->core->plan;
    const int64_t      start_ns = held->n_taken > 0 ? held->taken[0].time_ns : 0;
    const weiri_moment moment   = { .key = self->key,
          .start_ns                      = start_ns,
          .end_ns = held->n_taken > 0 ? held->taken[held->n_taken - 1].time_ns : 0 };
    weiri_registers_begin_values(self->core->registers);
    for (uint32_t i = 0; i < plan->n_registers; i++) {
        self->values[i] = weiri_registers_value(self->core->registers, cells, i, &moment);
    }
    int64_t expires_ns = weiri_viewer_expiry(self, start_ns);
    held->values       = self->values;
    held->expires_ns   = expires_ns < held->expires_ns ? expires_ns : held->expires_ns;
    self->inspector->held(self->inspector->context, held);
}

void
weiri_viewer_tell_kept(weiri_viewer *self, weiri_taken taken, const weiri_cell *kept,
    int64_t start_ns, bool is_awaited)
{
    weiri_registers *registers = self->core->registers;
    weiri_held_match held      = { .is_shared = true,
             .is_awaited                      = is_awaited,
             .expires_ns                      = weiri_viewer_expiry(self, start_ns),
             .taken                           = &taken,
             .n_taken                         = 1 };
    weiri_registers_clear(registers, self->cells);
    weiri_registers_take_kept(registers, self->cells, taken.step, kept);
    weiri_viewer_tell(self, &held, self->cells);
    weiri_registers_release(registers, self->cells);
}

static void
read_key(const weiri_core *core, uint32_t number, weir_value *out)
{
    if ((number & OF_LIMITER) != 0) {
        weiri_limiter_key(core->limiter, number & ~OF_LIMITER, out);
    } else {
        weiri_keys_values(core->keys, weiri_keys_at(core->keys, number), out);
    }
}

static void
inspect_item(const weiri_matcher *self, weiri_viewer *viewer, uint32_t number)
{
    const weiri_executor_ops *ops  = weiri_matcher_ops(self);
    const weiri_core         *core = viewer->core;
    if ((number & OF_LIMITER) != 0) {
        viewer->is_out_of_memory =
            !weiri_limiter_tell(core->limiter, number & ~OF_LIMITER, viewer->inspector)
            || viewer->is_out_of_memory;
    } else if (ops->inspect != NULL) {
        ops->inspect(
            weiri_matcher_executor(self), weiri_keys_at(core->keys, number), viewer);
    }
}

/* A key may have partial matches, something that its limit remembers, or both. */
static void
inspect_keys(const weiri_matcher *self, weiri_viewer *viewer, const weiri_listing *keys,
    weir_value *key)
{
    const weiri_inspector *to        = viewer->inspector;
    bool                   is_wanted = false;
    for (uint32_t i = 0; i < keys->n && !to->is_enough(to->context); i++) {
        const weiri_listed *item = &keys->items[i];
        if (i == 0 || !weiri_listed_is_same(item - 1, item)) {
            read_key(viewer->core, item->number, key);
            viewer->key = key;
            is_wanted   = to->key(to->context, key, viewer->core->plan->n_keys);
        }
        if (is_wanted) {
            inspect_item(self, viewer, item->number);
        }
    }
}

static bool
list_keys(const weiri_core *core, weir_value *key, weiri_listing *out)
{
    uint32_t               number    = 0;
    bool                   ok        = true;
    const weiri_partition *partition = weiri_keys_next(core->keys, &number);
    for (; ok && partition != NULL; partition = weiri_keys_next(core->keys, &number)) {
        weiri_keys_values(core->keys, partition, key);
        ok = weiri_listing_add(out, partition->self, key, core->plan->n_keys);
    }
    if (ok && core->limiter != NULL) {
        ok = weiri_limiter_list(core->limiter, key, OF_LIMITER, out);
    }
    return ok && weiri_listing_sort(out);
}

weir_status
weiri_matcher_inspect(const weiri_matcher *self, const weiri_inspector *inspector,
    bool *is_whole, weir_error *err)
{
    const weiri_core  *core   = weiri_matcher_core(self);
    const weiri_match *plan   = core->plan;
    weiri_listing      keys   = { .n = 0 };
    weir_value        *key    = calloc(plan->n_keys + (size_t)1, sizeof *key);
    uint32_t           cells  = weiri_registers_cells(core->registers);
    weiri_viewer       viewer = { .core = core,
              .inspector                = inspector,
              .values = calloc(plan->n_registers + (size_t)1, sizeof(weir_value)),
              .cells  = calloc(cells + (size_t)1, sizeof(weiri_cell)) };
    *is_whole                 = weiri_matcher_ops(self)->inspect != NULL;
    bool is_ok = key != NULL && viewer.values != NULL && viewer.cells != NULL
                 && weiri_viewer_reserve(&viewer, FIRST_ROOM)
                 && list_keys(core, key, &keys);
    if (is_ok) {
        if (core->limiter != NULL) {
            weiri_limiter_tell_all(core->limiter, inspector);
        }
        inspect_keys(self, &viewer, &keys, key);
        is_ok = !viewer.is_out_of_memory;
    }
    weiri_listing_fini(&keys);
    free(key);
    free(viewer.values);
    free(viewer.cells);
    free(viewer.taken);
    return is_ok ? WEIR_OK : WEIR_FAIL(err, WEIR_ENOMEM, "no memory to look at a rule");
}
