/* A plugin with aggregates, sources, sinks and codecs for what the tests want to see. */
#include <weir/plugin.h>

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- mad: the median of the distances from the median; takes nothing out again ---- */

struct values {
    double  *items;
    uint32_t n;
    uint32_t room;
    double   scale;
};

static const weir_plugin_field mad_params[] = {
    { .name = "scale", .type = WEIR_FLOAT, .is_nullable = true }
};
static const weir_plugin_field mad_inputs[] = { { .name = "x", .type = WEIR_FLOAT } };

static bool
mad_new(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct values *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->scale = setup->params[0].is_null ? 1 : setup->params[0].as.f;
    *out        = self;
    return true;
}

static void
mad_free(void *state)
{
    struct values *self = state;
    free(self->items);
    free(self);
}

static bool
mad_push(weir_plugin_call *call, struct values *self, double x)
{
    if (self->n == self->room) {
        uint32_t room  = self->room == 0 ? 8 : 2 * self->room;
        double  *items = realloc(self->items, room * sizeof *items);
        if (items == NULL) {
            return call->host->fail(call, "no memory");
        }
        self->items = items;
        self->room  = room;
    }
    self->items[self->n++] = x;
    return true;
}

static bool
mad_add(weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values)
{
    (void)time_ns;
    return mad_push(call, state, values[0].as.f);
}

static bool
mad_merge(weir_plugin_call *call, void *state, const void *later)
{
    const struct values *other = later;
    for (uint32_t i = 0; i < other->n; i++) {
        if (!mad_push(call, state, other->items[i])) {
            return false;
        }
    }
    return true;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *items, uint32_t n)
{
    qsort(items, n, sizeof *items, compare);
    return n % 2 == 1 ? items[n / 2] : (items[n / 2 - 1] + items[n / 2]) / 2;
}

static bool
mad_finish(weir_plugin_call *call, const void *state, weir_value *out)
{
    const struct values *self = state;
    double              *copy = malloc((self->n + (size_t)1) * sizeof *copy);
    if (copy == NULL) {
        return call->host->fail(call, "no memory");
    }
    memcpy(copy, self->items, self->n * sizeof *copy);
    double middle = median(copy, self->n);
    for (uint32_t i = 0; i < self->n; i++) {
        copy[i] = fabs(copy[i] - middle);
    }
    *out = weir_plugin_float(self->scale * median(copy, self->n));
    free(copy);
    call->host->count(call, "results", 1);
    call->host->gauge(call, "last", out->as.f);
    return true;
}

static bool
mad_save(weir_plugin_call *call, const void *state)
{
    const struct values *self = state;
    call->host->write(call, self->items, self->n * sizeof *self->items);
    return true;
}

static bool
mad_load(weir_plugin_call *call, const weir_plugin_setup *setup, const void *bytes,
    size_t size, void **out)
{
    if (size % sizeof(double) != 0 || !mad_new(call, setup, out)) {
        return call->host->fail(call, "%zu bytes are no values", size);
    }
    for (size_t i = 0; i < size / sizeof(double); i++) {
        double x = 0;
        memcpy(&x, (const char *)bytes + i * sizeof x, sizeof x);
        if (!mad_push(call, *out, x)) {
            mad_free(*out);
            return false;
        }
    }
    return true;
}

static const weir_plugin_aggregate mad = { .size = sizeof mad,
    .name                                        = "mad",
    .params                                      = mad_params,
    .n_params                                    = 1,
    .inputs                                      = mad_inputs,
    .n_inputs                                    = 1,
    .result                                      = WEIR_FLOAT,
    .state_version                               = 1,
    .state_new                                   = mad_new,
    .state_free                                  = mad_free,
    .add                                         = mad_add,
    .merge                                       = mad_merge,
    .finish                                      = mad_finish,
    .state_save                                  = mad_save,
    .state_load                                  = mad_load };

/* ---- dots: sum of x * y, takes out again, no merge; fails at 13, garbage at 14 ---- */

static const weir_plugin_field dots_inputs[] = { { .name = "x", .type = WEIR_INT },
    { .name = "y", .type = WEIR_INT } };

static bool
dots_new(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    (void)setup;
    *out = calloc(1, sizeof(int64_t));
    return *out != NULL || call->host->fail(call, "no memory");
}

