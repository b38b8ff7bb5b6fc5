/* How fast bytes become columns: JSON Lines and CSV of six fields, about 100 and 60 bytes
 * an event, beside a scan for line feeds over the same bytes.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "weiri/codec.h"

enum { EVENTS = 200000, LINE_MAX = 256, READ_BYTES = 256 << 10 };

static const weir_field FIELDS[] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "account", .type = WEIR_INT },
    { .name = "amount", .type = WEIR_FLOAT },
    { .name = "kind", .type = WEIR_STRING },
    { .name = "country", .type = WEIR_STRING },
    { .name = "ok", .type = WEIR_BOOL },
};
static const weir_schema SCHEMA = {
    .name = "txn", .fields = FIELDS, .n_fields = 6, .time_field = 0
};

typedef struct input {
    char    *bytes;
    size_t   size;
    uint64_t n_lines; /* what the baseline counts */
} input;

typedef enum shape { SHAPE_JSON, SHAPE_SPACED, SHAPE_MS, SHAPE_CSV } shape;

#define JSON_LINE(c, s)                                                                  \
    "{\"at\":" s "%s" c s "\"account\":" s "%d" c s "\"amount\":" s "%d.%02d" c s        \
    "\"kind\":" s "\"%s\"" c s "\"country\":" s "\"%s\"" c s "\"ok\":" s "%s}\n"

static int
put_event(shape form, char *out, uint64_t *seed, int i)
{
    static const char *const KINDS[]     = { "purchase", "refund", "withdrawal", "fee" };
    static const char *const COUNTRIES[] = { "DE", "FR", "AT", "PL", "BR", "US", "CH" };

    uint64_t    r       = bench_random(seed);
    int         cents   = (int)(r >> 40 & 0xFFFFF) >> (r & 7);
    int         account = (int)(r >> 20 & 0xFFFFF);
    const char *kind    = KINDS[r >> 8 & 3];
    const char *country = COUNTRIES[(r >> 10 & 0xFF) % 7];
    const char *ok      = (r >> 18 & 3) != 0 ? "true" : "false";
    int         ms      = i * 7;
    const char *quote   = form == SHAPE_CSV ? "" : "\"";
    char        at[40];
    snprintf(at, sizeof at, "%s2026-03-%02dT%02d:%02d:%02d.%03dZ%s", quote,
        1 + ms / 86400000, ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000,
        quote);
    if (form == SHAPE_MS) {
        snprintf(at, sizeof at, "%lld", 1772323200000LL + ms);
    }
    switch (form) {
    case SHAPE_SPACED:
        return snprintf(out, LINE_MAX, JSON_LINE(",", " "), at, account, cents / 100,
            cents % 100, kind, country, ok);
    case SHAPE_CSV:
        return snprintf(out, LINE_MAX, "%s,%d,%d.%02d,%s,%s,%s\n", at, account,
            cents / 100, cents % 100, kind, country, ok);
    case SHAPE_JSON:
    case SHAPE_MS: break;
    }
    return snprintf(out, LINE_MAX, JSON_LINE(",", ""), at, account, cents / 100,
        cents % 100, kind, country, ok);
}

static input
make_input(shape form)
{
    input    in   = { .bytes = malloc((size_t)EVENTS * LINE_MAX) };
    uint64_t seed = 42;
    if (in.bytes == NULL) {
        abort();
    }
    if (form == SHAPE_CSV) {
        in.size = (size_t)sprintf(in.bytes, "at,account,amount,kind,country,ok\n");
    }
    for (int i = 0; i < EVENTS; i++) {
        in.size += (size_t)put_event(form, in.bytes + in.size, &seed, i);
    }
    return in;
}

static void
scan_lines(void *context)
{
    input      *in  = context;
    const char *p   = in->bytes;
    const char *end = p + in->size;
    in->n_lines     = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        in->n_lines++;
        p++;
    }
}

typedef struct job {
    const input       *in;
    const weir_schema *schema;
    const bool        *used;
    weiri_format       format;
    uint64_t           n_rows;
    uint64_t           n_dead;
    weir_chunk        *chunk;
} job;

static void
count_dead(void *context, const weiri_dead_record *record)
{
    job *self = context;
    if (self->n_dead++ == 0) {
        fprintf(
            stderr, "line %llu: %s\n", (unsigned long long)record->line, record->reason);
    }
}

