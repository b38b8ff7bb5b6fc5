/* weir why: the story of a match, or of one that was expected. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "weiri/timetext.h"
#include "why.h"

static const char HELP[] =
    "Usage: weir why [OPTION]... FILE RULE\n"
    "\n"
    "Read the sources of a rule again and tell how a match came about, or why one did\n"
    "not: which event took which step, what ended the partial matches that came\n"
    "nearest, which events were late, and without which part of the rule it would have\n"
    "been a match. Of a rule that begins with `from`: which events were in the window,\n"
    "what its aggregates were, and which condition or limit held the result back.\n"
    "\n"
    "  --key KEY         of this key; values of several separated by commas\n"
    "  --at TIME         the match at this time, as in '2026-03-01T12:00:00Z'; of a\n"
    "                    query the result at it, or the window that it is in\n"
    "  --match N         the N-th match or result of the rule, from 1\n"
    "  --match ID        the one with this identity, which this verb tells\n"
    "  --match LINE      the one that made this line of JSON\n"
    "  --not             the one that was expected and did not come\n"
    "  --state DIR       read what a run with this state directory has read, from its\n"
    "                    journal; it may be at work\n"
    "  --from PATH       read the stream's events from PATH instead of its source\n"
    "  --from STREAM=PATH  the same where rules read several streams\n"
    "  --set NAME=VALUE  set a parameter of the rules\n"
    "  --message-format FORMAT  human, or json: one JSON object\n"
    "  --help            print this\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 65 wrong rules or data, 66 a file or that\n"
    "match is missing, 74 reading failed.\n";

enum {
    OPTION_KEY = 256,
    OPTION_AT,
    OPTION_MATCH,
    OPTION_NOT,
    OPTION_STATE,
    OPTION_FROM,
    OPTION_SET,
    OPTION_MESSAGES,
    OPTION_HELP,
    ID_DIGITS   = 16,
    HEXADECIMAL = 16
};

static const struct option OPTIONS[] = {
    { "key", required_argument, NULL, OPTION_KEY },
    { "at", required_argument, NULL, OPTION_AT },
    { "match", required_argument, NULL, OPTION_MATCH },
    { "not", no_argument, NULL, OPTION_NOT },
    { "state", required_argument, NULL, OPTION_STATE },
    { "from", required_argument, NULL, OPTION_FROM },
    { "set", required_argument, NULL, OPTION_SET },
    { "message-format", required_argument, NULL, OPTION_MESSAGES },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

/* ---- the engine's word ---- */

bool
why_agrees(const why_telling *self)
{
    uint32_t                  n_given   = 0;
    uint32_t                  n_outputs = 0;
    const weiri_read_match   *given     = weiri_reading_matches(self->replay, &n_given);
    const weiri_trace_output *outputs =
        weiri_trace_outputs(self->story.trace, &n_outputs);
    bool is_same = n_given == n_outputs;
    for (uint32_t i = 0; i < n_given && is_same; i++) {
        const weiri_trace_node *node =
            weiri_trace_node_at(self->story.trace, outputs[i].node);
        is_same = outputs[i].time_ns == given[i].time_ns
                  && outputs[i].is_timeout == given[i].is_timeout
                  && node->n_taken == given[i].n_taken
                  && self->gathered.orders[node->first] == given[i].taken[0].order
                  && self->gathered.orders[node->event]
                         == given[i].taken[given[i].n_taken - 1].order;
    }
    return is_same;
}

/* ---- a match ---- */

bool
why_is_wanted(const why_telling *self, const weiri_read_match *match)
{
    uint64_t          number = weiri_reading_number(self->replay);
    const weiri_goal *goal   = &self->request->goal;
    if (self->request->is_not || match->is_timeout) {
        return false;
    }
    return number > 0 ? match->number == number
                      : !goal->has_time || match->time_ns == goal->time_ns;
}

