/* What `weir why` tells of a match, for machines: docs/tools.md says what the members
 * mean. */
#include "jsontext.h"
#include "weiri/codec.h"
#include "why.h"

const char *
why_id_text(weiri_arena *arena, uint64_t id)
{
    return weiri_arena_format(arena, "%016llx", (unsigned long long)id);
}

const char *
why_event_json(const story *self, const weiri_trace_event *event)
{
    weiri_encoder  *encoder = NULL;
    weiri_buffer    buffer  = { 0 };
    const char     *text    = NULL;
    const weir_rows one     = { .chunk = event->chunk, .first = event->row, .n = 1 };
    weir_error      err     = { 0 };
    weir_status     status =
        weiri_encoder_new(event->chunk->schema, WEIRI_FORMAT_JSON, &encoder, &err);
    if (status == WEIR_OK) {
        status = weiri_encoder_encode(encoder, one, &buffer);
    }
    if (status == WEIR_OK && buffer.used > 0) {
        text = weiri_arena_text(self->arena, buffer.bytes, buffer.used - 1);
    }
    weiri_buffer_fini(&buffer);
    weiri_encoder_destroy(&encoder);
    return text;
}

static void
put_event(
    json_writer *out, const char *name, const story *self, const weiri_trace_event *event)
{
    json_open(out, name, '{');
    json_text(out, "at", time_text(self, event->time_ns));
    json_text(out, "stream", event->chunk->schema->name);
    json_raw(out, "event", why_event_json(self, event));
    json_close(out, '}');
}

static void
put_taken(json_writer *out, const story *self, uint32_t node)
{
    uint32_t *path = NULL;
    uint32_t  n    = weiri_trace_path(self->trace, self->arena, node, &path);
    json_open(out, "taken", '[');
    for (uint32_t i = 0; i < n; i++) {
        const weiri_trace_node  *at    = weiri_trace_node_at(self->trace, path[i]);
        const weiri_trace_event *event = &self->events[at->event];
        json_open(out, NULL, '{');
        json_text(out, "step", self->plan->steps[at->step].name);
        json_text(out, "at", time_text(self, event->time_ns));
        json_text(out, "stream", event->chunk->schema->name);
        json_raw(out, "event", why_event_json(self, event));
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void
put_match(json_writer *out, const why_telling *self, uint32_t output)
{
    uint32_t                  n       = 0;
    const weiri_read_match   *given   = weiri_reading_matches(self->replay, &n);
    const weiri_trace_output *outputs = weiri_trace_outputs(self->story.trace, &n);
    json_open(out, NULL, '{');
    json_int(out, "number", (int64_t)given[output].number);
    json_text(out, "id", why_id_text(self->story.arena, given[output].id));
    json_text(out, "at", time_text(&self->story, outputs[output].time_ns));
    put_taken(out, &self->story, outputs[output].node);
    json_raw(out, "made", given[output].line);
    json_int(out, "took_away", why_taken_away(self, output));
    json_close(out, '}');
}

static void
put_obstacles(
    json_writer *out, const story *self, const weiri_obstacle *obstacles, uint32_t n)
{
    json_open(out, "obstacles", '[');
    for (uint32_t i = 0; i < n; i++) {
        const weiri_obstacle *o = &obstacles[i];
        json_open(out, NULL, '{');
        json_text(
            out, "step", o->step != WEIRI_NONE ? self->plan->steps[o->step].name : NULL);
        json_text(out, "text", o->text);
        json_text(out, "part",
            o->has_edit ? weiri_edit_text(self->arena, self->plan, &o->edit) : NULL);
        if (o->event != WEIRI_NONE) {
            put_event(out, "event", self, &self->events[o->event]);
        } else {
            json_raw(out, "event", NULL);
        }
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void
put_partial(json_writer *out, const story *self, const weiri_trace_end *end)
{
    static const char *const CAUSES[]  = { "event", "within", "gap", "skip", "max_runs",
         "max_matches", "end" };
    weiri_obstacle          *obstacles = NULL;
    uint32_t n = weiri_trace_obstacles(self->trace, self->arena, end, &obstacles);
    json_open(out, NULL, '{');
    put_taken(out, self, end->node);
    json_text(out, "ended_at", time_text(self, end->time_ns));
    json_text(out, "ended_by", CAUSES[end->cause]);
    json_bool(out, "was_complete", end->is_complete);
    json_int(out, "wanting", weiri_trace_wanting(self->trace, end));
    put_obstacles(out, self, obstacles, n);
    json_close(out, '}');
}

static void
put_partials(json_writer *out, const why_telling *self)
{
    uint32_t               n_ends = 0;
    uint32_t               nearest[WHY_NEAREST];
    const weiri_trace_end *ends = weiri_trace_ends(self->story.trace, &n_ends);
    uint32_t               n    = why_pick_nearest(self, false, nearest);
    if (n == 0) {
        n = why_pick_nearest(self, true, nearest);
    }
    json_open(out, "nearest", '[');
    for (uint32_t i = 0; i < n; i++) {
        put_partial(out, &self->story, &ends[nearest[i]]);
    }
    json_close(out, ']');
}

static weir_status
put_blame(json_writer *out, const why_telling *self, weir_error *err)
{
    const story *of    = &self->story;
    weiri_edit  *edits = NULL;
    uint32_t     n     = 0;
    weir_status  status =
        weiri_trace_blame(of->trace, of->arena, &self->request->goal, &edits, &n, err);
    json_open(out, "would_match_without", '[');
    for (uint32_t i = 0; status == WEIR_OK && i < n; i++) {
        json_text(out, NULL, weiri_edit_text(of->arena, of->plan, &edits[i]));
    }
    json_close(out, ']');
    json_bool(out, "has_nothing_to_take", weiri_trace_has_nothing(of->trace));
    return status;
}

static uint32_t
put_matches(json_writer *out, const why_telling *self)
{
    uint32_t                n     = 0;
    uint32_t                told  = 0;
    const weiri_read_match *given = weiri_reading_matches(self->replay, &n);
    json_open(out, "matches", '[');
    for (uint32_t i = 0; why_agrees(self) && i < n; i++) {
        if (why_is_wanted(self, &given[i])) {
            put_match(out, self, i);
            told++;
        }
    }
    json_close(out, ']');
    return told;
}

weir_status
why_match_as_json(const why_telling *self, weir_error *err)
{
    json_writer              out     = { .file = stdout };
    uint32_t                 n_lates = 0;
    const weiri_trace_event *lates   = weiri_reading_lates(self->replay, &n_lates);
    weir_status              status  = WEIR_OK;
    json_open(&out, NULL, '{');
    json_text(&out, "type", "why");
    json_text(&out, "rule", self->rule->name);
    json_text(&out, "key", self->gathered.key);
    json_int(&out, "events", self->gathered.n);
    json_bool(&out, "is_exact", why_agrees(self));
    if (put_matches(&out, self) == 0) {
        put_partials(&out, self);
        status = put_blame(&out, self, err);
        json_bool(&out, "would_match_with_late", why_lates_matter(self));
    }
    json_open(&out, "late", '[');
    for (uint32_t i = 0; i < n_lates; i++) {
        put_event(&out, NULL, &self->story, &lates[i]);
    }
    json_close(&out, ']');
    json_close(&out, '}');
    return status;
}
