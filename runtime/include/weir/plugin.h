/* What a plugin is made of: actors (events in, events out), functions of expressions,
 * aggregates, sources, sinks and codecs, in a shared object that Weir loads.
 *
 *     #include <weir/plugin.h>
 *     static bool on_rows(...) { ... }
 *     static const weir_plugin_actor geo = { .size = sizeof geo, .name = "geo", ... };
 *     static const weir_plugin_actor *const actors[] = { &geo };
 *     WEIR_PLUGIN_DEFINE("geo", "1.0.0", actors, 1, NULL, 0)
 *
 * A plugin links nothing of Weir: all that it may ask for is in the table that comes with
 * each call. This header is the one layout that is promised. Tables carry their size and
 * grow at the end, with a minor version; fields that a plugin's table does not have yet
 * count as zero. A Weir loads plugins of its own major version and of no later minor one.
 *
 * What a plugin gives may depend on what it is given and on nothing else: no clock, no
 * random seed of its own, no addresses. Weir promises the same output for the same input,
 * and a plugin keeps that promise or breaks it.
 *
 * A plugin runs inside the process and is trusted. One actor is called by one thread at a
 * time; two actors may be called at once.
 */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <stddef.h>

#include "weir/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_PLUGIN_MAGIC     UINT32_C(0x57454952)
#define WEIR_PLUGIN_ABI_MAJOR 1 /* raised when an old plugin can no longer be loaded */
#define WEIR_PLUGIN_ABI_MINOR 1 /* raised when fields are appended                   */

/* A parameter, a field that is read, or one that is given. */
typedef struct weir_plugin_field {
    const char *name; /* [a-z][a-z0-9_]*                                             */
    uint8_t     type; /* weir_type: a bool, int, float, string, time or duration     */
    bool        is_nullable; /* may be null; a parameter: need not be given          */
    bool        is_path;     /* of a parameter, a string: a file. The rules name it
                              * relative to themselves; what comes can be opened     */
} weir_plugin_field;

typedef struct weir_plugin_call weir_plugin_call;

/* What Weir lends for a call. Nothing here may be called outside of it, or by another
 * thread. */
typedef struct weir_plugin_host {
    size_t size; /* sizeof(weir_plugin_host) where Weir was built */

    /* Say why something failed; what it is called from then returns false.
     *
     *   format   as of printf; the text is cut at 200 bytes
     *   returns  false, so that it can stand in a return
     */
    bool (*fail)(weir_plugin_call *call, const char *format, ...) WEIR_PRINTF(2);

    /* Write one line to the log, with the actor's name before it. At most 100 lines an
     * actor are written. */
    void (*log)(weir_plugin_call *call, const char *format, ...) WEIR_PRINTF(2);

    /* Give an event: of on_rows, at the time of a row; of on_timer, at the timer's.
     *
     *   row       of on_rows: to which row it belongs, never below that of the event
     * given before in this call. If the row fails, it is not given. Of on_timer: 0 values
     * shape (n_values,): of the types of `outputs`; copied returns   false: the value of
     * a field is of another type, null, not finite or not UTF-8, or too much is given for
     * one row. Return false at once
     */
    bool (*emit)(weir_plugin_call *call, uint32_t row, const weir_value *values,
        uint32_t n_values);

    /* Have on_timer called for this state when event time has come to at_ns: before the
     * first event later than that. A state has one timer: this replaces it.
     *
     *   at_ns    later than the event (or the timer) at hand
     *   returns  false: it is not, or the actor has no on_timer
     */
    bool (*set_timer)(weir_plugin_call *call, int64_t at_ns);

    /* Have no timer any more. */
    void (*clear_timer)(weir_plugin_call *call);

    /* Append bytes to what state_save saves. */
    void (*write)(weir_plugin_call *call, const void *bytes, size_t size);

    /* Room for the text that a function gives, until its value has been used.
     *
     *   returns  NULL: more than 1 MiB
     */
    char *(*text)(weir_plugin_call *call, size_t size);

    /* ---- since 1.1 ---- */

    /* Add to a counter, which is shown when the run ends and by `weir top`. Metrics never
     * change what comes out.
     *
     *   name  [a-z][a-z0-9_]*; of one plugin at most 32, further ones are passed over
     */
    void (*count)(weir_plugin_call *call, const char *name, uint64_t n);

    /* Set a gauge: the last value is shown. One that is not finite is passed over. */
    void (*gauge)(weir_plugin_call *call, const char *name, double value);

    /* Of on_rows and on_timer: the state of this key is as good as new. Once the call has
     * succeeded it is freed, its timer with it; state_new makes another when an event of
     * the key comes. */
    void (*drop_state)(weir_plugin_call *call);
} weir_plugin_host;

