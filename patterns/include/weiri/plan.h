/* weiri_plan: a checked rule file, ready to run. Plain data in one arena. */
#ifndef WEIRI_PLAN_H
#define WEIRI_PLAN_H

#include <string.h>

#include "weir/plugin.h"
#include "weiri/join.h"
#include "weiri/window.h"
#include "weiri/wire.h"

typedef enum weiri_format {
    WEIRI_FORMAT_AUTO, /* by the file's name */
    WEIRI_FORMAT_JSON, /* JSON Lines         */
    WEIRI_FORMAT_CSV,
    WEIRI_FORMAT_MSGPACK,
    WEIRI_FORMAT_TEXT,   /* sinks only: for people */
    WEIRI_FORMAT_FRAMES, /* between nodes only     */
    WEIRI_FORMAT_PLUGIN, /* a codec's              */
    WEIRI_FORMAT_LINES   /* sources only: a pattern finds the fields in each line */
} weiri_format;

typedef enum weiri_endpoint {
    WEIRI_ENDPOINT_FILE,  /* file("path") */
    WEIRI_ENDPOINT_STDIO, /* stdin(), stdout() */
    WEIRI_ENDPOINT_ZMQ,   /* zmq("address") */
    WEIRI_ENDPOINT_NODE,  /* node("name")   */
    WEIRI_ENDPOINT_PLUGIN /* a connector    */
} weiri_endpoint;

/* The other end of a link; the path says which node. */
typedef struct weiri_link_options {
    bool     is_pattern; /* the name has a star in it: no node file said whom it means */
    int64_t  silence_ns; /* after which the other node is given up; 0: the default */
    uint64_t backlog_bytes; /* of a sink; 0: the default                            */
    bool is_dropping; /* of a sink: beyond that the oldest go, else the source stops */
} weiri_link_options;

typedef enum weiri_on_error {
    WEIRI_ON_ERROR_SKIP, /* the event goes to dead.<source>, the run goes on */
    WEIRI_ON_ERROR_STOP,
    WEIRI_ON_ERROR_RESTART /* actors only: from its last state, a few times */
} weiri_on_error;

/* Where a stream's events come from besides its sources and rules. */
typedef enum weiri_origin {
    WEIRI_ORIGIN_SOURCE, /* sources deliver it           */
    WEIRI_ORIGIN_RULE,   /* derived: rules emit it       */
    WEIRI_ORIGIN_LATE,   /* late.<stream>                */
    WEIRI_ORIGIN_DEAD,   /* dead.<stream>                */
    WEIRI_ORIGIN_JOIN,   /* joined or filled rows, for the one rule that reads them */
    WEIRI_ORIGIN_TABLE   /* a table's contents or changes */
} weiri_origin;

typedef struct weiri_stream {
    weir_schema  schema;
    weiri_origin origin;
    uint32_t     of; /* late, dead: the stream they belong to        */
    uint32_t late;   /* source: index of its late stream, WEIRI_NONE if nobody reads it */
    uint32_t dead;   /* source: likewise                             */
    uint32_t rank;   /* 0 for source, late and dead streams, else 1 + the highest rank
                      * of the streams that its rules read           */
    bool    *used;   /* shape (schema.n_fields,): fields that some rule or sink reads */
    bool     is_read;
    uint32_t like; /* 1 + the stream whose events these are, with more fields: they have
                    * their places in the total order; 0: places of its own         */
} weiri_stream;

/* Fields of a dead.<stream> event, in this order. */
#define WEIRI_DEAD_FIELD_LIST(X)                                                         \
    X(AT, "at", WEIR_TIME)            /* the source's clock when it was refused   */     \
    X(SOURCE, "source", WEIR_STRING)  /* path, or "stdin"                         */     \
    X(POSITION, "position", WEIR_INT) /* byte offset in the decompressed input    */     \
    X(LINE, "line", WEIR_INT)         /* line, from 1; MessagePack: message       */     \
    X(REASON, "reason", WEIR_STRING)                                                     \
    X(RAW, "raw", WEIR_STRING)           /* the bytes; not UTF-8: as base64          */  \
    X(ENCODING, "encoding", WEIR_STRING) /* of raw: "utf-8" or "base64"           */

