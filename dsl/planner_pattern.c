/* The pattern of a match: its tree, its steps, their conditions. */
#include "planner_match.h"

#include <string.h>

enum {
    PATTERN_STATES = 10000, /* steps that a pattern may unfold to   */
    ALL_OF_ITEMS   = 8      /* of `and`: each set of them is a state */
};

static weiri_pattern *
convert(weiri_matching *self, const weiri_ast_pattern *ast, uint32_t parent,
    uint32_t position);

static void
report(weiri_matching *self, weiri_code code, weiri_span at, const char *text)
{
    weiri_report(self->planner->diagnostics, code, at, "%s", text);
    self->is_broken = true;
}

static void
hint(weiri_matching *self, const char *text)
{
    weiri_report_hint(self->planner->diagnostics, "%s", text);
}

static bool
is_not(const weiri_ast_pattern *ast)
{
    return ast->not_at.size > 0;
}

static bool
is_quantified(const weiri_ast_pattern *ast)
{
    return ast->quantifier.at.size > 0;
}

/* ---- quantifiers ---- */

static uint32_t
bound_of(weiri_matching *self, const weiri_ast_expr *node)
{
    const weir_value *value =
        weiri_constant(self->planner, node, WEIR_INT, "a number of repetitions");
    if (value == NULL) {
        self->is_broken = true;
        return 1;
    }
    if (value->as.i < 0 || value->as.i > PATTERN_STATES) {
        weiri_report(self->planner->diagnostics, WEIRI_E_BAD_QUANTIFIER, node->at,
            "a number of repetitions is from 0 to %d", PATTERN_STATES);
        self->is_broken = true;
        return 1;
    }
    return (uint32_t)value->as.i;
}

static void
set_bounds(weiri_matching *self, const weiri_ast_quantifier *ast, weiri_pattern *out)
{
    switch (ast->sign) {
    case WEIRI_TOKEN_PLUS: out->max = WEIRI_UNBOUNDED; break;
    case WEIRI_TOKEN_STAR:
        out->min = 0;
        out->max = WEIRI_UNBOUNDED;
        break;
    case WEIRI_TOKEN_QUESTION: out->min = 0; break;
    default:
        out->min = ast->min == NULL ? 0 : bound_of(self, ast->min);
        out->max = ast->max == NULL ? WEIRI_UNBOUNDED : bound_of(self, ast->max);
        break;
    }
    if (out->max == 0 || out->min > out->max) {
        report(self, WEIRI_E_BAD_QUANTIFIER, ast->at,
            out->max == 0
                ? "no repetition at all: the step can be left out of the pattern"
                : "at least more than at most");
        out->min = out->max = 1;
    }
}

static void
set_quantifier(weiri_matching *self, const weiri_ast_pattern *ast, weiri_pattern *out)
{
    const weiri_ast_quantifier *from = &ast->quantifier;
    out->min = out->max = 1;
    if (from->at.size > 0) {
        set_bounds(self, from, out);
    }
    out->inner      = from->inner == WEIRI_WORD_NEXT  ? WEIRI_INNER_NEXT
                      : from->inner == WEIRI_WORD_ANY ? WEIRI_INNER_ANY
                                                      : WEIRI_INNER_RELAXED;
    out->preference = from->preference == WEIRI_WORD_GREEDY ? WEIRI_PREFER_GREEDY
                      : from->preference == WEIRI_WORD_LAZY ? WEIRI_PREFER_LAZY
                                                            : WEIRI_PREFER_BOTH;
    if (from->until != NULL && out->max == 1 && !self->is_broken) {
        report(self, WEIRI_E_UNTIL_NOT_REPEATED, from->until_at,
            "'until' ends a repetition, and nothing repeats here");
        hint(self, "add a quantifier before it, as in a+ until (...)");
    }
    if (from->preference != WEIRI_WORD_OTHER && out->min == out->max) {
        report(self, WEIRI_E_UNTIL_NOT_REPEATED, from->preference_at,
            "'greedy' and 'lazy' choose how often, and here that is fixed");
    }
    self->elements[self->n_elements - 1].min = out->min;
    self->elements[self->n_elements - 1].max = out->max;
}

/* ---- what may stand where ---- */

