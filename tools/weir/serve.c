/* A node at work. All here runs on the run's thread. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cluster.h"
#include "control.h"
#include "linking.h"
#include "log.h"
#include "moving.h"
#include "node.h"
#include "notify.h"
#include "peering.h"
#include "ruleset.h"
#include "running.h"
#include "status.h"
#include "weiri/fault.h"
#include "weiri/timetext.h"

typedef struct node {
    const char             *path; /* of its file */
    const weiri_node_setup *setup;
    run_log                 log;
    notify                  notify;
    control                *control; /* NULL: nobody can ask            */
    peering                *peering; /* who it speaks with              */
    ruleset                *rules;   /* in force                        */
    weiri_pack              bytes;   /* of them, for the state          */
    state_request           state;
    linking                *linking;  /* NULL: it knows no other nodes */
    stateful_run           *stateful; /* NULL: no state is kept         */
    int64_t                 started_ns;
    int64_t                 applied_ns;
    double                  per_second;
    int64_t                 rated_ns; /* when that was taken            */
    uint64_t                rated_events;
    bool                    is_stopping;
    bool is_asked_to_stop; /* by a request that is answered at the end */
} node;

/* An answer that is being written. */
typedef struct answer {
    FILE  *stream;
    char  *bytes;
    size_t size;
} answer;

static const char *const VERBS[] = { "status", "cluster", "move", "checkpoint", "stop",
    "apply", "allow", "revoke", NULL };

static int64_t
clock_now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* ---- what is said ---- */

static void
on_state(void *context, const char *event, const char *text)
{
    node *self    = context;
    bool  is_well = strcmp(event, "state.new") == 0 || strcmp(event, "state.room") == 0;
    log_say(&self->log, is_well ? WEIRI_LOG_INFO : WEIRI_LOG_WARN, event, text);
}

/* A line for each thing that is wrong with rules, or only odd. */
static void
log_diagnostics(const node *self, const weiri_diagnostics *diagnostics)
{
    weiri_diagnostic of;
    for (size_t i = 0; weiri_diagnostics_get(diagnostics, i, &of); i++) {
        log_line line;
        log_begin(&line, &self->log, of.is_error ? WEIRI_LOG_ERROR : WEIRI_LOG_WARN,
            of.is_error ? "rules.error" : "rules.warning");
        log_text(&line, "code", of.code);
        log_text(&line, "file", of.place.file);
        log_number(&line, "line", of.place.line);
        log_number(&line, "column", of.place.column);
        log_text(&line, "what", of.text);
        if (of.hint != NULL) {
            log_text(&line, "hint", of.hint);
        }
        log_end(&line);
    }
}

static void
log_rules(const node *self, const char *event)
{
    log_line line;
    log_begin(&line, &self->log, WEIRI_LOG_INFO, event);
    log_text(&line, "version", self->rules->version);
    log_text(&line, "from",
        strcmp(self->rules->version, self->rules->origin) == 0 ? "files" : "apply");
    log_number(&line, "rules", self->rules->plan->n_rules);
    log_end(&line);
}

static void
set_phase(node *self, control_phase phase)
{
    if (self->control != NULL) {
        control_set_phase(self->control, phase);
    }
}

static void
begin_stop(node *self, const char *why)
{
    if (!self->is_stopping) {
        self->is_stopping = true;
        set_phase(self, CONTROL_STOPPING);
        notify_say(&self->notify, "STOPPING=1");
        log_line line;
        log_begin(&line, &self->log, WEIRI_LOG_INFO, "stopping");
        log_text(&line, "why", why);
        log_end(&line);
    }
}

/* ---- answers ---- */

static bool
answer_open(answer *self)
{
    *self        = (answer){ .size = 0 };
    self->stream = open_memstream(&self->bytes, &self->size);
    return self->stream != NULL;
}

static void
answer_send(answer *self, node *to, int status)
{
    fclose(self->stream);
    control_answer(to->control, status, self->bytes, self->size);
}

static void
answer_drop(answer *self)
{
    fclose(self->stream);
    free(self->bytes);
}

static bool
wants_json(const control_request *request)
{
    const char *format = control_field(request, "format", NULL);
    return format != NULL && strcmp(format, "json") == 0;
}

