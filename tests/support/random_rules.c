#include "random_rules.h"

#include "weir_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { NAME = 16, TEXT_SIZE = 1 << 16, MAX_RULES = 10, RANKS = 4, IDS = 7, TAGS = 4 };

static const char STREAMS[] =
    "stream s { at time, id string, tag string?, x float, y int, z int?, ok bool, rule "
    "int }\n"
    "stream t { at time, id string, tag string?, x float, y int, z int?, ok bool, rule "
    "int }\n"
    "source s from stdin() format json\n"
    "source t from file(\"t.json\") format json\n"
    "table seen key id { id string, y int?, x float? } limit 5\n"
    "table level key tag { tag string, z int? } keep 700ms\n"
    "rule sees { from t where y % 3 == 0 emit into seen { id, y, x } }\n"
    "rule forgets { from s where y == 4 delete from seen { id } }\n"
    "rule levels { from s where tag is not null and z > 2\n"
    "  emit into level { tag: tag ?? \"\", z } }\n"
    "rule gapped { from s emit gaps { id, tag, x: if(y % 3 == 0, null, x), w: if(ok, x, "
    "null),\n"
    "  y, z, ok } }\n";

uint32_t
random_pick(random_rules *self, uint32_t n)
{
    return (uint32_t)(next_random(&self->seed) % n);
}

static void __attribute__((format(printf, 2, 3)))
put(random_rules *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is the line above */
    int n = vsnprintf(self->text + self->used, TEXT_SIZE - self->used, format, args);
    va_end(args);
    assert_true(n >= 0 && self->used + (size_t)n < TEXT_SIZE);
    self->used += (size_t)n;
}

static void
put_one_of(random_rules *self, const char *const *texts, uint32_t n)
{
    put(self, "%s", texts[random_pick(self, n)]);
}

#define PUT_ONE_OF(self, ...)                                                            \
    do {                                                                                 \
        static const char *const texts[] = { __VA_ARGS__ };                              \
        put_one_of(self, texts, sizeof texts / sizeof texts[0]);                         \
    } while (false)

static void
put_condition(random_rules *self)
{
    switch (random_pick(self, 9)) {
    case 7: put(self, "y > (seen[id].y ?? %u)", random_pick(self, 20)); break;
    case 8: put(self, "level[tag].z > %u or x > 0.0", random_pick(self, 6)); break;
    case 0: put(self, "x > %d", (int)random_pick(self, 20) - 10); break;
    case 1: put(self, "y %% 2 == %u", random_pick(self, 2)); break;
    case 2: put(self, "tag == \"g%u\"", random_pick(self, TAGS)); break;
    case 3: put(self, "100 / y > %u", random_pick(self, 20)); break;
    case 4: put(self, "z > %d and ok", (int)random_pick(self, 10) - 5); break;
    case 5: put(self, "id != \"i%u\"", random_pick(self, IDS)); break;
    default: put(self, "ok"); break;
    }
}

/* ---- patterns ---- */

static void
put_step(random_rules *self, const char *name, const char *stream)
{
    put(self, "%s: %s(", name, stream);
    put_condition(self);
    put(self, ")");
}

static void
put_pattern(random_rules *self, const char *stream, const char *other)
{
    uint32_t form = random_pick(self, 6);
    put(self, "  match ");
    put_step(self, "a", stream);
    PUT_ONE_OF(self, "", "", "", "{2}", "+", "{1,3} next");
    if (form == 0) {
        put(self, " -> not ");
        put_step(self, "n", stream);
    }
    PUT_ONE_OF(self, " -> ", " -> ", " ->> ", " => ");
    put_step(self, "b", other);
    if (form == 1) {
        put(self, " -> not ");
        put_step(self, "n", other);
    } else if (form == 2) {
        put(self, " within 300ms of previous");
    } else if (form == 3) {
        PUT_ONE_OF(self, " -> c: ", " ->> c: ");
        put(self, "%s(x > a.x)", stream);
    } else if (form == 4) {
        put(self, "{0,1} -> c: %s(x > 0) within 100ms of previous", stream);
    }
    put(self, "\n  within %ums\n", 100 * (1 + random_pick(self, 12)));
}

