#include "weiri/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../durable/journal.h"
#include "../durable/kept.h"
#include "outputs.h"
#include "weiri/flow.h"
#include "weiri/reread.h"
#include "weiri/statedir.h"
#include "weiri/timetext.h"

enum { MAX_PATH = 4096, TEXT = 640 };

/* Where a replay begins. */
typedef enum begin_kind { BEGIN_START, BEGIN_MOMENT, BEGIN_LAST } begin_kind;

typedef struct replay {
    const weiri_plan           *plan;
    const weiri_replay_options *options;
    weiri_replay_counts        *counts;
    weiri_plan                  silent; /* the plan without its sinks */
    weiri_statedir              dir;
    bool                        has_dir;
    weiri_kept_moments          kept;
    weiri_journal              *journal;
    weiri_extent               *extents; /* shape (plan->n_sources,) */
    uint64_t                   *begins;  /* likewise: first byte that the journal has */
    begin_kind                  kind;
    uint32_t                    moment; /* of `kept` */
    weiri_sections              state;  /* to begin from */
    bool                        has_state;
    weiri_restore               restore;
    const char                **other; /* shape (n_other,): rules that begin empty */
    size_t                      n_other;
    uint32_t                    position_source;
    weiri_engine               *engine;
    weiri_outputs              *outputs;
    bool                        is_writing; /* the position has been reached */
} replay;

static void
tell(const replay *self, const char *text)
{
    if (self->options->told != NULL) {
        self->options->told(self->options->context, text);
    }
}

static const char *
time_text(int64_t ns, char out[WEIRI_TIME_TEXT])
{
    if (ns == INT64_MIN) {
        return "its first event";
    }
    weiri_time_format(ns, out);
    return out;
}

/* ---- what is kept of sources ---- */

/* Where a source is read from instead; NULL: nowhere. */
static const char *
redirected(const replay *self, uint32_t source)
{
    const weiri_source *of     = &self->plan->sources[source];
    const weiri_stream *stream = &self->plan->streams[of->stream];
    for (size_t i = 0; i < self->options->n_redirects; i++) {
        const weiri_redirect *redirect = &self->options->redirects[i];
        if (redirect->stream == NULL
                ? stream->origin != WEIRI_ORIGIN_TABLE
                : strcmp(redirect->stream, stream->schema.name) == 0) {
            return redirect->path;
        }
    }
    return NULL;
}

