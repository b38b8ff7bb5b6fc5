#include "dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jsontext.h"
#include "weiri/explain.h"
#include "weiri/exprtext.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/statedir.h"
#include "weiri/timetext.h"

typedef struct dump {
    const weiri_plan   *plan;
    const dump_request *request;
    const weiri_rule   *rule;
    weiri_arena        *arena; /* of one thing that is told   */
    weiri_arena        *names; /* of one rule                 */
    const char *const
        *registers;   /* shape (match->n_registers,), or of a query with a
                       * window those of its aggregates: how they are written */
    char        *key; /* the one at hand, as text; owned */
    uint64_t     n_told;
    bool         is_cut;   /* by the limit */
    char        *told_key; /* the last that a line stands for; NULL: none; owned */
    const char **other;    /* shape (n_other,): rules whose state is another's */
    size_t       n_other;
} dump;

static void
renew(weiri_arena **arena)
{
    weiri_arena_destroy(arena);
    *arena = weiri_arena_new();
}

/* ---- values ---- */

static const char *
at_text(int64_t ns, char out[WEIRI_TIME_TEXT])
{
    if (ns == INT64_MIN) {
        return "the beginning";
    }
    weiri_time_format(ns, out);
    return out;
}

/* A value as it stands in a key: strings bare. */
static void
write_bare(const dump *self, const weir_value *value, FILE *out)
{
    if (value->type == WEIR_STRING && !value->is_null) {
        fwrite(value->as.s, 1, value->size, out);
    } else {
        fputs(weiri_value_text(self->arena, value), out);
    }
}

/* A value as JSON: numbers and flags as such, all else as text. */
static void
print_json_value(const dump *self, const weir_value *value)
{
    char *text = NULL;
    if (value->is_null) {
        fputs("null", stdout);
    } else if (value->type == WEIR_BOOL || value->type == WEIR_INT
               || value->type == WEIR_FLOAT) {
        fputs(weiri_value_text(self->arena, value), stdout);
    } else if (value->type == WEIR_STRING) {
        text = weiri_arena_text(self->arena, value->as.s, value->size);
        json_print_text(stdout, text);
    } else {
        json_print_text(stdout, weiri_value_text(self->arena, value));
    }
}

/* ---- what is told ---- */

static bool
is_enough(void *context)
{
    dump *self   = context;
    self->is_cut = self->is_cut || self->n_told >= self->request->limit;
    return self->is_cut;
}

static void
begin_line(dump *self, const char *part)
{
    self->n_told++;
    renew(&self->arena);
    if (self->request->is_json) {
        printf("{\"part\":\"%s\",\"rule\":", part);
        json_print_text(stdout, self->rule->name);
        if (self->key != NULL) {
            fputs(",\"key\":", stdout);
            json_print_text(stdout, self->key);
        }
        return;
    }
    if (self->key != NULL
        && (self->told_key == NULL || strcmp(self->told_key, self->key) != 0)) {
        printf("  key %s\n", self->key[0] != '\0' ? self->key : "(none)");
        free(self->told_key);
        self->told_key = strdup(self->key);
    }
}

static bool
on_key(void *context, const weir_value *values, uint32_t n)
{
    dump  *self = context;
    size_t size = 0;
    free(self->key);
    self->key = NULL;
    renew(&self->arena);
    FILE *out = open_memstream(&self->key, &size);
    for (uint32_t i = 0; out != NULL && i < n; i++) {
        fputs(i > 0 ? "," : "", out);
        write_bare(self, &values[i], out);
    }
    if (out == NULL || fclose(out) != 0) {
        return false;
    }
    return self->request->key == NULL || strcmp(self->request->key, self->key) == 0;
}

static const char *
step_name(const dump *self, const weiri_taken *taken)
{
    return self->rule->match->steps[taken->step].name;
}

