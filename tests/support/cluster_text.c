#include "weir_test.h"

#include "cluster_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { KINDS = 10, FIRST_MS_IN_S = 1767225600, MS = 1000000, PATH = 300 };

static const char STREAMS[] =
    "stream txn { at time unit ms, card string, ip string, amount float, note string? }\n"
    "stream login { at time unit ms, card string, ip string, ok bool }\n";

static uint32_t
pick(cluster_text *self, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(next_random(&self->seed) % (high - low + 1));
}

/* ---- rules ---- */

static void __attribute__((format(printf, 3, 4)))
add(cluster_text *self, const char *stream, const char *format, ...)
{
    size_t  used = strlen(self->rules);
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    int n = vsnprintf(self->rules + used, CLUSTER_BYTES - used, format, args);
    va_end(args);
    assert_true(n > 0 && (size_t)n < CLUSTER_BYTES - used);
    assert_true(self->n_streams < CLUSTER_STREAMS);
    snprintf(self->streams[self->n_streams++], sizeof self->streams[0], "%s", stream);
}

static void
add_chain(cluster_text *self, uint32_t more)
{
    add(self, "hot",
        "rule hot {\n  match a: txn(amount > %u) -> b: txn(amount > a.amount)\n  by "
        "card\n"
        "  within 1s\n  emit hot { card, ip: b.ip, second: b.amount }\n}\n",
        more + 50);
    add(self, "spot",
        "rule spot {\n  match a: hot -> b: hot(second >= a.second)\n  by ip\n"
        "  within %us\n  emit spot { ip, x: a.card, y: b.card }\n}\n",
        pick(self, 1, 8));
    add(self, "seen",
        "rule seen {\n  match a: hot -> l: login\n  by card\n  within 2s\n"
        "  emit seen { card, ip: l.ip, second: a.second }\n}\n");
}

static void
add_counted_drops(cluster_text *self)
{
    add(self, "drop",
        "rule drop {\n  from txn where amount < %u\n  emit drop { card, ip, amount "
        "}\n}\n",
        pick(self, 20, 100));
    add(self, "drops",
        "rule drops {\n  from drop\n  by card\n  window tumbling 2s\n"
        "  emit drops { card, n: count(), low: min(amount) }\n}\n");
}

static void
add_kind(cluster_text *self, uint32_t kind, uint32_t more)
{
    switch (kind) {
    case 0:
        add(self, "rise",
            "rule rise {\n  match a: txn(amount > %u) -> b: txn(amount > a.amount)\n"
            "  by card\n  within %us\n"
            "  emit rise { card, first: a.amount, second: b.amount, note: b.note }\n}\n",
            more, pick(self, 1, 5));
        return;
    case 1:
        add(self, "stolen",
            "rule stolen {\n  match l: login(ok == false) -> t: txn(amount > %u)\n"
            "  by card\n  within %us\n"
            "  emit stolen { card, from: l.ip, to: t.ip, amount: t.amount }\n}\n",
            more, pick(self, 1, 5));
        return;
    case 2:
        add(self, "silent",
            "rule silent {\n  match l: login -> not txn within %us\n  by ip\n"
            "  emit silent { ip, card: l.card }\n}\n",
            pick(self, 1, 3));
        return;
    case 3:
        add(self, "big",
            "rule big {\n  from txn where amount > %u\n"
            "  emit big { card, ip, amount, note }\n}\n",
            450 - more / 4);
        return;
    case 4:
        add(self, "much",
            "rule much {\n  from txn\n  by card\n  window tumbling 2s\n"
            "  emit much { card, n: count(), sum: sum(amount) }\n}\n");
        return;
    case 5:
        add(self, "every",
            "rule every {\n  from login\n  window tumbling 1s\n"
            "  emit every { n: count() }\n}\n");
        return;
    case 6:
        add(self, "whole",
            "rule whole {\n  match a: txn(amount > 490) -> b: txn(amount > a.amount)\n"
            "  within 1s\n  emit whole { x: a.card, y: b.card }\n}\n");
        return;
    case 7: add_chain(self, more); return;
    case 8: add_counted_drops(self); return;
    default:
        add(self, "joined",
            "rule joined {\n  from t: txn join l: login on t.card == l.card within 1s\n"
            "  emit joined { card: t.card, amount: t.amount, ok: l.ok }\n}\n");
        return;
    }
}

