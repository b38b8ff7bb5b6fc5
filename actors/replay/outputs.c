#define _GNU_SOURCE
#include "outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../engine/place.h"
#include "../sink/sink.h"
#include "differ.h"
#include "weiri/rows_merge.h"
#include "weiri/timetext.h"

enum { DIR_MODE = 0777 };

/* A stream that goes to a target. */
struct channel {
    uint32_t       stream;
    weiri_encoder *encoder; /* of what is compared */
};

/* One place that rows go to. */
struct target {
    char                *path;   /* as the sink says it, resolved; "-" */
    char                *file;   /* what is written                    */
    weiri_outlet        *outlet; /* NULL: it is compared               */
    weiri_differ        *differ; /* likewise                           */
    struct channel      *channels;
    weiri_differ_stream *streams; /* shape (n_channels,) */
    uint32_t             n_channels;
    weiri_format         format;
    uint64_t             n_rows; /* that were given before: of what is compared */
};

struct weiri_outputs {
    const weiri_plan           *plan;
    const weiri_replay_options *options;
    weiri_replay_counts        *counts;
    struct target              *targets; /* shape (n_targets,) */
    uint32_t                    n_targets;
    char                      **rules;   /* shape (plan->n_streams,): "a or b" */
    weiri_rows_list            *slice;   /* shape (plan->n_streams,) */
    weiri_rows_cursor          *cursors; /* shape (plan->n_streams,) */
    weiri_buffer                buffer;
    /* pace */
    bool    has_begun;
    int64_t origin_ns; /* of event time, ...     */
    int64_t begun_ns;  /* ... on the clock       */
};

/* ---- names ---- */

static weir_status
out_of_memory(weir_error *err)
{
    return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
}

static bool
emits_to(const weiri_rule *rule, uint32_t stream)
{
    const weiri_emit *emits[] = { rule->match != NULL ? rule->match->emit : NULL,
        rule->match != NULL ? rule->match->on_timeout : NULL,
        rule->query != NULL ? rule->query->emit : NULL };
    for (size_t i = 0; i < sizeof emits / sizeof emits[0]; i++) {
        if (emits[i] != NULL && emits[i]->stream == stream) {
            return true;
        }
    }
    return false;
}

/* "a or b": the rules that give a stream's events; of another stream its own name. */
static char *
rules_of(const weiri_plan *plan, uint32_t stream)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    bool   some = false;
    for (uint32_t i = 0; out != NULL && i < plan->n_rules; i++) {
        if (emits_to(&plan->rules[i], stream)) {
            fprintf(out, "%s%s", some ? " or " : "", plan->rules[i].name);
            some = true;
        }
    }
    if (out != NULL && !some) {
        fputs(plan->streams[stream].schema.name, out);
    }
    if (out == NULL || fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static const char *
stream_name(const weiri_outputs *self, const weiri_sink *sink)
{
    return self->plan->streams[sink->stream].schema.name;
}

/* The file in the folder that a sink's rows go to; the caller frees it. */
static char *
file_of(const weiri_outputs *self, const weiri_sink *sink, weiri_format format)
{
    static const char *const ENDS[] = { [WEIRI_FORMAT_AUTO] = "jsonl",
        [WEIRI_FORMAT_JSON]                                 = "jsonl",
        [WEIRI_FORMAT_CSV]                                  = "csv",
        [WEIRI_FORMAT_MSGPACK]                              = "msgpack",
        [WEIRI_FORMAT_TEXT]                                 = "txt" };
    char                    *out    = NULL;
    int                      n      = 0;
    const char              *folder = self->options->folder;
    if (sink->endpoint == WEIRI_ENDPOINT_FILE) {
        const char *slash = strrchr(sink->path, '/');
        n = asprintf(&out, "%s/%s", folder, slash != NULL ? slash + 1 : sink->path);
    } else if (sink->endpoint == WEIRI_ENDPOINT_STDIO) {
        n = asprintf(&out, "%s/stdout.%s", folder, ENDS[format]);
    } else {
        n = asprintf(&out, "%s/%s.%s", folder, stream_name(self, sink), ENDS[format]);
    }
    return n < 0 ? NULL : out;
}

static weiri_format
format_of(const weiri_outputs *self, const weiri_sink *sink)
{
    if (self->options->folder == NULL && !self->options->is_compared) {
        return self->options->stdout_format != WEIRI_FORMAT_AUTO
                   ? self->options->stdout_format
                   : WEIRI_FORMAT_JSON;
    }
    weiri_format format = sink->format;
    if (format == WEIRI_FORMAT_AUTO && sink->endpoint == WEIRI_ENDPOINT_FILE) {
        format = weiri_place_format(sink->path);
    }
    return format == WEIRI_FORMAT_AUTO ? WEIRI_FORMAT_JSON : format;
}

/* On standard output, where other sinks' rows are too, only that of its own sinks. */
static const char *
identity_of(const weiri_outputs *self, const weiri_sink *sink)
{
    bool is_own = self->options->folder != NULL || self->options->is_compared
                  || sink->endpoint == WEIRI_ENDPOINT_STDIO;
    return is_own ? sink->identity : NULL;
}

/* ---- targets ---- */

static weir_status
find_target(weiri_outputs *self, const char *path, const char *file, struct target **out,
    weir_error *err)
{
    for (uint32_t i = 0; i < self->n_targets; i++) {
        *out = &self->targets[i];
        if (strcmp((*out)->path, path) == 0) {
            return WEIR_OK;
        }
        if (file != NULL && strcmp((*out)->file, file) == 0) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "'%s' and '%s' would both be written to '%s'", (*out)->path, path, file);
        }
    }
    *out             = &self->targets[self->n_targets++];
    (*out)->path     = strdup(path);
    (*out)->file     = strdup(file != NULL ? file : path);
    (*out)->channels = calloc(self->plan->n_sinks, sizeof *(*out)->channels);
    (*out)->streams  = calloc(self->plan->n_sinks, sizeof *(*out)->streams);
    return (*out)->path != NULL && (*out)->file != NULL && (*out)->channels != NULL
                   && (*out)->streams != NULL
               ? WEIR_OK
               : out_of_memory(err);
}

