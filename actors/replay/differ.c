#include "differ.h"

#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "records.h"
#include "weiri/hash.h"
#include "weiri/limits.h"
#include "weiri/pack.h"

enum {
    FIRST_WINDOW = 4096,   /* rows of either side that are aligned at once */
    MOST_WINDOW  = 262144, /* where nothing in common was found in fewer   */
    PARTNERS     = 64,     /* missing rows that an added one is compared with */
    NO_STREAM    = -1
};

struct row {
    char    *bytes; /* owned */
    size_t   size;
    uint64_t hash;
    int64_t  time_ns; /* of the replay's */
    uint32_t stream;  /* likewise        */
};

/* Rows that wait to be told. */
struct side {
    struct row *rows; /* shape (capacity,) */
    uint32_t    n;
    uint32_t    capacity;
};

struct weiri_differ {
    weiri_differ_config config;
    weiri_records      *records; /* NULL: the file is not there, or read to its end */
    struct side         then;
    struct side         now;
    uint32_t            window;
    int64_t             last_ns; /* of the last row that both have */
    weiri_buffer        text;    /* scratch                        */
    weiri_buffer        before;
    weiri_buffer        fields;
};

/* ---- rows ---- */

static weir_status
push(struct side *to, struct row row, const char *bytes)
{
    if (to->n == to->capacity) {
        uint32_t    capacity = to->capacity > 0 ? 2 * to->capacity : FIRST_WINDOW;
        struct row *grown    = realloc(to->rows, capacity * sizeof *grown);
        if (grown == NULL) {
            return WEIR_ENOMEM;
        }
        to->rows     = grown;
        to->capacity = capacity;
    }
    row.bytes = malloc(row.size + 1);
    if (row.bytes == NULL) {
        return WEIR_ENOMEM;
    }
    memcpy(row.bytes, bytes, row.size);
    row.hash          = weiri_checksum(WEIRI_HASH_BEGIN, bytes, row.size);
    to->rows[to->n++] = row;
    return WEIR_OK;
}

static void
drop(struct side *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        free(from->rows[i].bytes);
    }
    from->n -= n;
    if (from->n > 0) {
        memmove(from->rows, from->rows + n, from->n * sizeof *from->rows);
    }
}

/* The next row of the file; WEIR_EOF at its end. */
static weir_status
next_then(weiri_differ *self, const char **bytes, size_t *size, weir_error *err)
{
    if (self->records == NULL) {
        return WEIR_EOF;
    }
    weir_status status = weiri_records_next(self->records, bytes, size, err);
    if (status == WEIR_EOF) {
        weiri_records_close(&self->records);
    }
    return status;
}

static weir_status
push_then(weiri_differ *self, weir_error *err)
{
    const char *bytes  = NULL;
    size_t      size   = 0;
    weir_status status = next_then(self, &bytes, &size, err);
    return status == WEIR_OK ? push(&self->then, (struct row){ .size = size }, bytes)
                             : status;
}

/* ---- what is told ---- */

/* The stream whose fields a row of the file has; NO_STREAM: none does. */
static int
stream_of(const weiri_differ *self, const char *text)
{
    weiri_record_field fields[WEIRI_FIELDS];
    const bool         is_text = self->config.format == WEIRI_FORMAT_TEXT;
    uint32_t           n       = weiri_record_split(text, self->config.format, fields);
    for (uint32_t s = 0; s < self->config.n_streams; s++) {
        const weir_schema *schema = &self->config.streams[s].stream->schema;
        bool               is_it  = is_text || n == schema->n_fields;
        for (uint32_t i = 0; is_it && !is_text && i < n; i++) {
            const char *name = schema->fields[i].name;
            is_it            = fields[i].name == NULL
                    || (strlen(name) == fields[i].name_size
                        && memcmp(name, fields[i].name, fields[i].name_size) == 0);
        }
        if (is_it) {
            return (int)s;
        }
    }
    return NO_STREAM;
}

