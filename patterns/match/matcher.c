/* weiri_matcher: the front that all executors share.
 *
 * A batch is worked off in stretches: the classes of its rows are known from columns,
 * rows that can change nothing are left out, then the keys of the others are hashed and
 * their places brought near before the executor sees the first of them.
 */
#include "weiri/matcher.h"

#include <stdlib.h>
#include <string.h>

#include "gate/test.h"
#include "match/executor.h"
#include "match/inside.h"
#include "match/planner.h"
#include "match/state.h"
#include "weiri/assert.h"
#include "weiri/limits.h"
#include "weiri/prefetch.h"

enum { STRETCH = 1024, FIRST_RELEVANT = 16, NEAR = 8 };

/* What is known of the rows of a part. */
typedef struct part_rows {
    uint8_t      classes[WEIRI_CHUNK_ROWS];
    weiri_class *others; /* where the class is WEIRI_CLASS_OTHER; made when needed */
} part_rows;

/* An event that may matter. */
typedef struct relevant {
    uint64_t word;  /* its key, if that is one number                  */
    uint32_t tag;   /* of its key                                      */
    uint32_t guess; /* the partition that is probably its own, 0: none */
    uint32_t at;    /* in the stretch */
    uint16_t part;
    uint16_t row;
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
    uint64_t  n_events;   /* so far; fed a part: the order after the last one's */
    relevant *relevant;   /* of a stretch */
    uint32_t  n_relevant; /* room, at most STRETCH */
    uint16_t  rows[STRETCH];
};

