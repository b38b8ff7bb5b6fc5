#include "running.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "weiri/fault.h"
#include "weiri/flow.h"
#include "weiri/limits.h"
#include "weiri/plugin.h"
#include "weiri/timetext.h"

enum { LINGER_S = WEIRI_WIRE_LINGER_MS / 1000, LOOK_NS = 50000000 };

/* ---- signals ---- */

/* A signal handler can reach nothing but static storage. */
static volatile sig_atomic_t stop_came;   /* NOLINT(*-avoid-non-const-global-variables) */
static volatile sig_atomic_t hangup_came; /* NOLINT(*-avoid-non-const-global-variables) */

static void
on_signal(int number)
{
    if (number == SIGHUP) {
        hangup_came = 1;
    } else if (number != SIGUSR1) {
        stop_came = 1;
    }
}

void
running_catch_signals(bool is_node)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (is_node) {
        action.sa_flags = 0;
        sigaction(SIGHUP, &action, NULL);
        sigaction(SIGUSR1, &action, NULL);
    }
}

bool
running_is_stopped(void)
{
    return stop_came != 0;
}

bool
running_has_hangup(void)
{
    return hangup_came != 0;
}

bool
running_take_hangup(void)
{
    bool came   = hangup_came != 0;
    hangup_came = 0;
    return came;
}

/* ---- progress and summary ---- */

struct progress {
    double   begun;
    double   told;
    uint64_t n_notices; /* that were told                        */
    bool     is_on;     /* a person is looking at standard error */
};