static bool
dots_add(weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values)
{
    (void)time_ns;
    if (values[0].as.i == 13) {
        return call->host->fail(call, "thirteen");
    }
    *(int64_t *)state += values[0].as.i * values[1].as.i;
    return true;
}

static bool
dots_remove(
    weir_plugin_call *call, void *state, int64_t time_ns, const weir_value *values)
{
    (void)call;
    (void)time_ns;
    *(int64_t *)state -= values[0].as.i * values[1].as.i;
    return true;
}

/* As text, so that text is seen too. */
static bool
dots_finish(weir_plugin_call *call, const void *state, weir_value *out)
{
    enum { ROOM = 32 };
    char *text = call->host->text(call, ROOM);
    if (text == NULL) {
        return false;
    }
    int size = snprintf(text, ROOM, "%" PRId64, *(const int64_t *)state);
    *out     = weir_plugin_string(text, (size_t)size);
    if (*(const int64_t *)state == 14) {
        *out = weir_plugin_string("\xff", 1);
    }
    return true;
}

static bool
dots_save(weir_plugin_call *call, const void *state)
{
    call->host->write(call, state, sizeof(int64_t));
    return true;
}

static bool
dots_load(weir_plugin_call *call, const weir_plugin_setup *setup, const void *bytes,
    size_t size, void **out)
{
    if (size != sizeof(int64_t) || !dots_new(call, setup, out)) {
        return call->host->fail(call, "these are no dots");
    }
    memcpy(*out, bytes, size);
    return true;
}

static const weir_plugin_aggregate dots = { .size = sizeof dots,
    .name                                         = "dots",
    .inputs                                       = dots_inputs,
    .n_inputs                                     = 2,
    .result                                       = WEIR_STRING,
    .state_new                                    = dots_new,
    .state_free                                   = free,
    .add                                          = dots_add,
    .remove                                       = dots_remove,
    .finish                                       = dots_finish,
    .state_save                                   = dots_save,
    .state_load                                   = dots_load };

/* ---- tape: a file as a source, read from anywhere, `step` bytes a time ---- */

static const weir_plugin_field tape_params[] = {
    { .name = "path", .type = WEIR_STRING, .is_path = true },
    { .name = "step", .type = WEIR_INT, .is_nullable = true },
    { .name = "mode", .type = WEIR_STRING, .is_nullable = true },
    { .name = "die", .type = WEIR_INT, .is_nullable = true },
};

struct tape {
    FILE *file;
    FILE *told; /* positions that were acknowledged */
    long  step;
    long  die; /* kill the process here, once, when a checkpoint is behind */
    bool  has_checkpoint;
    char  died[4096];
    char  mode[16];
    bool  is_waiting;
};

static void
tape_close(void *state)
{
    struct tape *self = state;
    if (self->file != NULL) {
        fclose(self->file);
    }
    if (self->told != NULL) {
        fclose(self->told);
    }
    free(self);
}

static bool
tape_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct tape *self = calloc(1, sizeof *self);
    char         told[4096];
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->file = fopen(setup->params[0].as.s, "rb");
    self->step = setup->params[1].is_null ? 64 : (long)setup->params[1].as.i;
    if (!setup->params[2].is_null) {
        snprintf(self->mode, sizeof self->mode, "%s", setup->params[2].as.s);
    }
    self->die = setup->params[3].is_null ? LONG_MAX : (long)setup->params[3].as.i;
    snprintf(told, sizeof told, "%s.told", setup->params[0].as.s);
    snprintf(self->died, sizeof self->died, "%s.died", setup->params[0].as.s);
    self->told = fopen(told, "ab");
    if (self->file == NULL || self->told == NULL) {
        call->host->fail(call, "cannot open '%s'", setup->params[0].as.s);
        tape_close(self);
        return false;
    }
    setvbuf(self->told, NULL, _IONBF, 0);
    *out = self;
    return true;
}