/* Fields of a dead.<actor> event, in this order. */
#define WEIRI_DEAD_ACTOR_FIELD_LIST(X)                                                   \
    X(AT, "at", WEIR_TIME, false)         /* of the event, or of the timer        */     \
    X(ACTOR, "actor", WEIR_STRING, false) /* geo(auth)                            */     \
    X(REASON, "reason", WEIR_STRING, false)                                              \
    X(EVENT, "event", WEIR_STRING, true) /* its fields that are used, as JSON; null: a   \
                                          * timer failed */

/* An actor of a plugin at work on a stream: the heart of a rule that the planner adds for
 * `from geo(auth)`. The emit's schema is what it gives. */
typedef struct weiri_actor_plan {
    const weir_plugin_actor *actor;  /* lives as long as the plan */
    const weir_value        *params; /* shape (actor->n_params,) */
    const weir_plugin_field *inputs; /* shape (n_inputs,)        */
    const weiri_expr *const *values; /* shape (n_inputs,): of the events of the stream */
    uint32_t                 n_inputs;
    const weiri_expr *const *keys; /* shape (n_keys,) */
    uint32_t                 n_keys;
    weiri_emit              *dead; /* NULL: nobody reads it; values are not used */
    weiri_on_error           on_error;
    int64_t                  idle_ns; /* a key without events for so long is forgotten;
                                       * -1: never                                     */
    bool        is_process;           /* it runs in a process of its own               */
    bool        is_program; /* which `path` starts: of `actor` there are the fields    */
    const char *path;      /* of the library, the command line, or ipc://…            */
    const char *folder;    /* of the rules: there a program runs */
    int64_t     budget_ns; /* for an answer; -1: default                              */
} weiri_actor_plan;

/* Whether it is a process that comes by itself to where it is waited for, of which there
 * is one. */
static inline bool
weiri_actor_comes(const weiri_actor_plan *self)
{
    return self->is_program && strncmp(self->path, "ipc://", 6) == 0;
}

/* A source, sink or codec of a plugin as the rules ask for it; the table lives as long as
 * the plan. */
typedef struct weiri_plug {
    const char *name; /* as the rules call it */
    union {
        const weir_plugin_source *source;
        const weir_plugin_sink   *sink;
        const weir_plugin_codec  *codec;
    } of;
    const weir_value *params; /* in the order that the table declares */
} weiri_plug;

typedef struct weiri_place_in_text {
    const char *file;
    uint32_t    line;   /* from 1 */
    uint32_t    column; /* from 1, in bytes */
} weiri_place_in_text;

/* Of a source of lines: the pattern (weiri/regex.h) whose groups fill the fields of their
 * names, and the year of the first time, if times say none; else 0. */
typedef struct weiri_lines {
    const char *pattern; /* NULL: the format is another one */
    int32_t     year;
} weiri_lines;

typedef struct weiri_source {
    uint32_t           stream;
    weiri_endpoint     endpoint;
    const char        *path; /* of a file; of a socket its address */
    weiri_wire_config  wire; /* of a socket */
    weiri_link_options node; /* of a link   */
    weiri_format       format;
    weiri_plug         connector;  /* of a plugin      */
    weiri_plug         codec;      /* of FORMAT_PLUGIN */
    bool               has_header; /* CSV: first record names the columns (default); else
                                    * fields are taken in their declared order         */
    char delimiter;                /* CSV: ',' by default */
    bool is_timeless;              /* a table's contents: all of the time INT64_MIN */
    bool is_moves; /* of a cluster: what another node says of key groups that move. These
                    * are no events: they have no time, and none is late */
    weiri_lines lines;        /* of FORMAT_LINES     */
    int64_t     lateness_ns;  /* 0 by default */
    int64_t     refresh_ns;   /* of a timeless table: how often its file is looked
                               * at, in event time; 0: it is read once        */
    uint32_t gone;            /* refreshed: the stream of rows that are not in the
                               * file any more, with the table's fields       */
    const uint32_t     *keys; /* refreshed: fields of the key, shape (n_keys,) */
    uint32_t            n_keys;
    int64_t             idle_ns; /* -1: waits for ever */
    weiri_on_error      on_error;
    const weiri_stream *numbered; /* what another node of the cluster has of the stream:
                                   * its fields, then the order of each event; NULL: a
                                   * source of this node */
    weiri_place_in_text place;
} weiri_source;

