/* weiri_matcher: the front that all executors share.
 *
 * A batch is worked off in stretches: the classes of its rows are known from columns,
 * rows that can change nothing are left out, then the keys of the others are hashed and
 * their places brought near before the executor sees the first of them.
 */
#include "weiri/matcher.h"

#include <stdlib.h>
#include <string.h>

#include "match/executor.h"
#include "match/planner.h"
#include "match/state.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

enum { STRETCH = 1024, NEAR = 8, FAR = 16 };

/* What is known of the rows of a part. */
typedef struct part_rows {
    uint8_t      classes[WEIRI_CHUNK_ROWS];
    weiri_class *others; /* where the class is WEIRI_CLASS_OTHER; made when needed */
} part_rows;

/* An event that may matter. */
typedef struct relevant {
    uint32_t part;
    uint32_t row;
    uint64_t order;
    uint64_t hash;
    uint32_t guess; /* the partition that is probably its own, 0: none */
    uint8_t  use;
    uint8_t class;
} relevant;

struct weiri_matcher {
    weiri_core                core;
    const weiri_executor_ops *ops;
    weiri_executor           *executor;
    part_rows                *parts;
    uint32_t                  n_parts;
    uint8_t                   uses[WEIRI_CLASS_COUNT];
    uint32_t                  n_classes; /* whose use is known */
    uint64_t                  n_events;
    relevant                 *relevant; /* shape (STRETCH,) */
};

static weir_status
prepare_core(weiri_matcher *self, weir_error *err)
{
    weiri_core        *core   = &self->core;
    const weiri_match *plan   = core->plan;
    weir_status        status = weiri_automaton_new(plan, &core->automaton, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (weiri_classes_new(core->automaton, plan->n_inputs, &core->classes) != WEIR_OK
        || weiri_registers_new(plan, &core->registers) != WEIR_OK
        || weiri_emitter_new(plan, plan->emit, &core->emit) != WEIR_OK
        || (plan->on_timeout != NULL
            && weiri_emitter_new(plan, plan->on_timeout, &core->on_timeout) != WEIR_OK)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the matcher");
    }
    self->ops = weiri_choose_executor(plan, core->automaton);
    if (weiri_keys_new(plan, self->ops->state_size(plan),
            weiri_registers_strings(core->registers), &core->keys)
            != WEIR_OK
        || self->ops->make(core, &self->executor) != WEIR_OK) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the matcher");
    }
    return WEIR_OK;
}

