/* How fast MessagePack becomes columns, and columns become bytes of each format: six
 * fields, beside a copy of the same bytes.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "weiri/codec.h"

enum { EVENTS = 200000, READ_BYTES = 256 << 10, N_FIELDS = 6 };

static const weir_field FIELDS[N_FIELDS] = {
    { .name = "at", .type = WEIR_TIME },
    { .name = "account", .type = WEIR_INT },
    { .name = "amount", .type = WEIR_FLOAT },
    { .name = "kind", .type = WEIR_STRING },
    { .name = "country", .type = WEIR_STRING },
    { .name = "ok", .type = WEIR_BOOL },
};
static const weir_schema SCHEMA = {
    .name = "txn", .fields = FIELDS, .n_fields = N_FIELDS, .time_field = 0
};

static void
check(weir_status status, const char *what)
{
    if (status != WEIR_OK) {
        fprintf(stderr, "bench_msgpack: %s: %s\n", what, weir_status_text(status));
        exit(EXIT_FAILURE);
    }
}

static weir_value
text(const char *s)
{
    return (weir_value){ .type = WEIR_STRING, .as.s = s, .size = (uint32_t)strlen(s) };
}

/* A full chunk of events from event `first` on. */
static void
fill_chunk(weir_chunk *chunk, int first, uint64_t *seed)
{
    static const char *const KINDS[]     = { "purchase", "refund", "withdrawal", "fee" };
    static const char *const COUNTRIES[] = { "DE", "FR", "AT", "PL", "BR", "US", "CH" };

    weir_chunk_clear(chunk);
    for (uint32_t row = 0; row < chunk->capacity; row++) {
        uint64_t r     = bench_random(seed);
        int64_t  at_ns = INT64_C(1772323200000000000) + (first + row) * INT64_C(7000000);
        double   cents = (double)((r >> 40 & 0xFFFFF) >> (r & 7));

        weir_value values[N_FIELDS] = {
            { .type = WEIR_TIME, .as.i = at_ns },
            { .type = WEIR_INT, .as.i = (int64_t)(r >> 20 & 0xFFFFF) },
            { .type = WEIR_FLOAT, .as.f = cents / 100 },
            text(KINDS[r >> 8 & 3]),
            text(COUNTRIES[(r >> 10 & 0xFF) % 7]),
            { .type = WEIR_BOOL, .as.b = (r >> 18 & 3) != 0 },
        };
        for (uint32_t f = 0; f < N_FIELDS; f++) {
            check(weir_chunk_set(chunk, row, f, &values[f]), "chunk");
        }
        chunk->time[row] = at_ns;
        chunk->n_rows++;
    }
}

typedef struct encode_job {
    weir_chunk  *chunk;
    weiri_format format;
    weiri_buffer out;
    uint64_t     n_rows;
} encode_job;

/* The same chunk again and again: what is measured is the writing. */
static void
encode_all(void *context)
{
    encode_job    *self    = context;
    weiri_encoder *encoder = NULL;
    check(weiri_encoder_new(&SCHEMA, self->format, &encoder, NULL), "encoder");
    self->out.used = 0;
    self->n_rows   = 0;
    while (self->n_rows < EVENTS) {
        weir_rows rows = { self->chunk, 0, self->chunk->n_rows };
        check(weiri_encoder_encode(encoder, rows, &self->out), "encode");
        self->n_rows += rows.n;
    }
    weiri_encoder_destroy(&encoder);
}

typedef struct copy_job {
    const weiri_buffer *from;
    char               *to;
} copy_job;

static void
copy_all(void *context)
{
    copy_job *self = context;
    memcpy(self->to, self->from->bytes, self->from->used);
}

static double
time_of_copy(const weiri_buffer *bytes, int runs)
{
    copy_job job = { .from = bytes, .to = malloc(bytes->used) };
    check(job.to == NULL ? WEIR_ENOMEM : WEIR_OK, "copy");
    double seconds = bench_best(runs, copy_all, &job);
    free(job.to);
    return seconds;
}

static void
measure_encoder(bench_json *json, const char *name, weiri_format format, int runs)
{
    encode_job job  = { .format = format };
    uint64_t   seed = 42;
    check(weir_chunk_new(&SCHEMA, NULL, &job.chunk), "chunk");
    fill_chunk(job.chunk, 0, &seed);
    double seconds = bench_best(runs, encode_all, &job);
    double copy    = time_of_copy(&job.out, runs);
    bench_json_speed(json, name, seconds, job.n_rows, job.out.used, copy);
    const weir_chunk *chunk = job.chunk;
    weir_chunk_unref(&chunk);
    weiri_buffer_fini(&job.out);
}

