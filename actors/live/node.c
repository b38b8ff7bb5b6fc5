#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "weiri/plugin.h"
#include "weiri/timetext.h"

enum { FILE_MODE = 0640, TELL_MS = 200 };

/* Latencies are those of the last stretch, or two. */
enum { STRETCH_S = 5 };

struct weiri_live {
    const weiri_plan *plan;
    weiri_live_page  *page;
    weiri_tap        *tap;
    int64_t           begun_ns;
    int64_t           told_ns;
    int64_t           stretch_ns;  /* when the last one began */
    weiri_histogram   before;      /* what there was then     */
    weiri_histogram   before_that; /* and a stretch earlier   */
};

static int64_t
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* ---- making and ending ---- */

static weir_status
map_page(weiri_live *self, const char *path, weir_error *err)
{
    (void)unlink(path); /* whoever looks at the old one keeps it */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return WEIR_FAIL_OS(err, errno, "cannot make the live page '%s'", path);
    }
    void *page = MAP_FAILED;
    int   code = ftruncate(fd, sizeof(weiri_live_page)) == 0 ? 0 : errno;
    if (code == 0) {
        page = mmap(
            NULL, sizeof(weiri_live_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        code = page == MAP_FAILED ? errno : 0;
    }
    close(fd);
    if (code != 0) {
        return WEIR_FAIL_OS(err, code, "cannot make the live page '%s'", path);
    }
    self->page        = page;
    self->page->size  = sizeof(weiri_live_page);
    self->page->magic = WEIRI_LIVE_MAGIC;
    atomic_store(&self->page->pid, getpid());
    return WEIR_OK;
}

weir_status
weiri_live_new(
    const char *path, const weiri_plan *plan, weiri_live **out, weir_error *err)
{
    weiri_live *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan         = plan;
    self->begun_ns     = monotonic_ns();
    weir_status status = map_page(self, path, err);
    if (status == WEIR_OK
        && (status = weiri_tap_new(plan, self->page, &self->tap)) != WEIR_OK) {
        status = WEIR_FAIL(err, status, "%s", weir_status_text(status));
    }
    if (status != WEIR_OK) {
        weiri_live_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_live_destroy(weiri_live **self_p)
{
    weiri_live *self = *self_p;
    *self_p          = NULL;
    if (self == NULL) {
        return;
    }
    weiri_tap_destroy(&self->tap);
    if (self->page != NULL) {
        atomic_store(&self->page->pid, 0);
        munmap(self->page, sizeof *self->page);
    }
    free(self);
}

/* ---- counts ---- */

/* A text that grows up to the page's room; what does not fit is left out, line by line.
 */
struct text {
    char  *bytes;
    size_t used;
};

static void
add_line(struct text *text, const char *line, int size)
{
    if (size > 0 && text->used + (size_t)size <= WEIRI_LIVE_TEXT) {
        memcpy(text->bytes + text->used, line, (size_t)size);
        text->used += (size_t)size;
    }
}

static const char *
time_of(int64_t ns, char out[WEIRI_TIME_TEXT])
{
    if (ns == INT64_MIN || ns == INT64_MAX) {
        return ns == INT64_MIN ? "none" : "end";
    }
    weiri_time_format(ns, out);
    return out;
}

/* By how much the clock is ahead of the watermark; -1: there is none. It is for people
 * who look and goes into no result. */
static double
lag_s(const weiri_engine *engine)
{
    struct timespec now;
    int64_t         watermark_ns = weiri_engine_watermark(engine);
    if (watermark_ns == INT64_MIN || watermark_ns == INT64_MAX) {
        return -1;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    double lag = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec
                 - (double)watermark_ns / WEIRI_NS_PER_S;
    return lag > 0 ? lag : 0;
}

static void
add_latency(struct text *text, weiri_live *self, const weiri_engine *engine)
{
    char                   line[256];
    const weiri_histogram *all  = weiri_engine_latency(engine);
    const weiri_histogram  last = weiri_histogram_since(all, &self->before_that);
    int                    size = snprintf(line, sizeof line,
                           "{\"part\":\"latency\",\"p50_us\":%.1f,\"p99_us\":%.1f,\"lag_s\":%.3f}\n",
                           (double)weiri_histogram_quantile(&last, 0.5) / 1e3,
                           (double)weiri_histogram_quantile(&last, 0.99) / 1e3, lag_s(engine));
    add_line(text, line, size);
    if (self->told_ns - self->stretch_ns >= STRETCH_S * WEIRI_NS_PER_S) {
        self->stretch_ns  = self->told_ns;
        self->before_that = self->before;
        self->before      = *all;
    }
}

static void
add_shard(struct text *text, uint32_t shard, const weiri_shard_sight *sight)
{
    char line[256];
    int  size = snprintf(line, sizeof line,
         "{\"part\":\"shard\",\"name\":\"%u\",\"events\":%" PRIu64 ",\"waiting\":%" PRIu64
         ",\"stalls\":%" PRIu64 "}\n",
         shard, sight->n_events, sight->n_waiting, sight->n_stalls);
    add_line(text, line, size);
    for (uint32_t i = 0; i < sight->n_waits; i++) {
        size = snprintf(line, sizeof line,
            "{\"part\":\"wait\",\"name\":\"%u\",\"level\":%u,\"on\":%u,\"events\":"
            "%" PRIu64 "}\n",
            shard, sight->waits[i].level, sight->waits[i].on_shard,
            sight->waits[i].n_events);
        add_line(text, line, size);
    }
}

static void
add_run(struct text *text, const weiri_live *self, const weiri_engine *engine)
{
    char                line[512];
    char                at[WEIRI_TIME_TEXT];
    weiri_engine_counts counts = weiri_engine_get_counts(engine);
    double seconds = (double)(self->told_ns - self->begun_ns) / WEIRI_NS_PER_S;
    int    size    = snprintf(line, sizeof line,
              "{\"part\":\"run\",\"seconds\":%.3f,\"watermark\":\"%s\",\"events\":%" PRIu64
              ",\"bytes\":%" PRIu64 ",\"matches\":%" PRIu64 ",\"late\":%" PRIu64
              ",\"dead\":%" PRIu64 ",\"dropped\":%" PRIu64 "}\n",
              seconds, time_of(weiri_engine_watermark(engine), at), counts.n_events,
              counts.n_bytes, counts.n_matches, counts.n_late, counts.n_dead, counts.n_dropped);
    add_line(text, line, size);
}

/* Names of rules and streams are words of the language, which JSON takes as they are. */
static void
add_rule(struct text *text, const weiri_rule *rule, const weiri_rule_sight *sight)
{
    char line[1024];
    int  size = snprintf(line, sizeof line,
         "{\"part\":\"rule\",\"name\":\"%s\",\"events\":%" PRIu64 ",\"matches\":%" PRIu64
         ",\"keys\":%" PRIu64 ",\"held\":%" PRIu64 ",\"dropped\":%" PRIu64
         ",\"faults\":%" PRIu64 "}\n",
         rule->name, sight->n_events, sight->n_matches, sight->n_keys, sight->n_held,
         sight->n_dropped, sight->n_faults);
    add_line(text, line, size < (int)sizeof line ? size : 0);
}

/* Counters and gauges of plugins. What an actor is called, geo(auth) by ip, may have
 * quotes of the user's: they are left out. */
static void
add_metric(struct text *text, const weiri_metric *metric)
{
    char   owner[WEIRI_METRIC_NAME + 1];
    char   line[512];
    size_t n = 0;
    for (const char *p = metric->owner; *p != '\0'; p++) {
        bool is_plain = (unsigned char)*p >= ' ' && *p != '"' && *p != '\\';
        owner[n]      = *p;
        n += is_plain;
    }
    owner[n] = '\0';
    int size = metric->is_gauge
                   ? snprintf(line, sizeof line,
                       "{\"part\":\"metric\",\"name\":\"%s %s\",\"value\":%.17g}\n",
                       owner, metric->name, metric->gauge)
                   : snprintf(line, sizeof line,
                       "{\"part\":\"metric\",\"name\":\"%s %s\",\"value\":%" PRIu64 "}\n",
                       owner, metric->name, metric->count);
    add_line(text, line, size < (int)sizeof line ? size : 0);
}

static void
add_source(
    struct text *text, const weiri_live *self, const weiri_engine *engine, uint32_t i)
{
    char                line[1024];
    char                at[WEIRI_TIME_TEXT];
    weiri_source_sight  sight  = weiri_engine_source(engine, i);
    const weiri_stream *stream = &self->plan->streams[self->plan->sources[i].stream];
    int                 size   = snprintf(line, sizeof line,
                          "{\"part\":\"source\",\"name\":\"%s\",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64
                          ",\"late\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"clock\":\"%s\"}\n",
                          stream->schema.name, sight.n_events, sight.n_bytes, sight.n_late, sight.n_dead,
                          time_of(sight.clock_ns, at));
    add_line(text, line, size < (int)sizeof line ? size : 0);
}

static void
write_text(weiri_live *self, const weiri_engine *engine)
{
    weiri_live_page *page = self->page;
    struct text      text = { .bytes = page->text };
    atomic_fetch_add_explicit(&page->version, 1, memory_order_acq_rel);
    add_run(&text, self, engine);
    add_latency(&text, self, engine);
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        add_source(&text, self, engine, i);
    }
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        weiri_rule_sight sight = { 0 };
        if (weiri_engine_rule(engine, i, &sight)) {
            add_rule(&text, &self->plan->rules[i], &sight);
        }
    }
    weiri_metric metric;
    for (uint32_t i = 0;
         self->plan->metrics != NULL && weiri_metrics_at(self->plan->metrics, i, &metric);
         i++) {
        add_metric(&text, &metric);
    }
    weiri_shard_sight shard = { 0 };
    for (uint32_t i = 0; weiri_engine_shard(engine, i, &shard); i++) {
        add_shard(&text, i, &shard);
    }
    page->text_size = text.used;
    atomic_fetch_add_explicit(&page->version, 1, memory_order_acq_rel);
}

void
weiri_live_tell(weiri_live *self, const weiri_engine *engine, bool is_now)
{
    int64_t now_ns = monotonic_ns();
    if (is_now || now_ns - self->told_ns >= TELL_MS * WEIRI_NS_PER_MS) {
        self->told_ns = now_ns;
        write_text(self, engine);
    }
}

/* ---- the tap ---- */

weir_status
weiri_live_passed(
    void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    weiri_live *self = context;
    (void)err;
    weiri_tap_passed(self->tap, rows, deadline_ns);
    return WEIR_OK;
}
