#include "repl_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"
#include "weiri/codec.h"
#include "weiri/dsl.h"
#include "weiri/graph.h"
#include "weiri/timetext.h"

enum { FILE_BYTES = 4 << 20, KEY = 128 };

/* A statement as it was typed, known by its kind and name ("rule guessed"). */
struct statement {
    char  key[KEY];
    char *text;
};

struct event {
    char *stream; /* NULL: time passes */
    char *json;   /* or how much of it */
};

struct session {
    struct statement *statements;
    size_t            n_statements;
    struct event     *events;
    size_t            n_events;
    size_t            room;
    weiri_plan       *plan;
    weiri_graph      *graph;
    bool             *is_shown; /* shape (plan->n_streams,) */
    int64_t           now_ns;   /* INT64_MIN: nothing has come */
    uint64_t          order;
};

/* ---- statements ---- */

/* The first two words. */
static void
read_key(const char *statement, char key[KEY])
{
    static const char LETTERS[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    size_t kind  = strspn(statement, LETTERS);
    size_t blank = strspn(statement + kind, " \t\n");
    size_t name  = strspn(statement + kind + blank, LETTERS);
    snprintf(
        key, KEY, "%.*s %.*s", (int)kind, statement, (int)name, statement + kind + blank);
}

/* Sources and sinks may be several; of what else has a name there is one. */
static bool
replaces(const struct statement *statement, const char *key)
{
    return strcmp(statement->key, key) == 0 && strncmp(key, "source ", 7) != 0
           && strncmp(key, "sink ", 5) != 0 && strncmp(key, "include ", 8) != 0
           && strncmp(key, "test ", 5) != 0;
}

/* All statements one after another; one at `but` is left out, and `last` stands at the
 * end. To be freed. */
static char *
join(const session *self, size_t but, const char *last)
{
    size_t size = strlen(last) + 2;
    for (size_t i = 0; i < self->n_statements; i++) {
        size += strlen(self->statements[i].text) + 1;
    }
    char *text = calloc(1, size);
    char *at   = text;
    for (size_t i = 0; text != NULL && i < self->n_statements; i++) {
        if (i != but) {
            at = stpcpy(stpcpy(at, self->statements[i].text), "\n");
        }
    }
    if (text != NULL) {
        stpcpy(stpcpy(at, last), "\n");
    }
    return text;
}

static weiri_plan *
compile(const char *text)
{
    const weiri_compile_options options     = { .with_tests = true };
    weir_error                  err         = { .status = WEIR_OK };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    if (weiri_diagnostics_new(&diagnostics) != WEIR_OK) {
        return NULL;
    }
    weir_status status = weiri_compile_text(
        "repl", text, strlen(text), &options, diagnostics, &plan, &err);
    if (status == WEIR_ESYNTAX) {
        weiri_diagnostics_print(diagnostics, stderr, isatty(STDERR_FILENO) == 1);
    } else if (status != WEIR_OK) {
        fprintf(stderr, "weir: %s\n", err.text);
    }
    weiri_diagnostics_destroy(&diagnostics);
    return plan;
}

/* ---- what comes out ---- */

static void
print_rows(const weiri_stream *stream, weir_rows rows)
{
    weiri_encoder *encoder = NULL;
    weiri_buffer   buffer  = { 0 };
    for (uint32_t i = 0; i < rows.n; i++) {
        weir_rows row = { rows.chunk, rows.first + i, 1 };
        buffer.used   = 0;
        if ((encoder != NULL
                || weiri_encoder_new(&stream->schema, WEIRI_FORMAT_JSON, &encoder, NULL)
                       == WEIR_OK)
            && weiri_encoder_encode(encoder, row, &buffer) == WEIR_OK) {
            printf("%s %.*s", stream->schema.name, (int)buffer.used, buffer.bytes);
        }
    }
    weiri_encoder_destroy(&encoder);
    weiri_buffer_fini(&buffer);
}

static bool
emits(const weiri_rule *rule, uint32_t stream)
{
    if (rule->query != NULL) {
        return rule->query->emit->stream == stream;
    }
    return (rule->match->emit != NULL && rule->match->emit->stream == stream)
           || (rule->match->on_timeout != NULL
               && rule->match->on_timeout->stream == stream);
}

static bool
is_derived(const session *self, uint32_t stream)
{
    bool is = false;
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        is = is || emits(&self->plan->rules[i], stream);
    }
    return is;
}

/* Show what rules emit: all of it, or what one does that is new. */
static void
show(session *self, const char *rule)
{
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        self->is_shown[s] = rule == NULL && is_derived(self, s);
        for (uint32_t i = 0; rule != NULL && i < self->plan->n_rules; i++) {
            self->is_shown[s] = self->is_shown[s]
                                || (strcmp(self->plan->rules[i].name, rule) == 0
                                    && emits(&self->plan->rules[i], s));
        }
    }
}

