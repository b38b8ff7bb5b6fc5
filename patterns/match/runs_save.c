/* The executor "runs" as bytes.
 *
 * A partition is its runs in order, then its held matches, then what it remembers for
 * a leading `not`. Of a chain of events a run writes those that no run before it wrote.
 * Timers are not written: they follow from the runs.
 */
#include <string.h>

#include "match/fingerprint.h"
#include "match/runs.h"

#define MAX_ORDER (UINT64_C(1) << 56)

enum {
    IS_INDEXED = 1, /* a partition */
    HAS_BEFORE = 2,
    HAS_HELD   = 4,
    LINK_END   = 0, /* what a link begins with */
    LINK_SEEN  = 1, /* how far back follows */
    LINK_MADE  = 2  /* … and step << 1 | is shared, on top */
};

/* States are saved by their numbers, so they must be made as they were. */
void
weiri_runs_save(const weiri_executor *self, weiri_pack *out)
{
    weiri_pack_fixed(out, weiri_automaton_fingerprint(self->core->automaton));
}

void
weiri_runs_load(weiri_executor *self, weiri_unpack *in)
{
    uint64_t fingerprint = weiri_unpack_fixed(in);
    if (fingerprint != weiri_automaton_fingerprint(self->core->automaton)) {
        weiri_unpack_fail(in, "its rule was made into other states");
    }
    self->is_loading = true;
}

/* Differences of times may wrap around: adding one gives the time back all the same. */
static int64_t
minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- saving ---- */

/* From the newest to the oldest; `order` and `time_ns` begin as the run's own. */
static void
save_links(
    const weiri_executor *self, const weiri_run *run, weiri_pack *out, weiri_seen *seen)
{
    int64_t  time_ns  = run->last_ns;
    uint64_t order    = run->start;
    bool     is_first = true;
    uint32_t back     = 0;
    for (uint32_t link = run->links; link != 0;) {
        const weiri_link *at = weiri_link_at(self, link);
        if (weiri_seen_find(seen, WEIRI_SHARED_LINK, at, at->n_refs > 1, &back)) {
            weiri_pack_number(out, LINK_SEEN);
            weiri_pack_number(out, back);
            return;
        }
        uint64_t is_shared = (at->tag & WEIRI_LINK_SHARED) != 0;
        uint64_t at_order  = at->tag >> 8;
        weiri_pack_number(
            out, LINK_MADE + ((at->tag & WEIRI_LINK_STEP) << 1 | is_shared));
        weiri_pack_number(out, is_first ? at_order - order : order - at_order);
        weiri_pack_time(out, minus(time_ns, at->time_ns));
        time_ns  = at->time_ns;
        order    = at_order;
        is_first = false;
        link     = at->before;
    }
    weiri_pack_number(out, LINK_END);
}

/* `before` is the run written before this one, NULL: none. */
static void
save_run(const weiri_executor *self, const weiri_run *run, const weiri_run *before,
    weiri_pack *out, weiri_seen *seen)
{
    weiri_pack_number(out, run->start - (before != NULL ? before->start : 0));
    weiri_pack_time(out, minus(run->start_ns, before != NULL ? before->start_ns : 0));
    weiri_pack_time(out, minus(run->last_ns, run->start_ns));
    if (run->state != WEIRI_RUN_COMPLETE) {
        weiri_pack_number(out, run->state);
    }
    save_links(self, run, out, seen);
    weiri_registers_save(self->core->registers, run->cells, out, seen);
}

static void
save_list(const weiri_executor *self, uint32_t first, weiri_pack *out, weiri_seen *seen)
{
    const weiri_run *before = NULL;
    uint32_t         n      = 0;
    for (uint32_t run = first; run != 0; run = weiri_run_at(self, run)->next) {
        n++;
    }
    weiri_pack_number(out, n);
    for (uint32_t run = first; run != 0; run = before->next) {
        const weiri_run *at = weiri_run_at(self, run);
        save_run(self, at, before, out, seen);
        before = at;
    }
}

static void
save_before(const weiri_executor *self, const weiri_before *before, weiri_pack *out)
{
    int64_t last_ns = 0;
    weiri_pack_number(out, before->just);
    weiri_pack_number(out, before->ever);
    for (uint32_t i = 0; i < self->n_leading; i++) {
        if ((before->ever >> i & 1) != 0) {
            weiri_pack_time(out, minus(before->last_ns[i], last_ns));
            last_ns = before->last_ns[i];
        }
    }
}

void
weiri_runs_save_partition(const weiri_executor *self, const weiri_partition *partition,
    weiri_pack *out, weiri_seen *seen)
{
    const weiri_runs_state *state = weiri_runs_state_of(partition);
    weiri_pack_number(out, (state->index != 0 ? IS_INDEXED : 0U)
                               | (state->before != 0 ? HAS_BEFORE : 0U)
                               | (state->held != 0 ? HAS_HELD : 0U));
    save_list(self, state->first, out, seen);
    if (state->held != 0) {
        save_list(self, state->held, out, seen);
    }
    if (state->before != 0) {
        save_before(self, weiri_pool_at(&self->befores, state->before), out);
    }
}

