/* A matcher of a plan that is made by hand, events for it, and its matches as text. */
#ifndef MATCHER_RIG_H
#define MATCHER_RIG_H

#include "pattern_builder.h"

enum { MR_TEXT = 8192 };

typedef struct matcher_rig {
    weiri_arena    *arena;
    pattern_builder b;
    weir_chunk     *chunk;
    weiri_matcher  *matcher;
    bool            is_counting;   /* nobody reads the matches             */
    char            text[MR_TEXT]; /* "a0 b2; " a match                    */
    uint64_t        n_emitted;
} matcher_rig;

/* Of a cmocka test whose state it is. */
int
mr_setup(void **state);
int
mr_teardown(void **state);

/* A plan of its own, and an empty chunk. */
void
mr_open(matcher_rig *self);
void
mr_close(matcher_rig *self);

/* Of weiri_match_sink: append to the text. */
void
mr_on_matched(void *context, bool is_timeout, int64_t time_ns, const weiri_taken *taken,
    uint32_t n_taken);

/* Give the matcher what is in the chunk. */
void
mr_feed(matcher_rig *self);

/* Finish it and end it; what it has counted. */
weiri_match_counts
mr_stop(matcher_rig *self);

/* Append events a second apart; a letter's type is its place in the alphabet. */
void
mr_events(matcher_rig *self, const char *letters);

/* A chunk full of events of one type, a second apart; one with one event. */
void
mr_fill(matcher_rig *self, double from_s, int64_t type);
void
mr_one_event(matcher_rig *self, double at_s, int64_t type);

/* A step that takes events of a letter's type. */
weiri_pattern *
mr_step(matcher_rig *self, weiri_contiguity contiguity, const char *letter);

#endif