static weir_status
add_outlet_stream(
    weiri_outputs *self, struct target *target, const weiri_sink *sink, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (target->outlet == NULL) {
        const weiri_outlet_config config = { .path = target->file };
        status = weiri_outlet_new(&config, &target->outlet, err);
    }
    return status == WEIR_OK ? weiri_outlet_add_stream(target->outlet,
               &self->plan->streams[sink->stream], sink->stream, target->format,
               identity_of(self, sink), err)
                             : status;
}

static void
tell(const weiri_outputs *self, const char *name, const char *what)
{
    char text[WEIRI_SECTION_NAME + 160];
    if (self->options->told != NULL) {
        snprintf(text, sizeof text, "'%s' %s", name, what);
        self->options->told(self->options->context, text);
    }
}

static weir_status
add_sink(weiri_outputs *self, const weiri_sink *sink, weir_error *err)
{
    const bool   is_file    = sink->endpoint == WEIRI_ENDPOINT_FILE;
    const bool   has_folder = self->options->folder != NULL;
    weiri_format format     = format_of(self, sink);
    if (self->options->is_compared && !is_file) {
        tell(self, stream_name(self, sink), "does not go to a file: it is not compared");
        return WEIR_OK;
    }
    char          *path   = !has_folder && !self->options->is_compared ? strdup("-")
                            : is_file ? weiri_place_resolve(sink->place.file, sink->path)
                            : sink->endpoint == WEIRI_ENDPOINT_ZMQ
                                ? weiri_place_resolve_address(sink->place.file, sink->path)
                                : strdup("-");
    char          *file   = has_folder ? file_of(self, sink, format) : NULL;
    struct target *target = NULL;
    weir_status    status = path != NULL && (file != NULL || !has_folder)
                                ? find_target(self, path, file, &target, err)
                                : out_of_memory(err);
    free(path);
    free(file);
    if (status != WEIR_OK) {
        return status;
    }
    target->format = format;
    for (uint32_t i = 0; i < target->n_channels; i++) {
        if (target->channels[i].stream == sink->stream) {
            return WEIR_OK; /* two sinks of it that are one place now */
        }
    }
    uint32_t       n       = target->n_channels;
    weiri_encoder *encoder = NULL;
    if (self->options->is_compared) {
        status = weiri_encoder_new_numbered(&self->plan->streams[sink->stream].schema,
            format, identity_of(self, sink), &encoder, err);
    } else {
        status = add_outlet_stream(self, target, sink, err);
    }
    target->channels[n] = (struct channel){ .stream = sink->stream, .encoder = encoder };
    target->streams[n] =
        (weiri_differ_stream){ .stream = &self->plan->streams[sink->stream],
            .rules                     = self->rules[sink->stream] };
    target->n_channels += status == WEIR_OK;
    return status;
}

