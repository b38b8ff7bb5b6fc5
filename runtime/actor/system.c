/* The shard as a receiver: credit, the end of the node, reports.
 *
 * The end goes level by level, led by shard 0: each shard drains its actors of a level
 * and says so once all that it sent has been worked off (its credit is back) and nothing
 * waits here. When all have said so, nothing can reach the next level any more but what
 * that level's own drain gives, and it is its turn.
 */
#include <stdlib.h>
#include <string.h>

#include "node.h"

static void
tell_all(weiri_shard *self, uint16_t kind, uint32_t id)
{
    for (uint32_t i = self->n_shards; i > 0; i--) { /* this shard last */
        weiri_message message = {
            .to = weiri_shard_system_address(i - 1), .kind = kind, .id = id
        };
        weiri_shard_route(self, &message);
    }
}

/* ---- the end ---- */

static void
tell_first(weiri_shard *self, uint16_t kind, uint32_t id)
{
    weiri_message message = {
        .to = weiri_shard_system_address(0), .kind = kind, .id = id
    };
    weiri_shard_route(self, &message);
}

void
weiri_shard_end(weiri_shard *self)
{
    tell_first(self, KIND_END, 0);
}

void
weiri_shard_halt(weiri_shard *self, weir_status status, const weir_error *err)
{
    if (self->has_ended) {
        return;
    }
    self->has_ended    = true;
    weiri_message halt = {
        .to = weiri_shard_system_address(0), .kind = KIND_HALT, .id = (uint32_t)status
    };
    weir_error *copy = err != NULL ? malloc(sizeof *copy) : NULL;
    if (copy != NULL) {
        *copy         = *err;
        halt.form     = WEIRI_FORM_BYTES;
        halt.as.block = (weiri_bytes_part){ copy, sizeof *copy, free };
    }
    weiri_shard_route(self, &halt);
}

static void
take_halt(weiri_shard *self, weiri_message *message)
{
    bool is_first    = !self->has_halted;
    self->has_ended  = true;
    self->has_halted = true;
    if (self->index != 0 || !is_first) {
        return;
    }
    self->halt_status = (weir_status)message->id;
    if (message->form == WEIRI_FORM_BYTES) {
        memcpy(&self->halt_error, message->as.block.bytes, sizeof self->halt_error);
    } else {
        weir_error_set(&self->halt_error, self->halt_status, 0, __FILE__, __LINE__, "%s",
            weir_status_text(self->halt_status));
    }
    tell_all(self, KIND_HALT, WEIR_OK);
}

static void
take_end(weiri_shard *self)
{
    if (self->end_level < 0) {
        self->end_level = 0;
        tell_all(self, KIND_DRAIN, 0);
    }
}

static void
take_drained(weiri_shard *self)
{
    if (++self->n_drained < self->n_shards) {
        return;
    }
    self->n_drained = 0;
    self->end_level++;
    if (self->end_level < (int32_t)self->n_levels) {
        tell_all(self, KIND_DRAIN, (uint32_t)self->end_level);
    } else {
        tell_first(self, KIND_HALT, WEIR_OK);
    }
}

/* The next actor of the level, from the cursor on, that has not been drained. */
static weiri_cell *
next_undrained(weiri_shard *self)
{
    for (; self->drain_cursor < self->cells.n_slots; self->drain_cursor++) {
        weiri_cell *which = self->cells.slots[self->drain_cursor].cell;
        if (which != NULL && which->class->level == (uint32_t)self->draining
            && (which->flags & CELL_DRAINED) == 0) {
            return which;
        }
    }
    return NULL;
}

bool
weiri_shard_drain(weiri_shard *self)
{
    if (self->draining < 0 || self->is_drain_told) {
        return false;
    }
    weiri_cell *which = next_undrained(self);
    if (which != NULL) {
        if (which->state != ACTOR_RUNNING) {
            return false; /* it takes nothing now: wait */
        }
        weiri_shard_drain_cell(self, which);
        return true;
    }
    if (self->blocked.used != 0 || self->n_outstanding != 0 || self->n_held_total != 0) {
        return false;
    }
    self->is_drain_told = true;
    tell_first(self, KIND_DRAINED, (uint32_t)self->draining);
    return true;
}

/* ---- reports ---- */

size_t
weiri_shard_waits(const weiri_shard *self, weiri_wait *waits, size_t capacity)
{
    size_t n = 0;
    for (uint32_t lane = 0; lane < self->n_levels; lane++) {
        for (uint32_t i = 0; i < self->n_shards; i++) {
            uint64_t n_events = i == self->index ? self->n_held[lane]
                                                 : self->peers[i].ways[lane].parked.n;
            if (n_events > 0 && n < capacity) {
                waits[n] = (weiri_wait){ .shard = self->index,
                    .level                      = lane,
                    .on_shard                   = i,
                    .n_events                   = n_events };
            }
            n += n_events > 0;
        }
    }
    return n;
}

weiri_shard_counts
weiri_shard_get_counts(const weiri_shard *self)
{
    weiri_shard_counts counts = self->counts;
    counts.n_actors           = self->cells.n;
    return counts;
}

static void
take_inspect(weiri_shard *self, const weiri_message *message)
{
    weiri_message       reply  = { .to = message->from,
               .flags                  = WEIRI_FLAG_REPLY,
               .kind                   = WEIRI_KIND_REPORT,
               .id                     = message->id };
    weiri_shard_report *report = calloc(1, sizeof *report);
    if (report == NULL) {
        weiri_shard_halt(self, WEIR_ENOMEM, NULL);
        return;
    }
    size_t capacity = sizeof report->waits / sizeof *report->waits;
    size_t n        = weiri_shard_waits(self, report->waits, capacity);
    report->counts  = weiri_shard_get_counts(self);
    report->n_waits = (uint32_t)(n < capacity ? n : capacity);
    reply.form      = WEIRI_FORM_BYTES;
    reply.as.block  = (weiri_bytes_part){ report, sizeof *report, free };
    weiri_shard_signal(self, reply);
}

void
weiri_shard_system(weiri_shard *self, weiri_message *message)
{
    switch (message->kind) {
    case KIND_CREDIT:
        weiri_shard_take_credit(self, message->via - 1U, message->id, message->n_rows);
        break;
    case KIND_DRAIN:
        self->draining      = (int32_t)message->id;
        self->drain_cursor  = 1;
        self->is_drain_told = false;
        break;
    case KIND_DRAINED: take_drained(self); break;
    case KIND_END: take_end(self); break;
    case KIND_HALT: take_halt(self, message); break;
    case KIND_INSPECT: take_inspect(self, message); break;
    default: break; /* a signal to nobody */
    }
    weiri_message_drop(message);
}