static weir_status
prepare_core(weiri_matcher *self, weir_error *err)
{
    static const weiri_emit NOTHING = { .schema = NULL }; /* of `on timeout` alone */
    weiri_core             *core    = &self->core;
    const weiri_match      *plan    = core->plan;
    const weiri_emit       *emit    = plan->emit != NULL ? plan->emit : &NOTHING;
    weir_status             status  = weiri_automaton_new(plan, &core->automaton, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (weiri_classes_new(core->automaton, plan->n_inputs, &core->classes) != WEIR_OK
        || weiri_registers_new(plan, &core->registers) != WEIR_OK
        || weiri_emitter_new(plan, emit, &core->emit) != WEIR_OK
        || (plan->on_timeout != NULL
            && weiri_emitter_new(plan, plan->on_timeout, &core->on_timeout) != WEIR_OK)
        || (plan->limit > 0 && weiri_limiter_new(plan, &core->limiter) != WEIR_OK)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the matcher");
    }
    self->ops = weiri_choose_executor(plan, core->automaton);
    if (weiri_keys_new(plan, self->ops->state_size(core),
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
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the matcher");
    }
    self->core.plan    = plan;
    self->core.now_ns  = INT64_MIN;
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
    weiri_limiter_destroy(&self->core.limiter);
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

static bool
add_need(weiri_match_needs *needs, const weiri_expr *condition)
{
    for (uint32_t i = 0; i < needs->n; i++) {
        if (needs->conditions[i] == condition) {
            return true;
        }
    }
    if (condition == NULL || needs->n == WEIRI_MATCH_CONDITIONS) {
        return false;
    }
    needs->conditions[needs->n++] = condition;
    return true;
}

/* Keys that may be null or fault are counted for every event. */
static bool
has_whole_keys(const weiri_match *plan)
{
    for (uint32_t i = 0; i < plan->n_keys; i++) {
        const weiri_expr *key = plan->inputs[0].keys[i];
        if (key->is_nullable || weiri_gate_may_fault(key)) {
            return false;
        }
    }
    return true;
}

static weiri_match_needs
needs_of(weiri_matcher *self)
{
    const weiri_automaton *automaton = self->core.automaton;
    weiri_match_needs      needs     = { .is_all = true };
    if (self->core.plan->n_inputs != 1 || !has_whole_keys(self->core.plan)
        || self->ops->use_of(self->executor, weiri_classes_unfit(self->core.classes, 0))
               != 0) {
        return needs;
    }
    for (uint32_t i = 0; i < automaton->n_atoms; i++) {
        if (automaton->atoms[i].kind == WEIRI_ATOM_EVENT
            && !add_need(&needs, automaton->atoms[i].where.unary)) {
            return needs;
        }
    }
    needs.is_all = false;
    return needs;
}

weir_status
weiri_match_get_needs(const weiri_match *plan, weiri_match_needs *out, weir_error *err)
{
    const weiri_match_sink sink   = { .context = NULL };
    weiri_matcher         *self   = NULL;
    weir_status            status = weiri_matcher_new(plan, &sink, &self, err);
    if (status == WEIR_OK) {
        *out = needs_of(self);
        weiri_matcher_destroy(&self);
    }
    return status;
}

const char *
weiri_matcher_executor_name(const weiri_matcher *self)
{
    return self->ops->name;
}

const weiri_core *
weiri_matcher_core(const weiri_matcher *self)
{
    return &self->core;
}

const weiri_executor_ops *
weiri_matcher_ops(const weiri_matcher *self)
{
    return self->ops;
}

const weiri_executor *
weiri_matcher_executor(const weiri_matcher *self)
{
    return self->executor;
}

/* ---- parts ---- */

static bool
add_part(weiri_matcher *self)
{
    part_rows *parts = realloc(self->parts, (self->n_parts + 1) * sizeof *parts);
    if (parts == NULL) {
        return false;
    }
    self->parts                         = parts;
    self->parts[self->n_parts++].others = NULL;
    return true;
}

/* Room for what rows are whose class has no number; seldom are there so many classes. */
static bool
make_others(weiri_matcher *self, part_rows *rows, uint32_t n)
{
    if (rows->others == NULL && self->n_classes + n >= WEIRI_CLASS_OTHER) {
        rows->others = calloc(WEIRI_CHUNK_ROWS, sizeof *rows->others);
        return rows->others != NULL;
    }
    return true;
}

static bool
load_part(weiri_matcher *self, uint32_t p, const weiri_part *part)
{
    while (self->n_parts <= p) {
        if (!add_part(self)) {
            return false;
        }
    }
    part_rows *rows = &self->parts[p];
    if (!make_others(self, rows, part->rows.n)) {
        return false;
    }
    uint32_t n_classes = weiri_classes_of(self->core.classes, part->input, part->rows,
        rows->classes + part->rows.first,
        rows->others != NULL ? rows->others + part->rows.first : NULL);
    if (n_classes == UINT32_MAX) {
        return false;
    }
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

static weiri_event
event_of(const weiri_matcher *self, const weiri_batch *batch, const relevant *r)
{
    const weiri_part *part = &batch->parts[r->part];
    return (weiri_event){ .chunk = part->rows.chunk,
        .row                     = r->row,
        .input                   = part->input,
        .class                   = r->class,
        .time_ns                 = part->rows.chunk->time[r->row],
        .order = self->core.sink.trigger == NULL ? self->n_events + r->at
                                                 : part->rows.chunk->order[r->row] };
}

/* The event's turn in its partition, NULL: it has none yet. */
static void
take_turn(weiri_matcher *self, const relevant *r, const weiri_event *event,
    weiri_partition *partition, const weiri_key *key)
{
    if (r->class == WEIRI_CLASS_OTHER) {
        self->ops->set_other(self->executor, &self->parts[r->part].others[r->row]);
    }
    if (partition == NULL) {
        if ((r->use & WEIRI_CLASS_BEGINS) == 0) {
            return;
        }
        partition = weiri_keys_add(self->core.keys, key);
        if (partition == NULL) {
            self->core.status = WEIR_ENOMEM;
            return;
        }
    }
    self->ops->event(self->executor, partition, event);
    if (self->ops->is_empty(partition)) {
        weiri_keys_remove(self->core.keys, partition);
    }
}

/* Time comes to that of an event that matters. */
static void
go_to(weiri_matcher *self, int64_t time_ns, uint64_t position)
{
    if (self->ops->next_deadline(self->executor) < time_ns) {
        self->ops->fire(self->executor, time_ns);
    }
    self->core.now_ns = time_ns;
    weiri_core_trigger(&self->core, position);
}

static void
handle(weiri_matcher *self, const weiri_batch *batch, const relevant *r)
{
    const weiri_keys *keys  = self->core.keys;
    weiri_event       event = event_of(self, batch, r);
    weiri_key         key   = { .word = r->word, .size = WEIRI_KEY_WORD, .tag = r->tag };
    weiri_partition  *own   = NULL;
    go_to(self, event.time_ns, event.order);
    if (weiri_keys_table(keys)->is_word) {
        if (r->guess != 0) {
            own = weiri_keys_at(keys, r->guess);
            own = weiri_keys_has_word(keys, own, r->word) ? own : NULL;
        }
    } else {
        if ((r->use & WEIRI_CLASS_BEGINS) == 0 && weiri_keys_guess(keys, r->tag) == 0) {
            return;
        }
        weiri_keys_read(self->core.keys, r->part, r->row, &key);
    }
    take_turn(self, r, &event, own != NULL ? own : weiri_keys_find(keys, &key), &key);
}

static void
look_ahead(weiri_matcher *self, const weiri_batch *batch, uint32_t i, uint32_t n)
{
    relevant *all = self->relevant;
    if (i + 3 * NEAR < n) {
        weiri_event event = event_of(self, batch, &all[i + 3 * NEAR]);
        self->ops->look_ahead(self->executor, &event, 0, &all[i + 3 * NEAR].guess);
    }
    for (uint32_t stage = 1; stage < WEIRI_STAGES; stage++) {
        uint32_t ahead = i + (WEIRI_STAGES - stage) * NEAR;
        if (ahead < n && all[ahead].guess != 0) {
            self->ops->look_ahead(self->executor, NULL, stage, &all[ahead].guess);
        }
    }
}

/* Without keys there is one partition. */
static void
handle_unkeyed(weiri_matcher *self, const weiri_batch *batch, uint32_t n)
{
    static const weiri_key key = { .bytes = "", .size = 0 };
    for (uint32_t i = 0; i < n && self->core.status == WEIR_OK; i++) {
        if (self->ops->look_ahead != NULL) {
            look_ahead(self, batch, i, n);
        }
        const relevant *r     = &self->relevant[i];
        weiri_event     event = event_of(self, batch, r);
        go_to(self, event.time_ns, event.order);
        take_turn(self, r, &event, weiri_keys_only(self->core.keys), &key);
    }
}

/* Look for each event's partition a little before its turn, so that memory is at hand:
 * the table's slot, then the partition in it, then what that refers to. */
static void
handle_keyed(weiri_matcher *self, const weiri_batch *batch, uint32_t n)
{
    const weiri_keys *keys = self->core.keys;
    relevant         *all  = self->relevant;
    for (uint32_t i = 0; i < n && i < 3 * NEAR; i++) {
        weiri_prefetch(weiri_keys_slot(keys, all[i].tag));
    }
    for (uint32_t i = 0; i < n && self->core.status == WEIR_OK; i++) {
        if (i + 3 * NEAR < n) {
            weiri_prefetch(weiri_keys_slot(keys, all[i + 3 * NEAR].tag));
        }
        if (i + 2 * NEAR < n) {
            relevant *near = &all[i + 2 * NEAR];
            near->guess    = weiri_keys_guess(keys, near->tag);
            if (near->guess != 0) {
                const weiri_partition *own = weiri_keys_at(keys, near->guess);
                weiri_prefetch(own);
                weiri_prefetch(weiri_keys_end(keys, own));
            }
        }
        if (i + NEAR < n && all[i + NEAR].guess != 0) {
            self->ops->prefetch(self->executor, weiri_keys_at(keys, all[i + NEAR].guess));
        }
        handle(self, batch, &all[i]);
    }
}

/* Note an event that may matter; false: it is of no partition. */
static bool
note(weiri_matcher *self, weiri_place place, uint32_t at, relevant *r)
{
    uint8_t class      = self->parts[place.part].classes[place.row];
    weiri_key key      = { .word = 0 };
    bool      is_whole = self->core.plan->n_keys == 0
                    || weiri_keys_begin(self->core.keys, place.part, place.row, &key);
    *r = (relevant){ .word = key.word,
        .tag               = key.tag,
        .at                = at,
        .part              = place.part,
        .row               = place.row,
        .use               = self->uses[class],
        .class             = class };
    return is_whole;
}

/* The same for rows `first` + self->rows[0 … n) of a single part with keys that
 * are numbers. */
static uint32_t
note_words(weiri_matcher *self, const uint64_t *words, uint32_t first, uint32_t n)
{
    const uint8_t *classes = self->parts[0].classes + first;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at       = self->rows[i];
        uint64_t word     = words[first + at];
        uint8_t class     = classes[at];
        self->relevant[i] = (relevant){ .word = word,
            .tag                              = weiri_key_word_tag(word),
            .at                               = at,
            .row                              = (uint16_t)(first + at),
            .use                              = self->uses[class],
            .class                            = class };
    }
    return n;
}

/* Most rows are often nobody's business: leave them out without a branch for each. */
static uint32_t
find_rows(weiri_matcher *self, const uint8_t *classes, uint32_t n)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        self->rows[found] = (uint16_t)i;
        found += self->uses[classes[i]] != 0;
    }
    return found;
}

/* Events first … of the batch, as many as fit in a stretch, less those that are
 * nobody's business. */
static uint32_t
find_relevant(weiri_matcher *self, const weiri_batch *batch, uint32_t first, uint32_t n)
{
    uint32_t found = 0;
    if (batch->order == NULL) {
        uint32_t        row  = batch->parts[0].rows.first + first;
        uint32_t        rows = find_rows(self, self->parts[0].classes + row, n);
        const uint64_t *words =
            self->core.plan->n_keys == 1 ? weiri_keys_words(self->core.keys, 0) : NULL;
        if (words != NULL) {
            return note_words(self, words, row, rows);
        }
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t    at    = self->rows[i];
            weiri_place place = { .row = (uint16_t)(row + at) };
            found += note(self, place, at, &self->relevant[found]);
        }
        return found;
    }
    for (uint32_t i = 0; i < n; i++) {
        weiri_place place = batch->order[first + i];
        if (self->uses[self->parts[place.part].classes[place.row]] != 0) {
            found += note(self, place, i, &self->relevant[found]);
        }
    }
    return found;
}

