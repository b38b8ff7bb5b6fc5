/* An engine on several shards: the caller's thread takes in events and opens turns, the
 * shards do the rest. */
#include <stdlib.h>

#include "inside.h"
#include "mover.h"

/* On the thread of the shard that writes, which is always the same one. */
static weir_status
on_rows(
    void *context, const weiri_turn *turn, const weiri_rows_list *rows, weir_error *err)
{
    return weiri_engine_write(context, turn, rows, err);
}

/* Who looks sees every stream, in the order in which one shard would have it. Likewise on
 * a thread that is always the same. */
static weir_status
on_passed(
    void *context, const weiri_turn *turn, const weiri_rows_list *rows, weir_error *err)
{
    const weiri_engine_options *options = &((weiri_engine *)context)->options;
    return options->passed(options->passed_context, rows, turn->deadline_ns, err);
}

static bool
is_listed(const uint32_t *streams, uint32_t n, uint32_t stream)
{
    for (uint32_t i = 0; i < n; i++) {
        if (streams[i] == stream) {
            return true;
        }
    }
    return false;
}

/* The streams that events of are kept until they have passed. */
static uint32_t
list_passed(weiri_engine *self)
{
    const weiri_plan *plan = self->plan;
    uint32_t          n    = 0;
    for (uint32_t s = 0; s < plan->n_streams; s++) {
        if (plan->streams[s].is_read || plan->streams[s].origin == WEIRI_ORIGIN_SOURCE) {
            self->passed_streams[n++] = s;
        }
    }
    return n;
}

weir_status
weiri_engine_make_flow(weiri_engine *self, weir_error *err)
{
    const weiri_plan *plan = self->plan;
    uint32_t          n    = 0;
    self->sink_streams =
        calloc(plan->n_sinks + self->n_givers + (size_t)1, sizeof *self->sink_streams);
    self->passed_streams =
        calloc(plan->n_streams + (size_t)1, sizeof *self->passed_streams);
    self->shards = calloc(self->options.n_shards + (size_t)1, sizeof *self->shards);
    if (self->sink_streams == NULL || self->passed_streams == NULL
        || self->shards == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < plan->n_sinks; i++) {
        if (!is_listed(self->sink_streams, n, plan->sinks[i].stream)) {
            self->sink_streams[n++] = plan->sinks[i].stream;
        }
    }
    for (uint32_t s = 0; s < plan->n_streams; s++) {
        if (plan->streams[s].origin != WEIRI_ORIGIN_SOURCE && weiri_engine_gives(self, s)
            && !is_listed(self->sink_streams, n, s)) {
            self->sink_streams[n++] = s;
        }
    }
    uint32_t          n_outlets = 0;
    weiri_flow_outlet outlets[2];
    if (n > 0) {
        outlets[n_outlets++] = (weiri_flow_outlet){ .streams = self->sink_streams,
            .n_streams                                       = n,
            .write                                           = on_rows,
            .context                                         = self };
    }
    n = self->options.passed != NULL ? list_passed(self) : 0;
    if (n > 0) {
        outlets[n_outlets++] = (weiri_flow_outlet){ .streams = self->passed_streams,
            .n_streams                                       = n,
            .write                                           = on_passed,
            .context                                         = self };
    }
    return weiri_flow_new(
        plan, self->options.n_shards, outlets, n_outlets, &self->flow, err);
}

/* ---- running ---- */

/* What the caller is told of at the end, when what came before it has been written. */
typedef struct run {
    weiri_engine *engine;
    weir_status   last;   /* WEIR_ENOSPC: what was to be taken in is tried again */
    weir_status   failed; /* of taking in, WEIR_EOF: nothing */
    weir_error    failure;
    bool          is_stopped; /* before the end, which is to come another time */
} run;

/* Take in what makes a turn, when whoever keeps the state has had a look. */
static weir_status
take(run *self, bool may_wait)
{
    const weiri_engine_keeper *keeper = self->engine->options.keeper;
    weir_status                status = WEIR_OK;
    if (keeper != NULL) {
        if (!may_wait && keeper->wants_rest(keeper->context)) {
            return WEIR_EAGAIN;
        }
        status = keeper->between(
            keeper->context, self->engine, may_wait, self->last, &self->failure);
    }
    if (status == WEIR_OK && weiri_engine_has_step(self->engine)) {
        if (!may_wait) {
            return WEIR_EAGAIN;
        }
        status = weiri_engine_step_moves(self->engine, &self->failure);
    }
    if (status == WEIR_OK) {
        status = weiri_engine_take(self->engine, may_wait, &self->failure);
    }
    self->last = keeper != NULL && status == WEIR_ENOSPC ? status : WEIR_OK;
    return self->last == WEIR_ENOSPC ? WEIR_OK : status;
}

static weir_status
on_next(void *context, bool may_wait, weiri_turn *turn, bool *is_turn, weir_error *err)
{
    run          *self   = context;
    weiri_engine *engine = self->engine;
    engine->has_turn     = false;
    weir_status status   = take(self, may_wait);
    if (status == WEIR_EAGAIN) {
        return status;
    }
    if (status != WEIR_OK) {
        bool is_end      = status == WEIR_EOF && weiri_engine_is_at_end(engine);
        self->failed     = status;
        self->is_stopped = engine->options.keeper != NULL && !is_end;
        status           = self->is_stopped ? WEIR_EOF : weiri_engine_end(engine, err);
    }
    if (self->is_stopped) {
        return status;
    }
    *turn    = engine->turn;
    *is_turn = engine->has_turn;
    if (engine->has_turn) {
        engine->turn.number++;
    }
    if (engine->options.on_turn != NULL) {
        engine->options.on_turn(engine->options.context);
    }
    return status;
}

static void
on_finished(void *context, uint64_t turn)
{
    weiri_engine *engine = ((run *)context)->engine;
    weiri_engine_note_written(engine, &engine->on_the_way[turn % WEIRI_FLOW_TURNS]);
}

static void
on_report(void *context, uint32_t shard, const weiri_shard_report *report)
{
    weiri_shard_sight *sight = &((run *)context)->engine->shards[shard];
    *sight                   = (weiri_shard_sight){ .n_events = report->counts.n_events,
                          .n_waiting                          = report->counts.n_waiting,
                          .n_stalls                           = report->counts.n_stalls };
    for (uint32_t i = 0; i < report->n_waits && i < WEIRI_SIGHT_WAITS; i++) {
        const weiri_wait *wait   = &report->waits[i];
        sight->waits[i].level    = wait->level;
        sight->waits[i].on_shard = wait->on_shard;
        sight->waits[i].n_events = wait->n_events;
        sight->n_waits           = i + 1;
    }
}

weir_status
weiri_engine_run(weiri_engine *self, weir_error *err)
{
    run                     all    = { .engine = self, .failed = WEIR_EOF };
    const weiri_flow_source source = {
        .next = on_next, .finished = on_finished, .report = on_report, .context = &all
    };
    const weiri_flow_carriage how = { .seed = self->options.seed };
    if (self->is_ended) {
        return WEIR_OK;
    }
    self->is_running   = true;
    weir_status status = weiri_flow_run(self->flow, &source, &how, err);
    self->is_running   = false;
    self->is_ended     = !all.is_stopped;
    if (status == WEIR_OK && all.failed != WEIR_EOF) {
        *err   = all.failure;
        status = all.failed;
    }
    return status;
}