/* ---- what is compared ---- */

/* How far an output was written as of a state; false: it was not. */
static bool
written(const weiri_sections *state, const char *path, weiri_outlet_stand *out)
{
    weiri_unpack in = { 0 };
    *out            = (weiri_outlet_stand){ 0 };
    if (!weiri_sections_find(state, "sink", path, &in)) {
        return false;
    }
    *out = weiri_outlet_peek(&in);
    return in.wrong == NULL;
}

/* The path that a run gave a file, whose rules may have stood elsewhere: the same, or the
 * only one that ends like it. NULL: no run has written it. */
static const char *
kept_path(const weiri_sections *state, const struct target *target)
{
    const char        *found = NULL;
    const char        *slash = strrchr(target->path, '/');
    const char        *last  = slash != NULL ? slash + 1 : target->path;
    weiri_outlet_stand stand;
    if (written(state, target->path, &stand)) {
        return target->path;
    }
    for (uint32_t i = 0; i < state->n; i++) {
        const char *path = NULL;
        if (!weiri_section_is(&state->items[i], "sink", &path)) {
            continue;
        }
        const char *at   = strrchr(path, '/');
        const char *name = at != NULL ? at + 1 : path;
        if (strcmp(name, last) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = path;
        }
    }
    return found;
}

static weir_status
open_differ(weiri_outputs *self, struct target *target, const weiri_sections *begin,
    const weiri_sections *end, weir_error *err)
{
    const char         *path   = end != NULL ? kept_path(end, target) : target->path;
    weiri_differ_config config = { .path = path != NULL ? path : target->path,
        .format                          = target->format,
        .is_there                        = path != NULL,
        .end                             = UINT64_MAX,
        .streams                         = target->streams,
        .n_streams                       = target->n_channels,
        .options                         = self->options,
        .counts                          = self->counts };
    weiri_outlet_stand  stand  = { 0 };
    if (path != NULL && end != NULL) {
        (void)written(end, path, &stand);
        config.end = stand.n_written;
    }
    if (path != NULL && begin != NULL) {
        (void)written(begin, path, &stand);
        config.begin   = stand.n_written;
        target->n_rows = stand.n_rows;
    }
    if (path == NULL) {
        tell(self, target->path, "was not written by the run: all of it is new");
    } else if (path != target->path) {
        free(target->path);
        target->path = strdup(path);
        config.path  = target->path;
    }
    return target->path != NULL ? weiri_differ_new(&config, &target->differ, err)
                                : out_of_memory(err);
}

/* A file of the run that no sink writes any more: all of it is missing. */
static weir_status
add_gone(weiri_outputs *self, const char *path, const weiri_sections *begin,
    const weiri_sections *end, weir_error *err)
{
    struct target *target = &self->targets[self->n_targets++];
    *target = (struct target){ .path = strdup(path), .format = weiri_place_format(path) };
    if (target->path == NULL) {
        return out_of_memory(err);
    }
    tell(self, path, "is written by no sink of these rules: all of it is missing");
    return open_differ(self, target, begin, end, err);
}

