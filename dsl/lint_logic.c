/* Whether comparisons can hold together.
 *
 * Each thing that is compared has a range of numbers, or a set of texts, and each pair
 * the relations that are left to it. Ranges are narrowed along the pairs until nothing
 * changes (arc consistency, Mackworth, Artificial Intelligence 8(1), 1977). An empty
 * range is a contradiction; that none is found proves nothing. A comparison with null is
 * not true, so nulls need no thought. */
#include "lint.h"

#include <math.h>
#include <string.h>

enum { LESS = 1, EQUAL = 2, GREATER = 4, ANY = 7, THINGS = 2 * WEIRI_ATOMS };

/* ---- conditions as comparisons ---- */

/* What is written, without white space and comments; its own steps by their names. */
static const char *
text_of(const weiri_speaker *speaker, const weiri_ast_expr *expr)
{
    const weiri_lint   *lint   = speaker->lint;
    const weiri_tokens *tokens = &lint->file->tokens;
    const char *text = weiri_diagnostics_file(lint->diagnostics, lint->file->file)->text;
    uint32_t    end  = weiri_lint_token(lint->file, expr->at.offset + expr->at.size);
    char       *out  = weiri_arena_alloc(lint->arena, 2 * (size_t)expr->at.size + 2);
    size_t      used = 0;
    for (uint32_t i = weiri_lint_token(lint->file, expr->at.offset); i < end; i++) {
        memcpy(out + used, text + tokens->items[i].offset, tokens->items[i].size);
        used += tokens->items[i].size;
        out[used++] = ' ';
    }
    return out;
}

const char *
weiri_atom_name(weiri_lint *lint, const char *step, const char *field)
{
    return weiri_arena_format(lint->arena, "%s.%s", step == NULL ? "" : step, field);
}

static const char *
name_of(const weiri_speaker *speaker, const weiri_ast_expr *expr)
{
    const char *step = speaker->step;
    if (expr->kind == WEIRI_AST_NAME) {
        return weiri_atom_name(speaker->lint, step, expr->name.text);
    }
    bool is_member =
        expr->kind == WEIRI_AST_MEMBER && expr->items[0]->kind == WEIRI_AST_NAME;
    const char *owner  = is_member ? expr->items[0]->name.text : "";
    bool        is_own = step != NULL && strcmp(step, owner) == 0; /* an earlier event */
    if (is_member && !is_own && strcmp(owner, "prev") != 0) {
        return weiri_atom_name(speaker->lint, owner, expr->name.text);
    }
    return weiri_arena_format(
        speaker->lint->arena, "%s:%s", step == NULL ? "" : step, text_of(speaker, expr));
}

/* A text that may be a time is the same as others that are written otherwise. */
static bool
may_be_time(const char *text)
{
    return strlen(text) >= 8 && strspn(text, "0123456789") >= 4;
}

static bool
constant_of(const weiri_ast_expr *expr, weiri_atom *out)
{
    static const double EXACT = 9007199254740992.0; /* 2^53 */
    switch (expr->kind) {
    case WEIRI_AST_BOOL: out->number = expr->value.b; return true;
    case WEIRI_AST_INT:
    case WEIRI_AST_DURATION:
        out->number = (double)expr->value.i;
        return fabs(out->number) < EXACT;
    case WEIRI_AST_FLOAT: out->number = expr->value.f; return true;
    case WEIRI_AST_STRING:
        out->text = expr->value.s.text;
        return strlen(out->text) == expr->value.s.size && !may_be_time(out->text);
    case WEIRI_AST_UNARY:
        if (expr->name.text[0] == '-' && constant_of(expr->items[0], out)) {
            out->number = -out->number;
            return out->text == NULL;
        }
        return false;
    default: return false;
    }
}

static bool
is_literal(const weiri_ast_expr *expr)
{
    weiri_atom unused;
    return constant_of(expr, &unused) || expr->kind == WEIRI_AST_NULL
           || expr->kind == WEIRI_AST_STRING || expr->kind == WEIRI_AST_INT;
}

static unsigned
relations_of(const char *sign)
{
    static const struct {
        const char *sign;
        unsigned    relations;
    } SIGNS[] = { { "==", EQUAL }, { "!=", LESS | GREATER }, { "<", LESS },
        { "<=", LESS | EQUAL }, { ">", GREATER }, { ">=", GREATER | EQUAL } };
    for (size_t i = 0; i < sizeof SIGNS / sizeof SIGNS[0]; i++) {
        if (strcmp(sign, SIGNS[i].sign) == 0) {
            return SIGNS[i].relations;
        }
    }
    return 0;
}