static void
put_match(random_rules *self, const char *stream, const char *other, const char *to,
    const char *on_timeout, uint32_t number)
{
    put_pattern(self, stream, other);
    PUT_ONE_OF(self, "  by id\n", "  by id\n", "  by y\n", "  by tag\n", "  by id, ok\n",
        "  by z\n", "  by y % 3\n", "");
    PUT_ONE_OF(self, "", "", "", "  limit 1 per 300ms\n", "  limit 9\n");
    PUT_ONE_OF(self, "", "", "  skip overlaps\n", "  skip used\n", "  skip none\n",
        "  skip past last\n", "  skip to next\n", "  skip used latest\n");
    put(self,
        "  emit %s { id: last(a.id), tag: last(a.tag), x: b.x, y: count(a), z: b.z,"
        " ok: b.ok, rule: %u }\n",
        to, number);
    if (random_pick(self, 2) == 0) {
        put(self,
            "  on timeout emit %s { id: last(a.id), tag: last(a.tag), x: 0.5, y: "
            "count(a),"
            " z: last(a.z), ok: false, rule: %u }\n",
            on_timeout, number);
    }
}

/* ---- queries ---- */

static void
put_window(random_rules *self, bool *closes, bool *is_early)
{
    *closes   = true;
    *is_early = false;
    switch (random_pick(self, 8)) {
    case 0: put(self, "  window tumbling 500ms every 100ms early\n"); return;
    case 1: put(self, "  window tumbling 300ms\n"); return;
    case 2: put(self, "  window hopping 400ms every 100ms\n"); return;
    case 3: put(self, "  window hopping 400ms every 200ms fill\n"); return;
    case 4: put(self, "  window session 150ms\n"); return;
    case 5: put(self, "  window session 200ms every 100ms early\n"); return;
    default: break;
    }
    *closes = false;
    PUT_ONE_OF(self, "  window sliding 300ms\n", "  window last 3\n",
        "  window sliding 1s before\n", "  window last 2 reset\n", "  window all\n",
        "  window tumbling 3\n");
}

static void
put_query(random_rules *self, const char *stream, const char *to, uint32_t number)
{
    bool closes   = false;
    bool is_early = false;
    put(self, "  from %s", stream);
    if (random_pick(self, 2) == 0) {
        put(self, " where ");
        put_condition(self);
    }
    put(self, "\n");
    if (random_pick(self, 5) == 0) {
        put(self, "  emit %s { id, tag, x, y: y + 1, z, ok, rule: %u }\n", to, number);
        return;
    }
    uint32_t key = random_pick(self, 4);
    PUT_ONE_OF(self, "", "");
    static const char *const KEYS[] = { "  by id\n", "  by id, tag\n", "  by y\n", "" };
    put(self, "%s", KEYS[key]);
    put_window(self, &closes, &is_early);
    bool changes = random_pick(self, 3) == 0;
    if (changes || random_pick(self, 3) == 0) {
        put(self, "  having count() > 1\n");
    }
    if (random_pick(self, 4) == 0) {
        put(self, "  limit %u per 500ms\n", 1 + random_pick(self, 2));
    } else if (closes && random_pick(self, 6) == 0) {
        put(self, "  order by x desc, y limit 2\n");
    }
    put(self,
        "  emit %s { id: last(id) ?? \"\", tag: last(tag), x: sum(x) ?? 0.0, y: count(),"
        " z: max(z), ok: count() > 2, rule: %u }%s\n",
        to, number, changes ? " when changes" : "");
}

/* ---- joins ---- */

static void
put_join(random_rules *self, const char *stream, const char *other, const char *to,
    uint32_t number)
{
    bool is_asof = random_pick(self, 3) == 0;
    put(self, "  from a: %s %s%sjoin b: %s on a.id == b.id", stream,
        is_asof ? "asof " : "", random_pick(self, 2) == 0 ? "left " : "", other);
    if (random_pick(self, 3) == 0) {
        put(self, " and b.y > (seen[b.id].y ?? 3)");
    }
    if (!is_asof && random_pick(self, 2) == 0) {
        put(self, " and a.x + level[a.tag].z < b.x");
    }
    put(self, " within %ums\n", 20 + 40 * random_pick(self, 5));
    put(self,
        "  emit %s { id: a.id, tag: a.tag, x: a.x, y: b.y ?? 7, z: seen[a.id].y, ok: "
        "a.ok, rule: %u }\n",
        to, number);
}

/* ---- fills ---- */