static void
check_not(weiri_matching *self, const weiri_ast_pattern *ast)
{
    if (!is_not(ast)) {
        return;
    }
    if (ast->kind != WEIRI_AST_STEP) {
        report(self, WEIRI_E_NOT_BEFORE_GROUP, ast->not_at,
            "'not' stands before a step, not before a group");
    } else if (is_quantified(ast)) {
        report(self, WEIRI_E_NOT_QUANTIFIED, ast->quantifier.at,
            "a step with 'not' is not repeated");
    } else if (ast->arrow == WEIRI_TOKEN_FOLLOWED_ANY) {
        report(self, WEIRI_E_NOT_AFTER_ANY, ast->not_at, "'not' cannot follow '->>'");
        hint(self, "write '-> not'");
    }
}

/* `-> not` directly before `=> not`, or before one that closes the pattern, does not
 * reach over it: only repetitions before it are held to it. */
static bool
is_overtaken(const weiri_ast_pattern *ast, uint32_t i, bool is_whole)
{
    uint32_t next = i + 1;
    for (; next < ast->n_items && is_not(ast->items[next]); next++) {
        if (ast->items[next]->arrow == WEIRI_TOKEN_NEXT) {
            return true;
        }
    }
    return is_whole && next == ast->n_items && next > i + 1;
}

static void
warn_overtaken(weiri_matching *self, const weiri_ast_pattern *ast, uint32_t i,
    const weiri_pattern *before, bool is_whole)
{
    const weiri_ast_pattern *item = ast->items[i];
    if (item->arrow == WEIRI_TOKEN_FOLLOWED && before->max == 1
        && is_overtaken(ast, i, is_whole)) {
        weiri_report(self->planner->diagnostics, WEIRI_W_NO_EFFECT, item->not_at,
            "this 'not' has no effect: the next one takes its place");
        hint(self, "make one step of both, with 'or' in its condition");
    }
}

/* Negations of a sequence, given the elements around it. */
static void
check_sequence(weiri_matching *self, const weiri_ast_pattern *ast,
    weiri_pattern *const *items, bool is_whole)
{
    const weiri_ast_pattern *before   = NULL; /* the last element that takes events */
    uint32_t                 i_before = 0;
    for (uint32_t i = 0; i < ast->n_items; i++) {
        const weiri_ast_pattern *item = ast->items[i];
        if (!is_not(item)) {
            before   = item;
            i_before = i;
            continue;
        }
        if (before != NULL && items[i_before]->min == 0) {
            report(self, WEIRI_E_NOT_AFTER_OPTIONAL, item->not_at,
                "'not' cannot follow an element that may be left out");
        }
        if (before != NULL) {
            warn_overtaken(self, ast, i, items[i_before], is_whole);
        }
        if (i == 0 && !is_whole) {
            report(self, WEIRI_E_NOT_BEGINS_GROUP, item->not_at,
                "a group cannot begin with 'not'");
            hint(self, "put it before the group: not a -> (b ...)");
            return;
        }
    }
    bool is_silence = is_whole && self->rule->silence != NULL;
    if (before == NULL && !is_silence) {
        report(self, WEIRI_E_ONLY_NOT, ast->at,
            "this takes no event: besides 'not' a step is needed");
        hint(self, "for silence write 'match not s for 10m'");
    }
}

static void
check_choice(weiri_matching *self, const weiri_ast_pattern *ast)
{
    bool takes = false;
    for (uint32_t i = 0; i < ast->n_items; i++) {
        const weiri_ast_pattern *item = ast->items[i];
        takes                         = takes || !is_not(item);
        if (is_not(item) && ast->kind == WEIRI_AST_ANY_OF) {
            report(self, WEIRI_E_NOT_IN_OR, item->not_at,
                "'not' cannot be one of several alternatives");
        }
    }
    if (ast->kind == WEIRI_AST_ALL_OF && !takes) {
        report(self, WEIRI_E_ONLY_NOT, ast->at,
            "this takes no event: besides 'not' a step is needed");
    }
    if (ast->kind == WEIRI_AST_ALL_OF && ast->n_items > ALL_OF_ITEMS) {
        report(
            self, WEIRI_E_PATTERN_TOO_LARGE, ast->at, "at most 8 steps joined by 'and'");
    }
}

/* ---- steps ---- */

static const char *
step_name(weiri_matching *self, const weiri_ast_pattern *ast, bool *is_named)
{
    uint32_t n_same = 0;
    *is_named       = ast->name.text != NULL;
    if (*is_named) {
        return ast->name.text;
    }
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        n_same += strcmp(self->steps[i].ast->stream.text, ast->stream.text) == 0;
    }
    return weiri_arena_format(
        self->planner->arena, "%s#%u", ast->stream.text, (unsigned)(n_same + 1));
}

