/* Patterns: what their steps ask of each other, and how much time they have. */
#include <string.h>

#include "lint.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

struct step {
    const weiri_ast_pattern *ast;
    const char              *name;    /* as conditions say, or one of its own    */
    bool                     is_sure; /* it is in every match, before what follows */
};

struct steps {
    weiri_lint           *lint;
    const weiri_ast_rule *rule;
    struct step           items[WEIRI_STEPS];
    uint32_t              n;
};

static bool
is_optional(const weiri_ast_quantifier *quantifier)
{
    const weiri_ast_expr *min = quantifier->min;
    switch (quantifier->sign) {
    case WEIRI_TOKEN_STAR:
    case WEIRI_TOKEN_QUESTION: return quantifier->at.size > 0;
    case WEIRI_TOKEN_LEFT_BRACE:
        return quantifier->at.size > 0
               && (min == NULL || min->kind != WEIRI_AST_INT || min->value.i < 1);
    default: return false;
    }
}

static void
collect(struct steps *self, const weiri_ast_pattern *pattern, bool is_sure)
{
    is_sure = is_sure && pattern->not_at.size == 0 && !is_optional(&pattern->quantifier);
    if (pattern->kind == WEIRI_AST_STEP) {
        const char *name = pattern->name.text;
        if (self->n < WEIRI_STEPS) {
            self->items[self->n++] = (struct step){ .ast = pattern,
                .name                                    = name != NULL ? name
                                                                        : weiri_arena_format(self->lint->arena, "%s#%u",
                                                                            pattern->stream.text, (unsigned)self->n),
                .is_sure                                 = is_sure };
        }
        return;
    }
    bool is_chain =
        pattern->kind == WEIRI_AST_SEQUENCE || pattern->kind == WEIRI_AST_GROUP;
    for (uint32_t i = 0; i < pattern->n_items; i++) {
        collect(self, pattern->items[i], is_sure && (is_chain || pattern->n_items == 1));
    }
}

/* ---- a step against those before it ---- */