static weir_status
append(weiri_buffer *out, const char *text, size_t size)
{
    weir_status status = weiri_buffer_reserve(out, size + 1);
    if (status == WEIR_OK && size > 0) {
        memcpy(out->bytes + out->used, text, size);
        out->used += size;
    }
    return status;
}

static bool
is_same_field(const weiri_record_field *a, const weiri_record_field *b)
{
    return a->size == b->size && memcmp(a->value, b->value, a->size) == 0;
}

/* "from: 3 -> 4, to: 5 -> 6", with its end. */
static weir_status
write_fields(weiri_differ *self, const weiri_stream *stream)
{
    weiri_record_field before[WEIRI_FIELDS];
    weiri_record_field now[WEIRI_FIELDS];
    weiri_format       format = self->config.format;
    uint32_t           n_then = weiri_record_split(self->before.bytes, format, before);
    uint32_t           n_now  = weiri_record_split(self->text.bytes, format, now);
    weir_status        status = WEIR_OK;
    self->fields.used         = 0;
    for (uint32_t i = 0; i < n_then && i < n_now && status == WEIR_OK; i++) {
        if (is_same_field(&before[i], &now[i])) {
            continue;
        }
        const char *name = now[i].name;
        size_t      size = now[i].name_size;
        if (name == NULL && i < stream->schema.n_fields) {
            name = stream->schema.fields[i].name;
            size = strlen(name);
        }
        const struct {
            const char *text;
            size_t      size;
        } parts[] = {
            { ", ", self->fields.used > 0 ? 2 : 0 },
            { name, name != NULL ? size : 0 },
            { ": ", 2 },
            { before[i].value, before[i].size },
            { " -> ", 4 },
            { now[i].value, now[i].size },
        };
        for (size_t k = 0; k < sizeof parts / sizeof parts[0] && status == WEIR_OK; k++) {
            status = append(&self->fields, parts[k].text, parts[k].size);
        }
    }
    return status == WEIR_OK ? append(&self->fields, "", 1) : status;
}

static bool
is_asked_for(const weiri_differ *self, int64_t time_ns)
{
    const weiri_replay_options *options = self->config.options;
    return time_ns >= options->since_ns && time_ns < options->until_ns;
}

/* Tell of a row of now, of then, or of both. */
static weir_status
tell(weiri_differ *self, const struct row *then, const struct row *now)
{
    const weiri_replay_options *options = self->config.options;
    weiri_replay_counts        *counts  = self->config.counts;
    int64_t                     time_ns = now != NULL ? now->time_ns : self->last_ns;
    weir_status                 status  = WEIR_OK;
    if (!is_asked_for(self, time_ns) && !(now == NULL && time_ns == INT64_MIN)) {
        return WEIR_OK;
    }
    self->text.used = self->before.used = 0;
    if (now != NULL) {
        status =
            weiri_record_text(now->bytes, now->size, self->config.format, &self->text);
    }
    if (then != NULL && status == WEIR_OK) {
        status = weiri_record_text(
            then->bytes, then->size, self->config.format, &self->before);
    }
    if (status != WEIR_OK) {
        return status;
    }
    int stream = now != NULL ? (int)now->stream : stream_of(self, self->before.bytes);
    weiri_difference difference = { .sink = self->config.path,
        .stream  = stream >= 0 ? self->config.streams[stream].stream->schema.name : "",
        .rules   = stream >= 0 ? self->config.streams[stream].rules : "",
        .time_ns = time_ns,
        .change  = now == NULL    ? WEIRI_CHANGE_MISSING
                   : then == NULL ? WEIRI_CHANGE_ADDED
                                  : WEIRI_CHANGE_CHANGED,
        .row     = now != NULL ? self->text.bytes : self->before.bytes };
    if (difference.change == WEIRI_CHANGE_CHANGED) {
        status            = write_fields(self, self->config.streams[stream].stream);
        difference.before = self->before.bytes;
        difference.fields = self->fields.bytes;
    }
    counts->n_added += difference.change == WEIRI_CHANGE_ADDED;
    counts->n_missing += difference.change == WEIRI_CHANGE_MISSING;
    counts->n_changed += difference.change == WEIRI_CHANGE_CHANGED;
    if (status == WEIR_OK && options->differs != NULL) {
        options->differs(options->context, &difference);
    }
    return status;
}