static bool
is_regular_file(const char *path)
{
    struct stat about;
    return strcmp(path, "-") != 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static const weiri_statedir_source *
kept_source(const replay *self, uint32_t source)
{
    char name[WEIRI_SECTION_NAME];
    weiri_engine_source_name(self->plan, source, name);
    for (uint32_t i = 0; i < self->dir.n_sources; i++) {
        if (strcmp(self->dir.sources[i].name, name) == 0) {
            return &self->dir.sources[i];
        }
    }
    return NULL;
}

/* A source that only the journal could give, and there is none. */
static weir_status
check_is_file(const replay *self, uint32_t source, weir_error *err)
{
    const weiri_source *of   = &self->plan->sources[source];
    const char         *name = self->plan->streams[of->stream].schema.name;
    if (of->endpoint == WEIRI_ENDPOINT_FILE || redirected(self, source) != NULL) {
        return WEIR_OK;
    }
    return self->has_dir ? WEIR_FAIL(err, WEIR_EINVAL,
               "source '%s': '%s' holds nothing of it: say --from %s=PATH", name,
               self->options->state, name)
                         : WEIR_FAIL(err, WEIR_EINVAL,
                             "source '%s' cannot be read again: say --state DIR, the "
                             "state directory "
                             "of the run, or --from %s=PATH",
                             name, name);
}

/* A source of a plugin that can go back is read again, as files are: the journal has
 * nothing of it. */
static bool
can_go_back(const weiri_source *source)
{
    return source->endpoint == WEIRI_ENDPOINT_PLUGIN
           && source->connector.of.source->position != NULL;
}

static weir_status
set_extent(replay *self, uint32_t source, weir_error *err)
{
    weiri_extent                *extent = &self->extents[source];
    const weiri_statedir_source *kept   = kept_source(self, source);
    bool                         has    = false;
    *extent =
        (weiri_extent){ .is_ended = true, .end = UINT64_MAX, .clock_ns = INT64_MAX };
    if (kept == NULL) {
        return check_is_file(self, source, err);
    }
    const char *instead = redirected(self, source);
    bool is_looked_at = self->plan->sources[source].refresh_ns > 0; /* again and again */
    bool is_plug      = instead == NULL && can_go_back(&self->plan->sources[source]);
    extent->is_taped  = (!kept->is_regular || is_looked_at) && !is_plug
                       && (instead == NULL || !is_regular_file(instead));
    if (extent->is_taped || is_plug) {
        extent->is_ended = kept->is_closed;
    }
    if (is_plug || (self->options->is_compared && !kept->is_closed)) {
        extent->end = kept->position; /* more may have come since */
    }
    if (self->options->is_compared && !kept->is_closed) {
        extent->is_ended = false;
        extent->clock_ns = kept->clock_ns;
    }
    weir_status status = WEIR_OK;
    if (extent->is_taped) {
        status =
            weiri_journal_begin(self->journal, source, &self->begins[source], &has, err);
        self->begins[source] = has ? self->begins[source] : kept->committed;
    }
    return status;
}

static weir_status
open_state(replay *self, weir_error *err)
{
    char        path[MAX_PATH];
    const char *folder = self->options->state;
    if (snprintf(path, sizeof path, "%s/journal", folder) >= (int)sizeof path) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the name '%s' is too long", folder);
    }
    weir_status status = weiri_statedir_read(folder, &self->dir, err);
    self->has_dir      = status == WEIR_OK;
    if (status == WEIR_OK) {
        status = weiri_journal_open_to_read(path, self->plan, &self->journal, err);
    }
    return status == WEIR_OK ? weiri_kept_list(folder, &self->kept, err) : status;
}

static weir_status
set_extents(replay *self, weir_error *err)
{
    self->extents = calloc(self->plan->n_sources + (size_t)1, sizeof *self->extents);
    self->begins  = calloc(self->plan->n_sources + (size_t)1, sizeof *self->begins);
    if (self->extents == NULL || self->begins == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->plan->n_sources && status == WEIR_OK; i++) {
        status = set_extent(self, i, err);
    }
    return status;
}

/* ---- where it begins ---- */

/* Where a source stood at a moment; at the start 0. */
static uint64_t
position_at(const replay *self, const weiri_sections *head, uint32_t source)
{
    char     name[WEIRI_SECTION_NAME];
    uint64_t position = 0;
    weiri_engine_source_name(self->plan, source, name);
    return head != NULL && weiri_kept_position(head, name, &position) ? position : 0;
}

/* Whether the journal has all that came after a moment. */
static bool
is_whole_from(const replay *self, const weiri_sections *head)
{
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        if (self->extents[i].is_taped && self->begins[i] > position_at(self, head, i)) {
            return false;
        }
    }
    return true;
}

/* Whether everything that is asked for came after a moment. */
static bool
is_before(const replay *self, const weiri_sections *head, int64_t watermark_ns)
{
    const weiri_replay_options *options = self->options;
    if (options->position > 0) {
        return position_at(self, head, self->position_source) <= options->position;
    }
    return watermark_ns <= options->since_ns;
}

static bool
is_from_middle(const replay *self)
{
    return self->options->since_ns != INT64_MIN || self->options->position > 0;
}

/* The source of which the journal has given back most. */
static uint32_t
most_trimmed(const replay *self)
{
    uint32_t most = 0;
    for (uint32_t i = 1; i < self->plan->n_sources; i++) {
        most = self->begins[i] > self->begins[most] ? i : most;
    }
    return most;
}

