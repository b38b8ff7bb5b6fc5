#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "page.h"
#include "weiri/codec.h"
#include "weiri/plugin.h"
#include "weiri/timetext.h"

enum {
    FILE_MODE     = 0640,
    TELL_MS       = 200,
    WINDOW_MS     = 100, /* over which the rate of a tap holds */
    HEAD_BYTES    = 4,   /* of a record of the ring: its size  */
    WINDOWS_PER_S = 10
};

struct weiri_live {
    const weiri_plan *plan;
    weiri_live_page  *page;
    weiri_encoder   **encoders; /* shape (plan->n_streams,): NULL until tapped */
    weiri_buffer      buffer;
    int64_t           begun_ns;
    int64_t           told_ns;
    int64_t           window_ns; /* when the tap's budget was filled */
    uint32_t          budget;    /* events that may still be given   */
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
    if (self == NULL
        || (self->encoders = calloc(plan->n_streams + (size_t)1, sizeof(void *)))
               == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan         = plan;
    self->begun_ns     = monotonic_ns();
    weir_status status = map_page(self, path, err);
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
    if (self->page != NULL) {
        atomic_store(&self->page->pid, 0);
        munmap(self->page, sizeof *self->page);
    }
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_encoder_destroy(&self->encoders[i]);
    }
    free(self->encoders);
    weiri_buffer_fini(&self->buffer);
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

static void
put(weiri_live_page *page, uint64_t at, const void *bytes, size_t size)
{
    size_t from  = (size_t)(at % WEIRI_LIVE_RING);
    size_t first = size < WEIRI_LIVE_RING - from ? size : WEIRI_LIVE_RING - from;
    memcpy(page->ring + from, bytes, first);
    memcpy(page->ring, (const char *)bytes + first, size - first);
}

static void
give(weiri_live *self, int64_t time_ns, const char *stream)
{
    char                line[WEIRI_LIVE_LINE];
    char                at[WEIRI_TIME_TEXT];
    weiri_live_page    *page = self->page;
    const weiri_buffer *json = &self->buffer;
    weiri_time_format(time_ns, at);
    int n = snprintf(line, sizeof line, "%s %s ", at, stream);
    if (n < 0 || (size_t)n + json->used > sizeof line) {
        return;
    }
    uint32_t size = (uint32_t)((size_t)n + json->used);
    memcpy(line + n, json->bytes, json->used);
    uint64_t end = atomic_load_explicit(&page->ring_end, memory_order_relaxed);
    put(page, end, &size, HEAD_BYTES);
    put(page, end + HEAD_BYTES, line, size);
    atomic_store_explicit(&page->ring_end, end + HEAD_BYTES + size, memory_order_release);
}

static bool
sample_row(weiri_live *self, uint32_t stream, const weir_chunk *chunk, uint32_t row)
{
    const weir_schema *schema = &self->plan->streams[stream].schema;
    weir_error         err    = { .status = WEIR_OK };
    if (self->encoders[stream] == NULL
        && weiri_encoder_new(schema, WEIRI_FORMAT_JSON, &self->encoders[stream], &err)
               != WEIR_OK) {
        return false;
    }
    self->buffer.used   = 0;
    const weir_rows one = { .chunk = chunk, .first = row, .n = 1 };
    if (weiri_encoder_encode(self->encoders[stream], one, &self->buffer) != WEIR_OK) {
        return false;
    }
    give(self, chunk->time[row], schema->name);
    return --self->budget > 0;
}

static bool
sample_list(weiri_live *self, uint32_t stream, const weiri_rows_list *rows)
{
    for (uint32_t i = 0; i < rows->n; i++) {
        for (uint32_t r = 0; r < rows->items[i].n; r++) {
            if (!sample_row(
                    self, stream, rows->items[i].chunk, rows->items[i].first + r)) {
                return false;
            }
        }
    }
    return true;
}

weir_status
weiri_live_passed(
    void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    weiri_live      *self = context;
    weiri_live_page *page = self->page;
    uint64_t until = atomic_load_explicit(&page->tap_until_ns, memory_order_acquire);
    (void)deadline_ns;
    (void)err;
    if (until == 0) {
        return WEIR_OK;
    }
    int64_t now_ns = monotonic_ns();
    if ((uint64_t)now_ns > until) {
        return WEIR_OK;
    }
    if (now_ns - self->window_ns >= WINDOW_MS * WEIRI_NS_PER_MS) {
        self->window_ns = now_ns;
        self->budget    = atomic_load(&page->tap_rate) / WINDOWS_PER_S + 1;
    }
    char wanted[WEIRI_LIVE_STREAM];
    memcpy(wanted, page->tap_stream, sizeof wanted);
    wanted[sizeof wanted - 1] = '\0';
    for (uint32_t i = 0; i < self->plan->n_streams && self->budget > 0; i++) {
        const char *name = self->plan->streams[i].schema.name;
        if ((wanted[0] == '\0' || strcmp(wanted, name) == 0)
            && !sample_list(self, i, &rows[i])) {
            break;
        }
    }
    return WEIR_OK;
}