static void
tell_match(const why_telling *self, uint32_t output)
{
    uint32_t                  n_given = 0;
    uint32_t                  n       = 0;
    const weiri_read_match   *given   = weiri_reading_matches(self->replay, &n_given);
    const weiri_trace_output *outputs = weiri_trace_outputs(self->story.trace, &n);
    printf("match %" PRIu64 " at %s, id %s\n", given[output].number,
        time_text(&self->story, outputs[output].time_ns),
        why_id_text(self->story.arena, given[output].id));
    tell_taken(&self->story, outputs[output].node);
    printf("  made %s\n", given[output].line);
}

uint32_t
why_taken_away(const why_telling *self, uint32_t output)
{
    uint32_t               n    = 0;
    uint32_t               away = 0;
    const weiri_trace_end *ends = weiri_trace_ends(self->story.trace, &n);
    for (uint32_t i = 0; i < n; i++) {
        away += ends[i].cause == WEIRI_TRACE_SKIPPED && ends[i].output == output;
    }
    return away;
}

static void
tell_taken_away(const why_telling *self, uint32_t output)
{
    uint32_t away = why_taken_away(self, output);
    if (away > 0) {
        printf("  took away %u other%s under way for the key, as `skip` says\n", away,
            away == 1 ? "" : "s");
    }
}

/* ---- none ---- */

/* Alive at the time that is asked about. */
static bool
is_of_time(const why_telling *self, const weiri_trace_end *end)
{
    const weiri_goal       *goal = &self->request->goal;
    const weiri_trace_node *node = weiri_trace_node_at(self->story.trace, end->node);
    return !goal->has_time
           || (self->gathered.events[node->first].time_ns <= goal->time_ns
               && (end->cause == WEIRI_TRACE_END || end->time_ns >= goal->time_ns));
}

/* Whether all that a partial match took was taken by another too: it began later, and has
 * nothing to tell that the other has not. */
static bool
is_part_of(const weiri_trace *trace, uint32_t node, uint32_t other)
{
    while (weiri_trace_node_at(trace, node)->n_taken > 0) {
        const weiri_trace_node *at = weiri_trace_node_at(trace, node);
        const weiri_trace_node *of = weiri_trace_node_at(trace, other);
        if (of->n_taken == 0) {
            return false;
        }
        node  = at->event == of->event ? at->before : node;
        other = of->before;
    }
    return true;
}

/* Whether a match that was given took it away and holds all that it held. */
static bool
was_given(const weiri_trace *trace, const weiri_trace_end *end)
{
    uint32_t                  n       = 0;
    const weiri_trace_output *outputs = weiri_trace_outputs(trace, &n);
    return end->cause == WEIRI_TRACE_SKIPPED && end->output < n
           && is_part_of(trace, end->node, outputs[end->output].node);
}

uint32_t
why_pick_nearest(const why_telling *self, bool is_any_time, uint32_t *out)
{
    const weiri_trace     *trace   = self->story.trace;
    uint32_t               n_ends  = 0;
    uint32_t              *nearest = NULL;
    uint32_t               picked  = 0;
    const weiri_trace_end *ends    = weiri_trace_ends(trace, &n_ends);
    uint32_t               n = weiri_trace_nearest(trace, self->story.arena, &nearest);
    for (uint32_t i = 0; i < n && picked < WHY_NEAREST; i++) {
        const weiri_trace_end *end = &ends[nearest[i]];
        bool is_new = (is_any_time || is_of_time(self, end)) && !was_given(trace, end);
        for (uint32_t k = 0; k < picked; k++) {
            is_new = is_new && !is_part_of(trace, end->node, ends[out[k]].node);
        }
        if (is_new) {
            out[picked++] = nearest[i];
        }
    }
    return picked;
}

/* The nearest partial matches, those of the time that is asked about alone or all.
 * Returns how many were told of. */