/* Everything before the watermark goes through the rules. */
static bool
pass(session *self, int64_t watermark_ns, int64_t deadline_ns)
{
    weir_error  err = { .status = WEIR_OK };
    weir_status status =
        weiri_graph_pass(self->graph, watermark_ns, deadline_ns, false, &err);
    if (status != WEIR_OK) {
        fprintf(stderr, "weir: %s\n", err.text);
        return false;
    }
    const weiri_rows_list *rows = weiri_graph_rows(self->graph);
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        for (uint32_t i = 0; self->is_shown[s] && i < rows[s].n; i++) {
            print_rows(&self->plan->streams[s], rows[s].items[i]);
        }
    }
    weiri_graph_forget(self->graph);
    return true;
}

/* ---- events ---- */

static void
on_dead(void *context, const weiri_dead_record *record)
{
    (void)context;
    fprintf(stderr, "weir: %s\n", record->reason);
}

static weir_status
decode(const session *self, uint32_t stream, const char *json, weir_chunk **chunk)
{
    const weir_schema         *schema   = &self->plan->streams[stream].schema;
    const weiri_decoder_config config   = { .schema = schema,
          .used                                     = weiri_graph_used(self->graph, stream),
          .format                                   = WEIRI_FORMAT_JSON,
          .on_dead                                  = on_dead };
    weiri_decoder             *decoder  = NULL;
    size_t                     consumed = 0;
    weir_error                 err      = { .status = WEIR_OK };
    weir_status                status   = weiri_decoder_new(&config, &decoder, &err);
    if (status == WEIR_OK) {
        status = weir_chunk_new(schema, config.used, chunk);
    }
    if (status == WEIR_OK) {
        status = weiri_decoder_decode(
            decoder, json, strlen(json), true, *chunk, &consumed, &err);
    }
    weiri_decoder_destroy(&decoder);
    return status;
}

static uint32_t
find_stream(const session *self, const char *name)
{
    for (uint32_t i = 0; self->plan != NULL && i < self->plan->n_streams; i++) {
        if (strcmp(self->plan->streams[i].schema.name, name) == 0) {
            return i;
        }
    }
    return WEIRI_NONE;
}

/* The stream that can be fed; WEIRI_NONE after a word why not. */
static uint32_t
need_stream(const session *self, const char *name)
{
    uint32_t stream = find_stream(self, name);
    if (stream == WEIRI_NONE) {
        fprintf(stderr,
            "weir: there is no stream '%s'; 'stream %s { at time, … }' makes it\n", name,
            name);
    } else if (is_derived(self, stream)) {
        fprintf(stderr, "weir: rules emit '%s', it cannot be fed\n", name);
        stream = WEIRI_NONE;
    } else if (self->plan->streams[stream].schema.time_field < 0) {
        fprintf(stderr, "weir: stream '%s' has no field of type time\n", name);
        stream = WEIRI_NONE;
    }
    return stream;
}

static bool
push(session *self, uint32_t stream, weir_chunk **chunk)
{
    int64_t at_ns = (*chunk)->time[0];
    if (at_ns < self->now_ns) {
        char text[WEIRI_TIME_TEXT];
        weiri_time_format(self->now_ns, text);
        fprintf(stderr, "weir: time does not go back: it is %s already\n", text);
        return false;
    }
    (*chunk)->order[0] = self->order++;
    if (weiri_merge_push(weiri_graph_merge(self->graph, stream), chunk) != WEIR_OK) {
        return false;
    }
    self->now_ns = at_ns;
    return pass(self, at_ns + 1, at_ns);
}

static bool
feed(session *self, const char *name, const char *json)
{
    weir_chunk *chunk  = NULL;
    uint32_t    stream = need_stream(self, name);
    bool is_fed = stream != WEIRI_NONE && decode(self, stream, json, &chunk) == WEIR_OK
                  && chunk->n_rows == 1 && push(self, stream, &chunk);
    if (chunk != NULL) {
        weir_chunk_drop(&chunk);
    }
    return is_fed;
}

static bool
pass_time(session *self, const char *duration)
{
    int64_t ns = 0;
    if (!weiri_duration_parse(duration, strlen(duration), &ns) || ns <= 0) {
        fprintf(stderr, "weir: '%s' is not a duration above zero\n", duration);
        return false;
    }
    if (self->now_ns == INT64_MIN || self->now_ns > INT64_MAX - 1 - ns) {
        fputs("weir: time begins with the first event\n", stderr);
        return false;
    }
    self->now_ns += ns;
    return pass(self, self->now_ns + 1, self->now_ns + 1);
}

static bool
remember(session *self, const char *stream, const char *json)
{
    if (self->n_events == self->room) {
        size_t        room   = 2 * self->room + 16;
        struct event *events = realloc(self->events, room * sizeof *events);
        if (events == NULL) {
            return false;
        }
        self->events = events;
        self->room   = room;
    }
    self->events[self->n_events++] =
        (struct event){ .stream = stream != NULL ? strdup(stream) : NULL,
            .json               = strdup(json) };
    return true;
}