static void
answer_status(node *self, const weiri_engine *engine, const control_request *request)
{
    answer            out;
    const node_status status     = { .setup = self->setup,
            .peers                          = peering_peers(self->peering),
            .links                          = linking_links(self->linking),
            .plan                           = self->rules->plan,
            .engine                         = engine,
            .stateful                       = self->stateful,
            .phase                          = self->is_stopping ? "stopping" : "running",
            .rules                          = self->rules->version,
            .started_ns                     = self->started_ns,
            .applied_ns                     = self->applied_ns,
            .per_second                     = self->per_second };
    bool              is_cluster = strcmp(request->verb, "cluster") == 0;
    bool              is_json    = wants_json(request);
    if (!answer_open(&out)) {
        return;
    }
    if (is_cluster && status.plan->cluster == NULL) {
        fprintf(out.stream, "weir: node '%s' is in no cluster\n", self->setup->name);
        answer_send(&out, self, EXIT_DATA);
        return;
    }
    linking_hold(self->linking);
    if (is_cluster) {
        status_print_cluster(&status, is_json, out.stream);
    } else {
        status_print(&status, is_json, out.stream);
    }
    linking_release(self->linking);
    status_print_links(&status, is_json, out.stream);
    answer_send(&out, self, EXIT_OK);
}

/* It changes nothing, and is answered at any turn. */
static bool
is_question(const control_request *request)
{
    return strcmp(request->verb, "status") == 0 || strcmp(request->verb, "cluster") == 0;
}

/* ---- rules ---- */

/* Where it is written what becomes of what. */
typedef struct verdicts {
    FILE    *stream;
    bool     is_json;
    uint32_t n_refused;
} verdicts;

static void
on_verdict(void *context, const char *what, const char *name, weiri_kept kept)
{
    verdicts *self   = context;
    bool      is_end = strcmp(what, "source") == 0 || strcmp(what, "stream") == 0;
    self->n_refused += kept == WEIRI_KEPT_OTHER;
    if (is_end && kept == WEIRI_KEPT) {
        return; /* what a rule is made of goes on with it */
    }
    if (!self->is_json) {
        kept_print(self->stream, what, name, kept);
        return;
    }
    fprintf(self->stream, "{\"part\":\"%s\",\"name\":\"", what);
    for (; *name != '\0'; name++) {
        fprintf(self->stream, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
    }
    fprintf(self->stream, "\",\"becomes\":\"%s\"}\n", kept_word(kept));
}

/* The version that the node's own files have now, whether they are right or not. */
static void
read_origin(const node *self, const weiri_node_setup *setup, char out[RULESET_VERSION])
{
    weir_error         err         = { .status = WEIR_OK };
    weiri_diagnostics *diagnostics = NULL;
    ruleset           *files       = NULL;
    memcpy(out, self->rules->origin, RULESET_VERSION);
    if (weiri_diagnostics_new(&diagnostics) == WEIR_OK) {
        weir_status status =
            ruleset_read(setup->rules, setup->n_rules, setup, diagnostics, &files, &err);
        if (files != NULL && (status == WEIR_OK || status == WEIR_ESYNTAX)) {
            memcpy(out, files->version, RULESET_VERSION);
        }
    }
    ruleset_destroy(&files);
    weiri_diagnostics_destroy(&diagnostics);
}

/* The rules that a request asks for: those of its files, or the node's own; with the
 * parameters that the node file has now.
 */
static weir_status
read_wanted(const node *self, const weiri_node_setup *setup,
    const control_request *request, weiri_diagnostics *diagnostics, ruleset **out,
    weir_error *err)
{
    const char *paths[CONTROL_FIELDS];
    size_t      n      = request != NULL ? control_fields(request, "file", paths) : 0;
    weir_status status = ruleset_read(n > 0 ? paths : setup->rules,
        n > 0 ? n : setup->n_rules, setup, diagnostics, out, err);
    if (status == WEIR_OK && n > 0) {
        char origin[RULESET_VERSION];
        read_origin(self, setup, origin);
        ruleset_set_origin(*out, origin);
    }
    return status;
}

static weir_status
read_rules(node *self, const control_request *request, weiri_diagnostics *diagnostics,
    ruleset **out, weir_error *err)
{
    weiri_nodefile         *file  = NULL;
    const weiri_node_setup *setup = NULL;
    weir_status status = weiri_nodefile_read(self->path, diagnostics, &file, err);
    if (status == WEIR_OK) {
        status = weiri_nodefile_node(file, self->setup->name, &setup, err);
    }
    if (status == WEIR_OK) {
        status = read_wanted(self, setup, request, diagnostics, out, err);
    }
    weiri_nodefile_destroy(&file);
    return status;
}

static weir_status
check_discards(const ruleset *rules, const weiri_restore *restore, weir_error *err)
{
    for (size_t i = 0; i < restore->n_discard; i++) {
        bool is_rule = false;
        for (uint32_t r = 0; r < rules->plan->n_rules; r++) {
            is_rule =
                is_rule || strcmp(rules->plan->rules[r].name, restore->discard[i]) == 0;
        }
        if (!is_rule) {
            return WEIR_FAIL(err, WEIR_EINVAL, "--discard %s: there is no such rule",
                restore->discard[i]);
        }
    }
    return WEIR_OK;
}

/* Put compiled rules in force, and make that durable. *next is taken on WEIR_OK. */
static weir_status
put_in_force(node *self, running *run, ruleset **next, const weiri_restore *restore,
    weir_error *err)
{
    weiri_pack bytes = { 0 };
    ruleset_pack(*next, &bytes);
    weir_status status = bytes.is_out_of_memory ? WEIR_FAIL(
                             err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM))
                                                : WEIR_OK;
    weiri_pack  old    = self->bytes;
    if (status == WEIR_OK) {
        self->bytes = bytes;
        status      = running_replace(run, (*next)->plan, &self->bytes, restore, err);
    }
    if (status != WEIR_OK) {
        self->bytes = old;
        weiri_pack_fini(&bytes);
        return status;
    }
    weiri_pack_fini(&old);
    ruleset_destroy(&self->rules);
    self->rules      = *next;
    *next            = NULL;
    self->applied_ns = clock_now_ns(CLOCK_REALTIME);
    return WEIR_OK;
}