/* Registers that hold nothing of a step that was not taken are left out. */
static bool
is_held(const dump *self, const weiri_held_match *held, uint32_t r)
{
    uint32_t step = self->rule->match->registers[r].step;
    for (uint32_t i = 0; i < held->n_taken; i++) {
        if (held->taken[i].step == step) {
            return true;
        }
    }
    return step == WEIRI_NONE && !held->values[r].is_null;
}

/* When it is over, and what it is then if nothing comes that forbids it. */
static void
print_end_text(int64_t ends_ns, const char *then)
{
    char at[WEIRI_TIME_TEXT];
    if (ends_ns == INT64_MAX) {
        return;
    }
    at_text(ends_ns, at);
    if (then != NULL) {
        printf("; waits until %s, then %s", at, then);
    } else {
        printf("; until %s", at);
    }
}

static void
print_end_json(int64_t ends_ns, bool is_awaited)
{
    char at[WEIRI_TIME_TEXT];
    if (ends_ns != INT64_MAX) {
        printf(",\"until\":\"%s\"", at_text(ends_ns, at));
    }
    if (is_awaited) {
        fputs(",\"awaited\":true", stdout);
    }
}

static void
print_held_text(const dump *self, const weiri_held_match *held)
{
    char at[WEIRI_TIME_TEXT];
    printf("    %s", held->is_complete ? "complete, waits:"
                     : held->is_shared ? "event"
                                       : "partial match:");
    for (uint32_t i = 0; i < held->n_taken; i++) {
        printf("%s%s %s", i > 0 ? ", " : " ", step_name(self, &held->taken[i]),
            at_text(held->taken[i].time_ns, at));
    }
    print_end_text(held->expires_ns, held->is_awaited ? "is a match" : NULL);
    const char *before = "; ";
    for (uint32_t r = 0; r < self->rule->match->n_registers; r++) {
        if (is_held(self, held, r)) {
            printf("%s%s = %s", before, self->registers[r],
                weiri_value_text(self->arena, &held->values[r]));
            before = ", ";
        }
    }
    putchar('\n');
}

static void
print_held_json(const dump *self, const weiri_held_match *held)
{
    char at[WEIRI_TIME_TEXT];
    fputs(",\"taken\":[", stdout);
    for (uint32_t i = 0; i < held->n_taken; i++) {
        printf("%s{\"step\":", i > 0 ? "," : "");
        json_print_text(stdout, step_name(self, &held->taken[i]));
        printf(",\"time\":\"%s\"}", at_text(held->taken[i].time_ns, at));
    }
    putchar(']');
    print_end_json(held->expires_ns, held->is_awaited);
    fputs(",\"holds\":{", stdout);
    const char *before = "";
    for (uint32_t r = 0; r < self->rule->match->n_registers; r++) {
        if (is_held(self, held, r)) {
            fputs(before, stdout);
            json_print_text(stdout, self->registers[r]);
            putchar(':');
            print_json_value(self, &held->values[r]);
            before = ",";
        }
    }
    puts("}}");
}

static void
on_held(void *context, const weiri_held_match *held)
{
    dump *self = context;
    begin_line(self, held->is_complete ? "complete"
                     : held->is_shared ? "event"
                                       : "partial match");
    if (self->request->is_json) {
        print_held_json(self, held);
    } else {
        print_held_text(self, held);
    }
}

static void
on_absence(void *context, const weiri_held_absence *absence)
{
    dump       *self = context;
    const char *name = absence->step < self->rule->match->n_steps
                           ? self->rule->match->steps[absence->step].name
                           : "?";
    char        at[WEIRI_TIME_TEXT];
    begin_line(self, "forbidden");
    if (!self->request->is_json) {
        printf("    not %s: came %s", name,
            absence->is_last ? "last" : at_text(absence->time_ns, at));
        print_end_text(absence->until_ns, NULL);
        putchar('\n');
        return;
    }
    fputs(",\"step\":", stdout);
    json_print_text(stdout, name);
    if (!absence->is_last) {
        printf(",\"time\":\"%s\"", at_text(absence->time_ns, at));
    }
    print_end_json(absence->until_ns, false);
    puts("}");
}

