#include "stateful.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weiri/timetext.h"

enum { RETRY_MS = 200 };

struct stateful_run {
    const state_request *request;
    weiri_durable       *durable;
    weiri_restore        restore;
    weiri_engine_keeper  keeper;
    bool                 is_waiting; /* for room, and that was said      */
    bool                 is_failing; /* to write checkpoints, likewise   */
    bool (*should_stop)(void *context);
    void *context;
};

bool
state_request_discard(state_request *self, const char *rule)
{
    const char **grown = realloc(self->discard, (self->n_discard + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    self->discard                    = grown;
    self->discard[self->n_discard++] = rule;
    return true;
}

void
state_request_fini(state_request *self)
{
    free(self->discard);
}

const char *
kept_word(weiri_kept kept)
{
    switch (kept) {
    case WEIRI_KEPT: return "kept";
    case WEIRI_KEPT_NONE: return "new";
    case WEIRI_KEPT_GONE: return "gone";
    case WEIRI_KEPT_OTHER: return "changed";
    case WEIRI_KEPT_LOST: break;
    }
    return "discarded";
}

void
kept_print(FILE *stream, const char *what, const char *name, weiri_kept kept)
{
    bool is_rule = strcmp(what, "rule") == 0;
    fprintf(stream, "%s %s: ", what, name);
    switch (kept) {
    case WEIRI_KEPT: fputs("goes on\n", stream); break;
    case WEIRI_KEPT_NONE:
        fputs(is_rule ? "is new, begins empty\n" : "is new\n", stream);
        break;
    case WEIRI_KEPT_GONE:
        fputs(is_rule ? "is in the rules no longer, its state is dropped\n"
                      : "is in the rules no longer\n",
            stream);
        break;
    case WEIRI_KEPT_LOST: fputs("is discarded, begins empty\n", stream); break;
    case WEIRI_KEPT_OTHER:
        fprintf(stream,
            "has changed so that its state cannot be used: the run is refused without "
            "--discard %s\n",
            name);
        break;
    }
}

static weir_status
check_discards(const state_request *request, const weiri_plan *plan, weir_error *err)
{
    for (size_t i = 0; i < request->n_discard; i++) {
        bool is_rule = false;
        for (uint32_t r = 0; r < plan->n_rules; r++) {
            is_rule = is_rule || strcmp(plan->rules[r].name, request->discard[i]) == 0;
        }
        if (!is_rule) {
            return WEIR_FAIL(err, WEIR_EINVAL, "--discard %s: there is no such rule",
                request->discard[i]);
        }
    }
    return WEIR_OK;
}

static void
say(const stateful_run *self, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(const stateful_run *self, const char *event, const char *format, ...)
{
    char             text[1024];
    const run_voice *voice = &self->request->voice;
    va_list          args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (voice->say != NULL) {
        voice->say(voice->context, event, text);
    } else {
        fprintf(stderr, "weir: %s\n", text);
    }
}

weir_status
stateful_open(const state_request *request, const weiri_plan *plan, stateful_run **out,
    weir_error *err)
{
    const weiri_durable_options options = { .path = request->path,
        .interval_ns                              = request->interval_ns,
        .max_bytes                                = request->max_bytes,
        .keep_ns                                  = request->keep_ns,
        .keep_bytes                               = request->keep_bytes };
    weir_status   status = plan != NULL ? check_discards(request, plan, err) : WEIR_OK;
    stateful_run *self   = calloc(1, sizeof *self);
    if (status == WEIR_OK && self == NULL) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    if (status == WEIR_OK) {
        self->request = request;
        status        = weiri_durable_open(&options, plan, &self->durable, err);
    }
    if (status != WEIR_OK) {
        free(self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

const weiri_sections *
stateful_sections(const stateful_run *self)
{
    return weiri_durable_sections(self->durable);
}

weir_status
stateful_use(stateful_run *self, const weiri_plan *plan, weir_error *err)
{
    bool        is_first = weiri_durable_sections(self->durable) != NULL;
    weir_status status   = is_first ? check_discards(self->request, plan, err) : WEIR_OK;
    return status == WEIR_OK ? weiri_durable_use(self->durable, plan, err) : status;
}

weiri_durable_counts
stateful_counts(const stateful_run *self)
{
    return weiri_durable_get_counts(self->durable);
}

void
stateful_close(stateful_run **self_p)
{
    stateful_run *self = *self_p;
    *self_p            = NULL;
    if (self != NULL) {
        weiri_durable_close(&self->durable);
        free(self);
    }
}

/* What a person may be surprised by; what simply goes on is not worth a line. */
static void
tell_kept(void *context, const char *what, const char *name, weiri_kept kept)
{
    const stateful_run *self = context;
    if (self->request->is_quiet) {
        return;
    }
    switch (kept) {
    case WEIRI_KEPT:
    case WEIRI_KEPT_OTHER: break; /* the run ends with an error */
    case WEIRI_KEPT_NONE:
        say(self, "state.new", "state: %s '%s' is new: it begins empty", what, name);
        break;
    case WEIRI_KEPT_GONE:
        say(self, "state.gone",
            "state: %s '%s' is in the rules no longer: what it had is dropped", what,
            name);
        break;
    case WEIRI_KEPT_LOST:
        say(self, "state.discarded", "state: %s '%s' is discarded: it begins empty", what,
            name);
        break;
    }
}

/* The disk is full: say so once, and look again a little later. */
static weir_status
wait_for_room(stateful_run *self, const weir_error *why)
{
    const struct timespec pause = { .tv_nsec = RETRY_MS * WEIRI_NS_PER_MS };
    if (!self->is_waiting) {
        say(self, "state.full", "%s: intake waits until there is room", why->text);
    }
    self->is_waiting = true;
    nanosleep(&pause, NULL);
    bool is_stopped = self->should_stop != NULL && self->should_stop(self->context);
    return is_stopped ? WEIR_EOF : WEIR_OK;
}

static bool
wants_rest(void *context)
{
    const stateful_run *self = context;
    return weiri_durable_is_due(self->durable);
}

static weir_status
between(void *context, weiri_engine *engine, bool is_at_rest, weir_status turn,
    weir_error *err)
{
    stateful_run *self = context;
    if (turn == WEIR_ENOSPC) {
        turn = wait_for_room(self, err);
    } else if (self->is_waiting) {
        say(self, "state.room", "there is room again: intake goes on");
        self->is_waiting = false;
    }
    if (weiri_engine_has_news(engine)) {
        weiri_durable_hasten(self->durable);
    }
    weir_error  why    = { .status = WEIR_OK };
    weir_status status = weiri_durable_tick(self->durable, engine, is_at_rest, &why);
    if (weiri_durable_is_broken(self->durable)) {
        *err = why;
        return status;
    }
    if (status != WEIR_OK && !self->is_failing) {
        say(self, "checkpoint.failed",
            "%s; the one before stands, and another will be tried", why.text);
    }
    self->is_failing = status != WEIR_OK;
    return turn;
}

void
stateful_lend(stateful_run *self, weiri_engine_options *options)
{
    self->should_stop              = options->should_stop;
    self->context                  = options->context;
    const weiri_sections *sections = weiri_durable_sections(self->durable);
    options->tape                  = weiri_durable_tape(self->durable);
    options->folder                = self->request->path;
    self->keeper                   = (weiri_engine_keeper){
                          .wants_rest = wants_rest, .between = between, .context = self
    };
    options->keeper = &self->keeper;
    if (sections != NULL) {
        self->restore    = (weiri_restore){ .sections = sections,
               .discard                               = self->request->discard,
               .n_discard                             = self->request->n_discard,
               .told                                  = tell_kept,
               .context                               = self };
        options->restore = &self->restore;
    }
}

weir_status
stateful_begin(stateful_run *self, weiri_engine *engine, weir_error *err)
{
    bool is_new = weiri_durable_sections(self->durable) == NULL;
    weiri_durable_loaded(self->durable);
    return is_new ? weiri_durable_checkpoint(self->durable, engine, err) : WEIR_OK;
}

weir_status
stateful_after_turn(
    stateful_run *self, weiri_engine *engine, weir_status turn, weir_error *err)
{
    return between(self, engine, true, turn, err);
}

weir_status
stateful_at_end(stateful_run *self, weiri_engine *engine, weir_error *err)
{
    return weiri_durable_checkpoint(self->durable, engine, err);
}

bool
stateful_is_broken(const stateful_run *self)
{
    return weiri_durable_is_broken(self->durable);
}

void
stateful_tell(const stateful_run *self)
{
    weiri_durable_counts counts = weiri_durable_get_counts(self->durable);
    fprintf(stderr,
        "weir: state: %llu checkpoint%s, the longest held the run up for %.1f ms\n",
        (unsigned long long)counts.n_checkpoints, counts.n_checkpoints == 1 ? "" : "s",
        (double)counts.pause_ns / WEIRI_NS_PER_MS);
}
