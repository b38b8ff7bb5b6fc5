/* weiri_engine: a graph between intakes and outlets.
 *
 * The source whose clock is furthest behind is read next, so that no other source's
 * events pile up in front of the watermark.
 */
#include "weiri/engine.h"

#include <time.h>

#include "inside.h"
#include "mover.h"
#include "weiri/limits.h"
#include "weiri/timetext.h"

enum {
    HELD_UP_NS = 100000000, /* until whoever stops the run is asked again */
    LISTEN_NS  = 5000000    /* until it is heard what others say of moves */
};

/* ---- watermark ---- */

static int64_t
clock_of(const weiri_engine *self, uint32_t source)
{
    return weiri_intake_clock(self->intakes[source])->now_ns;
}

/* The source that holds time back, the first of them; -1 when all have ended. */
static int64_t
slowest_source(const weiri_engine *self)
{
    int64_t slowest = -1;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (clock_of(self, i) != INT64_MAX
            && (slowest < 0 || clock_of(self, i) < clock_of(self, (uint32_t)slowest))) {
            slowest = i;
        }
    }
    return slowest;
}

static int64_t
current_watermark(const weiri_engine *self)
{
    int64_t slowest = slowest_source(self);
    return slowest < 0 ? INT64_MAX : clock_of(self, (uint32_t)slowest);
}

/* The least clock of the sources that are read once. */
static int64_t
least_clock(const weiri_engine *self)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (!weiri_intake_is_refreshed(self->intakes[i]) && clock_of(self, i) < least) {
            least = clock_of(self, i);
        }
    }
    return least;
}

/* Time of the newest event of any source; INT64_MIN if there was none. */
static int64_t
newest_event(const weiri_engine *self)
{
    int64_t newest = INT64_MIN;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        int64_t ns = weiri_intake_clock(self->intakes[i])->newest_ns;
        newest     = ns > newest ? ns : newest;
    }
    return newest;
}

/* ---- a turn ---- */

weir_status
weiri_engine_write(weiri_engine *self, const weiri_turn *turn,
    const weiri_rows_list *rows, weir_error *err)
{
    const weiri_rows_list *own    = rows;
    weir_status            status = weiri_engine_give_derived(self, turn, rows, err);
    if (status == WEIR_OK
        && (status = weiri_engine_keep_own(self, rows, &own)) != WEIR_OK) {
        (void)WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    for (uint32_t i = 0; i < self->n_outlets && status == WEIR_OK; i++) {
        status = weiri_outlet_write(self->outlets[i], own, err);
        if (status == WEIR_OK) {
            status = weiri_outlet_advance(self->outlets[i], turn->watermark_ns, err);
        }
        if (status == WEIR_OK && turn->is_end && self->ends_links) {
            status = weiri_outlet_end(self->outlets[i], turn->deadline_ns, err);
        }
        if (status == WEIR_OK && self->is_live) {
            status = weiri_outlet_flush(self->outlets[i], err);
        }
    }
    return status;
}

static int64_t
wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

void
weiri_engine_note_written(weiri_engine *self, weiri_taken_in *turn)
{
    if (turn->n_events > 0) {
        weiri_histogram_add(
            &self->latency, wall_clock_ns() - turn->read_ns, turn->n_events);
    }
    *turn = (weiri_taken_in){ 0 };
}

static weir_status
pass(weiri_engine *self, int64_t watermark_ns, int64_t deadline_ns, bool is_end,
    weir_error *err)
{
    self->turn = (weiri_turn){ .number = self->turn.number,
        .watermark_ns                  = watermark_ns,
        .deadline_ns                   = deadline_ns,
        .is_end                        = is_end };
    if (self->flow != NULL) {
        self->has_turn                                         = true;
        self->on_the_way[self->turn.number % WEIRI_FLOW_TURNS] = self->taken_in;
        self->taken_in                                         = (weiri_taken_in){ 0 };
        return WEIR_OK;
    }
    weir_status status =
        weiri_graph_pass(self->graph, watermark_ns, deadline_ns, is_end, err);
    if (status == WEIR_OK) {
        status =
            weiri_engine_write(self, &self->turn, weiri_graph_rows(self->graph), err);
    }
    if (status == WEIR_OK && self->options.passed != NULL) {
        status = self->options.passed(self->options.passed_context,
            weiri_graph_rows(self->graph), deadline_ns, err);
    }
    weiri_graph_forget(self->graph);
    weiri_engine_note_written(self, &self->taken_in);
    return status;
}

/* When tables' files are to be looked at again. */
static weir_status
await_tables(weiri_engine *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (!self->has_refreshed) {
        return WEIR_OK;
    }
    int64_t others     = least_clock(self);
    int64_t newest     = newest_event(self);
    bool    is_playing = false;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        is_playing = is_playing || weiri_intake_is_playing(self->intakes[i]);
    }
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        status = weiri_intake_await(self->intakes[i], others, newest, is_playing, err);
    }
    return status;
}