struct weir_plugin_call {
    const weir_plugin_host *host;
    /* What follows is Weir's own. */
};

/* Events in order of time, borrowed for the call. */
typedef struct weir_plugin_rows {
    size_t            size; /* sizeof(weir_plugin_rows) where Weir was built */
    uint32_t          n;
    uint32_t          n_fields; /* the number of inputs        */
    const int64_t    *times;    /* shape (n,): ns since 1970   */
    const weir_value *values;   /* shape (n, n_fields)         */
} weir_plugin_rows;

/* The values of one event, in the order of the inputs. shape (n_fields,) */
static inline const weir_value *
weir_plugin_row(const weir_plugin_rows *rows, uint32_t row)
{
    return rows->values + (size_t)row * rows->n_fields;
}

/* How an actor was asked for. Borrowed for the call. */
typedef struct weir_plugin_setup {
    size_t            size;
    const weir_value *params; /* shape (n_params,): in the order declared; strings
                               * have a zero byte after them             */
    uint32_t                 n_params;
    const weir_plugin_field *inputs; /* shape (n_inputs,): what the rows will hold */
    uint32_t                 n_inputs;
} weir_plugin_setup;

enum {
    /* Events given have the fields of the event that they are given for, then the
     * outputs. Nothing can be given by on_timer. */
    WEIR_PLUGIN_KEEPS_EVENT = 1,
    /* The inputs are all int and float fields of the stream that are never null, as
     * floats; `inputs` is empty. */
    WEIR_PLUGIN_TAKES_NUMBERS = 2
};

/* An actor. Of the functions only on_rows is needed.
 *
 * open makes what all states share and nothing changes: a table read from a file, say.
 * With state_new there is a state for each key of the rule's `by`, or one if there is no
 * `by`, made when its first event comes.
 */
typedef struct weir_plugin_actor {
    size_t                   size; /* sizeof(weir_plugin_actor) in the plugin */
    const char              *name;
    const weir_plugin_field *params;
    uint32_t                 n_params;
    const weir_plugin_field *inputs;
    uint32_t                 n_inputs;
    const weir_plugin_field *outputs;
    uint32_t                 n_outputs;
    uint32_t                 flags; /* WEIR_PLUGIN_…                              */
    uint32_t                 state_version; /* of what state_save writes: another one is
                                             * refused                                   */

    /* errors  false, after host->fail: *self_out is not looked at */
    bool (*open)(weir_plugin_call *call, const weir_plugin_setup *setup, void **self_out);
    void (*close)(void *self);

    bool (*state_new)(weir_plugin_call *call, void *self, void **state_out);
    void (*state_free)(void *self, void *state);

    /* Take events of one key, in order.
     *
     *   returns  how many were taken before the first that failed (after host->fail or a
     *            refused emit); rows->n: all
     */
    uint32_t (*on_rows)(
        weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows);

    /* The timer of this state is due. An actor that has this is given its events one at
     * a time. */
    bool (*on_timer)(weir_plugin_call *call, void *self, void *state, int64_t at_ns);

    /* Write a state with host->write, in the same way on every machine, and read it back.
     * Without these two a run with --state is refused.
     *
     *   bytes    not trusted
     *   errors   false, after host->fail: *state_out is not looked at
     */
    bool (*state_save)(weir_plugin_call *call, void *self, const void *state);
    bool (*state_load)(weir_plugin_call *call, void *self, const void *bytes, size_t size,
        void **state_out);
} weir_plugin_actor;

/* A function of expressions: the same arguments give the same result. */
typedef struct weir_plugin_function {
    size_t                   size; /* sizeof(weir_plugin_function) in the plugin */
    const char              *name;
    const weir_plugin_field *params;   /* their names are for people */
    uint32_t                 n_params; /* at most 16 */
    uint8_t                  result;   /* weir_type  */

    /* Work it out. Where an argument is null the result is, and this is not called.
     *
     *   args     shape (n_params,): of the types of params
     *   out      of type `result`, or null; a string lives in host->text or as long as
     *            the plugin
     *   returns  false: the result is null, and counted as a fault
     *   thread   any; several at once
     */
    bool (*evaluate)(weir_plugin_call *call, const weir_value *args, weir_value *out);
} weir_plugin_function;

