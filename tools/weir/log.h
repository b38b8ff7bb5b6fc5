/* A log: a line an event, to standard error, each in one write.
 *
 *   text  2026-11-22T14:00:00.123Z info rules.applied version=… n_rules=3
 *   json  {"time":"…","level":"info","event":"rules.applied","version":"…","n_rules":3}
 */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include "weiri/nodefile.h"

enum { LOG_LINE_BYTES = 4096 }; /* longer ones are cut */

typedef struct run_log {
    weiri_log_format format;
    weiri_log_level  level;
    const char      *node; /* in every line; NULL: not */
} run_log;

/* A line that is being written; fields that do not fit are left out. */
typedef struct log_line {
    const run_log *log; /* NULL: below the level, nothing is written */
    char           bytes[LOG_LINE_BYTES];
    size_t         used;
} log_line;

/* event  words of a-z joined by '.' */
void
log_begin(log_line *self, const run_log *log, weiri_log_level level, const char *event);

void
log_text(log_line *self, const char *name, const char *value);

void
log_number(log_line *self, const char *name, uint64_t value);

/* Write it. */
void
log_end(log_line *self);

/* A line with one text: what happened, as a sentence; NULL: without. */
void
log_say(const run_log *log, weiri_log_level level, const char *event, const char *what);

#endif