/* What is applied is durable before any of its rules writes a byte. */
static void
keep_applied(node *self, running *run, FILE *stream)
{
    weir_error err = { .status = WEIR_OK };
    if (running_has_state(run) && running_checkpoint(run, &err) != WEIR_OK) {
        log_say(&self->log, WEIRI_LOG_WARN, "checkpoint.failed", err.text);
        fprintf(stream, "applied, and not durable yet: %s\n", err.text);
    }
    weiri_fault_point("apply.durable");
}

static weir_status
try_rules(
    running *run, const ruleset *next, const weiri_restore *restore, weir_error *err)
{
    return weiri_engine_try_replace(running_engine(run), next->plan, restore, err);
}

/* All of an apply but reading: tried first, so that nothing changes if a rule is refused.
 */
static weir_status
apply_rules(node *self, running *run, ruleset **next, const control_request *request,
    verdicts *out, weir_error *err)
{
    const char   *discard[CONTROL_FIELDS];
    weiri_restore restore = { .discard = discard, .told = on_verdict, .context = out };
    if (request != NULL) {
        restore.n_discard = control_fields(request, "discard", discard);
    }
    weir_status status = check_discards(*next, &restore, err);
    if (status == WEIR_OK) {
        status = try_rules(run, *next, &restore, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    if (out->n_refused > 0) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "%u rule%s changed so that what %s remember%s cannot be used: nothing was "
            "changed",
            out->n_refused, out->n_refused == 1 ? " has" : "s have",
            out->n_refused == 1 ? "it" : "they", out->n_refused == 1 ? "s" : "");
    }
    if (request != NULL && control_field(request, "dry-run", NULL) != NULL) {
        return WEIR_OK;
    }
    restore.told = NULL; /* it has been said */
    status       = put_in_force(self, run, next, &restore, err);
    if (status == WEIR_OK) {
        keep_applied(self, run, out->stream);
        log_rules(self, "rules.applied");
    }
    return status;
}

/* A node whose inputs have ended only waits for its links. errors  WEIR_EINVAL */
static weir_status
check_goes_on(running *run, weir_error *err)
{
    return weiri_engine_is_at_end(running_engine(run)) ? WEIR_FAIL(err, WEIR_EINVAL,
               "the inputs have ended, and the node waits until others have what it "
               "sent: nothing was changed")
                                                       : WEIR_OK;
}