/* ---- since 1.1: aggregates, sources, sinks, codecs ---- */

/* An aggregate: what stands in windows and after `match` as sum and avg do.
 *
 * There is a state for each key and window, made when its first value comes. Nulls, and
 * events that a `where` leaves out, are not seen. If a call fails the result is null, and
 * counted as a fault, until the window has run empty.
 *
 *   thread  a state is used by one thread at a time, two states by two at once
 */
typedef struct weir_plugin_aggregate {
    size_t                   size; /* sizeof(weir_plugin_aggregate) in the plugin */
    const char              *name;
    const weir_plugin_field *params; /* given where the rules declare it */
    uint32_t                 n_params;
    const weir_plugin_field *inputs;        /* what stands in the parentheses of a call */
    uint32_t                 n_inputs;      /* 1 or 2 */
    uint8_t                  result;        /* weir_type */
    uint32_t                 state_version; /* of what state_save writes */

    bool (*state_new)(
        weir_plugin_call *call, const weir_plugin_setup *setup, void **state_out);
    void (*state_free)(void *state);

    /* values  shape (n_inputs,): of the types of inputs, never null */
    bool (*add)(
        weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values);

    /* Take the oldest value out again. NULL: a sliding window of n values merges what it
     * keeps of √n parts of it or, without merge, adds all its values for each result. */
    bool (*remove)(
        weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values);

    /* Add what `later` holds, of events after all of `state`. NULL: the aggregate cannot
     * stand in hopping windows, or with `early`. `state` may be new. */
    bool (*merge)(weir_plugin_call *call, void *state, const void *later);

    /* Work out the result; the state stays as it is.
     *
     *   out  of type `result`, or null; a string lives in host->text or in the state
     */
    bool (*finish)(weir_plugin_call *call, const void *state, weir_value *out);

    /* Write a state with host->write, in the same way on every machine, and read it back.
     *
     *   bytes    not trusted
     *   errors   false, after host->fail: *state_out is not looked at
     */
    bool (*state_save)(weir_plugin_call *call, const void *state);
    bool (*state_load)(weir_plugin_call *call, const weir_plugin_setup *setup,
        const void *bytes, size_t size, void **state_out);
} weir_plugin_aggregate;

/* How a read ended. */
typedef enum weir_plugin_read {
    WEIR_PLUGIN_FAILED  = 0, /* after host->fail: the run ends                   */
    WEIR_PLUGIN_GIVEN   = 1, /* something came                                   */
    WEIR_PLUGIN_NOTHING = 2, /* nothing came in that time; the source is asked again */
    WEIR_PLUGIN_ENDED   = 3  /* nothing will come any more                       */
} weir_plugin_read;

/* A source: bytes in some format, or events.
 *
 * It has either `read` or `read_rows`. Bytes go to the decoder of the format that the
 * rules name, cut anywhere. Events are given with host->emit, row 0, their values those
 * of `outputs`; the fields of the stream are filled by name, and what does not fit goes
 * to dead.<stream>.
 *
 * With `--state`, a source that has `position` and `seek` is read again from where the
 * last checkpoint was. What any other has given is kept in Weir's journal first.
 */