static uint32_t
tell_nearest_of(const why_telling *self, bool is_any_time)
{
    uint32_t               n_ends = 0;
    uint32_t               nearest[WHY_NEAREST];
    const weiri_trace_end *ends = weiri_trace_ends(self->story.trace, &n_ends);
    uint32_t               n    = why_pick_nearest(self, is_any_time, nearest);
    for (uint32_t i = 0; i < n; i++) {
        const weiri_trace_end *end = &ends[nearest[i]];
        uint32_t taken = weiri_trace_node_at(self->story.trace, end->node)->n_taken;
        printf("%s: %u event%s taken\n",
            i == 0 ? "the nearest partial match" : "the next nearest", taken,
            taken == 1 ? "" : "s");
        tell_taken(&self->story, end->node);
        tell_end(&self->story, end, i == 0 ? WHY_OBSTACLES : 1);
    }
    return n;
}

static void
tell_nearest(const why_telling *self)
{
    uint32_t told = tell_nearest_of(self, false);
    uint32_t n    = 0;
    (void)weiri_trace_ends(self->story.trace, &n);
    if (n == 0) {
        tell_beginnings(&self->story, WHY_OBSTACLES);
    } else if (told == 0 && self->request->goal.has_time) {
        printf("no partial match was under way at that time\n");
        told = tell_nearest_of(self, true);
    }
    if (n > 0 && told == 0) {
        printf("every partial match is part of a match that was given\n");
    } else if (weiri_trace_has_nothing(self->story.trace)) {
        printf("nothing of the key is what a match could take: it has no event of the "
               "streams whose events the steps take\n");
    } else if (!tell_blame(&self->story, &self->request->goal)) {
        printf("no part of the rule was found without which it would be a match\n");
    }
}

/* ---- late events ---- */

static weiri_trace_event *
merged(const why_telling *self, const weiri_trace_event *lates, uint32_t n_lates)
{
    const weiri_gathered *all    = &self->gathered;
    weiri_trace_event    *events = weiri_arena_alloc(
           self->story.arena, (all->n + (size_t)n_lates + 1) * sizeof *events);
    for (uint32_t i = 0, k = 0; i < all->n || k < n_lates;) {
        bool is_late =
            i == all->n || (k < n_lates && lates[k].time_ns < all->events[i].time_ns);
        events[i + k] = is_late ? lates[k] : all->events[i];
        i += !is_late;
        k += is_late;
    }
    return events;
}

static bool
has_goal(const weiri_trace *trace, const weiri_trace *without, const weiri_goal *goal)
{
    uint32_t                  n        = 0;
    uint32_t                  n_before = 0;
    const weiri_trace_output *outputs  = weiri_trace_outputs(trace, &n);
    (void)weiri_trace_outputs(without, &n_before);
    for (uint32_t i = 0; i < n; i++) {
        if (!outputs[i].is_timeout && goal->has_time
            && outputs[i].time_ns == goal->time_ns) {
            return true;
        }
    }
    return !goal->has_time && n > n_before;
}

bool
why_lates_matter(const why_telling *self)
{
    uint32_t                 n       = 0;
    const weiri_trace_event *lates   = weiri_reading_lates(self->replay, &n);
    weiri_trace             *changed = NULL;
    weir_error               err     = { 0 };
    if (n == 0) {
        return false;
    }
    weir_status status = weiri_trace_new(self->rule->match, merged(self, lates, n),
        self->gathered.n + n, weiri_reading_end(self->replay), &changed, &err);
    bool        matter =
        status == WEIR_OK && has_goal(changed, self->story.trace, &self->request->goal);
    weiri_trace_destroy(&changed);
    return matter;
}

/* Late events, and whether they would have made the difference. */
static void
tell_lates(const why_telling *self, bool is_missing)
{
    uint32_t                 n     = 0;
    const weiri_trace_event *lates = weiri_reading_lates(self->replay, &n);
    for (uint32_t i = 0; i < n && i < WHY_OBSTACLES; i++) {
        printf("late and not seen: %s  %s\n", time_text(&self->story, lates[i].time_ns),
            event_text(&self->story, &lates[i]));
    }
    if (is_missing && why_lates_matter(self)) {
        printf("it would be a match with %s in %s place: the source's `lateness` is too "
               "short\n",
            n == 1 ? "the late event" : "the late events", n == 1 ? "its" : "their");
    }
}