/* The relations with the sides exchanged. */
static unsigned
turned(unsigned relations)
{
    return (relations & EQUAL) | (relations & LESS ? GREATER : 0)
           | (relations & GREATER ? LESS : 0);
}

static bool
push(weiri_atoms *self, weiri_atom atom)
{
    bool is_order = atom.relations != EQUAL && atom.relations != (LESS | GREATER);
    if (self->n >= WEIRI_ATOMS || (atom.text != NULL && is_order)) {
        return false;
    }
    self->items[self->n++] = atom;
    return true;
}

static bool
add_comparison(weiri_atoms *self, const weiri_speaker *speaker,
    const weiri_ast_expr *left, unsigned relations, const weiri_ast_expr *right)
{
    weiri_atom atom = { .relations = relations };
    if (is_literal(left) && !is_literal(right)) {
        return add_comparison(self, speaker, right, turned(relations), left);
    }
    if (is_literal(left) || relations == 0) {
        return false;
    }
    atom.left = name_of(speaker, left);
    if (is_literal(right)) {
        return constant_of(right, &atom) && push(self, atom);
    }
    atom.right = name_of(speaker, right);
    return push(self, atom);
}

static bool
add_between(weiri_atoms *self, const weiri_speaker *speaker, const weiri_ast_expr *expr)
{
    bool low =
        add_comparison(self, speaker, expr->items[0], GREATER | EQUAL, expr->items[1]);
    bool high =
        add_comparison(self, speaker, expr->items[0], LESS | EQUAL, expr->items[2]);
    return low && high;
}

/* Every item, or none of them: of `and` where it is true, of `or` where it is false. */
static bool
add_all(weiri_atoms *self, const weiri_speaker *speaker, const weiri_ast_expr *expr,
    bool truth)
{
    bool is_whole = true;
    for (uint32_t i = 0; i < expr->n_items; i++) {
        is_whole = weiri_atoms_add(self, speaker, expr->items[i], truth) && is_whole;
    }
    return is_whole;
}

bool
weiri_atoms_add(weiri_atoms *self, const weiri_speaker *speaker,
    const weiri_ast_expr *expr, bool truth)
{
    bool     is_and = expr->kind == WEIRI_AST_LOGIC && expr->name.text[0] == 'a';
    unsigned relations;
    switch (expr->kind) {
    case WEIRI_AST_LOGIC: return is_and == truth && add_all(self, speaker, expr, truth);
    case WEIRI_AST_UNARY:
        return expr->name.text[0] == 'n'
               && weiri_atoms_add(self, speaker, expr->items[0], !truth);
    case WEIRI_AST_BINARY:
        relations = relations_of(expr->name.text);
        return add_comparison(self, speaker, expr->items[0],
            truth || relations == 0 ? relations : ANY & ~relations, expr->items[1]);
    case WEIRI_AST_BETWEEN:
        return truth != expr->is_negated && add_between(self, speaker, expr);
    case WEIRI_AST_IN:
        return truth != expr->is_negated && expr->n_items == 2
               && add_comparison(self, speaker, expr->items[0], EQUAL, expr->items[1]);
    case WEIRI_AST_NAME:
    case WEIRI_AST_MEMBER:
        return push(self, (weiri_atom){ .left = name_of(speaker, expr),
                              .relations      = EQUAL,
                              .number         = truth ? 1.0 : 0.0 });
    default: return false;
    }
}

/* ---- things and their ranges ---- */

struct thing {
    const char *name;
    double      low;
    double      high;
    bool        low_open; /* the bound itself is not in the range */
    bool        high_open;
    const char *text; /* it is this; NULL: any */
};

struct pair {
    uint32_t left;
    uint32_t right;
    unsigned relations;
};

struct system {
    struct thing things[THINGS];
    uint32_t     n_things;
    struct pair  pairs[WEIRI_ATOMS];
    uint32_t     n_pairs;
    bool         has_changed;
    bool         is_empty;
};

static uint32_t
thing_of(struct system *self, const char *name)
{
    for (uint32_t i = 0; i < self->n_things; i++) {
        if (strcmp(self->things[i].name, name) == 0) {
            return i;
        }
    }
    self->things[self->n_things] =
        (struct thing){ .name = name, .low = -INFINITY, .high = INFINITY };
    return self->n_things++;
}

static void
check(struct system *self, const struct thing *thing)
{
    bool is_point = !(thing->low < thing->high);
    if (thing->low > thing->high || (is_point && (thing->low_open || thing->high_open))) {
        self->is_empty = true;
    }
}