/* ---- loading ---- */

/* A chain that is being read, from the newest event on. */
typedef struct chain {
    weiri_run *run;
    uint32_t   oldest; /* read so far; 0: none is yet */
    uint32_t   n;
    uint64_t   order;
    int64_t    time_ns;
} chain;

static void
set_before(weiri_executor *self, const chain *c, uint32_t before)
{
    if (c->oldest == 0) {
        c->run->links = before;
    } else {
        weiri_link_at(self, c->oldest)->before = before;
    }
}

static void
load_link(
    weiri_executor *self, chain *c, uint64_t tag, weiri_unpack *in, weiri_shared *shared)
{
    uint64_t delta = weiri_unpack_below(in, MAX_ORDER, "an event has no known order");
    if (c->n > 0 && (delta == 0 || delta > c->order)) {
        weiri_unpack_fail(in, "events are out of order");
        return;
    }
    c->order   = c->n == 0 ? c->order + delta : c->order - delta;
    c->time_ns = minus(c->time_ns, weiri_unpack_time(in));
    if (c->order >= MAX_ORDER || tag >> 1 >= self->core->plan->n_steps) {
        weiri_unpack_fail(in, "an event has no known order or step");
        return;
    }
    uint32_t            made   = weiri_pool_take(&self->links);
    weiri_shared_object object = { .number = made, .order = c->order };
    if (made == 0 || !weiri_shared_add(shared, WEIRI_SHARED_LINK, &object)) {
        weiri_pool_give(&self->links, made);
        self->core->status = WEIR_ENOMEM;
        weiri_unpack_fail(in, "there is no memory for it");
        return;
    }
    *weiri_link_at(self, made) = (weiri_link){ .n_refs = 1,
        .tag     = c->order << 8 | tag >> 1 | ((tag & 1) != 0 ? WEIRI_LINK_SHARED : 0U),
        .time_ns = c->time_ns };
    set_before(self, c, made);
    c->oldest = made;
    c->n++;
}

static const weiri_shared_object *
refer_to_link(
    weiri_executor *self, const chain *c, weiri_unpack *in, const weiri_shared *shared)
{
    uint64_t back = weiri_unpack_number(in);
    /* Events of this very chain are no end to it. */
    const weiri_shared_object *rest =
        back < c->n ? NULL : weiri_shared_at(shared, WEIRI_SHARED_LINK, back);
    if (rest == NULL || (c->n > 0 && rest->order >= c->order)) {
        weiri_unpack_fail(in, "an event refers to none");
        return NULL;
    }
    weiri_link_at(self, rest->number)->n_refs++;
    set_before(self, c, rest->number);
    return rest;
}

static void
load_links(weiri_executor *self, weiri_run *run, weiri_unpack *in, weiri_shared *shared)
{
    chain c = { .run = run, .order = run->start, .time_ns = run->last_ns };
    const weiri_shared_object *rest = NULL;
    for (;;) {
        uint64_t tag = weiri_unpack_below(
            in, LINK_MADE + (WEIRI_LINK_STEP + 1) * 2, "an event is of no known step");
        if (tag == LINK_SEEN) {
            rest = refer_to_link(self, &c, in, shared);
        }
        if (tag < LINK_MADE) {
            break;
        }
        load_link(self, &c, tag - LINK_MADE, in, shared);
    }
    uint32_t length = rest != NULL ? rest->length : 0;
    for (uint32_t back = 0; back < c.n; back++) {
        weiri_shared_at(shared, WEIRI_SHARED_LINK, back)->length = ++length;
    }
    run->n_taken = length;
}

static uint32_t
load_run(weiri_executor *self, const weiri_partition *partition, const weiri_run *before,
    bool is_held, weiri_unpack *in, weiri_shared *shared)
{
    uint32_t   made = weiri_runs_make(self);
    weiri_run *run  = weiri_run_at(self, made);
    if (made == 0) {
        self->core->status = WEIR_ENOMEM;
        weiri_unpack_fail(in, "there is no memory for it");
        return 0;
    }
    run->start = weiri_unpack_below(in, MAX_ORDER, "a run has no known start")
                 + (before != NULL ? before->start : 0);
    run->start_ns  = plus(before != NULL ? before->start_ns : 0, weiri_unpack_time(in));
    run->last_ns   = plus(run->start_ns, weiri_unpack_time(in));
    run->partition = partition->self;
    run->state     = WEIRI_RUN_COMPLETE;
    if (run->start >= MAX_ORDER || run->last_ns < run->start_ns
        || (before != NULL && run->start_ns < before->start_ns)
        || (before != NULL && run->start == before->start
            && run->start_ns != before->start_ns)) {
        weiri_unpack_fail(in, "runs are out of order");
    }
    if (!is_held) {
        run->state = (uint32_t)weiri_unpack_below(
            in, self->core->automaton->n_states, "a run is in no known state");
    }
    load_links(self, run, in, shared);
    weiri_registers_load(self->core->registers, run->cells, in, shared);
    return made;
}

