/* weir explain: what rules mean, how they are run, and what they keep. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "draw.h"
#include "jsontext.h"
#include "weiri/exprtext.h"
#include "weiri/graph.h"
#include "words.h"

static const char HELP[] =
    "Usage: weir explain [OPTION]... FILE [RULE]\n"
    "\n"
    "Say what a rule means, how it will be run and why, what it keeps in memory, and\n"
    "when it fires. Without RULE all rules are explained. Nothing is run.\n"
    "\n"
    "  --draw FORM       draw the pattern alone: text, dot (Graphviz) or svg\n"
    "  --format FORMAT   text or json\n"
    "  --set NAME=VALUE  set a parameter of the rules\n"
    "  --help            print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 65 the rules are wrong, 66 a file is\n"
    "missing.\n";

enum { WIDTH = 80, INDENT = 2, COLUMN = 13 };

enum { OPTION_DRAW = 256, OPTION_FORMAT, OPTION_SET, OPTION_HELP };

static const struct option OPTIONS[] = {
    { "draw", required_argument, NULL, OPTION_DRAW },
    { "format", required_argument, NULL, OPTION_FORMAT },
    { "set", required_argument, NULL, OPTION_SET },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

struct request {
    setting_list settings;
    const char  *draw; /* NULL: the whole explanation */
    bool         is_json;
    bool         help;
};

/* ---- what is known of a rule ---- */

/* A condition that other rules of the stream have, too. */
struct shared {
    const char *text;
    const char *rules; /* "a, b" */
};

struct explained {
    weiri_arena       *arena;
    const weiri_plan  *plan;
    const weiri_rule  *rule;
    const char        *meaning;
    const char        *timing;
    weiri_match_facts  match;  /* of a rule that matches      */
    weiri_window_facts window; /* of a query that has one     */
    weiri_drawing      drawing;
    const char        *undrawn; /* why there is none; NULL: there is */
    struct shared     *shared;
    uint32_t           n_shared;
    bool               is_gated;
    const weiri_join **joins; /* that are made before the rule, in their order */
    uint32_t           n_joins;
    const weiri_query *fill; /* likewise; NULL: none */
};

/* The terms that a rule asks of a stream's events alone, as texts. */
struct terms {
    const char **items;
    uint32_t     n;
};

static void
add_terms(weiri_arena *arena, struct terms *to, const weiri_expr *expr,
    const weir_schema *schema)
{
    const weiri_expr_names names = { .schema = schema };
    const weiri_expr     **terms = NULL;
    uint32_t               n     = weiri_expr_terms(arena, expr, &terms);
    for (uint32_t i = 0; i < n; i++) {
        const char *text     = weiri_expr_text(arena, terms[i], &names);
        bool        is_known = false;
        for (uint32_t k = 0; k < to->n; k++) {
            is_known = is_known || strcmp(to->items[k], text) == 0;
        }
        if (!is_known) {
            WEIRI_ARENA_PUSH(arena, to->items, to->n, text);
        }
    }
}

static struct terms
terms_of(weiri_arena *arena, const weiri_rule *rule, uint32_t stream)
{
    struct terms       terms = { .n = 0 };
    const weiri_match *match = rule->match;
    if (match == NULL) {
        if (rule->query != NULL && rule->query->stream == stream) {
            add_terms(arena, &terms, rule->query->where, rule->query->schema);
        }
        return terms;
    }
    for (uint32_t s = 0; s < match->n_steps; s++) {
        const weiri_match_input *input = &match->inputs[match->steps[s].input];
        if (input->stream == stream) {
            add_terms(arena, &terms, match->steps[s].where.unary, input->schema);
        }
    }
    return terms;
}