static void
check_step_name(weiri_matching *self, const weiri_ast_pattern *ast)
{
    static const char *const RESERVED[] = { "prev", "match", "window" };
    const char              *name       = ast->name.text;
    for (size_t i = 0; name != NULL && i < 3; i++) {
        if (strcmp(name, RESERVED[i]) == 0) {
            weiri_report(self->planner->diagnostics, WEIRI_E_STEP_NAME_RESERVED,
                ast->name.at, "a step cannot be called '%s'", name);
            self->is_broken = true;
        }
    }
    for (uint32_t i = 0; name != NULL && i < self->match->n_steps; i++) {
        const char *other = self->steps[i].ast->name.text;
        if (other != NULL && strcmp(name, other) == 0) {
            weiri_report(self->planner->diagnostics, WEIRI_E_STEP_TWICE, ast->name.at,
                "there is a step '%s' already", name);
            self->is_broken = true;
        }
    }
}

static uint32_t
input_of(weiri_matching *self, uint32_t stream)
{
    weiri_match *match = self->match;
    for (uint32_t i = 0; i < match->n_inputs; i++) {
        if (match->inputs[i].stream == stream) {
            return i;
        }
    }
    weiri_match_input input = { .stream = stream,
        .schema                         = &self->planner->plan->streams[stream].schema };
    WEIRI_ARENA_PUSH(self->planner->arena, match->inputs, match->n_inputs, input);
    return match->n_inputs - 1;
}

static uint32_t
add_step(weiri_matching *self, const weiri_ast_pattern *ast)
{
    weiri_match *match = self->match;
    if (match->n_steps == WEIRI_STEPS) {
        report(self, WEIRI_E_TOO_MANY_STEPS, ast->at, "a pattern has at most 64 steps");
        return 0;
    }
    check_step_name(self, ast);
    uint32_t          stream = weiri_find_stream(self->planner, ast->stream.text);
    weiri_match_step *step   = &self->steps[match->n_steps];
    step->ast                = ast;
    step->element            = self->n_elements - 1;
    step->stream             = stream;
    weiri_step *row          = &self->plan_steps[match->n_steps];
    row->name                = step_name(self, ast, &step->is_named);
    row->input               = input_of(self, stream);
    row->gap_ns              = -1;
    if (ast->gap != NULL) {
        row->gap_ns = weiri_constant_duration(self->planner, ast->gap, true, "'within'");
        self->is_broken = self->is_broken || row->gap_ns < 0;
    }
    return match->n_steps++;
}

/* A stream that is one step only, and has no name there, lends it its own. */
static void
name_after_streams(weiri_matching *self)
{
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        const char *stream = self->steps[i].ast->stream.text;
        bool        is_one = self->steps[i].ast->name.text == NULL;
        for (uint32_t j = 0; j < self->match->n_steps; j++) {
            const weiri_ast_pattern *other = self->steps[j].ast;
            bool                     is_same =
                other->name.text == NULL && strcmp(other->stream.text, stream) == 0;
            bool is_called =
                other->name.text != NULL && strcmp(other->name.text, stream) == 0;
            is_one = is_one && (i == j || (!is_same && !is_called));
        }
        if (is_one) {
            self->steps[i].is_named  = true;
            self->plan_steps[i].name = stream;
        }
    }
}

/* ---- the tree ---- */

static void
convert_items(weiri_matching *self, const weiri_ast_pattern *ast, weiri_pattern *out,
    uint32_t element)
{
    for (uint32_t i = 0; i < ast->n_items; i++) {
        check_not(self, ast->items[i]);
        weiri_pattern *item = convert(self, ast->items[i], element, i);
        item->is_negated    = is_not(ast->items[i]);
        switch (ast->items[i]->arrow) {
        case WEIRI_TOKEN_NEXT: item->contiguity = WEIRI_NEXT; break;
        case WEIRI_TOKEN_FOLLOWED: item->contiguity = WEIRI_FOLLOWED; break;
        case WEIRI_TOKEN_FOLLOWED_ANY: item->contiguity = WEIRI_FOLLOWED_ANY; break;
        default: item->contiguity = WEIRI_FIRST; break;
        }
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant */
        WEIRI_ARENA_PUSH(self->planner->arena, out->items, out->n_items, item);
    }
}

static weiri_pattern *
new_pattern(weiri_matching *self, weiri_pattern_kind kind)
{
    weiri_pattern *out = weiri_arena_alloc(self->planner->arena, sizeof *out);
    out->kind          = kind;
    out->min = out->max = 1;
    out->step           = WEIRI_NONE;
    return out;
}