static void
raise_low(struct system *self, struct thing *thing, double low, bool is_open)
{
    bool is_same = !(low < thing->low) && !(low > thing->low);
    if (low > thing->low || (is_same && is_open && !thing->low_open)) {
        thing->low        = low;
        thing->low_open   = is_open;
        self->has_changed = true;
        check(self, thing);
    }
}

static void
lower_high(struct system *self, struct thing *thing, double high, bool is_open)
{
    bool is_same = !(high < thing->high) && !(high > thing->high);
    if (high < thing->high || (is_same && is_open && !thing->high_open)) {
        thing->high       = high;
        thing->high_open  = is_open;
        self->has_changed = true;
        check(self, thing);
    }
}

static void
set_text(struct system *self, struct thing *thing, const char *text)
{
    if (thing->text == NULL) {
        thing->text       = text;
        self->has_changed = true;
    } else if (strcmp(thing->text, text) != 0) {
        self->is_empty = true;
    }
}

/* left `relations` right, where right is somewhere in a range: bounds for left. */
static void
bound(struct system *self, struct thing *left, unsigned relations,
    const struct thing *right)
{
    bool has_equal = (relations & EQUAL) != 0;
    if ((relations & GREATER) == 0) {
        lower_high(self, left, right->high, right->high_open || !has_equal);
    }
    if ((relations & LESS) == 0) {
        raise_low(self, left, right->low, right->low_open || !has_equal);
    }
}

static void
narrow(struct system *self, const struct pair *pair)
{
    struct thing *left  = &self->things[pair->left];
    struct thing *right = &self->things[pair->right];
    bound(self, left, pair->relations, right);
    bound(self, right, turned(pair->relations), left);
    if (pair->relations == EQUAL && left->text != NULL) {
        set_text(self, right, left->text);
    }
    if (pair->relations == EQUAL && right->text != NULL) {
        set_text(self, left, right->text);
    }
}

static void
add_pair(struct system *self, uint32_t left, uint32_t right, unsigned relations)
{
    if (left > right) {
        add_pair(self, right, left, turned(relations));
        return;
    }
    for (uint32_t i = 0; i < self->n_pairs; i++) {
        struct pair *pair = &self->pairs[i];
        if (pair->left == left && pair->right == right) {
            pair->relations &= relations;
            self->is_empty = self->is_empty || pair->relations == 0;
            return;
        }
    }
    relations &= left == right ? EQUAL : ANY;
    self->is_empty               = self->is_empty || relations == 0;
    self->pairs[self->n_pairs++] = (struct pair){ left, right, relations };
}

static void
add_constant(struct system *self, const weiri_atom *atom)
{
    struct thing *thing = &self->things[thing_of(self, atom->left)];
    if (atom->text != NULL) {
        if (atom->relations == EQUAL) {
            set_text(self, thing, atom->text);
        }
        return;
    }
    const struct thing constant = { .low = atom->number, .high = atom->number };
    bound(self, thing, atom->relations, &constant);
}

/* What is not equal to a constant, when all ranges are as narrow as they get. */
static bool
is_excluded(struct system *self, const weiri_atom *atom)
{
    const struct thing *thing = &self->things[thing_of(self, atom->left)];
    if (atom->right != NULL || atom->relations != (LESS | GREATER)) {
        return false;
    }
    if (atom->text != NULL) {
        return thing->text != NULL && strcmp(thing->text, atom->text) == 0;
    }
    return !(thing->low < atom->number) && !(thing->high > atom->number);
}

bool
weiri_atoms_exclude(const weiri_atoms *atoms)
{
    struct system self = { .n_things = 0 };
    for (uint32_t i = 0; i < atoms->n; i++) {
        const weiri_atom *atom = &atoms->items[i];
        if (atom->right == NULL) {
            add_constant(&self, atom);
        } else {
            uint32_t left = thing_of(&self, atom->left);
            add_pair(&self, left, thing_of(&self, atom->right), atom->relations);
        }
    }
    /* A chain of pairs needs as many rounds as it is long; one that still narrows then
     * goes round in a circle. */
    self.has_changed = true;
    for (uint32_t round = 0; round <= self.n_pairs && self.has_changed; round++) {
        self.has_changed = false;
        for (uint32_t i = 0; i < self.n_pairs; i++) {
            narrow(&self, &self.pairs[i]);
        }
    }
    for (uint32_t i = 0; i < atoms->n; i++) {
        self.is_empty = self.is_empty || is_excluded(&self, &atoms->items[i]);
    }
    return self.is_empty;
}