/* Many have the same time. */
static void
draw_events(cluster_text *self, cluster_event *out, uint32_t n, bool is_login)
{
    static const int64_t STEPS[2][6] = { { 0, 0, 1, 1, 7, 60 },
        { 0, 1, 10, 60, 120, 0 } };
    int64_t              at          = INT64_C(1000) * FIRST_MS_IN_S;
    for (uint32_t i = 0; i < n; i++) {
        at += STEPS[is_login][pick(self, 0, is_login ? 4 : 5)];
        out[i] = (cluster_event){ .at_ms = at,
            .card                        = pick(self, 1, 30),
            .ip                          = pick(self, 1, 9),
            .amount                      = pick(self, 1, 1000),
            .note                        = i % 3 == 0 ? (int32_t)i : -1 };
    }
}

void
cluster_text_draw(cluster_text *self, uint64_t seed, uint32_t n_members)
{
    *self           = (cluster_text){ .seed = seed, .n_members = n_members };
    uint32_t more   = pick(self, 100, 400);
    uint32_t n      = pick(self, 3, KINDS);
    uint32_t chosen = 0;
    while (n > 0) {
        uint32_t kind = pick(self, 0, KINDS - 1);
        if ((chosen >> kind & 1) == 0) {
            chosen |= 1u << kind;
            add_kind(self, kind, more);
            n--;
        }
    }
    self->n_events[0] = CLUSTER_EVENTS;
    self->n_events[1] = CLUSTER_EVENTS / 3;
    for (uint32_t i = 0; i < n_members; i++) {
        for (uint32_t s = 0; s < 2; s++) {
            draw_events(self, self->events[i][s], self->n_events[s], s == 1);
        }
    }
}

/* ---- events ---- */

static void
set_text(weir_chunk *chunk, uint32_t field, const char *text)
{
    const weir_value value = { .type = WEIR_STRING,
        .as.s                        = text,
        .size                        = (uint32_t)strlen(text),
        .is_null                     = text[0] == '\0' };
    assert_ok(weir_chunk_set(chunk, chunk->n_rows, field, &value));
}

void
cluster_event_set(const cluster_event *self, bool is_login, weir_chunk *chunk)
{
    char             text[32];
    uint32_t         row    = chunk->n_rows;
    const weir_value at     = { .type = WEIR_TIME, .as.i = self->at_ms * MS };
    const weir_value ok     = { .type = WEIR_BOOL, .as.b = self->amount % 2 == 1 };
    const weir_value amount = { .type = WEIR_FLOAT, .as.f = self->amount / 2.0 };
    assert_ok(weir_chunk_set(chunk, row, 0, &at));
    snprintf(text, sizeof text, "c%u", self->card);
    set_text(chunk, 1, text);
    snprintf(text, sizeof text, "i%u", self->ip);
    set_text(chunk, 2, text);
    assert_ok(weir_chunk_set(chunk, row, 3, is_login ? &ok : &amount));
    if (!is_login) {
        snprintf(text, sizeof text, self->note < 0 ? "" : "n %d", self->note);
        set_text(chunk, 4, text);
    }
    chunk->time[row] = at.as.i;
    chunk->n_rows++;
}

static void
write_events(const char *path, const cluster_event *events, uint32_t n, bool is_login)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (uint32_t i = 0; i < n; i++) {
        const cluster_event *e = &events[i];
        fprintf(file, "{\"at\":%lld,\"card\":\"c%u\",\"ip\":\"i%u\",",
            (long long)e->at_ms, e->card, e->ip);
        if (is_login) {
            fprintf(file, "\"ok\":%s}\n", e->amount % 2 == 1 ? "true" : "false");
        } else if (e->note < 0) {
            fprintf(file, "\"amount\":%.1f}\n", e->amount / 2.0);
        } else {
            fprintf(
                file, "\"amount\":%.1f,\"note\":\"n %d\"}\n", e->amount / 2.0, e->note);
        }
    }
    assert_int_equal(fclose(file), 0);
}

/* ---- texts ---- */

static FILE *
begin_text(char **out, size_t *size)
{
    FILE *file = open_memstream(out, size);
    assert_non_null(file);
    fputs(STREAMS, file);
    return file;
}

static char *
end_text(
    const cluster_text *self, FILE *file, char **out, const char *dir, const char *name)
{
    fputs(self->rules, file);
    for (uint32_t i = 0; i < self->n_streams; i++) {
        fprintf(file, "sink %s to file(\"%s/%s.%s.jsonl\")\n", self->streams[i], dir,
            name, self->streams[i]);
    }
    assert_int_equal(fclose(file), 0);
    return *out;
}