static weiri_pattern *
convert_group(weiri_matching *self, const weiri_ast_pattern *ast, uint32_t element)
{
    weiri_pattern *body     = convert(self, ast->items[0], element, 0);
    bool           is_plain = body->min == 1 && body->max == 1 && !body->is_negated;
    if (!is_plain || (body->kind == WEIRI_PATTERN_STEP && is_quantified(ast))) {
        weiri_pattern *outer = new_pattern(self, WEIRI_PATTERN_SEQUENCE);
        body->contiguity     = WEIRI_FIRST;
        outer->items = weiri_arena_alloc(self->planner->arena, sizeof(weiri_pattern *));
        outer->items[0] = body;
        outer->n_items  = 1;
        return outer;
    }
    return body;
}

static weiri_pattern *
convert(weiri_matching *self, const weiri_ast_pattern *ast, uint32_t parent,
    uint32_t position)
{
    weiri_element element = {
        .ast = ast, .parent = parent, .position = position, .min = 1, .max = 1
    };
    uint32_t index = self->n_elements;
    WEIRI_ARENA_PUSH(self->planner->arena, self->elements, self->n_elements, element);
    weiri_pattern *out   = NULL;
    weiri_pattern  bound = { .min = 1, .max = 1 };
    set_quantifier(self, ast, &bound);
    switch (ast->kind) {
    case WEIRI_AST_STEP:
        out       = new_pattern(self, WEIRI_PATTERN_STEP);
        out->step = add_step(self, ast);
        break;
    case WEIRI_AST_GROUP: out = convert_group(self, ast, index); break;
    case WEIRI_AST_SEQUENCE:
        out = new_pattern(self, WEIRI_PATTERN_SEQUENCE);
        convert_items(self, ast, out, index);
        check_sequence(self, ast, out->items, parent == WEIRI_NONE);
        return out->n_items == 1 ? out->items[0] : out;
    default:
        out = new_pattern(
            self, ast->kind == WEIRI_AST_ANY_OF ? WEIRI_PATTERN_OR : WEIRI_PATTERN_AND);
        convert_items(self, ast, out, index);
        check_choice(self, ast);
        return out;
    }
    out->min        = bound.min;
    out->max        = bound.max;
    out->inner      = bound.inner;
    out->preference = bound.preference;
    if (ast->quantifier.until != NULL) {
        out->until        = weiri_arena_alloc(self->planner->arena, sizeof *out->until);
        weiri_until until = { .pattern = out, .element = index };
        WEIRI_ARENA_PUSH(self->planner->arena, self->untils, self->n_untils, until);
    }
    return out;
}

/* How many single steps a pattern unfolds to; saturates. */
static uint64_t
unfolded(const weiri_pattern *pattern)
{
    uint64_t size = pattern->kind == WEIRI_PATTERN_STEP;
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        size += unfolded(pattern->items[i]);
    }
    for (uint32_t i = 1;
         pattern->kind == WEIRI_PATTERN_AND && i < pattern->n_items && i < ALL_OF_ITEMS;
         i++) {
        size *= 2;
    }
    uint64_t times = pattern->max == WEIRI_UNBOUNDED ? pattern->min : pattern->max;
    size *= times > 0 ? times : 1;
    return size < UINT32_MAX ? size : UINT32_MAX;
}

/* ---- a closing not ---- */

/* One that ends a group waits only where there is a deadline, and needs none. */
static void
check_closing(weiri_matching *self, const weiri_pattern *pattern)
{
    if (pattern->is_negated) {
        bool is_timed = self->rule->within_at.size > 0 || self->rule->silence != NULL
                        || self->plan_steps[pattern->step].gap_ns >= 0;
        if (pattern->contiguity != WEIRI_NEXT && !is_timed) {
            report(self, WEIRI_E_NOT_NEEDS_WITHIN, self->steps[pattern->step].ast->not_at,
                "a pattern that ends in 'not' needs to know how long to wait");
            hint(self,
                "add 'within 10m' to the rule, or 'within 10m of previous' to the step");
        }
        return;
    }
    if (pattern->n_items > 0 && pattern->kind == WEIRI_PATTERN_SEQUENCE) {
        uint32_t last = pattern->n_items - 1;
        if (pattern->items[last]->is_negated) {
            check_closing(self, pattern->items[last]);
        }
        /* `-> not a -> not b`: each of them closes the pattern; `-> not a => not b` ends
         * with the next event */
        for (; last > 0 && pattern->items[last]->is_negated
               && pattern->items[last]->contiguity != WEIRI_NEXT;
             last--) {
            if (pattern->items[last - 1]->is_negated) {
                check_closing(self, pattern->items[last - 1]);
            }
        }
    }
}

