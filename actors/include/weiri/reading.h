/* weiri_reading: what a rule's sources hold, read again to explain one key or match.
 *
 * The plan is run as `weir run` would run it, but nothing is written. Beside the events
 * of the key, what the engine itself gives for it is kept, to hold explanations against.
 */
#ifndef WEIRI_READING_H
#define WEIRI_READING_H

#include "weiri/engine.h"
#include "weiri/gather.h"
#include "weiri/verdict.h"

/* What is asked about: a key, a match by its number among those of the rule, from 1, or a
 * match by its identity or by the line of JSON that it made. */
typedef struct weiri_reading_request {
    uint32_t              rule;
    const char           *key;
    uint64_t              number; /* 0: not asked */
    uint64_t              id;     /* as weiri_read_match.id; 0: not asked */
    const char           *line;   /* NULL: not asked */
    const char           *state;  /* directory whose journal is read; NULL: sources are */
    const weiri_redirect *redirects;
    size_t                n_redirects;
    void (*told)(void *context, const char *text); /* where the journal begins; NULL */
    void *context;
} weiri_reading_request;

/* A match that the engine gave for the key. */
typedef struct weiri_read_match {
    uint64_t     number; /* among those of the rule, from 1; of a timeout 0 */
    bool         is_timeout;
    int64_t      time_ns;
    weiri_taken *taken; /* shape (n_taken,) */
    uint32_t     n_taken;
    const char  *line; /* what it made, as JSON */
    uint64_t id; /* the same in every run: of the rule's name, the time and the line */
} weiri_read_match;

typedef struct weiri_reading weiri_reading;

/* Read the sources.
 *
 *   errors  as weiri_engine_new and weiri_engine_turn
 *           WEIR_EINVAL  the rule is an actor, or writes a table; a match is asked for
 *                        and a source cannot be read twice, or the rule has no window
 *           WEIR_ENOENT  there is no such match
 */
WEIR_MUST_CHECK weir_status
weiri_reading_new(const weiri_plan *plan, const weiri_reading_request *request,
    weiri_reading **out, weir_error *err);

void
weiri_reading_destroy(weiri_reading **self_p);

/* The events of the key; n = 0 if there was none. */
weiri_gathered
weiri_reading_events(const weiri_reading *self);

/* Events of the key that were late, by time. shape (n,) */
const weiri_trace_event *
weiri_reading_lates(const weiri_reading *self, uint32_t *n);

/* What the engine gave for the key, in order. shape (n,) */
const weiri_read_match *
weiri_reading_matches(const weiri_reading *self, uint32_t *n);

/* Of a query with a window: what became of each of the key's results; else NULL. */
const weiri_verdicts *
weiri_reading_verdicts(const weiri_reading *self);

/* What the rule makes of these values, as JSON, valid as long as `self`.
 *
 *   made    shape (n_fields of the rule's emit,)
 *   errors  WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_reading_made(
    weiri_reading *self, int64_t time_ns, const weir_value *made, const char **out);

/* The identity of what the rule made, never 0. */
uint64_t
weiri_reading_id(const weiri_reading *self, int64_t time_ns, const char *line);

/* The number of the match that was asked for; 0: a key was. */
uint64_t
weiri_reading_number(const weiri_reading *self);

/* Deadlines before it have fired: time stopped there. */
int64_t
weiri_reading_end(const weiri_reading *self);

#endif