/* ---- what was given ---- */

static void
print_limit_text(const weiri_held_given *given)
{
    char at[WEIRI_TIME_TEXT];
    printf("%s", given->times_ns != NULL ? "    limit: given" : "  limit:");
    for (uint64_t i = 0; given->times_ns != NULL && i < given->n; i++) {
        printf("%s %s", i > 0 ? "," : "", at_text(given->times_ns[i], at));
    }
    if (given->times_ns == NULL) {
        printf(" %" PRIu64 " of %" PRIu32 " given", given->n, given->limit);
    }
    if (given->times_ns != NULL && given->next_ns != INT64_MIN) {
        printf("; none before %s", at_text(given->next_ns, at));
    }
    putchar('\n');
}

static void
print_limit_json(const weiri_held_given *given)
{
    char at[WEIRI_TIME_TEXT];
    printf(",\"limit\":%" PRIu32 ",\"n\":%" PRIu64, given->limit, given->n);
    if (given->times_ns != NULL) {
        fputs(",\"given\":[", stdout);
        for (uint64_t i = 0; i < given->n; i++) {
            printf("%s\"%s\"", i > 0 ? "," : "", at_text(given->times_ns[i], at));
        }
        putchar(']');
    }
    if (given->times_ns != NULL && given->next_ns != INT64_MIN) {
        printf(",\"next\":\"%s\"", at_text(given->next_ns, at));
    }
    puts("}");
}

static void
on_given(void *context, const weiri_held_given *given)
{
    dump *self = context;
    if (given->limit > 0 && (given->n > 0 || given->times_ns == NULL)) {
        begin_line(self, "limit");
        if (self->request->is_json) {
            print_limit_json(given);
        } else {
            print_limit_text(given);
        }
    }
    if (given->has_changes) {
        begin_line(self, "changes");
        printf(self->request->is_json ? ",\"held\":%s}\n"
                                      : "    when changes: the condition %s\n",
            self->request->is_json ? (given->was_true ? "true" : "false")
            : given->was_true      ? "held"
                                   : "did not hold");
    }
}

/* ---- windows ---- */

static void
on_sized(void *context, size_t size)
{
    dump *self = context;
    begin_line(self, "window");
    if (self->request->is_json) {
        printf(",\"bytes\":%zu}\n", size);
    } else {
        printf("    window: %zu bytes\n", size);
    }
}

/* One of several values that are held: its name as it is written, then it. */
static void
print_value(const dump *self, bool is_first, const char *name, const weir_value *value)
{
    if (self->request->is_json) {
        fputs(is_first ? "" : ",", stdout);
        json_print_text(stdout, name);
        putchar(':');
        print_json_value(self, value);
    } else {
        printf("%s%s = %s", is_first ? "; " : ", ", name,
            weiri_value_text(self->arena, value));
    }
}

/* Then the time at which it is gone, if that is known, and the first of what it holds. */
static void
print_until(const dump *self, int64_t until_ns)
{
    char at[WEIRI_TIME_TEXT];
    if (until_ns != INT64_MAX) {
        printf(self->request->is_json ? ",\"until\":\"%s\"" : "; until %s",
            at_text(until_ns, at));
    }
    fputs(self->request->is_json ? ",\"holds\":{" : "", stdout);
}

static void
print_span(const dump *self, const weiri_held_pane *pane)
{
    char from[WEIRI_TIME_TEXT];
    char to[WEIRI_TIME_TEXT];
    bool is_json = self->request->is_json;
    printf(
        is_json ? ",\"from\":\"%s\"" : "    pane from %s", at_text(pane->start_ns, from));
    if (pane->end_ns != INT64_MAX) {
        printf(is_json ? ",\"to\":\"%s\"" : " to %s", at_text(pane->end_ns, to));
    }
}