/* A silent source goes along with the others; if it is the only one left, or all wait
 * with it, time goes on from the last event by what has passed on the wall. */
static weir_status
mark_idle(weiri_engine *self, uint32_t source, int64_t waited_ns, weir_error *err)
{
    int64_t others = INT64_MAX;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (i != source && clock_of(self, i) < others) {
            others = clock_of(self, i);
        }
    }
    int64_t newest = newest_event(self);
    int64_t now    = clock_of(self, source);
    int64_t base   = now > newest ? now : newest;
    if (base == INT64_MIN) {
        return WEIR_OK; /* no event yet: there is no time to go on */
    }
    int64_t to = others != INT64_MAX && others > now ? others : base + waited_ns;
    return weiri_intake_idle(self->intakes[source], to, err);
}

/* What the turn has taken in from a source, and when that was read. */
static void
note_taken(weiri_engine *self, uint32_t source, uint64_t n_before)
{
    weiri_intake_counts counts  = weiri_intake_get_counts(self->intakes[source]);
    int64_t             read_ns = weiri_intake_read_ns(self->intakes[source]);
    uint64_t            n       = counts.n_events - n_before;
    if (n == 0 || read_ns == 0) {
        return;
    }
    self->taken_in.n_events += n;
    if (self->taken_in.read_ns == 0) {
        self->taken_in.read_ns = read_ns;
    }
}

static weir_status
pump(weiri_engine *self, uint32_t source, bool may_wait, weir_error *err)
{
    int64_t  idle_ns  = self->plan->sources[source].idle_ns;
    int64_t  begun_ns = idle_ns >= 0 ? wall_clock_ns() : 0;
    uint64_t n_before = weiri_intake_get_counts(self->intakes[source]).n_events;
    int64_t  wait_ns =
        idle_ns < 0 && weiri_engine_is_listening(self) ? LISTEN_NS : idle_ns;
    weir_status status =
        weiri_intake_pump(self->intakes[source], may_wait ? wait_ns : 0, err);
    note_taken(self, source, n_before);
    if (status == WEIR_EAGAIN && weiri_intake_is_over(self->intakes[source])) {
        return WEIR_EOF;
    }
    if (status == WEIR_EAGAIN && !may_wait) {
        return status;
    }
    if (status == WEIR_EAGAIN && idle_ns >= 0) {
        int64_t waited_ns = wall_clock_ns() - begun_ns;
        if (waited_ns >= idle_ns) {
            return mark_idle(self, source, waited_ns, err);
        }
    }
    return status == WEIR_EAGAIN || status == WEIR_EOF ? WEIR_OK : status;
}

/* What nodes say of moves is heard whatever their clocks are: several may wait for each
 * other's words, each with its clock standing still. So is what this node has read
 * before a crash, while others wait for its answer. */