static weir_status
fail_to_begin(const replay *self, weir_error *err)
{
    char           at[WEIRI_TIME_TEXT];
    const uint32_t source = most_trimmed(self);
    if (self->kept.n > 0) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "the journal does not go back as far: the oldest moment that '%s' keeps is "
            "%s",
            self->options->state, time_text(self->kept.items[0].watermark_ns, at));
    }
    return WEIR_FAIL(err, WEIR_EINVAL,
        "the journal of '%s' begins at byte %" PRIu64
        " of '%s': what was before is in the state and was given back; `weir run "
        "--keep-journal` keeps it",
        self->options->state, self->begins[source],
        self->plan->streams[self->plan->sources[source].stream].schema.name);
}

/* The start; or, for what is in the middle, the newest moment before it. */
static weir_status
choose_begin(replay *self, weir_error *err)
{
    bool has_start  = is_whole_from(self, NULL);
    bool has_moment = false;
    self->kind      = BEGIN_START;
    if (has_start && !is_from_middle(self)) {
        return WEIR_OK;
    }
    for (uint32_t i = 0; i < self->kept.n; i++) {
        const weiri_moment *moment    = &self->kept.items[i];
        bool                is_usable = is_whole_from(self, &moment->head);
        if (!is_from_middle(self)) {
            if (is_usable && !has_moment) {
                self->moment = i; /* the oldest */
                has_moment   = true;
            }
        } else if (is_usable && is_before(self, &moment->head, moment->watermark_ns)) {
            self->moment = i; /* the newest */
            has_moment   = true;
        }
    }
    if (has_moment) {
        self->kind = BEGIN_MOMENT;
        return WEIR_OK;
    }
    if (!has_start && is_whole_from(self, &self->dir.sections)
        && (!is_from_middle(self)
            || is_before(self, &self->dir.sections, self->dir.watermark_ns))
        && !self->options->is_compared && !self->dir.is_ended) {
        self->kind = BEGIN_LAST;
        return WEIR_OK;
    }
    return has_start ? WEIR_OK : fail_to_begin(self, err);
}

static void
note_other(void *context, const char *what, const char *name, weiri_kept kept)
{
    replay *self = context;
    if (strcmp(what, "rule") != 0
        || (kept != WEIRI_KEPT_OTHER && kept != WEIRI_KEPT_NONE)) {
        return;
    }
    const char **grown = realloc(self->other, (self->n_other + 1) * sizeof *grown);
    if (grown != NULL) {
        self->other                  = grown;
        self->other[self->n_other++] = name;
    }
}

/* Which rules could not go on from the state: they are other ones, or new. */
static weir_status
try_state(replay *self, weir_error *err)
{
    weiri_graph        *graph   = NULL;
    const weiri_restore restore = {
        .sections = &self->state, .is_trial = true, .told = note_other, .context = self
    };
    weir_status status = weiri_graph_new(self->plan, &graph, err);
    if (status == WEIR_OK) {
        status = weiri_graph_load(graph, &restore, err);
    }
    weiri_graph_destroy(&graph);
    return status;
}

static weir_status
read_begin(replay *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (self->kind == BEGIN_LAST) {
        self->state        = self->dir.sections; /* it is not needed there any more */
        self->dir.sections = (weiri_sections){ 0 };
    } else {
        status = weiri_kept_read(self->options->state,
            self->kept.items[self->moment].number, &self->state, err);
    }
    self->has_state = status == WEIR_OK;
    return status == WEIR_OK ? try_state(self, err) : status;
}

