/* What an expression read when it was worked out, in words. */
#ifndef WEIR_READS_H
#define WEIR_READS_H

#include "weiri/exprtext.h"
#include "weiri/trace.h"

/* What an expression is worked out over. */
typedef struct reads_place {
    weiri_arena             *arena;
    weiri_expr_names         names;
    const weiri_trace_event *event;     /* NULL: it reads no field    */
    const weir_value        *registers; /* NULL: it reads no register */
} reads_place;

/* Strings in the arena; null if memory is out. */
weir_value
reads_eval(const reads_place *self, const weiri_expr *expr);

/* "count() is 2, ip is "a"": each thing once. */
const char *
reads_text(const reads_place *self, const weiri_expr *expr);

/* "`count() >= 3` is false: count() is 2"; NULL: the term is true. */
const char *
reads_false_text(const reads_place *self, const weiri_expr *term);

#endif