static void
check(weir_status status, const weir_error *err)
{
    if (status != WEIR_OK) {
        fprintf(stderr, "bench_decode: %s\n", err->text);
        exit(EXIT_FAILURE);
    }
}

/* In pieces, as a reader hands them over; every chunk is thrown away when it is full. */
static void
decode_all(void *context)
{
    job                 *self    = context;
    weir_error           err     = { 0 };
    weiri_decoder       *decoder = NULL;
    weiri_decoder_config config  = { .schema = self->schema,
         .used                               = self->used,
         .format                             = self->format,
         .has_header                         = true,
         .delimiter                          = ',',
         .on_dead                            = count_dead,
         .context                            = self };
    check(weiri_decoder_new(&config, &decoder, &err), &err);
    self->n_rows = 0;
    size_t start = 0;
    size_t end   = 0;
    while (start < self->in->size) {
        size_t consumed = 0;
        if (end < self->in->size && end - start < READ_BYTES / 2) {
            end =
                self->in->size - start < READ_BYTES ? self->in->size : start + READ_BYTES;
        }
        weir_status status = weiri_decoder_decode(decoder, self->in->bytes + start,
            end - start, end == self->in->size, self->chunk, &consumed, &err);
        check(status == WEIR_EFULL ? WEIR_OK : status, &err);
        start += consumed;
        self->n_rows += self->chunk->n_rows;
        weir_chunk_clear(self->chunk);
    }
    weiri_decoder_destroy(&decoder);
}

static void
measure(bench_json *json, const char *name, job *self, int runs)
{
    check(weir_chunk_new(self->schema, self->used, &self->chunk), NULL);
    input  lines    = *self->in;
    double baseline = bench_best(runs, scan_lines, &lines);
    double seconds  = bench_best(runs, decode_all, self);
    if (self->n_rows != EVENTS || self->n_dead != 0) {
        fprintf(stderr, "bench_decode: %s: %llu rows, %llu dead\n", name,
            (unsigned long long)self->n_rows, (unsigned long long)self->n_dead);
        exit(EXIT_FAILURE);
    }
    bench_json_speed(json, name, seconds, EVENTS, self->in->size, baseline);
    const weir_chunk *chunk = self->chunk;
    weir_chunk_unref(&chunk);
}

int
main(int argc, char **argv)
{
    static const bool USED[] = { true, true, true, false, false, false };
    weir_field        ms_fields[6];
    memcpy(ms_fields, FIELDS, sizeof FIELDS);
    ms_fields[0].form     = WEIR_TIME_MS;
    weir_schema ms_schema = SCHEMA;
    ms_schema.fields      = ms_fields;

    int        runs   = bench_runs(argc, argv);
    input      json   = make_input(SHAPE_JSON);
    input      spaced = make_input(SHAPE_SPACED);
    input      ms     = make_input(SHAPE_MS);
    input      csv    = make_input(SHAPE_CSV);
    bench_json out    = { 0 };
    bench_json_open(&out, NULL);
    bench_json_count(&out, "events", EVENTS);
    bench_json_number(&out, "json_bytes_per_event", (double)json.size / EVENTS);
    bench_json_number(&out, "csv_bytes_per_event", (double)csv.size / EVENTS);
    double scan = bench_best(runs, scan_lines, &json);
    bench_json_speed(&out, "baseline_lines", scan, EVENTS, json.size, scan);

    job jobs[] = { { .in = &json, .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON },
        { .in = &json, .schema = &SCHEMA, .used = USED, .format = WEIRI_FORMAT_JSON },
        { .in = &spaced, .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON },
        { .in = &ms, .schema = &ms_schema, .format = WEIRI_FORMAT_JSON },
        { .in = &csv, .schema = &SCHEMA, .format = WEIRI_FORMAT_CSV } };
    measure(&out, "json", &jobs[0], runs);
    measure(&out, "json_three_fields_used", &jobs[1], runs);
    measure(&out, "json_with_spaces", &jobs[2], runs);
    measure(&out, "json_time_in_ms", &jobs[3], runs);

    measure(&out, "csv", &jobs[4], runs);
    bench_json_close(&out);
    free(json.bytes);
    free(spaced.bytes);
    free(ms.bytes);
    free(csv.bytes);
    return EXIT_SUCCESS;
}
