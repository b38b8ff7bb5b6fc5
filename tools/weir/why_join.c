/* weir why, of a rule that joins: a joined event by its sides, and why an event of the
 * left found no counterpart. */
#include <stdlib.h>
#include <string.h>

#include "jsontext.h"
#include "reads.h"
#include "weiri/lones.h"
#include "why.h"
#include "words.h"

/* Some of a joined row's fields. */
struct part {
    const char *name;
    uint32_t    first;
    uint32_t    n;
};

struct parts {
    weiri_arena *arena;
    struct part *items;
    uint32_t     n;
};

/* ---- sides ---- */

static const weiri_join *
join_of(const weiri_plan *plan, uint32_t stream)
{
    const weiri_query *fill = fill_of(plan, stream);
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        const weiri_join *join = plan->rules[i].join;
        if (join != NULL && join->stream == (fill != NULL ? fill->stream : stream)) {
            return join;
        }
    }
    return NULL;
}

/* "p" of "p.order"; of a lookup "card[card]". */
static const char *
label_of(weiri_arena *arena, const char *field)
{
    const char *dot = strrchr(field, '.');
    return dot == NULL ? field : weiri_arena_text(arena, field, (size_t)(dot - field));
}

static void
add_parts(struct parts *self, const weiri_plan *plan, uint32_t stream, const char *name)
{
    const weiri_join *join = join_of(plan, stream);
    if (join == NULL) {
        const weiri_query *fill = fill_of(plan, stream);
        const weir_schema *schema =
            &plan->streams[fill != NULL ? fill->stream : stream].schema;
        uint32_t first =
            self->n > 0 ? self->items[self->n - 1].first + self->items[self->n - 1].n : 0;
        struct part part = { name != NULL ? name : schema->name, first,
            schema->n_fields };
        WEIRI_ARENA_PUSH(self->arena, self->items, self->n, part);
        return;
    }
    uint32_t    n_left = join->sides[0].schema->n_fields;
    const char *label  = label_of(self->arena, join->schema->fields[n_left].name);
    add_parts(self, plan, join->sides[0].stream, NULL);
    struct part right = { label, n_left, join->sides[1].schema->n_fields };
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, right);
}

/* "{ order: "a", cents: 10 }"; NULL: all of it is null. */
static const char *
part_text(weiri_arena *arena, const weiri_trace_event *event, const struct part *part)
{
    const weir_schema *schema   = event->chunk->schema;
    const char        *text     = "";
    bool               is_there = false;
    for (uint32_t i = part->first; i < part->first + part->n && i < schema->n_fields;
         i++) {
        const char *name = schema->fields[i].name;
        const char *dot  = strrchr(name, '.');
        if (!event->chunk->columns[i].is_present || strstr(name, "..") != NULL) {
            continue;
        }
        weir_value value = weir_chunk_get(event->chunk, event->row, i);
        is_there         = is_there || !value.is_null;
        text = weiri_arena_format(arena, "%s%s%s: %s", text, text[0] != '\0' ? ", " : "",
            dot != NULL ? dot + 1 : name, weiri_value_text(arena, &value));
    }
    return is_there ? weiri_arena_format(arena, "{ %s }", text) : NULL;
}

const char *
why_row_text(const why_telling *self, const weiri_trace_event *event)
{
    weiri_arena       *arena = self->story.arena;
    const weiri_query *query = self->rule->query;
    struct parts       parts = { .arena = arena };
    const char        *text  = "";
    if (query == NULL || join_of(self->plan, query->stream) == NULL) {
        return event_text(&self->story, event);
    }
    add_parts(&parts, self->plan, query->stream, NULL);
    for (uint32_t i = 0; i < parts.n; i++) {
        const char *part = part_text(arena, event, &parts.items[i]);
        text             = weiri_arena_format(arena, "%s%s%s%s%s", text,
            i == 0         ? ""
                        : part != NULL ? " with "
                                       : " without ",
                        parts.items[i].name, part != NULL ? " " : "", part != NULL ? part : "");
    }
    return text;
}