/* ---- the story ---- */

static void
tell_head(const why_telling *self)
{
    const weiri_gathered *all = &self->gathered;
    printf("rule %s", self->rule->name);
    if (self->rule->match->n_keys > 0) {
        printf(", key %s", all->key);
    }
    printf(": %u event%s", all->n, all->n == 1 ? "" : "s");
    if (all->n > 0) {
        printf(", %s to %s", time_text(&self->story, all->events[0].time_ns),
            time_text(&self->story, all->events[all->n - 1].time_ns));
    }
    putchar('\n');
}

static void
tell(const why_telling *self)
{
    uint32_t                n     = 0;
    uint32_t                told  = 0;
    const weiri_read_match *given = weiri_reading_matches(self->replay, &n);
    tell_head(self);
    if (!why_agrees(self)) {
        printf("a bound was reached: what follows is told as if there were none, and the "
               "engine gave %u match%s\n",
            n, n == 1 ? "" : "es");
    }
    for (uint32_t i = 0; i < n && why_agrees(self); i++) {
        if (why_is_wanted(self, &given[i])) {
            tell_match(self, i);
            tell_taken_away(self, i);
            told++;
        }
    }
    if (told == 0) {
        printf("no %smatch%s%s\n", self->request->is_not && n > 0 ? "other " : "",
            self->request->goal.has_time ? " at " : "",
            self->request->goal.has_time
                ? time_text(&self->story, self->request->goal.time_ns)
                : "");
        if (self->gathered.n == 0) {
            printf("no event has this key\n");
        } else {
            tell_nearest(self);
        }
    }
    tell_lates(self, told == 0);
}

static weir_status
tell_match_rule(why_telling *self, weir_error *err)
{
    weir_status status = weiri_trace_new(self->rule->match, self->gathered.events,
        self->gathered.n, weiri_reading_end(self->replay), &self->story.trace, err);
    if (status == WEIR_OK && self->request->settings.messages == MESSAGES_JSON) {
        status = why_match_as_json(self, err);
    } else if (status == WEIR_OK) {
        tell(self);
    }
    weiri_trace_destroy(&self->story.trace);
    return status;
}

static int
tell_replay(const weiri_plan *plan, const why_request *request, weiri_reading *replay)
{
    const weiri_rule *rule = &plan->rules[request->replay.rule];
    why_telling       self = {
              .plan = plan, .rule = rule, .request = request, .replay = replay
    };
    weir_error err = { 0 };
    self.gathered  = weiri_reading_events(replay);
    self.story     = (story){ .arena = weiri_arena_new(),
            .plan                    = rule->match,
            .events                  = self.gathered.events,
            .lead                    = "",
            .file                    = stdout };
    weir_status status =
        rule->match != NULL ? tell_match_rule(&self, &err) : why_query(&self, &err);
    weiri_arena_destroy(&self.story.arena);
    return report_failure(status, &err);
}

/* How many values the key of a rule has. */
static uint32_t
n_keys_of(const weiri_rule *rule)
{
    const weiri_query *query = rule->query;
    return rule->match != NULL                      ? rule->match->n_keys
           : query != NULL && query->window != NULL ? query->window->n_keys
                                                    : 0;
}

static void
tell_begin(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "weir why: %s\n", text);
}