static weir_status
listen(weiri_engine *self, weir_error *err)
{
    weir_status status    = WEIR_OK;
    bool        is_behind = weiri_engine_is_behind(self);
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        const weiri_source *source = &self->plan->sources[i];
        bool                is     = source->is_moves
                  || (is_behind && source->numbered == NULL
                      && !weiri_intake_is_refreshed(self->intakes[i]));
        if (is && clock_of(self, i) != INT64_MAX) {
            status = weiri_intake_pump(self->intakes[i], 0, err);
            status = status == WEIR_EAGAIN || status == WEIR_EOF ? WEIR_OK : status;
        }
    }
    return status;
}

/* A link to another node has no room: nothing is taken in until it has. What comes from
 * the other nodes of a cluster is, and so are this node's other streams, where only what
 * a source delivers to them is too much: else they would wait for each other. */
static bool
is_held_up(const weiri_engine *self, uint32_t source)
{
    if (weiri_engine_is_overfull(self, &self->plan->sources[source])) {
        return true;
    }
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        if (weiri_outlet_is_full(self->outlets[i])) {
            return true;
        }
    }
    return false;
}

/* The source of this node that is furthest behind of those that may be read while another
 * node holds time back; -1: none may. */
static int64_t
source_ahead(const weiri_engine *self)
{
    int64_t found = -1;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        bool                is_own = source->numbered == NULL && !source->is_timeless
                      && !source->is_moves && clock_of(self, i) != INT64_MAX
                      && !weiri_intake_is_refreshed(self->intakes[i]);
        if (is_own && (found < 0 || clock_of(self, i) < clock_of(self, (uint32_t)found))
            && weiri_intake_waiting(self->intakes[i]) < WEIRI_AHEAD_ROWS
            && !is_held_up(self, i)) {
            found = i;
        }
    }
    return found;
}

/* Take in from the source that holds time back. While that is another node's, first what
 * this node's own have: the others wait for it, and nodes that read a chunk each, one
 * after the other, would wait for the way between them each time. What comes meanwhile is
 * taken in, and made durable, together.
 */
static weir_status
take_in(weiri_engine *self, uint32_t source, bool may_wait, weir_error *err)
{
    bool    is_others = self->plan->sources[source].numbered != NULL;
    int64_t own       = is_others ? source_ahead(self) : -1;
    if (own < 0) {
        return pump(self, source, may_wait, err);
    }
    weir_status status = pump(self, (uint32_t)own, false, err);
    return status == WEIR_EAGAIN ? pump(self, source, may_wait, err) : status;
}

/* Whether there is a turn to make. The last one is that of the end; a new table begins
 * before the others. */
static bool
is_let_go(const weiri_engine *self)
{
    int64_t watermark_ns = weiri_engine_limit(self, current_watermark(self));
    return watermark_ns != INT64_MAX && watermark_ns > self->watermark_ns;
}

static weir_status
go_on(weiri_engine *self, weir_error *err)
{
    self->watermark_ns = weiri_engine_limit(self, current_watermark(self));
    return pass(self, self->watermark_ns, self->watermark_ns, false, err);
}

/* All inputs have ended, and key groups are still to be given. */
static weir_status
await_move(weiri_engine *self, bool may_wait, weir_error *err)
{
    weir_status status = weiri_engine_give(self, err);
    if (status == WEIR_OK && !may_wait) {
        return WEIR_EAGAIN;
    }
    if (status == WEIR_OK && weiri_engine_is_moving(self)
        && !weiri_engine_has_step(self)) {
        weiri_links_wait(self->options.links, HELD_UP_NS);
    }
    return status;
}