typedef struct weir_plugin_source {
    size_t                   size; /* sizeof(weir_plugin_source) in the plugin */
    const char              *name;
    const weir_plugin_field *params;
    uint32_t                 n_params;
    const weir_plugin_field *outputs; /* with read_rows */
    uint32_t                 n_outputs;

    /* errors  false, after host->fail: the run does not begin */
    bool (*open)(weir_plugin_call *call, const weir_plugin_setup *setup, void **self_out);
    void (*close)(void *self);

    /* Read what there is.
     *
     *   wait_ns  how long to wait; 0: not at all. Return by then: the run waits
     *   bytes    shape (room,)
     *   n        of WEIR_PLUGIN_GIVEN: how many were read, 1 … room
     */
    weir_plugin_read (*read)(weir_plugin_call *call, void *self, int64_t wait_ns,
        char *bytes, size_t room, size_t *n);

    /* Give events that there are, at most 1024 and 1 MiB; further ones are refused: keep
     * them for the next call. */
    weir_plugin_read (*read_rows)(weir_plugin_call *call, void *self, int64_t wait_ns);

    /* Write with host->write, at most 4 KiB, where the next read goes on; and go on
     * there, before the first read. From the same position the same comes again, to the
     * byte.
     *
     *   bytes  not trusted
     */
    bool (*position)(weir_plugin_call *call, void *self);
    bool (*seek)(weir_plugin_call *call, void *self, const void *bytes, size_t size);

    /* What was read up to a position is safe: with `--state` a checkpoint with it, or the
     * journal, is on the medium. May be NULL.
     *
     *   bytes  what `position` wrote; of a source without: NULL, and all that was given
     *          is safe
     */
    void (*acknowledge)(
        weir_plugin_call *call, void *self, const void *bytes, size_t size);
} weir_plugin_source;

/* A sink: takes bytes in some format, or events. It has either `write` or `write_rows`.
 *
 * With `--state`, a sink that has `position` and `resume` gets each event once: it is cut
 * back to where it was at the checkpoint, and what follows is written again. Any other
 * gets what was written since the checkpoint twice if the run was killed.
 */
typedef struct weir_plugin_sink {
    size_t                   size; /* sizeof(weir_plugin_sink) in the plugin */
    const char              *name;
    const weir_plugin_field *params;
    uint32_t                 n_params;

    /* Of write_rows: setup->inputs has the fields of the stream, as they are declared. */
    bool (*open)(weir_plugin_call *call, const weir_plugin_setup *setup, void **self_out);
    void (*close)(void *self);

    /* Take bytes: whole events, one after the other.
     *
     *   errors  false, after host->fail: the run ends
     */
    bool (*write)(weir_plugin_call *call, void *self, const char *bytes, size_t size);

    /* Take events, in the order of time. */
    bool (*write_rows)(weir_plugin_call *call, void *self, const weir_plugin_rows *rows);

    /* Nothing more comes for now: hand over what is buffered. May be NULL. */
    bool (*flush)(weir_plugin_call *call, void *self);

    /* Put what was handed over on the medium; before a checkpoint, after flush. May be
     * NULL. */
    bool (*sync)(weir_plugin_call *call, void *self);

    /* Write with host->write, at most 4 KiB, how far it has come, after sync; and cut
     * back to there, after open. */
    bool (*position)(weir_plugin_call *call, void *self);
    bool (*resume)(weir_plugin_call *call, void *self, const void *bytes, size_t size);
} weir_plugin_sink;

/* A codec: a format. It has `decode`, `encode` or both. setup->inputs has the fields of
 * the stream that it was opened for; params are given where the rules declare it. */
typedef struct weir_plugin_codec {
    size_t                   size; /* sizeof(weir_plugin_codec) in the plugin */
    const char              *name;
    const weir_plugin_field *params;
    uint32_t                 n_params;

    bool (*open)(weir_plugin_call *call, const weir_plugin_setup *setup, void **self_out);
    void (*close)(void *self);

    /* Take the record at the front of the bytes, and give its events with host->emit, row
     * 0, their values those of setup->inputs: at most 64.
     *
     *   is_last   no byte follows
     *   consumed  how long the record is, also of one that fails; 0: more bytes are
     *             needed. With is_last all are consumed. A record has at most 1 MiB
     *   returns   false, after host->fail: the record goes to dead.<stream>
     *   state     none between two records: what a record means depends on itself
     */
    bool (*decode)(weir_plugin_call *call, void *self, const char *bytes, size_t size,
        bool is_last, size_t *consumed);

    /* Write events with host->write.
     *
     *   errors  false, after host->fail: the run ends
     */
    bool (*encode)(weir_plugin_call *call, void *self, const weir_plugin_rows *rows);
} weir_plugin_codec;