/* Change the rules; what there is to say goes to `stream`. Returns an exit status.
 *
 *   request  NULL: SIGHUP came
 */
static int
apply(node *self, running *run, const control_request *request, FILE *stream)
{
    weir_error         err         = { .status = WEIR_OK };
    weiri_diagnostics *diagnostics = NULL;
    ruleset           *next        = NULL;
    verdicts           out         = { .stream = stream,
                          .is_json             = request != NULL && wants_json(request) };
    weir_status        status      = weiri_diagnostics_new(&diagnostics);
    if (status == WEIR_OK && self->setup->cluster_name != NULL) {
        status = WEIR_FAIL(&err, WEIR_EINVAL,
            "the rules of a cluster are those of all its nodes, which would be at other "
            "times: stop all nodes (`weir node stop`), change the files of all, and "
            "start "
            "them. A node with other rules than the others is refused by them, and "
            "waited "
            "for");
    }
    if (status == WEIR_OK) {
        status = read_rules(self, request, diagnostics, &next, &err);
    }
    if (status == WEIR_ESYNTAX && out.is_json) {
        weiri_diagnostics_print_json(diagnostics, stream, NULL);
    } else if (status == WEIR_ESYNTAX) {
        weiri_diagnostics_print(diagnostics, stream, false);
    }
    if (status == WEIR_ESYNTAX) {
        log_diagnostics(self, diagnostics);
        (void)WEIR_FAIL(&err, status, "the rules have mistakes: nothing was changed");
    } else if (status == WEIR_OK) {
        status = check_goes_on(run, &err);
    }
    if (status == WEIR_OK) {
        status = apply_rules(self, run, &next, request, &out, &err);
    }
    if (status != WEIR_OK) {
        log_say(&self->log, WEIRI_LOG_ERROR, "rules.refused", err.text);
        if (!out.is_json) {
            fprintf(stream, "weir: %s\n", err.text);
        }
    }
    ruleset_destroy(&next);
    weiri_diagnostics_destroy(&diagnostics);
    return exit_status(status);
}

/* ---- the host of the run ---- */

static bool
wants_rest(void *context)
{
    node                  *self = context;
    const control_request *request =
        self->control != NULL ? control_peek(self->control) : NULL;
    return running_has_hangup()
           || (request != NULL && !self->is_asked_to_stop && !is_question(request));
}

static bool
wants_end(void *context)
{
    node                  *self = context;
    const control_request *request =
        self->control != NULL ? control_peek(self->control) : NULL;
    return request != NULL && strcmp(request->verb, "stop") == 0;
}

static void
rate(node *self, const weiri_engine *engine, int64_t now_ns)
{
    int64_t passed_ns = now_ns - self->rated_ns;
    if (passed_ns >= WEIRI_NS_PER_S) {
        uint64_t n         = weiri_engine_get_counts(engine).n_events;
        self->per_second   = (double)(n - self->rated_events) * 1e9 / (double)passed_ns;
        self->rated_events = n;
        self->rated_ns     = now_ns;
    }
}

static void
on_turn(void *context, const weiri_engine *engine)
{
    node   *self   = context;
    int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
    rate(self, engine, now_ns);
    notify_alive(&self->notify, now_ns);
    if (self->control == NULL) {
        return;
    }
    control_turn(self->control, now_ns);
    const control_request *request = control_peek(self->control);
    if (request != NULL && is_question(request)) {
        answer_status(self, engine, request);
    }
}

static void
on_notice(void *context, const char *text)
{
    const node *self = context;
    log_say(&self->log, WEIRI_LOG_WARN, "source.notice", text);
}

static void
on_ready(void *context, const weiri_engine *engine)
{
    node *self         = context;
    self->rated_ns     = clock_now_ns(CLOCK_MONOTONIC);
    self->rated_events = weiri_engine_get_counts(engine).n_events;
    set_phase(self, CONTROL_RUNNING);
    log_rules(self, "running");
    notify_say(&self->notify, "READY=1");
}