static weir_plugin_read
tape_read(weir_plugin_call *call, void *state, int64_t wait_ns, char *bytes, size_t room,
    size_t *n)
{
    struct tape *self = state;
    size_t       most = (size_t)self->step < room ? (size_t)self->step : room;
    (void)wait_ns;
    self->is_waiting = !self->is_waiting; /* nothing comes every other time */
    if (self->is_waiting) {
        return WEIR_PLUGIN_NOTHING;
    }
    if (ftell(self->file) >= self->die && access(self->died, F_OK) != 0) {
        if (!self->has_checkpoint) {
            return WEIR_PLUGIN_NOTHING;
        }
        fclose(fopen(self->died, "wb"));
        raise(SIGKILL);
    }
    if (strcmp(self->mode, "fail") == 0 && ftell(self->file) > 100) {
        call->host->fail(call, "the line is dead");
        return WEIR_PLUGIN_FAILED;
    }
    *n = fread(bytes, 1, most, self->file);
    call->host->count(call, "bytes", *n);
    if (strcmp(self->mode, "lie") == 0) {
        *n = room + 1000;
    }
    if (strcmp(self->mode, "what") == 0) {
        return (weir_plugin_read)77;
    }
    return *n > 0 ? WEIR_PLUGIN_GIVEN : WEIR_PLUGIN_ENDED;
}

static bool
tape_position(weir_plugin_call *call, void *state)
{
    const struct tape *self = state;
    long               at   = ftell(self->file);
    call->host->write(call, &at, sizeof at);
    return true;
}

static bool
tape_seek(weir_plugin_call *call, void *state, const void *bytes, size_t size)
{
    const struct tape *self = state;
    long               at   = 0;
    if (size != sizeof at) {
        return call->host->fail(call, "this is no position");
    }
    memcpy(&at, bytes, size);
    return fseek(self->file, at, SEEK_SET) == 0 || call->host->fail(call, "cannot seek");
}

static void
tape_told(weir_plugin_call *call, void *state, const void *bytes, size_t size)
{
    struct tape *self = state;
    long         at   = -1;
    (void)call;
    self->has_checkpoint = true;
    if (size == sizeof at) {
        memcpy(&at, bytes, size);
    }
    fprintf(self->told, "%ld\n", at);
}

static const weir_plugin_source tape = { .size = sizeof tape,
    .name                                      = "tape",
    .params                                    = tape_params,
    .n_params                                  = 4,
    .open                                      = tape_open,
    .close                                     = tape_close,
    .read                                      = tape_read,
    .position                                  = tape_position,
    .seek                                      = tape_seek,
    .acknowledge                               = tape_told };

/* The same, and cannot go back. */
static const weir_plugin_source pipe_of = { .size = sizeof pipe_of,
    .name                                         = "pipe",
    .params                                       = tape_params,
    .n_params                                     = 4,
    .open                                         = tape_open,
    .close                                        = tape_close,
    .read                                         = tape_read,
    .acknowledge                                  = tape_told };

/* ---- count: events at, who, n from 1 to `to`, some a call ---- */

static const weir_plugin_field count_params[]  = { { .name = "to", .type = WEIR_INT },
     { .name = "bad", .type = WEIR_INT, .is_nullable = true } };
static const weir_plugin_field count_outputs[] = { { .name = "at", .type = WEIR_TIME },
    { .name = "who", .type = WEIR_STRING }, { .name = "n", .type = WEIR_INT } };

struct counting {
    int64_t next;
    int64_t to;
    int64_t bad;
};

static bool
count_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct counting *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->next = 1;
    self->to   = setup->params[0].as.i;
    self->bad  = setup->params[1].is_null ? 0 : setup->params[1].as.i;
    *out       = self;
    return true;
}

static weir_plugin_read
count_read(weir_plugin_call *call, void *state, int64_t wait_ns)
{
    enum { SOME = 5 };
    struct counting *self = state;
    (void)wait_ns;
    for (int i = 0; i < SOME && self->next <= self->to; i++, self->next++) {
        weir_value values[3];
        values[0] = weir_plugin_int(
            WEIR_TIME, INT64_C(1714521600000000000) + self->next * INT64_C(1000000000));
        values[1] = weir_plugin_string(
            self->next % 2 == 0 ? "even" : "odd", self->next % 2 == 0 ? 4 : 3);
        values[2] = weir_plugin_int(WEIR_INT, self->next);
        if (self->next == self->bad) {
            values[2].type = WEIR_BOOL;
        }
        if (!call->host->emit(call, 0, values, 3)) {
            return WEIR_PLUGIN_FAILED;
        }
    }
    return self->next > self->to && self->to % SOME == 0 ? WEIR_PLUGIN_ENDED
           : self->next > self->to + 1                   ? WEIR_PLUGIN_ENDED
           : self->next > self->to ? (self->next++, WEIR_PLUGIN_GIVEN)
                                   : WEIR_PLUGIN_GIVEN;
}