/* What a shared object has. */
typedef struct weir_plugin {
    uint32_t                           magic; /* WEIR_PLUGIN_MAGIC */
    uint16_t                           abi_major;
    uint16_t                           abi_minor;
    size_t                             size; /* sizeof(weir_plugin) in the plugin */
    const char                        *name; /* [a-z][a-z0-9_]* */
    const char                        *version;
    const weir_plugin_actor *const    *actors; /* shape (n_actors,) */
    uint32_t                           n_actors;
    const weir_plugin_function *const *functions; /* shape (n_functions,) */
    uint32_t                           n_functions;

    /* ---- since 1.1 ---- */
    const weir_plugin_aggregate *const *aggregates; /* shape (n_aggregates,) */
    uint32_t                            n_aggregates;
    const weir_plugin_source *const    *sources; /* shape (n_sources,) */
    uint32_t                            n_sources;
    const weir_plugin_sink *const      *sinks; /* shape (n_sinks,) */
    uint32_t                            n_sinks;
    const weir_plugin_codec *const     *codecs; /* shape (n_codecs,) */
    uint32_t                            n_codecs;
} weir_plugin;

#ifdef __cplusplus
#define WEIR_PLUGIN_EXTERN extern "C"
#else
#define WEIR_PLUGIN_EXTERN
#endif

/* The one symbol that a plugin exports: a plugin of actors and functions. */
#define WEIR_PLUGIN_DEFINE(                                                              \
    name_, version_, actors_, n_actors_, functions_, n_functions_)                       \
    static const weir_plugin WEIR_PLUGIN_TABLE = { WEIR_PLUGIN_HEAD(name_, version_),    \
        (actors_), (n_actors_), (functions_), (n_functions_), NULL, 0, NULL, 0, NULL, 0, \
        NULL, 0 };                                                                       \
    WEIR_PLUGIN_EXPORT(WEIR_PLUGIN_TABLE)

/* The same for a plugin of anything, whose table it fills in itself:
 *
 *     static const weir_plugin stat = { WEIR_PLUGIN_HEAD("stat", "1.0.0"),
 *         .aggregates = aggregates, .n_aggregates = 1 };
 *     WEIR_PLUGIN_EXPORT(stat)
 */
#define WEIR_PLUGIN_HEAD(name_, version_)                                                \
    WEIR_PLUGIN_MAGIC, WEIR_PLUGIN_ABI_MAJOR, WEIR_PLUGIN_ABI_MINOR,                     \
        sizeof(weir_plugin), (name_), (version_)

#define WEIR_PLUGIN_EXPORT(table_)                                                       \
    WEIR_PLUGIN_EXTERN WEIR_API const weir_plugin *weir_plugin_entry(void);              \
    const weir_plugin                             *weir_plugin_entry(void)               \
    {                                                                                    \
        return &(table_);                                                                \
    }

/* For actors that look at one event at a time: on_rows is one call of this.
 *
 *   on_event  false, after host->fail or a refused emit: the event failed
 */
static inline uint32_t
weir_plugin_each(weir_plugin_call *call, void *self, void *state,
    const weir_plugin_rows *rows,
    bool (*on_event)(weir_plugin_call *call, void *self, void *state, uint32_t row,
        int64_t time_ns, const weir_value *values))
{
    for (uint32_t i = 0; i < rows->n; i++) {
        if (!on_event(call, self, state, i, rows->times[i], weir_plugin_row(rows, i))) {
            return i;
        }
    }
    return rows->n;
}

/* ---- values to give ---- */

static inline weir_value
weir_plugin_null(weir_type type)
{
    weir_value value;
    value.as.i    = 0;
    value.size    = 0;
    value.type    = (uint8_t)type;
    value.is_null = true;
    return value;
}

/* Of an int, a time or a duration. */
static inline weir_value
weir_plugin_int(weir_type type, int64_t i)
{
    weir_value value = weir_plugin_null(type);
    value.is_null    = false;
    value.as.i       = i;
    return value;
}

static inline weir_value
weir_plugin_bool(bool b)
{
    weir_value value = weir_plugin_int(WEIR_BOOL, 0);
    value.as.b       = b;
    return value;
}

static inline weir_value
weir_plugin_float(double f)
{
    weir_value value = weir_plugin_int(WEIR_FLOAT, 0);
    value.as.f       = f;
    return value;
}

static inline weir_value
weir_plugin_string(const char *text, size_t size)
{
    weir_value value = weir_plugin_int(WEIR_STRING, 0);
    value.as.s       = text;
    value.size       = (uint32_t)size;
    return value;
}

#ifdef __cplusplus
}
#endif

#endif