static void
reload(node *self, running *run)
{
    answer  out;
    char    text[128];
    int64_t now_us = clock_now_ns(CLOCK_MONOTONIC) / WEIRI_NS_PER_US;
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_us);
    notify_say(&self->notify, text);
    if (answer_open(&out)) {
        (void)apply(self, run, NULL, out.stream); /* the log says what came of it */
        answer_drop(&out);
    }
    notify_say(&self->notify, "READY=1");
}

/* What was promised cannot be kept on the medium: the node ends, and knows it again. */
static weir_status
move(node *self, running *run, const control_request *request, answer *out, int *status,
    weir_error *err)
{
    weir_error  why = { .status = WEIR_OK };
    weir_status moved =
        moving_obey(running_engine(run), self->rules->plan, request, out->stream, &why);
    if (moved != WEIR_OK) {
        fprintf(out->stream, "weir: %s\n", why.text);
        *status = exit_status(moved);
    }
    if (moved == WEIR_EIO || moved == WEIR_ENOMEM) {
        *err = why;
        return moved;
    }
    return WEIR_OK;
}

/* Returns WEIR_EOF if the node is to stop. */
static weir_status
obey(node *self, running *run, const control_request *request, weir_error *failure)
{
    weir_error  err    = { .status = WEIR_OK };
    int         status = EXIT_OK;
    weir_status result = WEIR_OK;
    answer      out;
    if (strcmp(request->verb, "stop") == 0) {
        self->is_asked_to_stop = true;
        begin_stop(self, "asked");
        return WEIR_EOF;
    }
    if (!answer_open(&out)) {
        return WEIR_OK;
    }
    if (strcmp(request->verb, "move") == 0) {
        result = move(self, run, request, &out, &status, failure);
    } else if (strcmp(request->verb, "apply") == 0) {
        status = apply(self, run, request, out.stream);
    } else if (strcmp(request->verb, "allow") == 0
               || strcmp(request->verb, "revoke") == 0) {
        linking_hold(self->linking);
        status = peering_obey(self->peering, request, out.stream);
        linking_release(self->linking);
    } else if (check_goes_on(run, &err) != WEIR_OK
               || running_checkpoint(run, &err) != WEIR_OK) {
        fprintf(out.stream, "weir: %s\n", err.text);
        status = exit_status(err.status);
    }
    answer_send(&out, self, status);
    return result;
}

static weir_status
attend(void *context, running *run, weir_error *err)
{
    node                  *self = context;
    const control_request *request =
        self->control != NULL ? control_peek(self->control) : NULL;
    if (running_is_stopped()) {
        begin_stop(self, "signal");
        return WEIR_EOF;
    }
    if (running_take_hangup()) {
        reload(self, run);
    }
    if (request == NULL) {
        return WEIR_OK;
    }
    if (is_question(request)) {
        answer_status(self, running_engine(run), request);
        return WEIR_OK;
    }
    return obey(self, run, request, err);
}

/* ---- beginning ---- */

/* In a cluster this node has a part in the rules. */
static weir_status
spread_rules(const node *self, ruleset *rules, weir_error *err)
{
    return cluster_spread(self->setup, rules->plan, err);
}

static weir_status
read_own_rules(node *self, weir_error *err)
{
    weiri_diagnostics *diagnostics = NULL;
    weir_status        status      = weiri_diagnostics_new(&diagnostics);
    if (status == WEIR_OK) {
        status = ruleset_read(self->setup->rules, self->setup->n_rules, self->setup,
            diagnostics, &self->rules, err);
        log_diagnostics(self, diagnostics);
    }
    if (status == WEIR_ESYNTAX) {
        (void)WEIR_FAIL(err, status, "the rules have mistakes");
    }
    weiri_diagnostics_destroy(&diagnostics);
    return status == WEIR_OK ? spread_rules(self, self->rules, err) : status;
}