weir_status
weiri_matcher_new(const weiri_match *plan, const weiri_match_sink *sink,
    weiri_matcher **out, weir_error *err)
{
    weiri_matcher *self = calloc(1, sizeof *self);
    if (self == NULL
        || (self->relevant = calloc(STRETCH, sizeof *self->relevant)) == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the matcher");
    }
    self->core.plan    = plan;
    self->core.sink    = *sink;
    weir_status status = prepare_core(self, err);
    if (status != WEIR_OK) {
        weiri_matcher_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_matcher_destroy(weiri_matcher **self_p)
{
    weiri_matcher *self = *self_p;
    *self_p             = NULL;
    if (self == NULL) {
        return;
    }
    if (self->executor != NULL) {
        self->ops->destroy(&self->executor);
    }
    weiri_keys_destroy(&self->core.keys);
    weiri_emitter_destroy(&self->core.emit);
    weiri_emitter_destroy(&self->core.on_timeout);
    weiri_registers_destroy(&self->core.registers);
    weiri_classes_destroy(&self->core.classes);
    weiri_automaton_destroy(&self->core.automaton);
    for (uint32_t i = 0; i < self->n_parts; i++) {
        free(self->parts[i].others);
    }
    free(self->parts);
    free(self->relevant);
    free(self);
}

const char *
weiri_matcher_executor_name(const weiri_matcher *self)
{
    return self->ops->name;
}

/* ---- parts ---- */

static bool
add_part(weiri_matcher *self)
{
    part_rows *parts = realloc(self->parts, (self->n_parts + 1) * sizeof *parts);
    if (parts == NULL) {
        return false;
    }
    self->parts                       = parts;
    self->parts[self->n_parts].others = calloc(WEIRI_CHUNK_ROWS, sizeof(weiri_class));
    return self->parts[self->n_parts++].others != NULL;
}

static bool
load_part(weiri_matcher *self, uint32_t p, const weiri_part *part)
{
    while (self->n_parts <= p) {
        if (!add_part(self)) {
            return false;
        }
    }
    part_rows *rows      = &self->parts[p];
    uint32_t   n_classes = weiri_classes_of(self->core.classes, part->input, part->rows,
          rows->classes + part->rows.first, rows->others + part->rows.first);
    for (; self->n_classes < n_classes; self->n_classes++) {
        self->uses[self->n_classes] =
            (uint8_t)self->ops->use_of(self->executor, self->n_classes);
    }
    self->uses[WEIRI_CLASS_OTHER] = WEIRI_CLASS_BEGINS | WEIRI_CLASS_MATTERS;
    if (!weiri_keys_load(self->core.keys, p, part)) {
        return false;
    }
    self->core.counts.null_keys += weiri_keys_nulls(self->core.keys, p);
    return true;
}

/* ---- events ---- */

static void
handle(weiri_matcher *self, const weiri_batch *batch, const relevant *r)
{
    const weiri_part *part  = &batch->parts[r->part];
    weiri_event       event = { .chunk = part->rows.chunk,
              .row                     = r->row,
              .input                   = part->input,
              .class                   = r->class,
              .time_ns                 = part->rows.chunk->time[r->row],
              .order                   = r->order };
    if (self->ops->next_deadline(self->executor) < event.time_ns) {
        self->ops->fire(self->executor, event.time_ns);
    }
    if ((r->use & WEIRI_CLASS_BEGINS) == 0
        && weiri_keys_guess(self->core.keys, r->hash) == 0) {
        return;
    }
    weiri_key        key = weiri_keys_read(self->core.keys, r->part, r->row, r->hash);
    weiri_partition *partition = weiri_keys_find(self->core.keys, &key);
    if (r->class == WEIRI_CLASS_OTHER) {
        self->ops->set_other(self->executor, &self->parts[r->part].others[r->row]);
    }
    if (partition == NULL) {
        if ((r->use & WEIRI_CLASS_BEGINS) == 0) {
            return;
        }
        partition = weiri_keys_add(self->core.keys, &key);
        if (partition == NULL) {
            self->core.status = WEIR_ENOMEM;
            return;
        }
    }
    self->ops->event(self->executor, partition, &event);
    if (self->ops->is_empty(partition)) {
        weiri_keys_remove(self->core.keys, partition);
    }
}

/* Look for each event's partition a little before its turn, so that memory is at hand. */
static void
handle_all(weiri_matcher *self, const weiri_batch *batch, uint32_t n)
{
    relevant *all = self->relevant;
    for (uint32_t i = 0; i < n && i < FAR; i++) {
        weiri_keys_prefetch(self->core.keys, all[i].hash);
    }
    for (uint32_t i = 0; i < n && self->core.status == WEIR_OK; i++) {
        if (i + FAR < n) {
            weiri_keys_prefetch(self->core.keys, all[i + FAR].hash);
        }
        if (i + NEAR < n) {
            relevant *near = &all[i + NEAR];
            near->guess    = weiri_keys_guess(self->core.keys, near->hash);
            if (near->guess != 0) {
                __builtin_prefetch(weiri_keys_at(self->core.keys, near->guess));
            }
        }
        if (i + NEAR / 2 < n && all[i + NEAR / 2].guess != 0) {
            self->ops->prefetch(
                self->executor, weiri_keys_at(self->core.keys, all[i + NEAR / 2].guess));
        }
        handle(self, batch, &all[i]);
    }
}

/* Events first … of the batch, as many as fit in a stretch, less those that are
 * nobody's business. */
static uint32_t
find_relevant(weiri_matcher *self, const weiri_batch *batch, uint32_t first, uint32_t n)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        weiri_place place = { .part = 0 };
        if (batch->order != NULL) {
            place = batch->order[first + i];
        } else {
            place.row = (uint16_t)(batch->parts[0].rows.first + first + i);
        }
        uint8_t class = self->parts[place.part].classes[place.row];
        if (self->uses[class] == 0) {
            continue;
        }
        relevant *r = &self->relevant[found];
        r->part     = place.part;
        r->row      = place.row;
        r->class    = class;
        r->use      = self->uses[class];
        r->order    = self->n_events + i;
        r->guess    = 0;
        found += weiri_keys_hash(self->core.keys, place.part, place.row, &r->hash);
    }
    return found;
}