/* ---- what is alone ---- */

/* The first join of two streams that is made for the rule; NULL: none. */
static const weiri_join *
first_join(const why_telling *self)
{
    const weiri_join **joins = NULL;
    uint32_t           n = joins_of(self->story.arena, self->plan, self->rule, &joins);
    for (uint32_t i = 0; i < n; i++) {
        if (!words_join_is_lookup(self->plan, joins[i])) {
            return joins[i];
        }
    }
    return NULL;
}

struct reasons {
    weiri_arena *arena;
    const char **items;
    uint32_t     n;
};

static void
add_reason(struct reasons *self, const char *text)
{
    WEIRI_ARENA_PUSH(self->arena, self->items, self->n, text);
}

static void
add_false(struct reasons *self, const weiri_expr *where, const weir_schema *schema,
    const weiri_trace_event *event)
{
    const weiri_expr **terms = NULL;
    const reads_place  place = {
         .arena = self->arena, .names = { .schema = schema }, .event = event
    };
    uint32_t n = where != NULL ? weiri_expr_terms(self->arena, where, &terms) : 0;
    for (uint32_t t = 0; t < n; t++) {
        const char *text = reads_false_text(&place, terms[t]);
        if (text != NULL) {
            add_reason(self, text);
        }
    }
}

static void
add_time(struct reasons *self, const weiri_join *join, int64_t left_ns, int64_t right_ns)
{
    bool        is_later = right_ns > left_ns;
    int64_t     apart    = is_later ? right_ns - left_ns : left_ns - right_ns;
    const char *by       = words_of_duration(self->arena, apart);
    if (join->kind == WEIRI_JOIN_ASOF && is_later) {
        add_reason(self, weiri_arena_format(
                             self->arena, "it came %s after, and `asof` looks back", by));
    } else if (join->within_ns >= 0 && apart > join->within_ns) {
        add_reason(self, weiri_arena_format(self->arena, "`within %s`: it came %s %s",
                             words_of_duration(self->arena, join->within_ns), by,
                             is_later ? "after" : "before"));
    }
}

/* What kept the two apart. */
static struct reasons
reasons_of(weiri_arena *arena, const weiri_join *join, const weiri_lone *lone,
    const weiri_near *near)
{
    struct reasons out = { .arena = arena };
    add_time(&out, join, lone->left.time_ns, near->right.time_ns);
    add_false(&out, join->sides[0].where, join->sides[0].schema, &lone->left);
    add_false(&out, join->sides[1].where, join->sides[1].schema, &near->right);
    add_false(&out, join->where, join->schema, &near->both);
    if (out.n == 0) {
        add_reason(&out, join->kind == WEIRI_JOIN_ASOF
                             ? "another of its key came after it, or `full` let it go"
                             : "nothing in the rule: `full` let one of the two go");
    }
    return out;
}

/* "`id == order`": what no event of the right has; "": it need not be equal in anything.
 */
static const char *
equal_words(weiri_arena *arena, const weiri_join *join, const weiri_trace_event *left)
{
    const char *text = "";
    for (uint32_t k = 0; k < join->n_keys; k++) {
        const reads_place place = {
            .arena = arena, .names = { .schema = join->sides[0].schema }, .event = left
        };
        const weiri_expr_names right = { .schema = join->sides[1].schema };
        weir_value             value = reads_eval(&place, join->sides[0].keys[k]);
        text = weiri_arena_format(arena, "%s%s%s %s", text, k == 0 ? " with " : " and ",
            weiri_expr_text(arena, join->sides[1].keys[k], &right),
            weiri_value_text(arena, &value));
    }
    return text;
}

static struct part
left_part(const weiri_join *join)
{
    return (struct part){ "", 0, join->sides[0].schema->n_fields };
}