static void
on_pane(void *context, const weiri_held_pane *pane)
{
    dump               *self     = context;
    const weiri_window *window   = self->rule->query->window;
    bool                is_first = true;
    begin_line(self, "pane");
    print_span(self, pane);
    print_until(self, pane->until_ns);
    for (uint32_t i = 0; i < window->n_aggregates; i++) {
        weiri_aggregate_kind kind = window->aggregates[i].kind;
        if (kind != WEIRI_AGGREGATE_KEY && kind != WEIRI_AGGREGATE_START
            && kind != WEIRI_AGGREGATE_END) {
            print_value(self, is_first, self->registers[i], &pane->values[i]);
            is_first = false;
        }
    }
    puts(self->request->is_json ? "}}" : "");
}

static void
on_event(void *context, const weiri_held_event *event)
{
    dump                  *self  = context;
    const weiri_expr_names names = { .schema = self->rule->query->schema };
    char                   at[WEIRI_TIME_TEXT];
    begin_line(self, "row");
    printf(self->request->is_json ? ",\"time\":\"%s\"" : "    row %s",
        at_text(event->time_ns, at));
    print_until(self, event->until_ns);
    for (uint32_t i = 0; i < event->n; i++) {
        print_value(self, i == 0,
            weiri_expr_text(self->arena, event->arguments[i], &names), &event->values[i]);
    }
    puts(self->request->is_json ? "}}" : "");
}

/* ---- rows of joins and tables ---- */

/* The values of a row's key, joined by commas. */
static void
read_row_key(dump *self, const weiri_held_row *row)
{
    weir_value key[WEIRI_FIELDS];
    for (uint32_t i = 0; i < row->n_keys && i < WEIRI_FIELDS; i++) {
        key[i] = weir_chunk_get(row->chunk, row->row, i);
    }
    (void)on_key(self, key, row->n_keys);
}

static void
on_row(void *context, const weiri_held_row *row)
{
    dump              *self   = context;
    const weir_schema *schema = row->chunk->schema;
    char               at[WEIRI_TIME_TEXT];
    read_row_key(self, row);
    if (self->request->key != NULL && strcmp(self->request->key, self->key) != 0) {
        return;
    }
    begin_line(self, "row");
    if (self->request->is_json) {
        printf(",\"side\":\"%s\",\"time\":\"%s\"", row->is_right ? "right" : "left",
            at_text(row->time_ns, at));
        print_end_json(row->until_ns, row->is_awaited);
        fputs(",\"holds\":{", stdout);
    } else {
        printf("    row of the %s, %s", row->is_right ? "right" : "left",
            at_text(row->time_ns, at));
        print_end_text(row->until_ns, row->is_awaited ? "is given alone" : NULL);
    }
    for (uint32_t i = row->n_keys; i < schema->n_fields; i++) {
        weir_value value = weir_chunk_get(row->chunk, row->row, i);
        print_value(self, i == row->n_keys, schema->fields[i].name, &value);
    }
    puts(self->request->is_json ? "}}" : "");
}

/* ---- rules ---- */

static void
print_head(const dump *self, const weiri_rule_sight *sight, bool is_other)
{
    const weiri_rule *rule = self->rule;
    if (self->request->is_json) {
        fputs("{\"part\":\"rule\",\"rule\":", stdout);
        json_print_text(stdout, rule->name);
        printf(",\"keys\":%" PRIu64 ",\"held\":%" PRIu64 ",\"changed\":%s}\n",
            sight->n_keys, sight->n_held, is_other ? "true" : "false");
    } else if (is_other) {
        printf(
            "rule %s has changed since: what it held cannot be told with these rules\n",
            rule->name);
    } else {
        printf("rule %s%s: %" PRIu64 " key%s, %" PRIu64 " held\n", rule->name,
            rule->join != NULL ? " (its join)" : "", sight->n_keys,
            sight->n_keys == 1 ? "" : "s", sight->n_held);
    }
}