typedef struct weiri_sink {
    uint32_t           stream;
    weiri_endpoint     endpoint;
    const char        *path;
    weiri_wire_config  wire; /* of a socket */
    weiri_link_options node; /* of a link   */
    weiri_format       format;
    weiri_plug         connector; /* of a plugin      */
    weiri_plug         codec;     /* of FORMAT_PLUGIN */
    const char        *identity;  /* the field that says the number of the output among
                                   * those of the sink's place, from 1; NULL: none does */
    weiri_place_in_text place;
} weiri_sink;

/* Where in a cluster a rule is run. */
typedef enum weiri_spread {
    WEIRI_SPREAD_NONE,  /* there is no cluster                               */
    WEIRI_SPREAD_WHOLE, /* all of it on one node                             */
    WEIRI_SPREAD_KEYS,  /* each key group on its node                        */
    WEIRI_SPREAD_ROWS   /* each event on the node whose sources deliver it   */
} weiri_spread;

struct weiri_cluster_plan; /* weiri/cluster.h */

typedef struct weiri_rule {
    const char         *name;
    const char         *title; /* NULL: none */
    weiri_match        *match; /* one of the three */
    weiri_query        *query;
    weiri_join         *join;
    bool                is_made; /* for another rule, or a table, whose name it has */
    weiri_spread        spread;
    uint32_t            member;       /* WHOLE: of the cluster, which runs it */
    bool                is_elsewhere; /* another node runs all of it */
    weiri_place_in_text place;
} weiri_rule;

typedef enum weiri_test_kind {
    WEIRI_TEST_EVENT,    /* an event comes in                           */
    WEIRI_TEST_FILE,     /* all events of a file do                     */
    WEIRI_TEST_WAIT,     /* nothing comes for a time                    */
    WEIRI_TEST_EXPECT,   /* `count` events like this came out           */
    WEIRI_TEST_EXPECT_NO /* none like this did                          */
} weiri_test_kind;

typedef struct weiri_test_value {
    uint32_t   field; /* of the line's stream        */
    weir_value value; /* of the field's type or null */
} weiri_test_value;

typedef struct weiri_test_line {
    weiri_test_kind kind;
    uint32_t        stream;
    weiri_test_value
            *values; /* EVENT: fields not named are null, "" or zero; EXPECT: free */
    uint32_t n_values;
    const weiri_source *source; /* FILE */
    int64_t at_ns;         /* EVENT: its virtual time; WAIT: when it begins             */
    bool    is_after_file; /* at_ns counts from the latest event before this line, which
                            * is known when the files have been read               */
    uint32_t            repeat;   /* EVENT: how often                            */
    int64_t             every_ns; /* EVENT: between the repetitions              */
    int64_t             wait_ns;  /* WAIT                                        */
    uint32_t            count;    /* EXPECT; WEIRI_NONE: at least one */
    weiri_place_in_text place;
} weiri_test_line;

typedef struct weiri_test {
    const char         *title;
    weiri_test_line    *lines;
    uint32_t            n_lines;
    weiri_place_in_text place;
} weiri_test;

/* A statement of the rules, but for sources, sinks and tests; or a setting. */
typedef struct weiri_declared {
    const char *name; /* "rule hot"                            */
    uint64_t    hash; /* of its words, however they are spaced */
} weiri_declared;

typedef struct weiri_plan {
    weiri_arena          *arena;
    struct weiri_metrics *metrics; /* of plugins; NULL: there are none */
    weiri_stream         *streams;
    uint32_t              n_streams;
    weiri_source         *sources;
    uint32_t              n_sources;
    weiri_sink           *sinks;
    uint32_t              n_sinks;
    weiri_rule *rules; /* sorted so that a rule comes after those whose streams it reads;
                        * otherwise as written */
    uint32_t        n_rules;
    weiri_test     *tests; /* planned only if asked for */
    uint32_t        n_tests;
    weiri_declared *declared; /* as written, files that are included first */
    uint32_t        n_declared;
    const struct weiri_cluster_plan *cluster; /* NULL: all of it is run here */
} weiri_plan;

/* The stream that says where in the total order events of a stream have their places. */
static inline uint32_t
weiri_plan_place(const weiri_plan *plan, uint32_t stream)
{
    uint32_t like = plan->streams[stream].like;
    return like > 0 ? like - 1 : stream;
}

#endif