static void
check_gaps(weiri_matching *self)
{
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        const weiri_element *element = &self->elements[self->steps[i].element];
        if (self->steps[i].ast->gap == NULL) {
            continue;
        }
        if (element->position == 0 && element->parent == 0 && element->max == 1) {
            report(self, WEIRI_E_GAP_ON_FIRST, self->steps[i].ast->gap_at,
                "nothing comes before the first step");
            hint(self,
                "put it on the step that comes after, or write 'within' as a clause");
        }
    }
}

static void
mark_leading(weiri_matching *self)
{
    const weiri_ast_pattern *ast = self->rule->pattern;
    for (uint32_t i = 0; i < self->match->n_steps; i++) {
        const weiri_element *element = &self->elements[self->steps[i].element];
        bool is_leading = element->parent == 0 && self->rule->silence == NULL;
        for (uint32_t j = 0; is_leading && j <= element->position; j++) {
            is_leading = is_not(ast->items[j]);
        }
        self->steps[i].is_leading = is_leading;
    }
}

void
weiri_plan_pattern(weiri_matching *self)
{
    self->match->pattern = convert(self, self->rule->pattern, WEIRI_NONE, 0);
    if (self->is_broken) {
        return;
    }
    self->match->steps = weiri_arena_alloc(
        self->planner->arena, (self->match->n_steps + 1) * sizeof(weiri_step));
    name_after_streams(self);
    memcpy(
        self->match->steps, self->plan_steps, self->match->n_steps * sizeof(weiri_step));
    if (unfolded(self->match->pattern) > PATTERN_STATES) {
        report(self, WEIRI_E_PATTERN_TOO_LARGE, self->rule->pattern->at,
            "this pattern unfolds to more than 10000 steps");
    }
    const weiri_ast_pattern *whole = self->rule->pattern;
    if (whole->n_items != 1 || whole->items[0]->kind != WEIRI_AST_GROUP) {
        check_closing(self, self->match->pattern);
    }
    check_gaps(self);
    mark_leading(self);
}

/* ---- what comes before what ---- */

static uint32_t
depth_of(const weiri_matching *self, uint32_t element)
{
    uint32_t depth = 0;
    while (self->elements[element].parent != WEIRI_NONE) {
        element = self->elements[element].parent;
        depth++;
    }
    return depth;
}

static bool
may_be_left_out(const weiri_element *element)
{
    return element->min == 0;
}

weiri_relation
weiri_relation_of(const weiri_matching *self, uint32_t step, uint32_t element)
{
    const weiri_element *all     = self->elements;
    uint32_t             a       = self->steps[step].element;
    uint32_t             b       = element;
    uint32_t             depth_a = depth_of(self, a);
    uint32_t             depth_b = depth_of(self, b);
    bool                 is_same = a == b;
    bool                 is_sure = true; /* that a takes an event if its side is walked */
    uint32_t             from_a  = a;    /* the last below the common ancestor */
    uint32_t             from_b  = b;
    while (a != b) {
        bool goes_a = depth_a >= depth_b;
        if (goes_a) {
            bool is_choice =
                a != self->steps[step].element && all[a].ast->kind == WEIRI_AST_ANY_OF;
            is_sure = is_sure && !may_be_left_out(&all[a]) && !is_choice;
            from_a  = a;
            a       = all[a].parent;
            depth_a--;
        } else {
            from_b = b;
            b      = all[b].parent;
            depth_b--;
        }
    }
    for (uint32_t up = a; up != WEIRI_NONE; up = all[up].parent) {
        if (all[up].max > 1) {
            return WEIRI_MAYBE_BEFORE; /* in an earlier repetition */
        }
    }
    if (is_same) {
        return WEIRI_ITSELF;
    }
    switch (all[a].ast->kind) {
    case WEIRI_AST_SEQUENCE:
        if (all[from_a].position >= all[from_b].position) {
            return WEIRI_NOT_BEFORE;
        }
        return is_sure ? WEIRI_SURELY_BEFORE : WEIRI_MAYBE_BEFORE;
    case WEIRI_AST_ANY_OF: return WEIRI_OTHER_ALTERNATIVE;
    default: return WEIRI_MAYBE_BEFORE;
    }
}