static void
load_runs(weiri_executor *self, weiri_partition *partition, weiri_unpack *in,
    weiri_shared *shared)
{
    weiri_runs_state *state  = weiri_runs_state_of(partition);
    const weiri_run  *before = NULL;
    uint64_t n = weiri_unpack_below(in, (uint64_t)weiri_runs_most(self->core->plan) + 1,
        "a partition has too many runs");
    for (; n > 0 && in->wrong == NULL; n--) {
        uint32_t run = load_run(self, partition, before, false, in, shared);
        if (in->wrong != NULL) {
            return;
        }
        const weiri_run *at = weiri_run_at(self, run);
        weiri_runs_append(self, state, run);
        if (self->n_waits > 0) {
            weiri_runs_wait(self, weiri_run_at(self, run));
        }
        if (before == NULL || before->start != at->start) {
            weiri_runs_watch_start(self, run);
        }
        weiri_runs_watch_gap(self, run);
        before = at;
    }
    if (state->n_starts > self->core->plan->max_runs) {
        weiri_unpack_fail(in, "a partition has too many runs");
    }
}

static void
load_held(weiri_executor *self, weiri_partition *partition, weiri_unpack *in,
    weiri_shared *shared)
{
    uint32_t  *to     = &weiri_runs_state_of(partition)->held;
    weiri_run *before = NULL;
    uint64_t   n      = weiri_unpack_number(in);
    if (self->core->plan->skip < WEIRI_SKIP_TO_NEXT) {
        weiri_unpack_fail(in, "matches are held that need not wait");
    }
    for (; n > 0 && in->wrong == NULL; n--) {
        uint32_t run = load_run(self, partition, before, true, in, shared);
        if (in->wrong == NULL) {
            *to    = run;
            before = weiri_run_at(self, run);
            to     = &before->next;
        }
    }
}

static void
load_before(weiri_executor *self, weiri_partition *partition, weiri_unpack *in)
{
    weiri_runs_state *state  = weiri_runs_state_of(partition);
    uint32_t          made   = weiri_pool_take(&self->befores);
    weiri_before     *before = weiri_pool_at(&self->befores, made);
    uint64_t limit   = self->n_leading < 64 ? UINT64_C(1) << self->n_leading : UINT64_MAX;
    int64_t  last_ns = 0;
    int64_t  newest  = INT64_MIN;
    if (made == 0) {
        self->core->status = WEIR_ENOMEM;
        weiri_unpack_fail(in, "there is no memory for it");
        return;
    }
    memset(before, 0, self->befores.item_size);
    state->before    = made;
    before->just     = weiri_unpack_below(in, limit, "a 'not' is not known");
    before->ever     = weiri_unpack_below(in, limit, "a 'not' is not known");
    before->is_timed = before->ever != 0;
    for (uint32_t i = 0; i < self->n_leading; i++) {
        if ((before->ever >> i & 1) != 0) {
            last_ns            = plus(last_ns, weiri_unpack_time(in));
            before->last_ns[i] = last_ns;
            newest             = last_ns > newest ? last_ns : newest;
        }
    }
    if (before->just == 0 && before->ever == 0) {
        weiri_unpack_fail(in, "nothing is remembered for a 'not'");
    }
    if (before->is_timed) {
        weiri_runs_watch_before(self, partition->self, newest);
    }
}

void
weiri_runs_load_partition(weiri_executor *self, weiri_partition *partition,
    weiri_unpack *in, weiri_shared *shared)
{
    uint64_t flags = weiri_unpack_below(
        in, (IS_INDEXED | HAS_BEFORE | HAS_HELD) + 1, "a partition is of no known kind");
    self->event     = NULL;
    self->partition = partition;
    self->state     = weiri_runs_state_of(partition);
    load_runs(self, partition, in, shared);
    if ((flags & HAS_HELD) != 0) {
        load_held(self, partition, in, shared);
    }
    if ((flags & HAS_BEFORE) != 0) {
        load_before(self, partition, in);
    }
    if ((flags & IS_INDEXED) != 0 && self->n_waits == 0) {
        weiri_unpack_fail(in, "a partition has an index that its rule has no use for");
    }
    if ((flags & IS_INDEXED) != 0 && in->wrong == NULL) {
        weiri_runs_index_partition(self, self->state);
    }
    if (self->befores.is_out_of_memory
        || weiri_registers_is_out_of_memory(self->core->registers)) {
        self->core->status = WEIR_ENOMEM;
    }
}

void
weiri_runs_loaded(weiri_executor *self)
{
    self->is_loading = false;
    weiri_timers_sort(&self->timers);
}
