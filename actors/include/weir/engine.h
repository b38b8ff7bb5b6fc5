/* weir_engine: rules inside a program of your own. Events are pushed in, what rules emit
 * comes back by callback, on the caller's thread.
 *
 *     weir_engine *engine = NULL;
 *     weir_error   err    = { 0 };
 *     if (weir_engine_new(RULES, strlen(RULES), NULL, &engine, &err) != WEIR_OK) …
 *     weir_engine_on(engine, "intrusion", print_event, NULL, &err);
 *     weir_engine_push_json(engine, "auth", line, strlen(line), &err);
 *     …
 *     weir_engine_finish(engine, &err);
 *     weir_engine_destroy(&engine);
 *
 * Nothing is global and nothing is printed: a process may have as many engines as it
 * likes, each used by one thread at a time. Sources and sinks that the rules name are not
 * opened. `include` is not followed.
 *
 * An event that is pushed is processed before the call returns, unless `lateness_ns` or
 * `batch` say that it may wait. Time is that of the events: it goes on with the newest,
 * or when weir_engine_advance says so.
 */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include <stddef.h>

#include "weir/error.h"
#include "weir/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_engine weir_engine;

typedef struct weir_setting { /* a parameter of the rules */
    const char *name;
    const char *value;
} weir_setting;

/* `{0}` is what NULL stands for. */
typedef struct weir_engine_options {
    const weir_setting *settings;
    size_t              n_settings;
    int64_t             lateness_ns; /* how far out of order events may be pushed; an
                                      * event waits until one comes that much later */
    uint32_t batch; /* events are processed by so many at once; 0 and 1: at once */
    /* Each error and warning of the rules, as a text of several lines without the last
     * line feed; NULL: the first error is in `err` alone. */
    void (*diagnosed)(void *context, bool is_error, const char *text);
    void *context;
} weir_engine_options;

/* An event that a rule emitted, or that was pushed. Borrowed for the call. */
typedef struct weir_event {
    const weir_schema *schema;
    int64_t            time_ns;
    const weir_value  *values; /* shape (schema->n_fields,) */
} weir_event;

/* The value of the field called `name`; NULL if there is none. Borrowed with the event.
 */
WEIR_API const weir_value *
weir_event_get(const weir_event *event, const char *name);

/* What rules give. It may not call into its engine. */
typedef void (*weir_event_fn)(void *context, const weir_event *event);

/* Make an engine of rules.
 *
 *   rules    shape (size,): text of a rule file
 *   options  NULL: none
 *   errors   WEIR_ESYNTAX  the rules are wrong: `err` tells the first place
 *            WEIR_EINVAL, WEIR_ENOMEM
 *            *out is NULL after any of them
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_new(const char *rules, size_t size, const weir_engine_options *options,
    weir_engine **out, weir_error *err);

/* NULL is fine. What was not finished is dropped. */
WEIR_API void
weir_engine_destroy(weir_engine **self_p);

/* Have `fn` called with each event of a stream, in order; events that are pushed
 * included. Streams are told in the order of time; how events of several streams at one
 * moment follow each other depends on the batch, the order within each stream does not.
 *
 *   errors  WEIR_EINVAL  there is no such stream, or it has a callback already
 *           WEIR_ENOMEM
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_on(weir_engine *self, const char *stream, weir_event_fn fn, void *context,
    weir_error *err);

/* The shape of a stream's events, lent by the engine; NULL if there is no such stream. */
WEIR_API const weir_schema *
weir_engine_schema(const weir_engine *self, const char *stream);

/* Push one event.
 *
 *   values  shape (n_fields of the stream,), in the order of its fields, each null or of
 *           the field's type; copied
 *   errors  WEIR_EINVAL  no such stream, one that rules emit, or a value of a wrong type;
 *                        null where the field is not nullable
 *           WEIR_ELATE   older than the newest event by more than the lateness
 *           After these the event is not taken in, and the engine goes on.
 *           WEIR_EFULL   too large, or a bound is reached; WEIR_ENOMEM
 *           After these the engine is to be destroyed.
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_push(
    weir_engine *self, const char *stream, const weir_value *values, weir_error *err);

/* Push events written as JSON Lines; fields that the stream does not have are passed
 * over.
 *
 *   errors  WEIR_EDATA  a line is no event of the stream: `err` says why; those before it
 *                       were taken in, those behind it were not
 *           else as weir_engine_push
 */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_push_json(weir_engine *self, const char *stream, const char *json,
    size_t size, weir_error *err);

/* Process what waits for its batch; events that wait for the lateness wait on. */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_flush(weir_engine *self, weir_error *err);

/* Every event before `time_ns` has been pushed: absences and windows that end before it
 * are told. Never goes back. */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_advance(weir_engine *self, int64_t time_ns, weir_error *err);

/* No event will come any more: time stops at the newest, windows that are open are told,
 * absences that are pending are not. Then only destroy may be called. */
WEIR_API WEIR_MUST_CHECK weir_status
weir_engine_finish(weir_engine *self, weir_error *err);

typedef struct weir_engine_counts {
    uint64_t n_events;
    uint64_t n_late;
    uint64_t n_matches; /* of all rules                                */
    uint64_t n_dropped; /* partial or complete matches, by a bound     */
    uint64_t n_faults;  /* arithmetic that gave null                   */
    uint64_t n_null_keys;
} weir_engine_counts;

WEIR_API weir_engine_counts
weir_engine_get_counts(const weir_engine *self);

#ifdef __cplusplus
}
#endif

#endif
