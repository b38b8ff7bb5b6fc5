/* Records of six fields as JSON Lines or CSV, the same on every run. */
#ifndef WEIR_BENCH_INPUT_H
#define WEIR_BENCH_INPUT_H

#include <string.h>

#include "bench.h"

enum { BENCH_EVENTS = 200000, BENCH_LINE_MAX = 256 };

typedef struct bench_input {
    char    *bytes;
    size_t   size;
    uint64_t n_lines; /* what the baseline counts */
} bench_input;

typedef enum bench_shape { BENCH_JSON, BENCH_SPACED, BENCH_MS, BENCH_CSV } bench_shape;

#define BENCH_JSON_LINE(c, s)                                                            \
    "{\"at\":" s "%s" c s "\"account\":" s "%d" c s "\"amount\":" s "%d.%02d" c s        \
    "\"kind\":" s "\"%s\"" c s "\"country\":" s "\"%s\"" c s "\"ok\":" s "%s}\n"

static inline int
bench_input_put(bench_shape form, char *out, uint64_t *seed, int i)
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
    const char *quote   = form == BENCH_CSV ? "" : "\"";
    char        at[40];
    snprintf(at, sizeof at, "%s2026-03-%02dT%02d:%02d:%02d.%03dZ%s", quote,
        1 + ms / 86400000, ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000,
        quote);
    if (form == BENCH_MS) {
        snprintf(at, sizeof at, "%lld", 1772323200000LL + ms);
    }
    switch (form) {
    case BENCH_SPACED:
        return snprintf(out, BENCH_LINE_MAX, BENCH_JSON_LINE(",", " "), at, account,
            cents / 100, cents % 100, kind, country, ok);
    case BENCH_CSV:
        return snprintf(out, BENCH_LINE_MAX, "%s,%d,%d.%02d,%s,%s,%s\n", at, account,
            cents / 100, cents % 100, kind, country, ok);
    case BENCH_JSON:
    case BENCH_MS: break;
    }
    return snprintf(out, BENCH_LINE_MAX, BENCH_JSON_LINE(",", ""), at, account,
        cents / 100, cents % 100, kind, country, ok);
}

static inline bench_input
bench_input_make(bench_shape form)
{
    bench_input in;
    uint64_t    seed = 42;
    in.bytes         = (char *)malloc((size_t)BENCH_EVENTS * BENCH_LINE_MAX);
    in.size          = 0;
    in.n_lines       = 0;
    if (in.bytes == NULL) {
        abort();
    }
    if (form == BENCH_CSV) {
        in.size = (size_t)sprintf(in.bytes, "at,account,amount,kind,country,ok\n");
    }
    for (int i = 0; i < BENCH_EVENTS; i++) {
        in.size += (size_t)bench_input_put(form, in.bytes + in.size, &seed, i);
    }
    return in;
}

/* The baseline: count the lines. */
static inline void
bench_input_scan(void *context)
{
    bench_input *in  = (bench_input *)context;
    const char  *p   = in->bytes;
    const char  *end = p + in->size;
    in->n_lines      = 0;
    while (p < end && (p = (const char *)memchr(p, '\n', (size_t)(end - p))) != NULL) {
        in->n_lines++;
        p++;
    }
}

static inline void
bench_input_free(bench_input *self)
{
    free(self->bytes);
    self->bytes = NULL;
}

#endif