static bool
is_other_rule(const dump *self, const char *name)
{
    for (size_t i = 0; i < self->n_other; i++) {
        if (strcmp(self->other[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *const *
register_texts(const dump *self)
{
    const weiri_rule *rule = self->rule;
    if (rule->match != NULL) {
        return weiri_register_texts(self->names, rule->match);
    }
    return rule->query != NULL && rule->query->window != NULL
               ? weiri_aggregate_texts(self->names, rule->query)
               : NULL;
}

static weir_status
dump_rule(dump *self, const weiri_graph *graph, uint32_t index, weir_error *err)
{
    const weiri_inspector inspector = { .key = on_key,
        .held                                = on_held,
        .absence                             = on_absence,
        .given                               = on_given,
        .sized                               = on_sized,
        .pane                                = on_pane,
        .event                               = on_event,
        .row                                 = on_row,
        .is_enough                           = is_enough,
        .context                             = self };
    weiri_rule_sight      sight     = weiri_graph_rule(graph, index);
    bool                  is_whole  = true;
    self->rule                      = &self->plan->rules[index];
    bool is_other                   = is_other_rule(self, self->rule->name);
    self->n_told                    = 0;
    self->is_cut                    = false;
    print_head(self, &sight, is_other);
    if (is_other) {
        return WEIR_OK;
    }
    renew(&self->names);
    self->registers    = register_texts(self);
    weir_status status = weiri_graph_inspect(graph, index, &inspector, &is_whole, err);
    free(self->key);
    free(self->told_key);
    self->key      = NULL;
    self->told_key = NULL;
    if (!is_whole && !self->request->is_json) {
        puts("  kept for all partial matches together: not told one by one");
    }
    if (self->is_cut && self->request->is_json) {
        puts("{\"part\":\"cut\"}");
    } else if (self->is_cut) {
        puts("  ... and more: --limit, --rule or --key");
    }
    return status;
}

static void
note_other(void *context, const char *what, const char *name, weiri_kept kept)
{
    dump *self = context;
    if (strcmp(what, "rule") != 0 || kept != WEIRI_KEPT_OTHER) {
        return;
    }
    const char **grown = realloc(self->other, (self->n_other + 1) * sizeof *grown);
    if (grown != NULL) {
        self->other                  = grown;
        self->other[self->n_other++] = name;
    }
}

static weir_status
dump_rules(dump *self, const weiri_statedir *dir, weir_error *err)
{
    weiri_graph        *graph   = NULL;
    const weiri_restore restore = {
        .sections = &dir->sections, .is_trial = true, .told = note_other, .context = self
    };
    weir_status status = weiri_graph_new(self->plan, &graph, err);
    if (status == WEIR_OK) {
        status = weiri_graph_load(graph, &restore, err);
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->plan->n_rules && status == WEIR_OK; i++) {
        const char *name = self->plan->rules[i].name;
        size_t      size = strcspn(name, ",");
        if (self->request->rule == NULL
            || (strlen(self->request->rule) == size
                && strncmp(name, self->request->rule, size) == 0)) {
            status = dump_rule(self, graph, i, err);
            n++;
        }
    }
    weiri_graph_destroy(&graph);
    return status == WEIR_OK && n == 0 ? WEIR_FAIL(
               err, WEIR_EINVAL, "--rule %s: there is no such rule", self->request->rule)
                                       : status;
}

int
dump_state(const weiri_plan *plan, const char *path, const dump_request *request)
{
    weir_error     err    = { .status = WEIR_OK };
    weiri_statedir dir    = { 0 };
    dump           self   = { .plan = plan, .request = request };
    weir_status    status = weiri_statedir_read(path, &dir, &err);
    self.arena            = weiri_arena_new();
    self.names            = weiri_arena_new();
    if (status == WEIR_OK && dir.is_ended) {
        puts(request->is_json ? "{\"part\":\"end\"}"
                              : "all inputs were read to their ends: nothing is held");
    } else if (status == WEIR_OK) {
        status = dump_rules(&self, &dir, &err);
    }
    weiri_statedir_fini(&dir);
    weiri_arena_destroy(&self.arena);
    weiri_arena_destroy(&self.names);
    free(self.other);
    return report_failure(status, &err);
}