static void
tell_begin(const replay *self)
{
    char at[WEIRI_TIME_TEXT];
    char text[TEXT];
    if (!self->has_dir) {
        return;
    }
    if (self->kind == BEGIN_START) {
        tell(self, "begins at the start of what was read");
        return;
    }
    snprintf(text, sizeof text, "begins with the state as of %s%s",
        time_text(self->kind == BEGIN_LAST ? self->dir.watermark_ns
                                           : self->kept.items[self->moment].watermark_ns,
            at),
        self->kind == BEGIN_LAST ? ", the last checkpoint" : "");
    tell(self, text);
    for (size_t i = 0; i < self->n_other; i++) {
        snprintf(text, sizeof text,
            "rule '%s' is another, or new: it begins empty there, and may find less",
            self->other[i]);
        tell(self, text);
    }
}

/* A state that some rule cannot go on from is not used where the start is there. */
static weir_status
prepare_begin(replay *self, weir_error *err)
{
    weir_status status = choose_begin(self, err);
    if (status == WEIR_OK && self->kind != BEGIN_START) {
        status = read_begin(self, err);
    }
    if (status == WEIR_OK && self->n_other > 0 && is_whole_from(self, NULL)) {
        self->kind    = BEGIN_START;
        self->n_other = 0;
    }
    if (status == WEIR_OK) {
        tell_begin(self);
    }
    self->restore = (weiri_restore){
        .sections = &self->state, .discard = self->other, .n_discard = self->n_other
    };
    return status;
}

/* ---- the position ---- */

static weir_status
find_position_source(replay *self, weir_error *err)
{
    const weiri_plan *plan = self->plan;
    const char       *name = self->options->position_stream;
    uint32_t          n    = 0;
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        const weiri_stream *stream = &plan->streams[plan->sources[i].stream];
        bool                is_it  = name != NULL ? strcmp(stream->schema.name, name) == 0
                                                  : stream->origin != WEIRI_ORIGIN_TABLE;
        self->position_source      = is_it && n == 0 ? i : self->position_source;
        n += is_it;
    }
    if (self->options->position > 0 && n != 1) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            n == 0 ? "--position: no source of these rules is meant"
                   : "--position: these rules have several sources: say which, as in "
                     "--position STREAM=BYTE");
    }
    return WEIR_OK;
}

/* ---- the run ---- */

static weir_status
on_passed(
    void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    replay *self = context;
    if (!self->is_writing) {
        weiri_outputs_pass_over(self->outputs, rows);
        return WEIR_OK;
    }
    return weiri_outputs_write(self->outputs, rows, deadline_ns, err);
}

static bool
should_stop(void *context)
{
    const replay *self = context;
    return self->options->should_stop != NULL
           && self->options->should_stop(self->options->context);
}

static weir_status
drive(replay *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    while (status == WEIR_OK
           && weiri_engine_watermark(self->engine) < self->options->until_ns) {
        status = weiri_engine_turn(self->engine, err);
    }
    return status == WEIR_EOF ? WEIR_OK : status;
}

/* First without outputs up to the position, then with them. */
static weir_status
drive_all(replay *self, weir_error *err)
{
    weiri_extent *extent = &self->extents[self->position_source];
    weiri_extent  whole  = *extent;
    weir_status   status = WEIR_OK;
    if (self->options->position > 0 && self->options->position < whole.end) {
        *extent = (weiri_extent){ .is_taped = whole.is_taped,
            .end                            = self->options->position,
            .clock_ns                       = INT64_MIN };
        status  = drive(self, err);
        *extent = whole;
    }
    self->is_writing = true;
    if (status == WEIR_OK) {
        status = drive(self, err);
    }
    if (status == WEIR_OK && weiri_engine_is_at_end(self->engine) && !should_stop(self)) {
        status = weiri_engine_end(self->engine, err);
        status = status == WEIR_EOF ? WEIR_OK : status;
    }
    return status;
}