static bool
count_position(weir_plugin_call *call, void *state)
{
    const struct counting *self = state;
    call->host->write(call, &self->next, sizeof self->next);
    return true;
}

static bool
count_seek(weir_plugin_call *call, void *state, const void *bytes, size_t size)
{
    struct counting *self = state;
    if (size != sizeof self->next) {
        return call->host->fail(call, "this is no position");
    }
    memcpy(&self->next, bytes, size);
    return true;
}

static const weir_plugin_source counting = { .size = sizeof counting,
    .name                                          = "count",
    .params                                        = count_params,
    .n_params                                      = 2,
    .outputs                                       = count_outputs,
    .n_outputs                                     = 3,
    .open                                          = count_open,
    .close                                         = free,
    .read_rows                                     = count_read,
    .position                                      = count_position,
    .seek                                          = count_seek };

/* ---- book: a file as a sink, which can be cut back ---- */

static const weir_plugin_field book_params[] = {
    { .name = "path", .type = WEIR_STRING, .is_path = true },
    { .name = "most", .type = WEIR_INT, .is_nullable = true }
};

struct book {
    FILE   *file;
    int64_t most; /* events, or writes; then it fails */
    int64_t n;
};

static bool
book_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct book *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->file = fopen(setup->params[0].as.s, "a+b");
    self->most = setup->params[1].is_null ? INT64_MAX : setup->params[1].as.i;
    if (self->file == NULL) {
        free(self);
        return call->host->fail(call, "cannot open '%s'", setup->params[0].as.s);
    }
    *out = self;
    return true;
}

static void
book_close(void *state)
{
    struct book *self = state;
    fclose(self->file);
    free(self);
}

static bool
book_write(weir_plugin_call *call, void *state, const char *bytes, size_t size)
{
    struct book *self = state;
    if (++self->n > self->most) {
        return call->host->fail(call, "the book is full");
    }
    return fwrite(bytes, 1, size, self->file) == size
           || call->host->fail(call, "cannot write");
}

static bool
book_flush(weir_plugin_call *call, void *state)
{
    struct book *self = state;
    return fflush(self->file) == 0 || call->host->fail(call, "cannot flush");
}

static bool
book_position(weir_plugin_call *call, void *state)
{
    const struct book *self = state;
    long               at   = ftell(self->file);
    call->host->write(call, &at, sizeof at);
    return true;
}

static bool
book_resume(weir_plugin_call *call, void *state, const void *bytes, size_t size)
{
    struct book *self = state;
    long         at   = 0;
    if (size != sizeof at) {
        return call->host->fail(call, "this is no position");
    }
    memcpy(&at, bytes, size);
    return (ftruncate(fileno(self->file), at) == 0
               && fseek(self->file, at, SEEK_SET) == 0)
           || call->host->fail(call, "cannot cut back");
}

static const weir_plugin_sink book = { .size = sizeof book,
    .name                                    = "book",
    .params                                  = book_params,
    .n_params                                = 2,
    .open                                    = book_open,
    .close                                   = book_close,
    .write                                   = book_write,
    .flush                                   = book_flush,
    .position                                = book_position,
    .resume                                  = book_resume };

/* ---- table: events as they are, a line each, to a file ---- */

static bool
table_write(weir_plugin_call *call, void *state, const weir_plugin_rows *rows)
{
    struct book *self = state;
    for (uint32_t i = 0; i < rows->n; i++) {
        const weir_value *row = weir_plugin_row(rows, i);
        if (++self->n > self->most) {
            return call->host->fail(call, "the table is full");
        }
        fprintf(self->file, "%" PRId64, rows->times[i] / 1000000000);
        for (uint32_t j = 0; j < rows->n_fields; j++) {
            if (row[j].is_null) {
                fprintf(self->file, "|null");
            } else if (row[j].type == WEIR_STRING) {
                fprintf(self->file, "|%.*s", (int)row[j].size, row[j].as.s);
            } else {
                fprintf(self->file, "|%" PRId64, row[j].as.i);
            }
        }
        fputc('\n', self->file);
    }
    call->host->count(call, "lines", rows->n);
    return true;
}