static void
put_fill(random_rules *self, const char *to, uint32_t number)
{
    if (random_pick(self, 3) == 0) {
        put(self, "  from g: gaps left join b: t on g.id == b.id within 60ms\n");
        put(self, "  where g.x > -3.0 or b.y > (seen[b.id].y ?? 3)\n  by g.id\n");
        PUT_ONE_OF(self, "  fill g.x", "  fill g.w, b.x", "  fill b.x, g.x");
        put(self, " linear within %ums\n", 50 + 100 * random_pick(self, 5));
        put(self,
            "  emit %s { id: g.id, tag: g.tag, x: g.x ?? b.x ?? 0.5, y: g.y, z: g.z,",
            to);
        put(self, " ok: g.ok, rule: %u }\n", number);
        return;
    }
    put(self, "  from gaps\n");
    PUT_ONE_OF(self, "", "  where x > level[tag].z\n", "  where w is not null\n");
    PUT_ONE_OF(self, "  by id\n", "  by id\n", "  by tag\n", "  by id, ok\n", "");
    PUT_ONE_OF(self, "  fill x", "  fill x, w", "  fill w");
    put(self, " linear within %ums\n", 50 + 100 * random_pick(self, 5));
    if (random_pick(self, 3) > 0) {
        put(self, "  emit %s { id, tag, x: x ?? w ?? 0.25, y, z, ok, rule: %u }\n", to,
            number);
        return;
    }
    put(self,
        "  window sliding 200ms\n"
        "  emit %s { id, tag, x: sum(x) ?? 0.0, y: count(w), z, ok, rule: %u }\n",
        to, number);
}

/* ---- a set ---- */

/* A stream of a rank: the sources are rank 0; `d1` and `e1` are derived, of rank 1. */
static const char *
stream_of(random_rules *self, uint32_t rank, char out[NAME])
{
    if (rank == 0) {
        return random_pick(self, 3) == 0 ? "t" : "s";
    }
    (void)snprintf(out, NAME, "%c%u", random_pick(self, 3) == 0 ? 'e' : 'd', rank);
    return out;
}

static void
put_rule(random_rules *self, uint32_t number)
{
    char        names[4][NAME];
    uint32_t    rank   = random_pick(self, RANKS - 1);
    const char *stream = stream_of(self, rank, names[0]);
    const char *other  = random_pick(self, 3) == 0
                             ? stream_of(self, random_pick(self, rank + 1), names[1])
                             : stream;
    const char *to     = stream_of(self, rank + 1, names[2]);
    put(self, "rule r%u {\n", number);
    uint32_t kind = random_pick(self, 6);
    if (kind == 5) {
        put_fill(self, to, number);
    } else if (kind == 0) {
        put_join(self, stream, other, to, number);
    } else if (kind < 3) {
        put_match(self, stream, other, to,
            random_pick(self, 2) == 0 ? to : stream_of(self, rank + 1, names[3]), number);
    } else {
        put_query(self, stream, to, number);
    }
    put(self, "}\n");
}

void
random_rules_write(random_rules *self)
{
    if (self->text == NULL) {
        self->text = malloc(TEXT_SIZE);
        assert_non_null(self->text);
    }
    self->used = 0;
    put(self, "%s", STREAMS);
    for (uint32_t rank = 1; rank <= RANKS; rank++) { /* each stream is there */
        for (const char *c = "de"; *c != '\0'; c++) {
            const char *from = rank == 1 ? "t" : NULL;
            char        name[NAME];
            (void)snprintf(name, sizeof name, "%c%u", *c, rank - 1);
            put(self,
                "rule first_%c%u { from %s where y > 23 emit %c%u { id, tag, x, y, z, "
                "ok, "
                "rule: 0 } }\n",
                *c, rank, from != NULL ? from : name, *c, rank);
        }
    }
    uint32_t n = 1 + random_pick(self, MAX_RULES);
    for (uint32_t i = 0; i < n; i++) {
        put_rule(self, i + 1);
    }
}

/* ---- events ---- */

static weir_value
text_value(const char *text)
{
    return (
        weir_value){ .type = WEIR_STRING, .as.s = text, .size = (uint32_t)strlen(text) };
}

static weir_value
int_value(int64_t number)
{
    return (weir_value){ .type = WEIR_INT, .as.i = number };
}

void
random_event(random_rules *self, weir_chunk *chunk, int64_t time_ns, uint64_t order)
{
    char     id[16];
    char     tag[16];
    uint32_t row = chunk->n_rows;
    (void)snprintf(id, sizeof id, "i%u", random_pick(self, IDS));
    (void)snprintf(tag, sizeof tag, "g%u", random_pick(self, TAGS));
    weir_value values[] = {
        { .type = WEIR_TIME, .as.i = time_ns },
        text_value(id),
        text_value(tag),
        { .type = WEIR_FLOAT, .as.f = (double)((int)random_pick(self, 40) - 20) / 2 },
        int_value((int64_t)random_pick(self, 30) - 5),
        int_value((int64_t)random_pick(self, 12) - 6),
        { .type = WEIR_BOOL, .as.b = random_pick(self, 2) == 0 },
        int_value(0),
    };
    values[2].is_null = random_pick(self, 8) == 0;
    values[5].is_null = random_pick(self, 8) == 0;
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_ok(weir_chunk_set(chunk, row, i, &values[i]));
    }
    chunk->time[row]  = time_ns;
    chunk->order[row] = order;
    chunk->n_rows++;
}