weir_status
weiri_engine_take(weiri_engine *self, bool may_wait, weir_error *err)
{
    weir_status status = await_tables(self, err);
    if (status != WEIR_OK) {
        return status;
    }
    int64_t source = slowest_source(self);
    bool    is_end = source < 0 && !weiri_engine_is_moving(self);
    if (is_end || self->is_ended
        || (self->options.should_stop != NULL
            && self->options.should_stop(self->options.context))) {
        return WEIR_EOF;
    }
    if (weiri_engine_is_listening(self) && (status = listen(self, err)) != WEIR_OK) {
        return status;
    }
    if (self->mover != NULL && is_let_go(self)) { /* a move has held it */
        return go_on(self, err);
    }
    if (source < 0) {
        return await_move(self, may_wait, err);
    }
    if (self->options.links != NULL && is_held_up(self, (uint32_t)source)) {
        if (!may_wait) {
            return WEIR_EAGAIN;
        }
        weiri_links_wait(self->options.links, HELD_UP_NS);
        return WEIR_OK;
    }
    weir_status pumped = take_in(self, (uint32_t)source, may_wait, err);
    status             = pumped;
    if (pumped == WEIR_OK || pumped == WEIR_EOF) {
        status = await_tables(self, err); /* the watermark is not to pass them */
    }
    if (status == WEIR_OK) {
        status = weiri_engine_give(self, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    return is_let_go(self) ? go_on(self, err) : pumped;
}

weir_status
weiri_engine_turn(weiri_engine *self, weir_error *err)
{
    return weiri_engine_take(self, true, err);
}

weir_status
weiri_engine_end(weiri_engine *self, weir_error *err)
{
    if (self->is_ended) {
        return WEIR_OK;
    }
    self->ends_links = weiri_engine_is_at_end(self);
    self->is_ended   = true;
    return pass(self, INT64_MAX, newest_event(self), true, err);
}

weir_status
weiri_engine_close(weiri_engine *self, weir_error *err)
{
    weir_status first = WEIR_OK;
    for (uint32_t i = 0; i < self->n_outlets; i++) {
        weir_error  other  = { 0 };
        weir_status status = weiri_outlet_close(&self->outlets[i], &other);
        if (first == WEIR_OK && status != WEIR_OK) {
            first = status;
            *err  = other;
        }
    }
    self->n_outlets = 0;
    weiri_engine_close_givers(self);
    return first;
}

bool
weiri_engine_is_at_end(const weiri_engine *self)
{
    return self->is_ended || (slowest_source(self) < 0 && !weiri_engine_is_moving(self));
}

const char *
weiri_engine_notice(const weiri_engine *self, uint64_t *n_notices)
{
    const char *notice = NULL;
    *n_notices         = 0;
    for (uint32_t i = 0; self->has_refreshed && i < self->plan->n_sources; i++) {
        weiri_intake_counts of = weiri_intake_get_counts(self->intakes[i]);
        *n_notices += of.n_notices;
        notice = of.notice != NULL ? of.notice : notice;
    }
    return notice;
}

weiri_engine_counts
weiri_engine_get_counts(const weiri_engine *self)
{
    weiri_engine_counts counts = { 0 };
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_intake_counts of = weiri_intake_get_counts(self->intakes[i]);
        counts.n_events += self->plan->sources[i].is_moves ? 0 : of.n_events;
        counts.n_bytes += of.n_bytes;
        counts.n_late += of.n_late;
        counts.n_dead += of.n_dead;
        counts.first_dead = counts.first_dead != NULL ? counts.first_dead : of.first_dead;
    }
    counts.is_running = self->is_running;
    if (self->is_running) {
        for (uint32_t i = 0; i < self->plan->n_rules; i++) {
            weiri_rule_sight sight = weiri_flow_rule(self->flow, i);
            counts.n_matches += self->plan->rules[i].join == NULL ? sight.n_matches : 0;
            counts.n_dropped += sight.n_dropped;
        }
        return counts;
    }
    weiri_graph_counts of = self->flow != NULL ? weiri_flow_get_counts(self->flow)
                                               : weiri_graph_get_counts(self->graph);
    counts.n_matches      = of.n_matches;
    counts.n_dropped      = of.n_dropped;
    counts.n_faults       = of.n_faults;
    counts.n_failed       = of.n_failed;
    counts.n_null_keys    = of.n_null_keys;
    return counts;
}