static void
handle_all(weiri_matcher *self, const weiri_batch *batch, uint32_t n)
{
    if (self->core.plan->n_keys == 0) {
        handle_unkeyed(self, batch, n);
    } else {
        handle_keyed(self, batch, n);
    }
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

static uint64_t
order_of(const weiri_batch *batch, uint32_t i)
{
    if (batch->order == NULL) {
        const weir_rows *rows = &batch->parts[0].rows;
        return rows->chunk->order[rows->first + i];
    }
    return batch->parts[batch->order[i].part].rows.chunk->order[batch->order[i].row];
}

static weir_status
status_of(weiri_matcher *self, weir_error *err)
{
    if (self->core.status == WEIR_ENOMEM) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for partial matches");
    }
    return self->core.status;
}

static bool
make_relevant(weiri_matcher *self, uint32_t n)
{
    uint32_t room = self->n_relevant == 0 ? FIRST_RELEVANT : self->n_relevant;
    while (room < n && room < STRETCH) {
        room *= 2;
    }
    if (room == self->n_relevant) {
        return true;
    }
    relevant *moved = realloc(self->relevant, room * sizeof *moved);
    if (moved == NULL) {
        return false;
    }
    self->relevant   = moved;
    self->n_relevant = room;
    return true;
}

weir_status
weiri_matcher_feed(weiri_matcher *self, const weiri_batch *batch, weir_error *err)
{
    if (!make_relevant(self, batch->n_events)) {
        self->core.status = WEIR_ENOMEM;
    }
    for (uint32_t p = 0; p < batch->n_parts; p++) {
        if (!load_part(self, p, &batch->parts[p])) {
            self->core.status = WEIR_ENOMEM;
        }
    }
    for (uint32_t done = 0; done < batch->n_events && self->core.status == WEIR_OK;) {
        uint32_t left = batch->n_events - done;
        uint32_t n    = left < STRETCH ? left : STRETCH;
        handle_all(self, batch, find_relevant(self, batch, done, n));
        done += n;
        self->n_events = self->core.sink.trigger == NULL ? self->n_events + n
                                                         : order_of(batch, done - 1) + 1;
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

int64_t
weiri_matcher_next_deadline(const weiri_matcher *self)
{
    return self->ops->next_deadline(self->executor);
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

uint64_t
weiri_matcher_state_bytes(const weiri_matcher *self)
{
    return weiri_keys_bytes(self->core.keys) + self->ops->bytes(self->executor);
}

/* ---- state ---- */

uint64_t
weiri_matcher_position(const weiri_matcher *self)
{
    return self->n_events;
}

static weiri_stateful
stateful(const weiri_matcher *self, weiri_core *core)
{
    return (weiri_stateful){ .core = core,
        .ops                       = self->ops,
        .executor                  = self->executor,
        .n_events                  = self->n_events };
}

weir_status
weiri_matcher_save(const weiri_matcher *self, weiri_keyed *out, weir_error *err)
{
    weiri_core core      = self->core;
    core.counts          = weiri_matcher_counts(self);
    weiri_stateful state = stateful(self, &core);
    return weiri_state_save(&state, out, err);
}

weir_status
weiri_matcher_load(weiri_matcher *self, const weiri_keyed_load *from, weir_error *err)
{
    weiri_stateful state  = stateful(self, &self->core);
    weir_status    status = weiri_state_load(&state, from, err);
    self->n_events        = state.n_events;
    return status;
}