static bool
is_target(const weiri_outputs *self, const char *path)
{
    for (uint32_t i = 0; i < self->n_targets; i++) {
        if (strcmp(self->targets[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static weir_status
open_differs(weiri_outputs *self, const weiri_sections *begin, const weiri_sections *end,
    weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_targets && status == WEIR_OK; i++) {
        status = open_differ(self, &self->targets[i], begin, end, err);
    }
    for (uint32_t i = 0; end != NULL && i < end->n && status == WEIR_OK; i++) {
        const char *path = NULL;
        struct stat about;
        if (weiri_section_is(&end->items[i], "sink", &path) && !is_target(self, path)
            && stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
            status = add_gone(self, path, begin, end, err);
        }
    }
    return status;
}

/* ---- making ---- */

static weir_status
allocate(weiri_outputs *self, uint32_t n_kept, weir_error *err)
{
    uint32_t n = self->plan->n_streams;
    self->targets =
        calloc(self->plan->n_sinks + n_kept + (size_t)1, sizeof *self->targets);
    self->rules   = calloc(n + (size_t)1, sizeof *self->rules);
    self->slice   = calloc(n + (size_t)1, sizeof *self->slice);
    self->cursors = calloc(n + (size_t)1, sizeof *self->cursors);
    if (self->targets == NULL || self->rules == NULL || self->slice == NULL
        || self->cursors == NULL) {
        return out_of_memory(err);
    }
    for (uint32_t i = 0; i < n; i++) {
        self->rules[i] = rules_of(self->plan, i);
        if (self->rules[i] == NULL) {
            return out_of_memory(err);
        }
    }
    return WEIR_OK;
}

static weir_status
make_folder(const char *folder, weir_error *err)
{
    return folder == NULL || mkdir(folder, DIR_MODE) == 0 || errno == EEXIST
               ? WEIR_OK
               : WEIR_FAIL_OS(err, errno, "cannot make the folder '%s'", folder);
}

weir_status
weiri_outputs_new(const weiri_plan *plan, const weiri_replay_options *options,
    const weiri_sections *begin, const weiri_sections *end, weiri_replay_counts *counts,
    weiri_outputs **out, weir_error *err)
{
    weiri_outputs *self = calloc(1, sizeof *self);
    *out                = NULL;
    if (self == NULL) {
        return out_of_memory(err);
    }
    self->plan         = plan;
    self->options      = options;
    self->counts       = counts;
    weir_status status = allocate(self, end != NULL ? end->n : 0, err);
    if (status == WEIR_OK) {
        status = make_folder(options->folder, err);
    }
    for (uint32_t i = 0; i < plan->n_sinks && status == WEIR_OK; i++) {
        status = add_sink(self, &plan->sinks[i], err);
    }
    if (status == WEIR_OK && options->is_compared) {
        status = open_differs(self, begin, end, err);
    }
    for (uint32_t i = 0; begin != NULL && i < self->n_targets && status == WEIR_OK; i++) {
        weiri_outlet_stand stand = { 0 };
        if (self->targets[i].outlet != NULL
            && written(begin, self->targets[i].path, &stand)) {
            weiri_outlet_skip(self->targets[i].outlet, stand.n_rows);
        }
    }
    if (status != WEIR_OK) {
        weir_status ignored = weiri_outputs_close(&self, false, NULL);
        (void)ignored;
        return status;
    }
    *out = self;
    return WEIR_OK;
}

/* ---- rows of a range of time ---- */

static void
clear_slice(weiri_outputs *self)
{
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        weiri_rows_list_clear(&self->slice[i]);
    }
}

static weir_status
slice_rows(weir_rows rows, int64_t from_ns, int64_t to_ns, weiri_rows_list *out)
{
    const int64_t *time = rows.chunk->time;
    while (rows.n > 0 && time[rows.first] < from_ns) {
        rows.first++;
        rows.n--;
    }
    while (rows.n > 0 && time[rows.first + rows.n - 1] >= to_ns) {
        rows.n--;
    }
    return rows.n > 0 ? weiri_rows_list_add(out, rows) : WEIR_OK;
}

/* The rows with from <= time < to, of all streams that go anywhere. */
static weir_status
slice(weiri_outputs *self, const weiri_rows_list *rows, int64_t from_ns, int64_t to_ns)
{
    weir_status status = WEIR_OK;
    clear_slice(self);
    for (uint32_t s = 0; s < self->plan->n_streams; s++) {
        for (uint32_t i = 0; i < rows[s].n && status == WEIR_OK; i++) {
            status = slice_rows(rows[s].items[i], from_ns, to_ns, &self->slice[s]);
        }
    }
    return status;
}

/* How many of some rows, which are in order of time, are before a time. */
static uint32_t
rows_before(const weir_rows *range, int64_t before_ns)
{
    uint32_t n = 0;
    while (n < range->n && range->chunk->time[range->first + n] < before_ns) {
        n++;
    }
    return n;
}

/* The first time at or behind `from_ns` at which something goes anywhere; INT64_MAX: none
 * does. */
static int64_t
next_time(const weiri_outputs *self, const weiri_rows_list *rows, int64_t from_ns)
{
    int64_t next = INT64_MAX;
    for (uint32_t t = 0; t < self->n_targets; t++) {
        for (uint32_t c = 0; c < self->targets[t].n_channels; c++) {
            const weiri_rows_list *list = &rows[self->targets[t].channels[c].stream];
            for (uint32_t i = 0; i < list->n; i++) {
                const weir_rows *range = &list->items[i];
                uint32_t         n     = rows_before(range, from_ns);
                int64_t          ns =
                    n < range->n ? range->chunk->time[range->first + n] : INT64_MAX;
                next = ns < next ? ns : next;
            }
        }
    }
    return next;
}

/* ---- pace ---- */

static int64_t
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* Wait until the clock has come to an event's time. errors  WEIR_EOF  told to stop */
static weir_status
wait_for(weiri_outputs *self, int64_t event_ns)
{
    const weiri_replay_options *options = self->options;
    if (!self->has_begun) {
        self->has_begun = true;
        self->origin_ns = event_ns;
        self->begun_ns  = monotonic_ns();
    }
    const double  since_ns = (double)(event_ns - self->origin_ns) / options->speed;
    const int64_t due_ns   = self->begun_ns + (int64_t)since_ns;
    const int64_t most_ns  = WEIRI_NS_PER_S / 5; /* to look about */
    for (int64_t now_ns = monotonic_ns(); now_ns < due_ns; now_ns = monotonic_ns()) {
        if (options->should_stop != NULL && options->should_stop(options->context)) {
            return WEIR_EOF;
        }
        int64_t left_ns = due_ns - now_ns < most_ns ? due_ns - now_ns : most_ns;
        const struct timespec pause = { .tv_nsec = (long)left_ns };
        nanosleep(&pause, NULL);
    }
    return WEIR_OK;
}

/* ---- writing ---- */

/* What is left out before what is asked for has its numbers, too. */
static void
skip_rows(weiri_outputs *self, const weiri_rows_list *rows, int64_t before_ns)
{
    for (uint32_t t = 0; t < self->n_targets; t++) {
        const struct target *target = &self->targets[t];
        for (uint32_t c = 0; c < target->n_channels; c++) {
            const weiri_rows_list *list = &rows[target->channels[c].stream];
            for (uint32_t i = 0; i < list->n; i++) {
                weiri_outlet_skip(
                    target->outlet, rows_before(&list->items[i], before_ns));
            }
        }
    }
}

static weir_status
compare_row(weiri_outputs *self, struct target *target, uint32_t channel, weir_rows row,
    weir_error *err)
{
    self->buffer.used = 0;
    weiri_encoder_count(target->channels[channel].encoder, target->n_rows++);
    weir_status status =
        weiri_encoder_encode(target->channels[channel].encoder, row, &self->buffer);
    if (status != WEIR_OK) {
        return out_of_memory(err);
    }
    size_t size = self->buffer.used;
    if (target->format != WEIRI_FORMAT_MSGPACK) {
        size--; /* the line's end */
    }
    return weiri_differ_add(target->differ, channel, row.chunk->time[row.first],
        self->buffer.bytes, size, err);
}

static weir_status
compare(weiri_outputs *self, struct target *target, const weiri_rows_list *rows,
    weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < target->n_channels; i++) {
        uint32_t stream = target->channels[i].stream;
        weiri_rows_cursor_init(
            &self->cursors[i], &rows[stream], self->plan->streams[stream].rank, stream);
    }
    weiri_rows_cursor *next = weiri_rows_merge_next(self->cursors, target->n_channels);
    while (next != NULL && status == WEIR_OK) {
        const weir_rows row = {
            .chunk = next->list->items[next->range].chunk, .first = next->row, .n = 1
        };
        status = compare_row(self, target, (uint32_t)(next - self->cursors), row, err);
        weiri_rows_cursor_step(next);
        next = weiri_rows_merge_next(self->cursors, target->n_channels);
    }
    return status;
}

static weir_status
write_rows(weiri_outputs *self, const weiri_rows_list *rows, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_targets && status == WEIR_OK; i++) {
        struct target *target = &self->targets[i];
        for (uint32_t c = 0; c < target->n_channels; c++) {
            const weiri_rows_list *list = &rows[target->channels[c].stream];
            for (uint32_t r = 0; r < list->n; r++) {
                self->counts->n_outputs += list->items[r].n;
            }
        }
        status = target->differ != NULL ? compare(self, target, rows, err)
                                        : weiri_outlet_write(target->outlet, rows, err);
    }
    return status;
}

static weir_status
flush(weiri_outputs *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < self->n_targets && status == WEIR_OK; i++) {
        status = self->targets[i].outlet != NULL
                     ? weiri_outlet_flush(self->targets[i].outlet, err)
                     : WEIR_OK;
    }
    return status;
}