static int64_t
time_of(const weiri_batch *batch, uint32_t i)
{
    if (batch->order == NULL) {
        const weir_rows *rows = &batch->parts[0].rows;
        return rows->chunk->time[rows->first + i];
    }
    return batch->parts[batch->order[i].part].rows.chunk->time[batch->order[i].row];
}

static weir_status
status_of(weiri_matcher *self, weir_error *err)
{
    if (self->core.status == WEIR_ENOMEM) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for partial matches");
    }
    return self->core.status;
}

weir_status
weiri_matcher_feed(weiri_matcher *self, const weiri_batch *batch, weir_error *err)
{
    for (uint32_t p = 0; p < batch->n_parts; p++) {
        if (!load_part(self, p, &batch->parts[p])) {
            self->core.status = WEIR_ENOMEM;
        }
    }
    for (uint32_t done = 0; done < batch->n_events && self->core.status == WEIR_OK;) {
        uint32_t left = batch->n_events - done;
        uint32_t n    = left < STRETCH ? left : STRETCH;
        handle_all(self, batch, find_relevant(self, batch, done, n));
        self->n_events += n;
        done += n;
    }
    if (batch->n_events > 0 && self->core.status == WEIR_OK) {
        self->ops->fire(self->executor, time_of(batch, batch->n_events - 1));
    }
    return status_of(self, err);
}

weir_status
weiri_matcher_advance(weiri_matcher *self, int64_t watermark_ns, weir_error *err)
{
    if (self->core.status == WEIR_OK) {
        self->ops->fire(self->executor, watermark_ns);
    }
    return status_of(self, err);
}

weir_status
weiri_matcher_finish(weiri_matcher *self, weir_error *err)
{
    if (self->core.status == WEIR_OK) {
        self->ops->finish(self->executor);
    }
    return status_of(self, err);
}

weiri_match_counts
weiri_matcher_counts(const weiri_matcher *self)
{
    weiri_match_counts counts = self->core.counts;
    counts.live_runs          = self->ops->live_runs(self->executor);
    counts.live_keys          = weiri_keys_live(self->core.keys);
    counts.faults += weiri_classes_faults(self->core.classes)
                     + weiri_registers_faults(self->core.registers)
                     + weiri_keys_faults(self->core.keys)
                     + weiri_emitter_faults(self->core.emit)
                     + self->ops->faults(self->executor);
    if (self->core.on_timeout != NULL) {
        counts.faults += weiri_emitter_faults(self->core.on_timeout);
    }
    return counts;
}

/* ---- state ---- */

static weiri_stateful
stateful(const weiri_matcher *self, weiri_core *core)
{
    return (weiri_stateful){ .core = core,
        .ops                       = self->ops,
        .executor                  = self->executor,
        .n_events                  = self->n_events };
}

weir_status
weiri_matcher_save(const weiri_matcher *self, weiri_pack *out, weir_error *err)
{
    weiri_core core      = self->core;
    core.counts          = weiri_matcher_counts(self);
    weiri_stateful state = stateful(self, &core);
    return weiri_state_save(&state, out, err);
}

weir_status
weiri_matcher_load(
    weiri_matcher *self, const uint8_t *bytes, size_t size, weir_error *err)
{
    weiri_stateful state  = stateful(self, &self->core);
    weir_status    status = weiri_state_load(&state, bytes, size, err);
    self->n_events        = state.n_events;
    return status;
}