char *
cluster_text_of_one(const cluster_text *self, const char *dir, const char *const *names)
{
    static const char *const OF[] = { "txn", "login" };
    char                    *out  = NULL;
    size_t                   size = 0;
    FILE                    *file = begin_text(&out, &size);
    for (uint32_t i = 0; i < self->n_members; i++) {
        for (uint32_t s = 0; s < 2; s++) {
            char path[PATH];
            snprintf(path, sizeof path, "%s/%s.%s.in.jsonl", dir, names[i], OF[s]);
            write_events(path, self->events[i][s], self->n_events[s], s == 1);
            fprintf(file, "source %s from file(\"%s\")\n", OF[s], path);
        }
    }
    return end_text(self, file, &out, dir, "one");
}

char *
cluster_text_of_node(const cluster_text *self, const char *dir, const char *name)
{
    char  *out  = NULL;
    size_t size = 0;
    FILE  *file = begin_text(&out, &size);
    fputs("source txn from node(\"feed\")\nsource login from node(\"feed\")\n", file);
    return end_text(self, file, &out, dir, name);
}

/* ---- what came out ---- */

typedef struct lines {
    char  *text;
    char **at;
    size_t n;
} lines;

static lines
read_lines(const char *dir, const char *name, const char *stream)
{
    char   path[PATH];
    lines  out  = { .n = 0 };
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s.%s.jsonl", dir, name, stream);
    FILE *to   = open_memstream(&out.text, &size);
    FILE *file = fopen(path, "r");
    assert_non_null(to);
    for (int c = 0; file != NULL && (c = fgetc(file)) != EOF;) {
        fputc(c, to);
    }
    if (file != NULL) {
        fclose(file);
    }
    fclose(to);
    out.at = malloc((size + 1) * sizeof *out.at);
    assert_non_null(out.at);
    char *rest = NULL;
    for (char *line = strtok_r(out.text, "\n", &rest); line != NULL;
         line       = strtok_r(NULL, "\n", &rest)) {
        out.at[out.n++] = line;
    }
    return out;
}

static void
free_lines(lines *self)
{
    free(self->text);
    free(self->at);
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether `part` stands in `whole` in its order. */
static bool
is_in_order(const lines *part, const lines *whole)
{
    size_t k = 0;
    for (size_t i = 0; i < whole->n && k < part->n; i++) {
        k += strcmp(whole->at[i], part->at[k]) == 0;
    }
    return k == part->n;
}

static bool
is_same_stream(const char *stream, const char *dir, const char *const *names, uint32_t n)
{
    lines  parts[CLUSTER_MEMBERS];
    lines  whole   = read_lines(dir, "one", stream);
    size_t n_lines = 0;
    bool   is_same = true;
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = read_lines(dir, names[i], stream);
        n_lines += parts[i].n;
        if (!is_in_order(&parts[i], &whole)) {
            print_error("%s of %s stands in another order\n", stream, names[i]);
            is_same = false;
        }
    }
    char **all = malloc((n_lines + 1) * sizeof *all);
    size_t at  = 0;
    assert_non_null(all);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(all + at, parts[i].at, parts[i].n * sizeof *all);
        at += parts[i].n;
        free(parts[i].at);
    }
    qsort(all, n_lines, sizeof *all, compare);
    qsort(whole.at, whole.n, sizeof *all, compare);
    bool has_all = n_lines == whole.n;
    for (size_t i = 0; has_all && i < whole.n; i++) {
        has_all = strcmp(all[i], whole.at[i]) == 0;
    }
    if (!has_all) {
        print_error("%s: %zu lines, not %zu\n", stream, n_lines, whole.n);
    }
    for (uint32_t i = 0; i < n; i++) {
        free(parts[i].text);
    }
    free(all);
    free_lines(&whole);
    return is_same && has_all;
}

bool
cluster_text_is_same(
    const cluster_text *self, const char *dir, const char *const *names, uint32_t n)
{
    bool is_same = true;
    for (uint32_t s = 0; s < self->n_streams; s++) {
        is_same = is_same_stream(self->streams[s], dir, names, n) && is_same;
    }
    if (!is_same) {
        print_error("%s", self->rules);
    }
    return is_same;
}