/* ---- which rows are one, changed ---- */

/* How many fields two rows share, if they have the same ones and it is at least half. */
static uint32_t
likeness(weiri_differ *self, const struct row *then, const struct row *now)
{
    weiri_record_field a[WEIRI_FIELDS];
    weiri_record_field b[WEIRI_FIELDS];
    weiri_format       format = self->config.format;
    uint32_t           n_same = 0;
    self->text.used = self->before.used = 0;
    if (weiri_record_text(then->bytes, then->size, format, &self->before) != WEIR_OK
        || weiri_record_text(now->bytes, now->size, format, &self->text) != WEIR_OK) {
        return 0;
    }
    uint32_t n = weiri_record_split(self->before.bytes, format, a);
    if (n != weiri_record_split(self->text.bytes, format, b)
        || stream_of(self, self->before.bytes) != (int)now->stream) {
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        bool has_name = a[i].name != NULL;
        if (has_name
            && (a[i].name_size != b[i].name_size
                || memcmp(a[i].name, b[i].name, a[i].name_size) != 0)) {
            return 0;
        }
        n_same += is_same_field(&a[i], &b[i]);
    }
    return 2 * n_same >= n ? n_same : 0;
}

/* Tell of rows that stand between two that both have: first[0 .. n_then) of then and
 * next[0 .. n_now) of now. */
static weir_status
tell_between(weiri_differ *self, struct row *first, uint32_t n_then, struct row *next,
    uint32_t n_now)
{
    uint32_t    i_then = 0;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n_now && status == WEIR_OK; i++) {
        uint32_t best    = 0;
        uint32_t partner = n_then;
        for (uint32_t k = i_then; k < n_then && k < i_then + PARTNERS; k++) {
            uint32_t n = likeness(self, &first[k], &next[i]);
            if (n > best) {
                best    = n;
                partner = k;
            }
        }
        for (; partner < n_then && i_then < partner && status == WEIR_OK; i_then++) {
            status = tell(self, &first[i_then], NULL);
        }
        i_then += partner < n_then;
        if (status == WEIR_OK) {
            status = tell(self, partner < n_then ? &first[partner] : NULL, &next[i]);
        }
    }
    for (; i_then < n_then && status == WEIR_OK; i_then++) {
        status = tell(self, &first[i_then], NULL);
    }
    return status;
}

/* ---- aligning ---- */

static weir_status
align(weiri_differ *self, weiri_align_pair **out, uint32_t *n)
{
    uint32_t  n_then = self->then.n;
    uint32_t  n_now  = self->now.n;
    uint64_t *hashes = calloc(n_then + (size_t)n_now + 1, sizeof *hashes);
    *out = calloc((n_then < n_now ? n_then : n_now) + (size_t)1, sizeof **out);
    weir_status status = hashes != NULL && *out != NULL ? WEIR_OK : WEIR_ENOMEM;
    for (uint32_t i = 0; status == WEIR_OK && i < n_then; i++) {
        hashes[i] = self->then.rows[i].hash;
    }
    for (uint32_t i = 0; status == WEIR_OK && i < n_now; i++) {
        hashes[n_then + i] = self->now.rows[i].hash;
    }
    if (status == WEIR_OK) {
        status = weiri_align(hashes, n_then, hashes + n_then, n_now, *out, n);
    }
    free(hashes);
    return status;
}

/* Tell what stands before the pairs, and at the end what is behind them. */
static weir_status
tell_pairs(
    weiri_differ *self, const weiri_align_pair *pairs, uint32_t n_pairs, bool is_end)
{
    uint32_t    a      = 0;
    uint32_t    b      = 0;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n_pairs && status == WEIR_OK; i++) {
        status        = tell_between(self, self->then.rows + a, pairs[i].a - a,
                   self->now.rows + b, pairs[i].b - b);
        a             = pairs[i].a + 1;
        b             = pairs[i].b + 1;
        self->last_ns = self->now.rows[b - 1].time_ns;
        self->config.counts->n_same += is_asked_for(self, self->last_ns);
    }
    if (is_end && status == WEIR_OK) {
        status = tell_between(self, self->then.rows + a, self->then.n - a,
            self->now.rows + b, self->now.n - b);
        a      = self->then.n;
        b      = self->now.n;
    }
    drop(&self->then, a);
    drop(&self->now, b);
    return status;
}