/* The step before `end` that a thing in a comparison belongs to; UINT32_MAX: none. */
static uint32_t
step_of(const struct steps *self, const char *thing, uint32_t end)
{
    const char *dot  = thing == NULL ? NULL : strchr(thing, '.');
    size_t      size = dot == NULL ? 0 : (size_t)(dot - thing);
    for (uint32_t i = 0; i < end && size > 0; i++) {
        if (strlen(self->items[i].name) == size
            && memcmp(self->items[i].name, thing, size) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* Whether a thing is of this step's event or of one before it, as the atoms of several
 * steps understand it alike. */
static bool
is_common(const struct steps *self, const char *thing, uint32_t step)
{
    return thing == NULL || step_of(self, thing, step + 1) != UINT32_MAX;
}

/* What a step asks for, in comparisons that other steps understand. */
static void
add_step(const struct steps *self, weiri_atoms *atoms, uint32_t step)
{
    const struct step *item    = &self->items[step];
    weiri_speaker      speaker = { self->lint, item->name };
    weiri_atoms        own     = { .n = 0 };
    if (item->ast->where != NULL) {
        weiri_atoms_add(&own, &speaker, item->ast->where, true);
    }
    for (uint32_t i = 0; i < own.n && atoms->n < WEIRI_ATOMS; i++) {
        if (is_common(self, own.items[i].left, step)
            && is_common(self, own.items[i].right, step)) {
            atoms->items[atoms->n++] = own.items[i];
        }
    }
}

/* The key is the same in all events of a match. */
static void
add_keys(const struct steps *self, weiri_atoms *atoms, uint32_t earlier, uint32_t step)
{
    for (uint32_t i = 0; i < self->rule->n_keys; i++) {
        const weiri_ast_key *key = &self->rule->keys[i];
        if (key->n_sides == 1 && key->sides[0]->kind == WEIRI_AST_NAME
            && atoms->n < WEIRI_ATOMS) {
            const char *field        = key->sides[0]->name.text;
            atoms->items[atoms->n++] = (weiri_atom){ .left = weiri_atom_name(self->lint,
                                                         self->items[step].name, field),
                .right = weiri_atom_name(self->lint, self->items[earlier].name, field),
                .relations = 2 };
        }
    }
}

/* Mark the steps that the comparisons speak of, until there are no more. */
static void
add_mentioned(const struct steps *self, weiri_atoms *atoms, bool *is_added, uint32_t end)
{
    for (uint32_t i = 0; i < atoms->n; i++) {
        const char *things[] = { atoms->items[i].left, atoms->items[i].right };
        for (size_t k = 0; k < 2; k++) {
            uint32_t step = step_of(self, things[k], end);
            if (step != UINT32_MAX && !is_added[step]) {
                is_added[step] = true;
                add_step(self, atoms, step);
            }
        }
    }
}

static void
check_against(const struct steps *self, uint32_t step)
{
    weiri_atoms alone                 = { .n = 0 };
    bool        is_added[WEIRI_STEPS] = { false };
    add_step(self, &alone, step);
    if (alone.n == 0 || weiri_atoms_exclude(&alone)) {
        return; /* told already, or nothing known */
    }
    weiri_atoms atoms = alone;
    is_added[step]    = true;
    for (uint32_t i = 0; i < step; i++) {
        if (self->items[i].is_sure) {
            add_keys(self, &atoms, i, step);
        }
    }
    add_mentioned(self, &atoms, is_added, step);
    if (weiri_atoms_exclude(&atoms)) {
        const weiri_ast_pattern *ast = self->items[step].ast;
        weiri_report(self->lint->diagnostics, WEIRI_W_STEP_CONTRADICTS, ast->where->at,
            "no event fits this: it contradicts what earlier steps ask for");
    }
}

/* ---- by ---- */

/* Whether the condition of a step says that `field` is what it was in an earlier step. */
static bool
equates(const struct steps *self, uint32_t step, const char *field)
{
    weiri_atoms   atoms   = { .n = 0 };
    weiri_speaker speaker = { self->lint, self->items[step].name };
    if (self->items[step].ast->where == NULL) {
        return false;
    }
    weiri_atoms_add(&atoms, &speaker, self->items[step].ast->where, true);
    const char *own = weiri_atom_name(self->lint, speaker.step, field);
    for (uint32_t i = 0; i < atoms.n; i++) {
        const weiri_atom *atom = &atoms.items[i];
        for (uint32_t k = 0; atom->relations == 2 && atom->right != NULL && k < step;
             k++) {
            const char *other = weiri_atom_name(self->lint, self->items[k].name, field);
            if ((strcmp(atom->left, own) == 0 && strcmp(atom->right, other) == 0)
                || (strcmp(atom->right, own) == 0 && strcmp(atom->left, other) == 0)) {
                return true;
            }
        }
    }
    return false;
}

static void
suggest_by(const struct steps *self)
{
    if (self->rule->n_keys > 0 || self->n < 2) {
        return;
    }
    const weiri_stream *stream =
        weiri_lint_stream(self->lint, self->items[0].ast->stream.text);
    if (stream == NULL) {
        return;
    }
    for (uint32_t f = 0; f < stream->schema.n_fields; f++) {
        const char *field   = stream->schema.fields[f].name;
        bool        has_all = true;
        for (uint32_t i = 1; i < self->n && has_all; i++) {
            has_all = equates(self, i, field);
        }
        if (has_all) {
            weiri_report(self->lint->diagnostics, WEIRI_W_BY_IS_MEANT,
                self->rule->match_at,
                "every step of rule '%s' has the same '%s', and every event is held "
                "against the partial matches of all",
                self->rule->name.text, field);
            weiri_report_hint(self->lint->diagnostics,
                "with 'by %s' instead of these conditions each is looked for by itself",
                field);
            return;
        }
    }
}

/* ---- time ---- */

/* Whether a partial match can be alive that is not a match: it has taken an event, and
 * waits for another. A closing `not` ends in a match when its time is up. */
static bool
can_time_out(const struct steps *self)
{
    uint32_t n_taking = 0;
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_ast_quantifier *quantifier = &self->items[i].ast->quantifier;
        if (self->items[i].ast->not_at.size > 0) {
            continue;
        }
        n_taking += quantifier->at.size > 0 ? 2 : 1;
    }
    return n_taking > 1;
}

static bool
has_group_quantifier(const weiri_ast_pattern *pattern)
{
    bool has = pattern->kind == WEIRI_AST_GROUP && pattern->quantifier.at.size > 0;
    for (uint32_t i = 0; i < pattern->n_items && !has; i++) {
        has = has_group_quantifier(pattern->items[i]);
    }
    return has;
}

static void
check_time(const struct steps *self)
{
    const weiri_ast_rule *rule = self->rule;
    if (rule->on_timeout.at.size > 0 && !can_time_out(self)
        && !has_group_quantifier(rule->pattern)) {
        weiri_report(self->lint->diagnostics, WEIRI_W_NEVER_TIMES_OUT,
            rule->on_timeout.at,
            "nothing can time out: the first event that is taken makes the match, or "
            "it comes when time is up");
    }
    bool is_known = rule->within != NULL && rule->within->kind == WEIRI_AST_DURATION;
    for (uint32_t i = 0; is_known && i < self->n; i++) {
        const weiri_ast_pattern *ast = self->items[i].ast;
        if (ast->gap != NULL && ast->gap->kind == WEIRI_AST_DURATION
            && ast->gap->value.i >= rule->within->value.i) {
            weiri_report(self->lint->diagnostics, WEIRI_W_GAP_TOO_LONG, ast->gap_at,
                "'within' of the rule leaves no room for so long a gap");
        }
    }
}

static bool
could_go_on(const weiri_ast_quantifier *quantifier)
{
    const weiri_ast_expr *min = quantifier->min;
    const weiri_ast_expr *max = quantifier->max;
    if (quantifier->at.size == 0) {
        return false;
    }
    return quantifier->sign != WEIRI_TOKEN_LEFT_BRACE || min == NULL || max == NULL
           || (min->kind == WEIRI_AST_INT && max->kind == WEIRI_AST_INT
               && min->value.i != max->value.i);
}

/* `a+ -> not b` at the end: whether a goes on is known at the key's next event only, and
 * where none comes nothing is told. */
static void
check_last_wait(const struct steps *self)
{
    const weiri_ast_pattern *pattern = self->rule->pattern;
    if (pattern->kind != WEIRI_AST_SEQUENCE || pattern->n_items < 2) {
        return;
    }
    const weiri_ast_pattern *last   = pattern->items[pattern->n_items - 1];
    const weiri_ast_pattern *before = pattern->items[pattern->n_items - 2];
    if (last->not_at.size > 0 && last->arrow == WEIRI_TOKEN_FOLLOWED
        && before->not_at.size == 0 && could_go_on(&before->quantifier)) {
        weiri_report(self->lint->diagnostics, WEIRI_W_WAITS_LATER, last->not_at,
            "what is before it could go on, so this is waited for from the next event of "
            "the key on, and without one nothing is told");
        weiri_report_hint(self->lint->diagnostics,
            "say how often, as in '{3}', or make the repetition a rule of its own");
    }
}

/* Whether it is null where `prev` is nobody: what a call or `case` makes of null is
 * theirs to say. */
static bool
reads_previous(const weiri_ast_expr *expr)
{
    weiri_assert(expr != NULL);
    const weiri_ast_expr *of = expr->n_items > 0 ? expr->items[0] : NULL;
    switch (expr->kind) {
    case WEIRI_AST_MEMBER:
        return of != NULL && of->kind == WEIRI_AST_NAME && of->name.text != NULL
               && strcmp(of->name.text, "prev") == 0;
    case WEIRI_AST_BINARY: return reads_previous(of) || reads_previous(expr->items[1]);
    case WEIRI_AST_UNARY:
    case WEIRI_AST_BETWEEN:
    case WEIRI_AST_LIKE:
    case WEIRI_AST_IN: return reads_previous(of);
    default: return false;
    }
}

/* Whether a condition cannot be true where `prev` is nobody. */
static bool
needs_previous(const weiri_ast_expr *expr)
{
    if (expr->kind != WEIRI_AST_LOGIC) {
        return reads_previous(expr);
    }
    bool     is_and = strcmp(expr->name.text, "and") == 0;
    uint32_t n      = 0;
    for (uint32_t i = 0; i < expr->n_items; i++) {
        n += needs_previous(expr->items[i]);
    }
    return is_and ? n > 0 : n == expr->n_items;
}

/* The first event of a match has none before it, so that a step which asks for one takes
 * nothing. */
static void
check_first(const struct steps *self)
{
    const weiri_ast_pattern *first = self->n > 0 ? self->items[0].ast : NULL;
    if (first != NULL && self->items[0].is_sure && first->where != NULL
        && needs_previous(first->where)) {
        weiri_report(self->lint->diagnostics, WEIRI_W_NO_PREVIOUS, first->where->at,
            "the first event of a match has no 'prev', which is null, so nothing "
            "matches");
        weiri_report_hint(self->lint->diagnostics,
            "begin with a step that takes any event, as in '%s => ...'",
            first->stream.text);
    }
}

void
weiri_lint_match(weiri_lint *self, const weiri_ast_rule *rule)
{
    struct steps steps = { .lint = self, .rule = rule };
    collect(&steps, rule->pattern, true);
    for (uint32_t i = 1; i < steps.n; i++) {
        check_against(&steps, i);
    }
    suggest_by(&steps);
    check_first(&steps);
    check_time(&steps);
    check_last_wait(&steps);
}
