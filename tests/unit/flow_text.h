/* What goes into a run of random rules, and what comes out of it, as text. */
#ifndef FLOW_TEXT_H
#define FLOW_TEXT_H

#include <stdbool.h>

#include "random_rules.h"
#include "row_text.h"
#include "weiri/flow.h"
#include "weiri/matcher.h"

enum { EVENTS = 400, STEP_NS = 20000000, MAX_STREAMS = 32 };

/* ---- what comes out ---- */

typedef struct output {
    const weiri_plan  *plan;
    text               of[MAX_STREAMS]; /* of each stream */
    weiri_graph_counts counts;
} output;

static void
print_row(text *self, const weir_chunk *chunk, uint32_t row)
{
    print(self, "%" PRId64 " %" PRIx64, chunk->time[row], chunk->order[row]);
    print_values(self, chunk, row);
}

/* With the rows of each stream; a line for each turn shows which turn they came in. */
static void
print_stream(output *self, uint32_t stream, const weiri_rows_list *rows)
{
    print(&self->of[stream], "-\n");
    for (uint32_t i = 0; i < rows->n; i++) {
        for (uint32_t k = 0; k < rows->items[i].n; k++) {
            print_row(&self->of[stream], rows->items[i].chunk, rows->items[i].first + k);
        }
    }
}

static void
output_fini(output *self)
{
    for (uint32_t i = 0; i < MAX_STREAMS; i++) {
        free(self->of[i].bytes);
    }
}

/* ---- what goes in: the same events and turns, in chunks of some size ---- */

typedef struct input {
    random_rules random;
    uint32_t     chunk_rows;
    weiri_merge *merges[2];
    const bool  *used[2];
    weir_chunk  *open[2];
    uint64_t     n; /* events so far */
    int64_t      time_ns;
    random_rules pauses; /* of who takes in */
} input;

static void
push(input *self, uint32_t s)
{
    if (self->open[s] != NULL) {
        assert_ok(weiri_merge_push(self->merges[s], &self->open[s]));
    }
}

/* The events of a turn are between its watermark and the one before, ties among them. */
static void
fill_turn(input *self, const weiri_plan *plan, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++, self->n++) {
        uint32_t s = random_pick(&self->random, 3) == 0;
        if (self->open[s] != NULL && self->open[s]->n_rows == self->chunk_rows) {
            push(self, s);
        }
        if (self->open[s] == NULL) {
            assert_ok(
                weir_chunk_new(&plan->streams[s].schema, self->used[s], &self->open[s]));
        }
        random_event(&self->random, self->open[s], self->time_ns, self->n);
        self->time_ns += random_pick(&self->random, 4) == 0
                             ? (int64_t)random_pick(&self->random, 4) * STEP_NS
                             : 0;
    }
    push(self, 0);
    push(self, 1);
}

static bool
next_turn(input *self, const weiri_plan *plan, weiri_turn *turn)
{
    bool is_first = self->n == 0;
    if (turn->is_end) {
        return false;
    }
    turn->number += is_first ? 0 : 1;
    fill_turn(
        self, plan, 1 + random_pick(&self->random, 1U << random_pick(&self->random, 8)));
    turn->is_end       = self->n >= EVENTS;
    turn->watermark_ns = turn->is_end ? INT64_MAX : self->time_ns;
    turn->deadline_ns  = self->time_ns;
    return true;
}

#endif