/* Each moment's rows when the clock has come to it. */
static weir_status
write_paced(weiri_outputs *self, const weiri_rows_list *rows, int64_t watermark_ns,
    weir_error *err)
{
    const weiri_replay_options *options = self->options;
    int64_t                     next    = next_time(self, rows, options->since_ns);
    weir_status                 status  = WEIR_OK;
    while (next < options->until_ns && next != INT64_MAX && status == WEIR_OK) {
        status = wait_for(self, next);
        if (status == WEIR_OK) {
            status = slice(self, rows, next, next + 1);
        }
        if (status == WEIR_OK) {
            status = write_rows(self, self->slice, err);
        }
        if (status == WEIR_OK) {
            status = flush(self, err);
        }
        next = next_time(self, rows, next + 1);
    }
    bool is_timed = watermark_ns > options->since_ns && watermark_ns < options->until_ns;
    return status == WEIR_OK && is_timed ? wait_for(self, watermark_ns) : status;
}

weir_status
weiri_outputs_write(weiri_outputs *self, const weiri_rows_list *rows,
    int64_t watermark_ns, weir_error *err)
{
    const weiri_replay_options *options = self->options;
    weir_status                 status  = WEIR_OK;
    if (options->is_compared) {
        return write_rows(self, rows, err); /* the differ knows which are asked for */
    }
    skip_rows(self, rows, options->since_ns);
    if (options->speed > 0) {
        status = write_paced(self, rows, watermark_ns, err);
    } else if (options->since_ns == INT64_MIN && options->until_ns == INT64_MAX) {
        return write_rows(self, rows, err);
    } else {
        status = slice(self, rows, options->since_ns, options->until_ns);
        if (status == WEIR_OK) {
            status = write_rows(self, self->slice, err);
        }
    }
    clear_slice(self);
    return status == WEIR_ENOMEM ? out_of_memory(err) : status;
}

