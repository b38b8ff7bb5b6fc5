/* Runs and the chains of events they have taken: making, copying, dropping. */
#include <stdlib.h>
#include <string.h>

#include "match/runs.h"

uint32_t
weiri_runs_make(weiri_executor *self)
{
    uint32_t   made = weiri_pool_take(&self->runs);
    weiri_run *run  = weiri_run_at(self, made);
    memset(run, 0, sizeof *run);
    weiri_registers_clear(self->core->registers, run->cells);
    return made;
}

uint32_t
weiri_runs_copy(weiri_executor *self, uint32_t run)
{
    uint32_t   made = weiri_pool_take(&self->runs);
    weiri_run *from = weiri_run_at(self, run);
    weiri_run *to   = weiri_run_at(self, made);
    if (made == 0) {
        return 0;
    }
    *to       = *from;
    to->place = WEIRI_RUN_NOWHERE;
    memcpy(weiri_run_waiting(self, to), weiri_run_waiting(self, from),
        self->max_waits * sizeof(weiri_waiting));
    weiri_registers_copy(self->core->registers, to->cells, from->cells);
    if (to->links != 0) {
        weiri_link_at(self, to->links)->n_refs++;
    }
    return made;
}

static void
release_links(weiri_executor *self, uint32_t link)
{
    while (link != 0) {
        weiri_link *at = weiri_link_at(self, link);
        if (--at->n_refs > 0) {
            return;
        }
        uint32_t before = at->before;
        weiri_pool_give(&self->links, link);
        link = before;
    }
}

void
weiri_runs_free(weiri_executor *self, uint32_t run)
{
    weiri_run *at = weiri_run_at(self, run);
    if (run == 0) {
        return;
    }
    weiri_registers_release(self->core->registers, at->cells);
    release_links(self, at->links);
    at->start = WEIRI_NO_START;
    weiri_pool_give(&self->runs, run);
}

/* Whether a run, 0: none, began with this event. Runs that did stand together. */
static bool
began_with(const weiri_executor *self, uint32_t run, uint64_t start)
{
    return run != 0 && weiri_run_at(self, run)->start == start;
}

void
weiri_runs_append(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    weiri_run *at = weiri_run_at(self, run);
    at->next      = 0;
    at->prev      = state->last;
    state->n_starts += !began_with(self, state->last, at->start);
    if (state->last != 0) {
        weiri_run_at(self, state->last)->next = run;
    } else {
        state->first = run;
    }
    state->last = run;
    state->n_runs++;
}

void
weiri_runs_insert_before(
    weiri_executor *self, weiri_runs_state *state, uint32_t run, uint32_t next)
{
    weiri_run *at    = weiri_run_at(self, run);
    weiri_run *after = weiri_run_at(self, next);
    at->next         = next;
    at->prev         = after->prev;
    if (after->prev != 0) {
        weiri_run_at(self, after->prev)->next = run;
    } else {
        state->first = run;
    }
    after->prev = run;
    state->n_runs++;
}

void
weiri_runs_unlink(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    const weiri_run *at = weiri_run_at(self, run);
    if (state->index != 0) {
        weiri_runs_displace(self, state, run);
    }
    if (at->prev != 0) {
        weiri_run_at(self, at->prev)->next = at->next;
    } else {
        state->first = at->next;
    }
    if (at->next != 0) {
        weiri_run_at(self, at->next)->prev = at->prev;
    } else {
        state->last = at->prev;
    }
    if (!began_with(self, at->prev, at->start)
        && !began_with(self, at->next, at->start)) {
        state->n_starts--;
    }
    state->n_runs--;
}

void
weiri_runs_drop(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    weiri_runs_unlink(self, state, run);
    weiri_runs_free(self, run);
}

void
weiri_runs_take(weiri_executor *self, weiri_run *run, uint32_t step)
{
    uint32_t    made = weiri_pool_take(&self->links);
    weiri_link *link = weiri_link_at(self, made);
    if (self->turn_link == 0) {
        self->turn_link = made;
    } else if (!self->is_turn_shared) {
        self->is_turn_shared = true;
        weiri_link_at(self, self->turn_link)->tag |= WEIRI_LINK_SHARED;
    }
    *link = (weiri_link){ .before = run->links,
        .n_refs                   = 1,
        .tag                      = self->event->order << 8 | step,
        .time_ns                  = self->event->time_ns };
    if (self->is_turn_shared) {
        link->tag |= WEIRI_LINK_SHARED;
    }
    run->links   = made;
    run->last_ns = self->event->time_ns;
    run->n_taken++;
    weiri_registers_take(self->core->registers, run->cells, step, self->event);
}

void
weiri_runs_note(
    weiri_executor *self, uint32_t **list, uint32_t *n, uint32_t *capacity, uint32_t run)
{
    if (*n == *capacity) {
        uint32_t  grown = *capacity > 0 ? *capacity * 2 : 16;
        uint32_t *items = grown == 0 ? NULL : realloc(*list, grown * sizeof *items);
        if (items == NULL) {
            self->core->status = WEIR_ENOMEM;
            weiri_runs_free(self, run);
            return;
        }
        *list     = items;
        *capacity = grown;
    }
    (*list)[(*n)++] = run;
}
