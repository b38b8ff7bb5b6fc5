#include "weir_test.h"

#include "matcher_rig.h"

#include <stdio.h>
#include <string.h>

#include "weiri/limits.h"

void
mr_open(matcher_rig *self)
{
    *self   = (matcher_rig){ .arena = weiri_arena_new() };
    self->b = pb_new(self->arena);
    assert_ok(weir_chunk_new(pb_schema(), NULL, &self->chunk));
}

void
mr_close(matcher_rig *self)
{
    const weir_chunk *chunk = self->chunk;
    weir_chunk_unref(&chunk);
    weiri_arena_destroy(&self->arena);
}

int
mr_setup(void **state)
{
    static matcher_rig self;
    mr_open(&self);
    *state = &self;
    return 0;
}

int
mr_teardown(void **state)
{
    mr_close(*state);
    return 0;
}

void
mr_on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken)
{
    matcher_rig *self = context;
    (void)is_timeout;
    (void)time_ns;
    for (uint32_t i = 0; i < n_taken; i++) {
        size_t used = strlen(self->text);
        (void)snprintf(self->text + used, MR_TEXT - used, "%s%u%s",
            self->b.plan->steps[taken[i].step].name, (unsigned)taken[i].order,
            i + 1 < n_taken ? " " : "; ");
    }
}

void
mr_feed(matcher_rig *self)
{
    weiri_part  part  = { .rows = { .chunk = self->chunk, .n = self->chunk->n_rows } };
    weiri_batch batch = { .parts = &part, .n_parts = 1, .n_events = part.rows.n };
    assert_ok(weiri_matcher_feed(self->matcher, &batch, NULL));
}

weiri_match_counts
mr_stop(matcher_rig *self)
{
    assert_ok(weiri_matcher_finish(self->matcher, NULL));
    weiri_match_counts counts = weiri_matcher_counts(self->matcher);
    weiri_matcher_destroy(&self->matcher);
    return counts;
}

void
mr_events(matcher_rig *self, const char *letters)
{
    for (uint32_t i = 0; letters[i] != '\0'; i++) {
        pb_event(self->chunk, i, letters[i] - 'a', i, 0, (int64_t)i * 10);
    }
}

void
mr_fill(matcher_rig *self, double from_s, int64_t type)
{
    self->chunk->n_rows = 0;
    for (uint32_t i = 0; i < WEIRI_CHUNK_ROWS; i++) {
        pb_event(self->chunk, from_s + i, type, i, 0, 0);
    }
}

void
mr_one_event(matcher_rig *self, double at_s, int64_t type)
{
    self->chunk->n_rows = 0;
    pb_event(self->chunk, at_s, type, 0, 0, 0);
}

weiri_pattern *
mr_step(matcher_rig *self, weiri_contiguity contiguity, const char *letter)
{
    return pb_take(&self->b, contiguity, pb_typed(&self->b, letter, letter[0] - 'a'));
}