static void
tell_lone(const why_telling *self, const weiri_join *join, const weiri_lone *lone)
{
    weiri_arena *arena = self->story.arena;
    struct part  left  = left_part(join);
    const char  *right = words_of_stream(arena, self->plan, join->sides[1].stream);
    printf("  %s  %s\n", time_text(&self->story, lone->left.time_ns),
        part_text(arena, &lone->left, &left));
    if (lone->n_near == 0) {
        printf("      no event of %s%s\n", right, equal_words(arena, join, &lone->left));
    }
    for (uint32_t i = 0; i < lone->n_near; i++) {
        const weiri_near *near = &lone->near[i];
        struct reasons    why  = reasons_of(arena, join, lone, near);
        printf("      not %s  %s\n", time_text(&self->story, near->right.time_ns),
            event_text(&self->story, &near->right));
        for (uint32_t k = 0; k < why.n; k++) {
            printf("          %s\n", why.items[k]);
        }
    }
    if (lone->n_equal > lone->n_near && lone->n_near > 0) {
        printf("      ... %llu more of %s that are equal in what they are joined by\n",
            (unsigned long long)(lone->n_equal - lone->n_near), right);
    }
}

/* NULL: there is nothing to tell. */
static weiri_lones *
find_lones(const why_telling *self, const weiri_join *join)
{
    weir_error   err   = { 0 };
    weiri_lones *lones = NULL;
    const char  *key   = self->gathered.key != NULL ? self->gathered.key : "";
    if (join == NULL
        || weiri_lones_new(self->plan, &self->request->replay, key, join, &lones, &err)
               != WEIR_OK) {
        return NULL; /* what else is told does not need it */
    }
    return lones;
}

void
why_tell_lones(const why_telling *self)
{
    const weiri_join *join  = first_join(self);
    weiri_lones      *lones = find_lones(self, join);
    uint32_t          n     = 0;
    const weiri_lone *all   = lones != NULL ? weiri_lones_all(lones, &n) : NULL;
    if (n > 0) {
        printf("of %s without a counterpart in %s, the last:\n",
            words_of_stream(self->story.arena, self->plan, join->sides[0].stream),
            words_of_stream(self->story.arena, self->plan, join->sides[1].stream));
    }
    for (uint32_t i = 0; i < n; i++) {
        tell_lone(self, join, &all[i]);
    }
    weiri_lones_destroy(&lones);
}

/* ---- as JSON ---- */

static void
put_near(json_writer *out, const why_telling *self, const weiri_join *join,
    const weiri_lone *lone, const weiri_near *near)
{
    struct reasons why = reasons_of(self->story.arena, join, lone, near);
    json_open(out, NULL, '{');
    json_text(out, "at", time_text(&self->story, near->right.time_ns));
    json_raw(out, "event", why_event_json(&self->story, &near->right));
    json_open(out, "because", '[');
    for (uint32_t k = 0; k < why.n; k++) {
        json_text(out, NULL, why.items[k]);
    }
    json_close(out, ']');
    json_close(out, '}');
}

void
why_put_lones(json_writer *out, const why_telling *self)
{
    const weiri_join *join = first_join(self);
    if (join == NULL) {
        return;
    }
    weiri_lones      *lones = find_lones(self, join);
    uint32_t          n     = 0;
    const weiri_lone *all   = lones != NULL ? weiri_lones_all(lones, &n) : NULL;
    json_open(out, "without_counterpart", '[');
    for (uint32_t i = 0; i < n; i++) {
        json_open(out, NULL, '{');
        json_text(out, "at", time_text(&self->story, all[i].left.time_ns));
        json_raw(out, "event", why_event_json(&self->story, &all[i].left));
        json_int(out, "equal", (int64_t)all[i].n_equal);
        json_open(out, "near", '[');
        for (uint32_t k = 0; k < all[i].n_near; k++) {
            put_near(out, self, join, &all[i], &all[i].near[k]);
        }
        json_close(out, ']');
        json_close(out, '}');
    }
    json_close(out, ']');
    weiri_lones_destroy(&lones);
}