static int
why(const weiri_plan *plan, const char *name, why_request *request)
{
    weir_error     err    = { 0 };
    weiri_reading *replay = NULL;
    uint32_t       rule   = 0;
    while (rule < plan->n_rules
           && (plan->rules[rule].is_made || strcmp(plan->rules[rule].name, name) != 0)) {
        rule++;
    }
    if (rule == plan->n_rules) {
        return report_usage("why", "no rule is called '%s'", name);
    }
    uint32_t n_keys   = n_keys_of(&plan->rules[rule]);
    bool     is_match = request->replay.number > 0 || request->replay.line != NULL
                    || request->replay.id != 0;
    if (n_keys == 0 && !is_match) {
        request->replay.key = "";
    }
    if (request->replay.key == NULL && !is_match) {
        return report_usage(
            "why", "say which key, with --key, or which match, with --match");
    }
    request->replay.rule        = rule;
    request->replay.redirects   = request->redirects.items;
    request->replay.n_redirects = request->redirects.n;
    request->replay.told        = tell_begin;
    weir_status status = weiri_reading_new(plan, &request->replay, &replay, &err);
    int         exit   = status == WEIR_OK ? tell_replay(plan, request, replay)
                                           : report_failure(status, &err);
    weiri_reading_destroy(&replay);
    return exit;
}

/* ---- arguments ---- */

static int
take_match(why_request *request, const char *text)
{
    char *end = NULL;
    if (text[0] == '{') {
        request->replay.line = text;
        return EXIT_OK;
    }
    if (strlen(text) == ID_DIGITS && strspn(text, "0123456789abcdef") == ID_DIGITS) {
        request->replay.id = strtoull(text, NULL, HEXADECIMAL);
        return EXIT_OK;
    }
    request->replay.number = strtoull(text, &end, 10);
    return request->replay.number > 0 && *end == '\0'
               ? EXIT_OK
               : report_usage("why",
                   "--match wants a number from 1, an identity of %d digits or a line of "
                   "JSON, not '%s'",
                   (int)ID_DIGITS, text);
}

static int
take_time(why_request *request, const char *text)
{
    request->goal.has_time = weiri_time_parse(text, strlen(text), &request->goal.time_ns);
    return request->goal.has_time
               ? EXIT_OK
               : report_usage(
                   "why", "--at wants a time like 2026-03-01T12:00:00Z, not '%s'", text);
}

static int
take_option(why_request *request, int option, char **argv)
{
    switch (option) {
    case OPTION_KEY: request->replay.key = optarg; return EXIT_OK;
    case OPTION_AT: return take_time(request, optarg);
    case OPTION_MATCH: return take_match(request, optarg);
    case OPTION_NOT: request->is_not = true; return EXIT_OK;
    case OPTION_STATE: request->replay.state = optarg; return EXIT_OK;
    case OPTION_FROM:
        return redirect_list_add(&request->redirects, optarg) ? EXIT_OK : EXIT_BUG;
    case OPTION_SET:
        return setting_list_add(&request->settings, "why", optarg) ? EXIT_OK : EXIT_USAGE;
    case OPTION_MESSAGES:
        if (strcmp(optarg, "human") != 0 && strcmp(optarg, "json") != 0) {
            return report_usage(
                "why", "--message-format wants human or json, not '%s'", optarg);
        }
        return message_format_parse(&request->settings.messages, "why", optarg)
                   ? EXIT_OK
                   : EXIT_USAGE;
    case OPTION_HELP: request->help = true; return EXIT_OK;
    default: return report_option("why", option, argv);
    }
}

int
command_why(int argc, char **argv)
{
    why_request request = { 0 };
    weiri_plan *plan    = NULL;
    int         option;
    int         status = EXIT_OK;
    while (status == EXIT_OK && !request.help
           && (option = next_option(argc, argv, OPTIONS)) != -1) {
        status = take_option(&request, option, argv);
    }
    if (status == EXIT_OK && request.help) {
        fputs(HELP, stdout);
    } else if (status == EXIT_OK && optind + 2 != argc) {
        status = report_usage("why", "one rule file and one rule wanted");
    } else if (status == EXIT_OK) {
        status = compile_rules(argv + optind, 1, &request.settings, true, &plan);
        if (status == EXIT_OK) {
            status = why(plan, argv[optind + 1], &request);
        }
    }
    weiri_plan_destroy(&plan);
    setting_list_fini(&request.settings);
    redirect_list_fini(&request.redirects);
    return status;
}
