/* Small helpers for benchmark programs: time, the best of several runs, JSON on stdout.
 *
 * A program makes its input in memory from a fixed seed, measures what it is about beside
 * a baseline that any machine can be judged by, and prints one JSON object.
 */
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double
bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The shortest of `runs` calls, in seconds: what others do on the machine only adds. */
static inline double
bench_best(int runs, void (*call)(void *context), void *context)
{
    double best = 1e300;
    for (int i = 0; i < runs; i++) {
        double start = bench_now();
        call(context);
        double taken = bench_now() - start;
        best         = taken < best ? taken : best;
    }
    return best;
}

/* Runs a measurement: the first argument, or 7. */
static inline int
bench_runs(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 7;
    return runs > 0 ? runs : 1;
}

/* The same numbers on every run (xorshift64*). */
static inline uint64_t
bench_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

/* One JSON object, member by member. */
typedef struct bench_json {
    int  depth;
    bool is_first;
} bench_json;

static inline void
bench_json_name(bench_json *self, const char *name)
{
    printf("%s\n%*s\"%s\": ", self->is_first ? "" : ",", 2 * self->depth, "", name);
    self->is_first = false;
}

/* `name` NULL: the outermost object. */
static inline void
bench_json_open(bench_json *self, const char *name)
{
    if (name != NULL) {
        bench_json_name(self, name);
    }
    printf("{");
    self->depth++;
    self->is_first = true;
}

static inline void
bench_json_close(bench_json *self)
{
    self->depth--;
    printf("\n%*s}", 2 * self->depth, "");
    self->is_first = false;
    if (self->depth == 0) {
        printf("\n");
    }
}

static inline void
bench_json_number(bench_json *self, const char *name, double value)
{
    bench_json_name(self, name);
    printf("%.4g", value);
}

static inline void
bench_json_count(bench_json *self, const char *name, uint64_t value)
{
    bench_json_name(self, name);
    printf("%llu", (unsigned long long)value);
}

/* One measurement of `n` events in `size` bytes, beside a baseline over the same bytes.
 */
static inline void
bench_json_speed(bench_json *self, const char *name, double seconds, uint64_t n,
    uint64_t size, double baseline_seconds)
{
    bench_json_open(self, name);
    bench_json_number(self, "events_per_s", (double)n / seconds);
    bench_json_number(self, "bytes_per_s", (double)size / seconds);
    bench_json_number(self, "ns_per_event", seconds * 1e9 / (double)n);
    bench_json_number(self, "times_baseline", seconds / baseline_seconds);
    bench_json_close(self);
}

#endif