/* Make room among what waits, or, at the end, tell of all of it. */
static weir_status
settle(weiri_differ *self, bool is_end, weir_error *err)
{
    weiri_align_pair *pairs  = NULL;
    uint32_t          n      = 0;
    weir_status       status = WEIR_OK;
    while (status == WEIR_OK && self->then.n < self->window) {
        status = push_then(self, err);
    }
    status = status == WEIR_EOF ? WEIR_OK : status;
    if (status == WEIR_OK) {
        status = align(self, &pairs, &n);
    }
    if (status == WEIR_OK && n == 0 && !is_end && self->window < MOST_WINDOW) {
        self->window *= 4;
    } else if (status == WEIR_OK) {
        bool is_all  = n == 0 || (is_end && self->records == NULL);
        status       = tell_pairs(self, pairs, n, is_all);
        self->window = FIRST_WINDOW;
    }
    free(pairs);
    return status;
}

weir_status
weiri_differ_add(weiri_differ *self, uint32_t stream, int64_t time_ns, const char *bytes,
    size_t size, weir_error *err)
{
    const char *then      = NULL;
    size_t      then_size = 0;
    weir_status status    = WEIR_OK;
    if (self->now.n == 0 && self->then.n == 0) {
        status = next_then(self, &then, &then_size, err);
        if (status == WEIR_OK && then_size == size && memcmp(then, bytes, size) == 0) {
            self->last_ns = time_ns;
            self->config.counts->n_same += is_asked_for(self, time_ns);
            return WEIR_OK;
        }
        if (status == WEIR_OK) {
            status = push(&self->then, (struct row){ .size = then_size }, then);
        }
        status = status == WEIR_EOF ? WEIR_OK : status;
    }
    if (status == WEIR_OK) {
        const struct row row = { .size = size, .time_ns = time_ns, .stream = stream };
        status               = push(&self->now, row, bytes);
    }
    while (status == WEIR_OK && self->now.n >= self->window) {
        status = settle(self, false, err);
    }
    return status;
}

weir_status
weiri_differ_end(weiri_differ *self, weir_error *err)
{
    weir_status status = WEIR_OK;
    do {
        status = settle(self, true, err);
    } while (status == WEIR_OK
             && (self->records != NULL || self->then.n > 0 || self->now.n > 0));
    return status;
}

/* ---- making and ending ---- */

weir_status
weiri_differ_new(const weiri_differ_config *config, weiri_differ **out, weir_error *err)
{
    weiri_differ *self   = calloc(1, sizeof *self);
    const char   *header = NULL;
    size_t        size   = 0;
    *out                 = NULL;
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", config->path);
    }
    self->config       = *config;
    self->window       = FIRST_WINDOW;
    self->last_ns      = INT64_MIN;
    weir_status status = WEIR_OK;
    if (config->is_there) {
        status = weiri_records_open(config->path, config->format, config->begin,
            config->end, &self->records, err);
    }
    if (status == WEIR_OK && config->format == WEIRI_FORMAT_CSV && config->begin == 0) {
        status = next_then(self, &header, &size, err);
        status = status == WEIR_EOF ? WEIR_OK : status;
    }
    if (status != WEIR_OK) {
        weiri_differ_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_differ_destroy(weiri_differ **self_p)
{
    weiri_differ *self = *self_p;
    *self_p            = NULL;
    if (self != NULL) {
        drop(&self->then, self->then.n);
        drop(&self->now, self->now.n);
        free(self->then.rows);
        free(self->now.rows);
        weiri_records_close(&self->records);
        weiri_buffer_fini(&self->text);
        weiri_buffer_fini(&self->before);
        weiri_buffer_fini(&self->fields);
        free(self);
    }
}