typedef struct decode_job {
    const weiri_buffer *in;
    const bool         *used;
    weir_chunk         *chunk;
    uint64_t            n_rows;
} decode_job;

/* In pieces, as a reader hands them over; every chunk is thrown away when it is full. */
static void
decode_all(void *context)
{
    decode_job          *self    = context;
    weiri_decoder       *decoder = NULL;
    weiri_decoder_config config  = {
         .schema = &SCHEMA, .used = self->used, .format = WEIRI_FORMAT_MSGPACK
    };
    check(weiri_decoder_new(&config, &decoder, NULL), "decoder");
    self->n_rows = 0;
    size_t start = 0;
    size_t end   = 0;
    while (start < self->in->used) {
        size_t consumed = 0;
        if (end < self->in->used && end - start < READ_BYTES / 2) {
            end =
                self->in->used - start < READ_BYTES ? self->in->used : start + READ_BYTES;
        }
        weir_status status = weiri_decoder_decode(decoder, self->in->bytes + start,
            end - start, end == self->in->used, self->chunk, &consumed, NULL);
        check(status == WEIR_EFULL ? WEIR_OK : status, "decode");
        start += consumed;
        self->n_rows += self->chunk->n_rows;
        weir_chunk_clear(self->chunk);
    }
    weiri_decoder_destroy(&decoder);
}

static void
measure_decoder(bench_json *json, const char *name, const weiri_buffer *bytes,
    uint64_t n_rows, const bool *used, int runs)
{
    decode_job job = { .in = bytes, .used = used };
    check(weir_chunk_new(&SCHEMA, used, &job.chunk), "chunk");
    double seconds = bench_best(runs, decode_all, &job);
    double copy    = time_of_copy(bytes, runs);
    check(job.n_rows == n_rows ? WEIR_OK : WEIR_EDATA, "rows are lost");
    bench_json_speed(json, name, seconds, n_rows, bytes->used, copy);
    const weir_chunk *chunk = job.chunk;
    weir_chunk_unref(&chunk);
}

/* Messages of events that are all different. */
static uint64_t
make_messages(weiri_buffer *out)
{
    weiri_encoder *encoder = NULL;
    weir_chunk    *chunk   = NULL;
    uint64_t       seed    = 42;
    uint64_t       n_rows  = 0;
    check(weiri_encoder_new(&SCHEMA, WEIRI_FORMAT_MSGPACK, &encoder, NULL), "encoder");
    check(weir_chunk_new(&SCHEMA, NULL, &chunk), "chunk");
    while (n_rows < EVENTS) {
        fill_chunk(chunk, (int)n_rows, &seed);
        weir_rows rows = { chunk, 0, chunk->n_rows };
        check(weiri_encoder_encode(encoder, rows, out), "encode");
        n_rows += rows.n;
    }
    weiri_encoder_destroy(&encoder);
    const weir_chunk *done = chunk;
    weir_chunk_unref(&done);
    return n_rows;
}

int
main(int argc, char **argv)
{
    static const bool USED[]   = { true, true, true, false, false, false };
    int               runs     = bench_runs(argc, argv);
    weiri_buffer      messages = { 0 };
    uint64_t          n_rows   = make_messages(&messages);
    bench_json        out      = { 0 };
    bench_json_open(&out, NULL);
    bench_json_count(&out, "events", n_rows);
    bench_json_number(
        &out, "msgpack_bytes_per_event", (double)messages.used / (double)n_rows);
    measure_decoder(&out, "decode_msgpack", &messages, n_rows, NULL, runs);
    measure_decoder(
        &out, "decode_msgpack_three_fields_used", &messages, n_rows, USED, runs);
    measure_encoder(&out, "encode_json", WEIRI_FORMAT_JSON, runs);
    measure_encoder(&out, "encode_csv", WEIRI_FORMAT_CSV, runs);
    measure_encoder(&out, "encode_msgpack", WEIRI_FORMAT_MSGPACK, runs);
    measure_encoder(&out, "encode_text", WEIRI_FORMAT_TEXT, runs);
    bench_json_close(&out);
    weiri_buffer_fini(&messages);
    return EXIT_SUCCESS;
}