/* What an engine needs to read again. */
static void
lend(const replay *self, weiri_engine_options *options)
{
    options->redirects   = self->options->redirects;
    options->n_redirects = self->options->n_redirects;
    options->restore     = self->kind != BEGIN_START ? &self->restore : NULL;
    options->tape    = self->journal != NULL ? weiri_journal_tape(self->journal) : NULL;
    options->extents = self->extents;
}

static weir_status
run(replay *self, weir_error *err)
{
    const weiri_sections *end     = self->has_dir ? &self->dir.sections : NULL;
    const weiri_sections *begin   = self->kind != BEGIN_START ? &self->state : NULL;
    weiri_engine_options  options = { .should_stop = should_stop,
         .context                                  = self,
         .passed                                   = on_passed,
         .passed_context                           = self };
    lend(self, &options);
    self->silent         = *self->plan;
    self->silent.n_sinks = 0;
    weir_status status   = weiri_engine_new(&self->silent, &options, &self->engine, err);
    if (status == WEIR_OK) {
        status = weiri_outputs_new(
            self->plan, self->options, begin, end, self->counts, &self->outputs, err);
    }
    if (status == WEIR_OK) {
        status                 = drive_all(self, err);
        self->counts->n_events = weiri_engine_get_counts(self->engine).n_events;
    }
    bool        is_whole = status == WEIR_OK && !should_stop(self);
    weir_error  other    = { .status = WEIR_OK };
    weir_status closed =
        weiri_outputs_close(&self->outputs, is_whole, status == WEIR_OK ? err : &other);
    return status == WEIR_OK ? closed : status;
}

/* Everything but the run. */
static weir_status
prepare(replay *self, weir_error *err)
{
    weir_status status = find_position_source(self, err);
    if (status == WEIR_OK && self->options->state != NULL) {
        status = open_state(self, err);
    }
    if (status == WEIR_OK) {
        status = set_extents(self, err);
    }
    return status == WEIR_OK && self->has_dir ? prepare_begin(self, err) : status;
}

static void
fini(replay *self)
{
    weiri_engine_destroy(&self->engine);
    weiri_journal_close(&self->journal);
    weiri_kept_fini(&self->kept);
    weiri_statedir_fini(&self->dir);
    weiri_sections_fini(&self->state);
    free(self->other);
    free(self->extents);
    free(self->begins);
}

weir_status
weiri_replay(const weiri_plan *plan, const weiri_replay_options *options,
    weiri_replay_counts *out, weir_error *err)
{
    replay self        = { .plan = plan, .options = options, .counts = out };
    *out               = (weiri_replay_counts){ 0 };
    weir_status status = prepare(&self, err);
    if (status == WEIR_OK) {
        status = run(&self, err);
    }
    fini(&self);
    return status;
}

/* ---- for others who read again ---- */

struct weiri_reread {
    replay               replay;
    weiri_replay_options options;
};

/* NOLINTBEGIN(readability-function-size): what somebody who reads again has to say */
weir_status
weiri_reread_open(const weiri_plan *plan, const char *state,
    const weiri_redirect *redirects, size_t              n_redirects,
    void (*told)(void *context, const char *text), void *context, weiri_reread **out,
    weir_error *err)
{
    weiri_reread *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->options      = (weiri_replay_options){ .state = state,
             .redirects                                 = redirects,
             .n_redirects                               = n_redirects,
             .since_ns                                  = INT64_MIN,
             .until_ns                                  = INT64_MAX,
             .told                                      = told,
             .context                                   = context };
    self->replay       = (replay){ .plan = plan, .options = &self->options };
    weir_status status = prepare(&self->replay, err);
    if (status != WEIR_OK) {
        weiri_reread_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}
/* NOLINTEND(readability-function-size) */

void
weiri_reread_close(weiri_reread **self_p)
{
    if (*self_p != NULL) {
        fini(&(*self_p)->replay);
        free(*self_p);
        *self_p = NULL;
    }
}

void
weiri_reread_lend(const weiri_reread *self, weiri_engine_options *options)
{
    lend(&self->replay, options);
}