static const weir_plugin_sink table = { .size = sizeof table,
    .name                                     = "table",
    .params                                   = book_params,
    .n_params                                 = 2,
    .open                                     = book_open,
    .close                                    = book_close,
    .write_rows                               = table_write,
    .flush                                    = book_flush };

/* ---- kv: a codec of lines like 17;ann;3, seconds first; ! is what it cannot read ----
 */

static const weir_plugin_field kv_params[] = {
    { .name = "mode", .type = WEIR_STRING, .is_nullable = true }
};

struct kv {
    char mode[16];
};

static bool
kv_open(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct kv *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    if (setup->n_inputs != 3) {
        free(self);
        return call->host->fail(call, "kv has three fields");
    }
    if (!setup->params[0].is_null) {
        snprintf(self->mode, sizeof self->mode, "%s", setup->params[0].as.s);
    }
    *out = self;
    return true;
}

static bool
kv_decode(weir_plugin_call *call, void *state, const char *bytes, size_t size,
    bool is_last, size_t *consumed)
{
    const struct kv *self = state;
    const char      *end  = memchr(bytes, '\n', size);
    weir_value       values[3];
    long             second = 0;
    long             n      = 0;
    char             who[64];
    char             line[128];
    if (strcmp(self->mode, "never") == 0) {
        return call->host->fail(call, "no");
    }
    if (strcmp(self->mode, "far") == 0) {
        *consumed = size + 1;
        return true;
    }
    if (end == NULL && !is_last) {
        return true;
    }
    size_t length = end != NULL ? (size_t)(end - bytes) : size;
    *consumed     = length + (end != NULL ? 1 : 0);
    snprintf(line, sizeof line, "%.*s", (int)(length < 100 ? length : 100), bytes);
    if (sscanf(line, "%ld;%60[^;];%ld", &second, who, &n) != 3) {
        return call->host->fail(call, "'%s' is not at;who;n", line);
    }
    values[0] = weir_plugin_int(WEIR_TIME, second * INT64_C(1000000000));
    values[1] = weir_plugin_string(who, strlen(who));
    values[2] = weir_plugin_int(WEIR_INT, n);
    for (long i = 0; i < (n > 1000 ? n : n > 100 ? 2 : 1); i++) {
        if (!call->host->emit(call, 0, values, n == 99 ? 2 : 3)) {
            return false;
        }
    }
    return true;
}

static bool
kv_encode(weir_plugin_call *call, void *state, const weir_plugin_rows *rows)
{
    (void)state;
    for (uint32_t i = 0; i < rows->n; i++) {
        const weir_value *row = weir_plugin_row(rows, i);
        char              line[200];
        if (row[2].as.i == 13) {
            return call->host->fail(call, "thirteen cannot be written");
        }
        int size = snprintf(line, sizeof line, "%" PRId64 ";%.*s;%" PRId64 "\n",
            row[0].as.i / 1000000000, (int)row[1].size, row[1].as.s, row[2].as.i);
        call->host->write(call, line, (size_t)size);
    }
    return true;
}

static const weir_plugin_codec kv = { .size = sizeof kv,
    .name                                   = "kv",
    .params                                 = kv_params,
    .n_params                               = 1,
    .open                                   = kv_open,
    .close                                  = free,
    .decode                                 = kv_decode,
    .encode                                 = kv_encode };

static const weir_plugin_aggregate *const aggregates[] = { &mad, &dots };
static const weir_plugin_source *const    sources[]    = { &tape, &pipe_of, &counting };
static const weir_plugin_sink *const      sinks[]      = { &book, &table };
static const weir_plugin_codec *const     codecs[]     = { &kv };

static const weir_plugin parts = { WEIR_PLUGIN_HEAD("parts", "1.0.0"),
    .aggregates = aggregates, .n_aggregates = 2, .sources = sources, .n_sources = 3,
    .sinks = sinks, .n_sinks = 2, .codecs = codecs, .n_codecs = 1 };
WEIR_PLUGIN_EXPORT(parts)