struct running {
    const run_request   *request;
    const weiri_plan    *plan;
    const weiri_pack    *rules;
    weiri_engine_options options;
    weiri_engine_keeper  keeper; /* without state, for a host */
    weiri_engine        *engine;
    stateful_run        *stateful; /* NULL: nothing is kept */
    weiri_live          *live;     /* NULL: nobody may look */
    struct progress      progress;
};

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 1234567 as "1,234,567". */
static const char *
grouped(uint64_t n, char out[32])
{
    char   digits[24];
    int    size = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t used = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

static void
print_counts(const weiri_engine_counts *counts, double seconds)
{
    char   events[32];
    char   rate[32];
    char   matches[32];
    char   late[32];
    char   dead[32];
    double per_second = seconds > 0 ? (double)counts->n_events / seconds : 0;
    fprintf(stderr, "weir: %s event%s in %.2f s (%s events/s)",
        grouped(counts->n_events, events), counts->n_events == 1 ? "" : "s", seconds,
        grouped((uint64_t)per_second, rate));
    fprintf(stderr, ", %s match%s", grouped(counts->n_matches, matches),
        counts->n_matches == 1 ? "" : "es");
    fprintf(stderr, ", %s late, %s undecodable", grouped(counts->n_late, late),
        grouped(counts->n_dead, dead));
}

/* What a person may have to act upon is said only if there is some. */
static void
print_oddities(const weiri_engine_counts *counts)
{
    char n[32];
    if (counts->n_dropped > 0) {
        fprintf(stderr, ", %s dropped by a bound", grouped(counts->n_dropped, n));
    }
    if (counts->n_null_keys > 0) {
        fprintf(stderr, ", %s without a key", grouped(counts->n_null_keys, n));
    }
    if (counts->n_failed > 0) {
        fprintf(stderr, ", %s failure%s of actors", grouped(counts->n_failed, n),
            counts->n_failed == 1 ? "" : "s");
    }
    if (counts->n_faults > 0) {
        fprintf(stderr, ", %s arithmetic fault%s", grouped(counts->n_faults, n),
            counts->n_faults == 1 ? "" : "s");
    }
}

static void
tell_progress(struct progress *self, const weiri_engine *engine)
{
    if (!self->is_on) {
        return;
    }
    double now = seconds_now();
    if (now - self->told < 0.2) {
        return;
    }
    self->told                 = now;
    weiri_engine_counts counts = weiri_engine_get_counts(engine);
    fputs("\r\033[K", stderr);
    print_counts(&counts, now - self->begun);
    fflush(stderr);
}

/* What plugins have counted, a line each. */
static void
print_metrics(const weiri_plan *plan)
{
    char         n[32];
    weiri_metric metric;
    for (uint32_t i = 0;
         plan->metrics != NULL && weiri_metrics_at(plan->metrics, i, &metric); i++) {
        if (metric.is_gauge) {
            fprintf(stderr, "weir: %s: %s %g\n", metric.owner, metric.name, metric.gauge);
        } else {
            fprintf(stderr, "weir: %s: %s %s\n", metric.owner, metric.name,
                grouped(metric.count, n));
        }
    }
}

static void
tell_summary(const struct progress *self, const weiri_engine *engine)
{
    weiri_engine_counts counts = weiri_engine_get_counts(engine);
    if (self->is_on) {
        fputs("\r\033[K", stderr);
    }
    print_counts(&counts, seconds_now() - self->begun);
    print_oddities(&counts);
    fputc('\n', stderr);
    if (counts.first_dead != NULL) {
        fprintf(stderr, "weir: not decoded: %s%s\n", counts.first_dead,
            counts.n_dead > 1 ? " (the first of them)" : "");
    }
}

/* ---- the run ---- */

static bool
should_stop(void *context)
{
    const running  *self = context;
    const run_host *host = self->request->host;
    return running_is_stopped()
           || (host != NULL && self->engine != NULL && host->wants_rest(host->context));
}

static bool
is_stopping(void *context)
{
    const running  *self = context;
    const run_host *host = self->request->host;
    return running_is_stopped() || (host != NULL && host->wants_end(host->context));
}

static void
tell(const running *self, const char *notice)
{
    const run_host *host = self->request->host;
    if (host != NULL) {
        host->on_notice(host->context, notice);
    } else {
        fprintf(stderr, "%sweir: %s\n", self->progress.is_on ? "\r\033[K" : "", notice);
    }
}

/* What a source has to say: a table's file that cannot be read, say. */
static void
tell_notice(running *self)
{
    uint64_t    n      = 0;
    const char *notice = weiri_engine_notice(self->engine, &n);
    if (n > self->progress.n_notices) {
        tell(self, notice);
    }
    self->progress.n_notices = n;
}

/* Told each turn, by whoever drives. */
static void
tell_turn(void *context)
{
    running        *self = context;
    const run_host *host = self->request->host;
    tell_notice(self);
    tell_progress(&self->progress, self->engine);
    if (self->live != NULL) {
        weiri_live_tell(self->live, self->engine, false);
    }
    if (host != NULL) {
        host->on_turn(host->context, self->engine);
    }
}

static weir_status
drive(running *self, weir_error *err)
{
    weir_status status;
    do {
        status = weiri_engine_turn(self->engine, err);
        if (self->stateful != NULL && (status == WEIR_OK || status == WEIR_ENOSPC)) {
            status = stateful_after_turn(self->stateful, self->engine, status, err);
        }
        tell_turn(self);
    } while (status == WEIR_OK);
    return status;
}

/* Until the inputs end, or the run is stopped for good; the host is let in between. */
static weir_status
run_turns(running *self, weir_error *err)
{
    const run_host *host   = self->request->host;
    weir_status     status = WEIR_OK;
    while (status == WEIR_OK) {
        if (self->request->n_shards > 1) {
            status = weiri_engine_run(self->engine, err);
            status = status == WEIR_OK ? WEIR_EOF : status;
        } else {
            status = drive(self, err);
        }
        if (status == WEIR_EOF && host != NULL && !weiri_engine_is_at_end(self->engine)) {
            status = host->attend(host->context, self, err);
        }
    }
    return status;
}

/* A run that is stopped goes on another time, if it has a state. */
static bool
is_lingering(const running *self, const weiri_farewell *all, double waited_s)
{
    return self->stateful == NULL && waited_s < LINGER_S
           && (all->n_unkept > 0 || all->n_staying > 0);
}

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* What has to last before others are told; what found no room is tried again. */
static weir_status
keep_news(const running *self, weiri_farewell *all, weir_error *err)
{
    *all = weiri_engine_farewell(self->engine);
    if (self->stateful == NULL || !all->has_news) {
        return WEIR_OK;
    }
    weir_status status = stateful_at_end(self->stateful, self->engine, err);
    *all               = weiri_engine_farewell(self->engine);
    weiri_fault_point("end.told");
    return stateful_is_broken(self->stateful) ? status : WEIR_OK;
}

/* The host is let in: that may take as long as another node is away. */
static weir_status
wait_for_links(running *self, weir_error *err)
{
    const run_host *host       = self->request->host;
    double          begun      = seconds_now();
    weiri_patience  times      = { .there_ns = now_ns(), .bound_ns = now_ns() };
    bool            is_stopped = !weiri_engine_is_at_end(self->engine);
    weir_status     status     = WEIR_OK;
    weir_error      ignored    = { .status = WEIR_OK };
    bool            waits      = true;
    while (self->request->links != NULL && status == WEIR_OK) {
        weiri_farewell all = { 0 };
        is_stopped         = is_stopped || running_is_stopped();
        status             = keep_news(self, &all, err);
        waits              = is_stopped ? is_lingering(self, &all, seconds_now() - begun)
                                        : weiri_farewell_waits(&all, &times, now_ns());
        if (status != WEIR_OK || !waits) {
            break;
        }
        weiri_fault_point("end.waiting");
        weiri_links_wait(self->request->links, LOOK_NS);
        tell_turn(self);
        if (!is_stopped && host != NULL && host->wants_rest(host->context)) {
            is_stopped = host->attend(host->context, self, &ignored) != WEIR_OK;
        }
    }
    return status;
}

/* What is left to do when the last turn is done, or one has failed. */
static weir_status
wind_up(running *self, weir_status status, weir_error *err)
{
    weir_error  second = { 0 };
    bool        is_eof = status == WEIR_EOF;
    weir_status ended  = WEIR_OK;
    /* What has state and failed is not at its end: the next run goes on. */
    if (self->stateful == NULL || (is_eof && weiri_engine_is_at_end(self->engine))) {
        ended = weiri_engine_end(self->engine, &second);
    }
    if (ended == WEIR_OK && self->stateful != NULL && is_eof) {
        ended = stateful_at_end(self->stateful, self->engine, &second);
    }
    if (is_eof && ended == WEIR_OK) {
        ended = wait_for_links(self, &second);
    }
    weir_error  third  = { 0 };
    weir_status closed = weiri_engine_close(self->engine, &third);
    if (!is_eof) {
        return status; /* the first failure is the one to tell */
    }
    *err = ended != WEIR_OK ? second : third;
    return ended != WEIR_OK ? ended : closed;
}

/* With neither state nor checkpoints a host stops a run on shards before its end, too. */
static weir_status
between_turns(void *context, weiri_engine *engine, bool is_at_rest, weir_status last,
    weir_error *err)
{
    (void)context;
    (void)engine;
    (void)is_at_rest;
    (void)err;
    return last;
}

/* The page changes with the plan. */
static weir_status
passed(void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    running *self = context;
    return self->live != NULL ? weiri_live_passed(self->live, rows, deadline_ns, err)
                              : WEIR_OK;
}

static void
set_options(running *self)
{
    const run_request *request = self->request;
    self->options              = (weiri_engine_options){
                     .redirects     = request->redirects,
                     .n_redirects   = request->n_redirects,
                     .stdout_format = request->format,
                     .should_stop   = should_stop,
                     .is_stopping   = is_stopping,
                     .on_turn       = tell_turn,
                     .context       = self,
                     .n_shards      = request->n_shards,
                     .links         = request->links,
                     .rules         = self->rules,
    };
    if (self->stateful != NULL) {
        stateful_lend(self->stateful, &self->options);
    } else if (request->host != NULL) {
        self->keeper = (weiri_engine_keeper){
            .wants_rest = should_stop, .between = between_turns, .context = self
        };
        self->options.keeper = &self->keeper;
    }
    if (request->live != NULL) {
        self->options.passed         = passed;
        self->options.passed_context = self;
    }
}

static weir_status
run_engine(running *self, weir_error *err)
{
    const run_host *host = self->request->host;
    set_options(self);
    weir_status status = weiri_engine_new(self->plan, &self->options, &self->engine, err);
    if (status != WEIR_OK) {
        return status;
    }
    self->progress = (struct progress){ .begun = seconds_now(),
        .is_on = self->request->is_told && isatty(STDERR_FILENO) == 1 };
    if (self->stateful != NULL) {
        status = stateful_begin(self->stateful, self->engine, err);
    }
    if (status == WEIR_OK && host != NULL) {
        host->on_ready(host->context, self->engine);
    }
    if (status == WEIR_OK) {
        status = run_turns(self, err);
    }
    status = wind_up(self, status, err);
    if (self->live != NULL) {
        weiri_live_tell(self->live, self->engine, true);
    }
    if (self->request->is_told) {
        tell_summary(&self->progress, self->engine);
        print_metrics(self->plan);
        if (self->stateful != NULL) {
            stateful_tell(self->stateful);
        }
    }
    weiri_engine_destroy(&self->engine);
    return status;
}

weir_status
running_run(const run_request *request, const weiri_plan *plan, stateful_run *stateful,
    weir_error *err)
{
    running self = {
        .request = request, .plan = plan, .rules = request->rules, .stateful = stateful
    };
    weir_status status = request->live != NULL
                             ? weiri_live_new(request->live, plan, &self.live, err)
                             : WEIR_OK;
    if (status == WEIR_OK) {
        status = run_engine(&self, err);
    }
    weiri_live_destroy(&self.live);
    return status;
}

/* ---- for the host ---- */

weiri_engine *
running_engine(running *self)
{
    return self->engine;
}

/* The page is of a plan, so that another plan has another page; a run goes on without. */
static void
renew_page(running *self)
{
    weir_error  ignored = { 0 };
    weiri_live *page    = NULL;
    if (self->request->live == NULL) {
        return;
    }
    weiri_live_destroy(&self->live);
    if (weiri_live_new(self->request->live, self->plan, &page, &ignored) == WEIR_OK) {
        self->live = page;
    }
}

static weir_status
put_engine(running *self, const weiri_plan *plan, const weiri_pack *rules,
    const weiri_restore *restore, weir_error *err)
{
    const weiri_pack *old = self->rules;
    self->rules           = rules;
    set_options(self);
    self->options.restore = restore;
    weir_status status = weiri_engine_replace(&self->engine, plan, &self->options, err);
    if (status == WEIR_OK) {
        self->plan = plan;
        renew_page(self);
    } else {
        self->rules = old;
    }
    return status;
}

weir_status
running_replace(running *self, const weiri_plan *plan, const weiri_pack *rules,
    const weiri_restore *restore, weir_error *err)
{
    weir_status status = WEIR_OK;
    weir_error  second = { 0 };
    weiri_fault_point("apply.begun");
    if (self->stateful != NULL) {
        status = stateful_use(self->stateful, plan, err);
    }
    if (status == WEIR_OK) {
        status = put_engine(self, plan, rules, restore, err);
    }
    if (status != WEIR_OK) {
        if (self->stateful != NULL
            && stateful_use(self->stateful, self->plan, &second) != WEIR_OK) {
            *err = second;
        }
        return status;
    }
    weiri_fault_point("apply.activated");
    return WEIR_OK;
}

weir_status
running_checkpoint(running *self, weir_error *err)
{
    return self->stateful != NULL
               ? stateful_at_end(self->stateful, self->engine, err)
               : WEIR_FAIL(err, WEIR_EINVAL, "this node keeps no state");
}

bool
running_has_state(const running *self)
{
    return self->stateful != NULL;
}