static bool
has_term(const struct terms *terms, const char *text)
{
    for (uint32_t i = 0; i < terms->n; i++) {
        if (strcmp(terms->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void
find_shared(struct explained *self, uint32_t stream)
{
    weiri_arena *arena = self->arena;
    struct terms mine  = terms_of(arena, self->rule, stream);
    for (uint32_t i = 0; i < mine.n; i++) {
        const char *rules = "";
        for (uint32_t r = 0; r < self->plan->n_rules; r++) {
            const weiri_rule *other  = &self->plan->rules[r];
            struct terms      theirs = terms_of(arena, other, stream);
            if (other != self->rule && !other->is_made
                && has_term(&theirs, mine.items[i])) {
                rules = weiri_arena_format(
                    arena, "%s%s%s", rules, rules[0] != '\0' ? ", " : "", other->name);
            }
        }
        struct shared shared = { .text = mine.items[i], .rules = rules };
        if (rules[0] != '\0') {
            WEIRI_ARENA_PUSH(arena, self->shared, self->n_shared, shared);
        }
    }
}

static weir_status
explain_match(struct explained *self, weir_error *err)
{
    const weiri_match *match = self->rule->match;
    weir_status status       = weiri_explain_match(self->arena, match, &self->match, err);
    if (status != WEIR_OK) {
        return status;
    }
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        find_shared(self, match->inputs[i].stream);
    }
    status = weiri_explain_drawing(self->arena, match, &self->drawing, err);
    if (status == WEIR_EFULL) {
        self->undrawn = weiri_arena_text(self->arena, err->text, strlen(err->text));
        status        = WEIR_OK;
    }
    return status;
}

static weir_status
explain(struct explained *self, const weiri_graph *graph, weir_error *err)
{
    self->meaning = words_of_rule(self->arena, self->plan, self->rule);
    self->timing  = words_of_time(self->arena, self->plan, self->rule);
    self->is_gated =
        weiri_graph_is_gated(graph, (uint32_t)(self->rule - self->plan->rules));
    self->n_joins = joins_of(self->arena, self->plan, self->rule, &self->joins);
    self->fill    = fill_before(self->plan, self->rule);
    if (self->rule->match != NULL) {
        return explain_match(self, err);
    }
    find_shared(self, self->rule->query->stream);
    return self->rule->query->window == NULL
               ? WEIR_OK
               : weiri_explain_window(self->arena, self->rule->query, &self->window, err);
}

/* ---- as text ---- */

static void
tell(const char *head, const char *text)
{
    printf("%*s%-*s", INDENT, "", COLUMN - INDENT, head);
    print_wrapped(text, COLUMN, COLUMN, WIDTH, stdout);
    putchar('\n');
}

static void
tell_match(const struct explained *self)
{
    const weiri_match_facts *facts = &self->match;
    weiri_arena             *arena = self->arena;
    if (self->undrawn != NULL) {
        tell("pattern", self->undrawn);
    } else {
        printf("%*spattern\n", INDENT, "");
        draw_text(&self->drawing, COLUMN - 2, WIDTH, stdout);
    }
    tell(
        "executor", weiri_arena_format(arena, "%s: %s", facts->executor, facts->because));
    for (uint32_t i = 0; i < facts->n_refusals; i++) {
        tell("", words_of_refusal(arena, self->rule->match, &facts->refusals[i]));
    }
    tell("state", words_of_growth(arena, &facts->state));
    for (uint32_t i = 0; i < facts->n_conditions; i++) {
        const weiri_condition_fact *c = &facts->conditions[i];
        tell(i == 0 ? "conditions" : "", weiri_arena_format(arena, "%s: %s: %s", c->step,
                                             c->text, words_of_evaluation(c->kind)));
    }
}

static void
tell_window(const struct explained *self)
{
    const weiri_window_facts *facts = &self->window;
    weiri_arena              *arena = self->arena;
    tell("window", weiri_arena_format(arena, "%s: %s", facts->way, facts->because));
    for (uint32_t i = 0; i < facts->n_aggregates; i++) {
        tell(i == 0 ? "aggregates" : "",
            weiri_arena_format(
                arena, "%s: %s", facts->aggregates[i].text, facts->aggregates[i].way));
    }
    tell("state", words_of_growth(arena, &facts->state));
}

static void
tell_joins(const struct explained *self)
{
    for (uint32_t i = 0; i < self->n_joins; i++) {
        const weiri_join *join = self->joins[i];
        tell(words_join_is_lookup(self->plan, join) ? "looks up" : "joins",
            words_of_join(self->arena, self->plan, join));
        tell("keeps", words_of_join_state(self->arena, self->plan, join));
    }
}

static void
tell_fill(const struct explained *self)
{
    if (self->fill != NULL) {
        tell("fills", words_of_fill(self->arena, self->plan, self->fill));
        tell("keeps", words_of_fill_state(self->arena, self->fill));
    }
}

static void
tell_shared(const struct explained *self)
{
    for (uint32_t i = 0; i < self->n_shared; i++) {
        tell(i == 0 ? "shared" : "", weiri_arena_format(self->arena, "%s: also in %s",
                                         self->shared[i].text, self->shared[i].rules));
    }
    if (self->is_gated) {
        tell(self->n_shared == 0 ? "shared" : "",
            "the events that cannot matter to it are left out by one look-up for all "
            "rules of the stream");
    }
}

static void
tell_rule(const struct explained *self)
{
    const weiri_rule *rule = self->rule;
    printf("rule %s", rule->name);
    if (rule->title != NULL) {
        printf(" \"%s\"", rule->title);
    }
    putchar('\n');
    tell("means", self->meaning);
    tell_joins(self);
    tell_fill(self);
    if (rule->match != NULL) {
        tell_match(self);
    } else if (rule->query->actor != NULL) {
        tell("state", rule->query->actor->actor->state_new == NULL
                          ? "None: the plugin is given a chunk of events at a time."
                          : "What the plugin keeps, of at most 1,048,576 keys.");
    } else if (rule->query->window != NULL) {
        tell_window(self);
    } else if (self->n_joins == 0 && self->fill == NULL) {
        tell("state", "None: each event is looked at by itself, over columns, a chunk of "
                      "events at a time.");
    }
    tell_shared(self);
    tell("time", self->timing);
}

/* ---- as JSON ---- */

static void
json_state(json_writer *json, const weiri_state_size *state)
{
    static const char *const GROWTHS[] = { "constant", "next_event", "events_in_span",
        "rows", "endless" };
    json_open(json, "state", '{');
    json_int(json, "bytes_per_key", state->key_bytes);
    json_text(json, "unit", state->unit);
    json_int(json, "bytes_per_unit", state->unit_bytes);
    json_int(json, "bytes_per_taken_event", state->taken_bytes);
    json_text(json, "growth", GROWTHS[state->growth]);
    if (state->growth == WEIRI_GROWTH_WITHIN) {
        json_int(json, "span_ns", state->span_ns);
    }
    if (state->growth >= WEIRI_GROWTH_WITHIN) {
        json_int(json, "most_units", state->rows);
    }
    json_close(json, '}');
}

static void
json_executor(json_writer *json, const struct explained *self)
{
    const weiri_match_facts *facts = &self->match;
    json_open(json, "executor", '{');
    json_text(json, "name", facts->executor);
    json_text(json, "because", facts->because);
    json_open(json, "refused", '[');
    for (uint32_t i = 0; i < facts->n_refusals; i++) {
        const weiri_refusal *refusal = &facts->refusals[i];
        json_open(json, NULL, '{');
        json_text(json, "name", refusal->executor);
        json_open(json, "because_of", '[');
        for (uint32_t k = 0; k < refusal->n; k++) {
            json_text(json, NULL,
                weiri_edit_text(self->arena, self->rule->match, &refusal->because[k]));
        }
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void
json_automaton(json_writer *json, const weiri_drawing *drawing)
{
    json_open(json, "automaton", '{');
    json_open(json, "states", '[');
    for (uint32_t i = 0; i < drawing->n_states; i++) {
        const weiri_drawn_state *state = &drawing->states[i];
        json_open(json, NULL, '{');
        json_int(json, "number", state->number);
        json_text(json, "label", state->label);
        json_bool(json, "is_begin", state->is_begin);
        json_bool(json, "is_match", state->is_match);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "arcs", '[');
    for (uint32_t i = 0; i < drawing->n_arcs; i++) {
        const weiri_drawn_arc *arc = &drawing->arcs[i];
        json_open(json, NULL, '{');
        json_int(json, "from", arc->from);
        json_int(json, "to", arc->to);
        json_text(json, "label", arc->label);
        json_bool(json, "takes", !arc->is_pass);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void
json_match(json_writer *json, const struct explained *self)
{
    static const char *const KINDS[] = { "column", "lookup", "row" };
    json_executor(json, self);
    json_state(json, &self->match.state);
    json_open(json, "conditions", '[');
    for (uint32_t i = 0; i < self->match.n_conditions; i++) {
        const weiri_condition_fact *c = &self->match.conditions[i];
        json_open(json, NULL, '{');
        json_text(json, "step", c->step);
        json_text(json, "condition", c->text);
        json_text(json, "evaluated_by", KINDS[c->kind]);
        json_close(json, '}');
    }
    json_close(json, ']');
    if (self->undrawn == NULL) {
        json_automaton(json, &self->drawing);
    }
}

static void
json_window(json_writer *json, const struct explained *self)
{
    json_open(json, "window", '{');
    json_text(json, "way", self->window.way);
    json_text(json, "because", self->window.because);
    json_open(json, "aggregates", '[');
    for (uint32_t i = 0; i < self->window.n_aggregates; i++) {
        json_open(json, NULL, '{');
        json_text(json, "aggregate", self->window.aggregates[i].text);
        json_text(json, "way", self->window.aggregates[i].way);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
    json_state(json, &self->window.state);
}

static void
json_sources(json_writer *json, const struct explained *self)
{
    uint32_t *sources = NULL;
    uint32_t  n       = sources_of(self->arena, self->plan, self->rule, &sources);
    json_open(json, "sources", '[');
    for (uint32_t i = 0; i < n; i++) {
        const weiri_source *source = &self->plan->sources[sources[i]];
        json_open(json, NULL, '{');
        json_text(json, "stream", self->plan->streams[source->stream].schema.name);
        json_int(json, "lateness_ns", source->lateness_ns);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void
json_joins(json_writer *json, const struct explained *self)
{
    json_open(json, "joins", '[');
    for (uint32_t i = 0; i < self->n_joins; i++) {
        const weiri_join *join = self->joins[i];
        json_open(json, NULL, '{');
        json_text(json, "kind",
            words_join_is_lookup(self->plan, join) ? "lookup"
            : join->kind == WEIRI_JOIN_ASOF        ? "asof"
                                                   : "interval");
        json_text(json, "left",
            words_of_stream(self->arena, self->plan, join->sides[0].stream));
        json_text(json, "right",
            words_of_stream(self->arena, self->plan, join->sides[1].stream));
        json_bool(json, "is_left", join->is_left);
        json_text(json, "means", words_of_join(self->arena, self->plan, join));
        json_text(json, "keeps", words_of_join_state(self->arena, self->plan, join));
        json_int(json, "bytes_per_left_row", weiri_join_row_bytes(join, 0));
        json_int(json, "bytes_per_right_row", weiri_join_row_bytes(join, 1));
        json_int(json, "within_ns", join->within_ns);
        json_int(
            json, "most_rows", join->max_rows > 0 ? join->max_rows : WEIRI_JOIN_ROWS);
        json_text(json, "when_full", join->stops_when_full ? "stop" : "drop oldest");
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void
json_fill(json_writer *json, const struct explained *self)
{
    if (self->fill == NULL) {
        return;
    }
    json_open(json, "fill", '{');
    json_text(json, "means", words_of_fill(self->arena, self->plan, self->fill));
    json_text(json, "keeps", words_of_fill_state(self->arena, self->fill));
    json_int(json, "within_ns", self->fill->window->width_ns);
    json_int(json, "most_rows", WEIRI_WINDOW_ROWS);
    json_text(json, "when_full", "give oldest");
    json_close(json, '}');
}

static void
json_rule(json_writer *json, const struct explained *self)
{
    json_open(json, NULL, '{');
    json_text(json, "rule", self->rule->name);
    json_text(json, "title", self->rule->title);
    json_text(json, "means", self->meaning);
    json_joins(json, self);
    json_fill(json, self);
    if (self->rule->match != NULL) {
        json_match(json, self);
    } else if (self->rule->query->window != NULL) {
        json_window(json, self);
    }
    json_open(json, "shared", '[');
    for (uint32_t i = 0; i < self->n_shared; i++) {
        json_open(json, NULL, '{');
        json_text(json, "condition", self->shared[i].text);
        json_text(json, "rules", self->shared[i].rules);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_bool(json, "is_gated", self->is_gated);
    json_text(json, "time", self->timing);
    json_sources(json, self);
    json_close(json, '}');
}

/* ---- the command ---- */

static int
draw(const struct explained *self, const char *form)
{
    if (self->rule->match == NULL) {
        return report_usage("explain", "rule '%s' is a query: it has no pattern to draw",
            self->rule->name);
    }
    if (self->undrawn != NULL) {
        return report_usage("explain", "rule '%s': %s", self->rule->name, self->undrawn);
    }
    if (strcmp(form, "text") == 0) {
        draw_text(&self->drawing, 0, WIDTH, stdout);
    } else if (strcmp(form, "dot") == 0) {
        draw_dot(&self->drawing, self->rule->name, stdout);
    } else {
        draw_svg(self->arena, &self->drawing, self->rule->name, stdout);
    }
    return EXIT_OK;
}

static int
explain_one(const weiri_plan *plan, const weiri_rule *rule, const weiri_graph *graph,
    const struct request *request, json_writer *json)
{
    struct explained self   = { .arena = weiri_arena_new(), .plan = plan, .rule = rule };
    weir_error       err    = { 0 };
    weir_status      status = explain(&self, graph, &err);
    int              exit   = EXIT_OK;
    if (status != WEIR_OK) {
        exit = report_failure(status, &err);
    } else if (request->draw != NULL) {
        exit = draw(&self, request->draw);
    } else if (request->is_json) {
        json_rule(json, &self);
    } else {
        tell_rule(&self);
    }
    weiri_arena_destroy(&self.arena);
    return exit;
}

static bool
is_asked_for(const weiri_rule *rule, const char *name, bool is_drawn)
{
    return !rule->is_made
           && (name != NULL ? strcmp(rule->name, name) == 0
                            : !is_drawn || rule->match != NULL);
}

static int
explain_rules(const weiri_plan *plan, const char *name, const struct request *request)
{
    weir_error   err    = { 0 };
    weiri_graph *graph  = NULL;
    json_writer  json   = { .file = stdout };
    weir_status  status = weiri_graph_new(plan, &graph, &err);
    if (status != WEIR_OK) {
        return report_failure(status, &err);
    }
    int      exit = EXIT_OK;
    uint32_t n    = 0;
    if (request->is_json) {
        json_open(&json, NULL, '[');
    }
    for (uint32_t i = 0; i < plan->n_rules && exit == EXIT_OK; i++) {
        if (is_asked_for(&plan->rules[i], name, request->draw != NULL)) {
            if (n++ > 0 && !request->is_json) {
                putchar('\n');
            }
            exit = explain_one(plan, &plan->rules[i], graph, request, &json);
        }
    }
    if (request->is_json) {
        json_close(&json, ']');
    }
    weiri_graph_destroy(&graph);
    return exit != EXIT_OK || n > 0 || name == NULL
               ? exit
               : report_usage("explain", "no rule is called '%s'", name);
}

static bool
is_draw_form(const char *text)
{
    return strcmp(text, "text") == 0 || strcmp(text, "dot") == 0
           || strcmp(text, "svg") == 0;
}

static int
take_option(struct request *request, int option, char **argv)
{
    switch (option) {
    case OPTION_DRAW:
        request->draw = optarg;
        return is_draw_form(optarg)
                   ? EXIT_OK
                   : report_usage(
                       "explain", "--draw wants text, dot or svg, not '%s'", optarg);
    case OPTION_FORMAT:
        request->is_json = strcmp(optarg, "json") == 0;
        return request->is_json || strcmp(optarg, "text") == 0
                   ? EXIT_OK
                   : report_usage(
                       "explain", "--format wants text or json, not '%s'", optarg);
    case OPTION_SET:
        return setting_list_add(&request->settings, "explain", optarg) ? EXIT_OK
                                                                       : EXIT_USAGE;
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("explain", option, argv);
    }
}

int
command_explain(int argc, char **argv)
{
    struct request request = { 0 };
    weiri_plan    *plan    = NULL;
    int            option;
    int            status = EXIT_OK;
    while (status == EXIT_OK && !request.help
           && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(&request, option, argv);
    }
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK && (optind == argc || optind + 2 < argc)) {
        status = report_usage("explain", "one rule file wanted, and perhaps a rule");
    } else if (status == EXIT_OK) {
        status = compile_rules(argv + optind, 1, &request.settings, true, &plan);
        if (status == EXIT_OK) {
            status = explain_rules(
                plan, optind + 1 < argc ? argv[optind + 1] : NULL, &request);
        }
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&request.settings);
    return status;
}
