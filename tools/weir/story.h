/* What became of partial matches, told in lines of text. */
#ifndef WEIR_STORY_H
#define WEIR_STORY_H

#include <stdio.h>

#include "weiri/ruletest.h"
#include "weiri/trace.h"

/* Who tells, and of what. */
typedef struct story {
    weiri_arena             *arena;
    const weiri_match       *plan;
    weiri_trace             *trace;
    const weiri_trace_event *events;     /* of the trace */
    const char              *lead;       /* what every line begins with */
    bool                     is_virtual; /* times are those of a test: from 0s */
    FILE                    *file;
} story;

/* The events that a partial match took, a line each; of many the first and the last. */
void
tell_taken(const story *self, uint32_t node);

/* How a partial match ended, and what stood in its way: at most `most` lines of that. */
void
tell_end(const story *self, const weiri_trace_end *end, uint32_t most);

/* Where no match was even begun: what kept the last events from beginning one. */
void
tell_beginnings(const story *self, uint32_t most);

/* Without which parts of the rule it would have been a match. True: something was found.
 */
bool
tell_blame(const story *self, const weiri_goal *goal);

/* How near the rule of a failed test came, over all keys; each line after `lead`. */
void
tell_failed_test(const weiri_ruletest_failure *failure, const char *lead, FILE *file);

/* The same of one that begins with `from`. */
void
tell_failed_query(const weiri_ruletest_failure *failure, const char *lead, FILE *file);

/* "auth { ip: "10.0.0.9", outcome: "failed" }". */
const char *
event_text(const story *self, const weiri_trace_event *event);

/* A time in UTC, or of a test how long after its beginning. */
const char *
time_text(const story *self, int64_t ns);

#endif