void
weiri_outputs_pass_over(weiri_outputs *self, const weiri_rows_list *rows)
{
    skip_rows(self, rows, INT64_MAX);
}

/* ---- ending ---- */

static weir_status
close_target(struct target *target, bool is_whole, weir_error *err)
{
    weir_status status = WEIR_OK;
    if (target->outlet != NULL) {
        status = weiri_outlet_close(&target->outlet, err);
    }
    if (target->differ != NULL && is_whole) {
        status = weiri_differ_end(target->differ, err);
    }
    weiri_differ_destroy(&target->differ);
    for (uint32_t i = 0; i < target->n_channels; i++) {
        weiri_encoder_destroy(&target->channels[i].encoder);
    }
    free(target->channels);
    free(target->streams);
    free(target->path);
    free(target->file);
    return status;
}

weir_status
weiri_outputs_close(weiri_outputs **self_p, bool is_whole, weir_error *err)
{
    weiri_outputs *self  = *self_p;
    weir_status    first = WEIR_OK;
    *self_p              = NULL;
    if (self == NULL) {
        return WEIR_OK;
    }
    for (uint32_t i = 0; i < self->n_targets; i++) {
        weir_error  ignored = { 0 };
        weir_status status = close_target(&self->targets[i], is_whole && first == WEIR_OK,
            first == WEIR_OK ? err : &ignored);
        first              = first == WEIR_OK ? status : first;
    }
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        if (self->rules != NULL) {
            free(self->rules[i]);
        }
        if (self->slice != NULL) {
            weiri_rows_list_fini(&self->slice[i]);
        }
    }
    free(self->rules);
    free(self->slice);
    free(self->cursors);
    free(self->targets);
    weiri_buffer_fini(&self->buffer);
    free(self);
    return first;
}