/* ---- the rules at work ---- */

static void
let_go(session *self)
{
    weiri_graph_destroy(&self->graph);
    weiri_plan_destroy(&self->plan);
    free(self->is_shown);
    self->is_shown = NULL;
    self->now_ns   = INT64_MIN;
    self->order    = 0;
}

/* Put a plan to work, taking it, over all events so far; what a new rule finds is shown.
 */
static bool
put_to_work(session *self, weiri_plan *plan, const char *rule)
{
    weir_error err = { .status = WEIR_OK };
    let_go(self);
    self->plan     = plan;
    self->is_shown = calloc(plan->n_streams + 1, sizeof *self->is_shown);
    if (self->is_shown == NULL || weiri_graph_new(plan, &self->graph, &err) != WEIR_OK) {
        fprintf(stderr, "weir: %s\n", err.text);
        return false;
    }
    show(self, rule);
    for (size_t i = 0; i < self->n_events; i++) {
        const struct event *event = &self->events[i];
        if (event->stream == NULL) {
            pass_time(self, event->json);
        } else {
            feed(self, event->stream, event->json);
        }
    }
    show(self, NULL);
    return true;
}

static size_t
index_of(const session *self, const char *key)
{
    size_t i = 0;
    while (i < self->n_statements && !replaces(&self->statements[i], key)) {
        i++;
    }
    return i;
}

static bool
keep(session *self, size_t i, const char *key, const char *text)
{
    if (i == self->n_statements) {
        struct statement *statements =
            realloc(self->statements, (i + 1) * sizeof *statements);
        if (statements == NULL) {
            return false;
        }
        self->statements = statements;
        statements[i]    = (struct statement){ .text = NULL };
        self->n_statements++;
    }
    free(self->statements[i].text);
    snprintf(self->statements[i].key, KEY, "%s", key);
    self->statements[i].text = strdup(text);
    return self->statements[i].text != NULL;
}

/* ---- the whole ---- */

bool
session_add(session *self, const char *statement)
{
    char key[KEY];
    read_key(statement, key);
    size_t      at   = index_of(self, key);
    char       *text = join(self, at, statement);
    weiri_plan *plan = text != NULL ? compile(text) : NULL;
    free(text);
    return plan != NULL && keep(self, at, key, statement)
           && put_to_work(self, plan, strncmp(key, "rule ", 5) == 0 ? key + 5 : "");
}

bool
session_load(session *self, const char *path)
{
    weir_error  err    = { .status = WEIR_OK };
    char       *text   = NULL;
    size_t      size   = 0;
    weir_status status = text_read(path, FILE_BYTES, &text, &size, &err);
    if (status != WEIR_OK) {
        fprintf(stderr, "weir: %s\n", err.text);
        return false;
    }
    char       *all     = join(self, self->n_statements, text);
    weiri_plan *plan    = all != NULL ? compile(all) : NULL;
    bool        is_done = plan != NULL && keep(self, self->n_statements, path, text)
                   && put_to_work(self, plan, "");
    free(all);
    free(text);
    return is_done;
}

bool
session_feed(session *self, const char *stream, const char *json)
{
    if (self->n_events >= SESSION_EVENTS) {
        fprintf(stderr, "weir: at most %d events are kept; ':reset' forgets them\n",
            SESSION_EVENTS);
        return false;
    }
    return feed(self, stream, json) && remember(self, stream, json);
}

bool
session_wait(session *self, const char *duration)
{
    if (self->graph == NULL) {
        fputs("weir: time begins with the first event\n", stderr);
        return false;
    }
    return pass_time(self, duration) && remember(self, NULL, duration);
}

void
session_print(const session *self)
{
    for (size_t i = 0; i < self->n_statements; i++) {
        printf("%s\n", self->statements[i].text);
    }
}

void
session_forget(session *self, bool is_all)
{
    for (size_t i = 0; i < self->n_events; i++) {
        free(self->events[i].stream);
        free(self->events[i].json);
    }
    self->n_events = 0;
    if (is_all) {
        for (size_t i = 0; i < self->n_statements; i++) {
            free(self->statements[i].text);
        }
        self->n_statements = 0;
        let_go(self);
    } else if (self->plan != NULL) {
        weiri_plan *plan = self->plan;
        self->plan       = NULL;
        put_to_work(self, plan, "");
    }
}

weir_status
session_new(session **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return WEIR_ENOMEM;
    }
    (*out)->now_ns = INT64_MIN;
    return WEIR_OK;
}

void
session_destroy(session **self_p)
{
    if (*self_p != NULL) {
        session_forget(*self_p, true);
        free((*self_p)->statements);
        free((*self_p)->events);
        free(*self_p);
        *self_p = NULL;
    }
}
