/* How fast bytes become columns: JSON Lines and CSV of six fields, about 100 and 60 bytes
 * an event, beside a scan for line feeds over the same bytes.
 *
 *     bench_decode [RUNS [NAME]]
 */
#include <stdio.h>
#include <string.h>

#include "bench_input.h"
#include "weiri/codec.h"

enum { READ_BYTES = 256 << 10 };

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

typedef struct job {
    const bench_input *in;
    const weir_schema *schema;
    const bool        *used;
    weiri_format       format;
    const char        *only; /* measure this alone, NULL: all */
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
    if (self->only != NULL && strcmp(self->only, name) != 0) {
        return;
    }
    check(weir_chunk_new(self->schema, self->used, &self->chunk), NULL);
    bench_input lines    = *self->in;
    double      baseline = bench_best(runs, bench_input_scan, &lines);
    double      seconds  = bench_best(runs, decode_all, self);
    if (self->n_rows != BENCH_EVENTS || self->n_dead != 0) {
        fprintf(stderr, "bench_decode: %s: %llu rows, %llu dead\n", name,
            (unsigned long long)self->n_rows, (unsigned long long)self->n_dead);
        exit(EXIT_FAILURE);
    }
    bench_json_speed(json, name, seconds, BENCH_EVENTS, self->in->size, baseline);
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

    int         runs   = bench_runs(argc, argv);
    bench_input json   = bench_input_make(BENCH_JSON);
    bench_input spaced = bench_input_make(BENCH_SPACED);
    bench_input ms     = bench_input_make(BENCH_MS);
    bench_input csv    = bench_input_make(BENCH_CSV);
    bench_json  out    = { 0 };
    bench_json_open(&out, NULL);
    bench_json_count(&out, "events", BENCH_EVENTS);
    bench_json_number(&out, "json_bytes_per_event", (double)json.size / BENCH_EVENTS);
    bench_json_number(&out, "csv_bytes_per_event", (double)csv.size / BENCH_EVENTS);
    double scan = bench_best(runs, bench_input_scan, &json);
    bench_json_speed(&out, "baseline_lines", scan, BENCH_EVENTS, json.size, scan);

    job jobs[] = { { .in = &json, .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON },
        { .in = &json, .schema = &SCHEMA, .used = USED, .format = WEIRI_FORMAT_JSON },
        { .in = &spaced, .schema = &SCHEMA, .format = WEIRI_FORMAT_JSON },
        { .in = &ms, .schema = &ms_schema, .format = WEIRI_FORMAT_JSON },
        { .in = &csv, .schema = &SCHEMA, .format = WEIRI_FORMAT_CSV } };
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        jobs[i].only = argc > 2 ? argv[2] : NULL;
    }
    measure(&out, "json", &jobs[0], runs);
    measure(&out, "json_three_fields_used", &jobs[1], runs);
    measure(&out, "json_with_spaces", &jobs[2], runs);
    measure(&out, "json_time_in_ms", &jobs[3], runs);

    measure(&out, "csv", &jobs[4], runs);
    bench_json_close(&out);
    bench_input_free(&json);
    bench_input_free(&spaced);
    bench_input_free(&ms);
    bench_input_free(&csv);
    return EXIT_SUCCESS;
}