/* Rules that were applied while the node ran are in force until its own files change. */
static weir_status
take_kept_rules(node *self, weir_error *err)
{
    weiri_unpack          in       = { 0 };
    ruleset              *kept     = NULL;
    weiri_diagnostics    *messages = NULL;
    const weiri_sections *sections = stateful_sections(self->stateful);
    if (sections == NULL || !weiri_sections_find(sections, "engine", "rules", &in)) {
        return WEIR_OK;
    }
    weir_status status = ruleset_unpack(&in, &kept, err);
    if (status != WEIR_OK || strcmp(kept->version, self->rules->version) == 0
        || strcmp(kept->origin, self->rules->version) != 0) {
        ruleset_destroy(&kept);
        return status;
    }
    status = weiri_diagnostics_new(&messages);
    if (status == WEIR_OK) {
        status = ruleset_compile(kept, self->setup, messages, err);
        log_diagnostics(self, messages);
    }
    if (status == WEIR_OK) {
        status = spread_rules(self, kept, err);
    }
    weiri_diagnostics_destroy(&messages);
    if (status != WEIR_OK) {
        ruleset_destroy(&kept);
        return status;
    }
    ruleset_destroy(&self->rules);
    self->rules = kept;
    return WEIR_OK;
}

static weir_status
open_state(node *self, weir_error *err)
{
    weir_status status = stateful_open(&self->state, NULL, &self->stateful, err);
    if (status == WEIR_OK) {
        status = take_kept_rules(self, err);
    }
    return status == WEIR_OK ? stateful_use(self->stateful, self->rules->plan, err)
                             : status;
}

static weir_status
begin(node *self, weir_error *err)
{
    const weiri_node_setup *setup  = self->setup;
    weir_status             status = WEIR_OK;
    if (setup->control != NULL) {
        status = control_new(setup->control, VERBS, &self->control, err);
    }
    if (status == WEIR_OK) {
        status = peering_open(setup, self->path, &self->log, &self->peering, err);
    }
    if (status == WEIR_OK) {
        status = read_own_rules(self, err);
    }
    if (status == WEIR_OK && setup->state != NULL) {
        status = open_state(self, err);
    }
    if (status == WEIR_OK) {
        ruleset_pack(self->rules, &self->bytes);
        status = linking_open(setup, &self->log, self->peering, &self->linking, err);
    }
    return status;
}

static weir_status
run_node(node *self, weir_error *err)
{
    const run_host    host    = { .wants_rest = wants_rest,
              .wants_end                      = wants_end,
              .attend                         = attend,
              .on_turn                        = on_turn,
              .on_notice                      = on_notice,
              .on_ready                       = on_ready,
              .context                        = self };
    weir_status       status  = begin(self, err);
    const run_request request = { .n_shards = cluster_shards(self->setup),
        .live                               = self->setup->live,
        .links                              = linking_links(self->linking),
        .rules                              = &self->bytes,
        .host                               = &host };
    if (status == WEIR_OK) {
        status = running_run(&request, self->rules->plan, self->stateful, err);
    }
    begin_stop(self, status == WEIR_OK ? "inputs ended" : "failure");
    return status;
}

int
node_serve(const weiri_node_setup *setup, const char *path, const char *const *discard,
    size_t n_discard)
{
    weir_error err  = { .status = WEIR_OK };
    node       self = {
              .path       = path,
              .setup      = setup,
              .log        = { .format = setup->log_format,
                         .level       = setup->log_level,
                         .node        = setup->name },
              .started_ns = clock_now_ns(CLOCK_REALTIME),
              .applied_ns = clock_now_ns(CLOCK_REALTIME),
              .state      = { .path = setup->state,
                       .interval_ns = setup->checkpoint_ns,
                       .max_bytes   = setup->limit_bytes,
                       .discard     = (const char **)discard,
                       .n_discard   = n_discard,
                       .voice       = { .say = on_state, .context = &self } },
    };
    running_catch_signals(true);
    notify_init(&self.notify);
    log_say(&self.log, WEIRI_LOG_INFO, "starting", NULL);
    weir_status status = run_node(&self, &err);
    status             = status == WEIR_ECLOSED ? WEIR_OK : status;
    linking_close(&self.linking);
    stateful_close(&self.stateful);
    if (status != WEIR_OK) {
        log_say(&self.log, WEIRI_LOG_ERROR, "failed",
            err.text[0] != '\0' ? err.text : weir_status_text(status));
    }
    log_say(&self.log, WEIRI_LOG_INFO, "stopped", NULL);
    if (self.is_asked_to_stop) {
        control_answer(self.control, exit_status(status), NULL, 0);
    }
    control_destroy(&self.control);
    peering_close(&self.peering);
    ruleset_destroy(&self.rules);
    weiri_pack_fini(&self.bytes);
    return exit_status(status);
}
