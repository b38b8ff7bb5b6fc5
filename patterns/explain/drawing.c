/* The automaton of a pattern as states and arcs with words on them. */
#include <string.h>

#include "match/automaton.h"
#include "weiri/explain.h"
#include "weiri/exprtext.h"
#include "weiri/timetext.h"

enum {
    LONG_ROW   = 4,   /* states alike in a row: so many are drawn as one */
    MAX_STATES = 1000 /* that a drawing has                              */
};

typedef struct drafting {
    weiri_arena       *arena;
    const weiri_match *plan;
    weiri_automaton   *automaton;
    weiri_drawing     *out;
    uint32_t           final; /* where matches are complete */
} drafting;

/* ---- words ---- */

static const char *
duration(weiri_arena *arena, int64_t ns)
{
    char   text[WEIRI_DURATION_TEXT];
    size_t size = weiri_duration_format(ns, text);
    return weiri_arena_text(arena, text, size);
}

static const char *
until_text(const drafting *self, const weiri_atom *atom)
{
    const weiri_expr_names names = { .schema = self->plan->inputs[atom->input].schema,
        .registers = weiri_register_texts(self->arena, self->plan) };
    const weiri_expr      *unary = atom->where.unary;
    const weiri_expr      *correlated = atom->where.correlated;
    return weiri_arena_format(self->arena, "until (%s%s%s)",
        unary != NULL ? weiri_expr_text(self->arena, unary, &names) : "",
        unary != NULL && correlated != NULL ? " and " : "",
        correlated != NULL ? weiri_expr_text(self->arena, correlated, &names) : "");
}

static const char *
atom_text(const drafting *self, uint32_t i)
{
    const weiri_atom *atom = &self->automaton->atoms[i];
    switch (atom->kind) {
    case WEIRI_ATOM_EVENT: break;
    case WEIRI_ATOM_BEFORE:
        return weiri_arena_format(
            self->arena, "%s seen before", self->plan->steps[atom->of].name);
    case WEIRI_ATOM_JUST_BEFORE:
        return weiri_arena_format(
            self->arena, "%s just before", self->plan->steps[atom->of].name);
    }
    return i < self->plan->n_steps ? self->plan->steps[i].name : until_text(self, atom);
}

static bool
is_joined(weiri_formula_kind kind)
{
    return kind == WEIRI_FORMULA_AND || kind == WEIRI_FORMULA_OR;
}

static const char *
formula_text(const drafting *self, weiri_formula formula, weiri_formula_kind around)
{
    const weiri_formula_node *node = &self->automaton->conditions.nodes[formula];
    const char               *text = "";
    switch (node->kind) {
    case WEIRI_FORMULA_CONSTANT: return formula == WEIRI_TRUE ? "any event" : "no event";
    case WEIRI_FORMULA_ATOM: return atom_text(self, node->a);
    case WEIRI_FORMULA_NOT:
        return weiri_arena_format(
            self->arena, "not %s", formula_text(self, node->a, WEIRI_FORMULA_NOT));
    case WEIRI_FORMULA_AND:
    case WEIRI_FORMULA_OR:
        text = weiri_arena_format(self->arena, "%s %s %s",
            formula_text(self, node->a, node->kind),
            node->kind == WEIRI_FORMULA_AND ? "and" : "or",
            formula_text(self, node->b, node->kind));
        break;
    }
    bool is_alone = !is_joined(around) && around != WEIRI_FORMULA_NOT;
    return is_alone || around == node->kind
               ? text
               : weiri_arena_format(self->arena, "(%s)", text);
}

typedef struct known_step {
    weiri_conditions *conditions;
    uint32_t          step;
} known_step;

static weiri_formula
step_fact(void *context, uint32_t atom)
{
    const known_step *known = context;
    return atom == known->step ? WEIRI_TRUE : weiri_formula_atom(known->conditions, atom);
}

/* "hit", "hit, if not fail": what an arc takes, and what else it asks. */
static const char *
take_text(const drafting *self, uint32_t step, weiri_formula when)
{
    known_step    known = { .conditions = &self->automaton->conditions, .step = step };
    weiri_formula rest =
        weiri_formula_restrict(known.conditions, when, step_fact, &known);
    const char *name = self->plan->steps[step].name;
    return rest == WEIRI_TRUE ? name
                              : weiri_arena_format(self->arena, "%s, if %s", name,
                                  formula_text(self, rest, WEIRI_FORMULA_CONSTANT));
}

/* ---- arcs ---- */

static void
add_arc(const drafting *self, uint32_t from, uint32_t to, const char *label, bool is_pass)
{
    weiri_drawing *out = self->out;
    for (uint32_t i = 0; i < out->n_arcs; i++) {
        weiri_drawn_arc *arc = &out->arcs[i];
        if (arc->from == from && arc->to == to && arc->is_pass == is_pass) {
            if (strcmp(arc->label, label) != 0) {
                arc->label =
                    weiri_arena_format(self->arena, "%s; or %s", arc->label, label);
            }
            return;
        }
    }
    weiri_drawn_arc arc = { .from = from, .to = to, .label = label, .is_pass = is_pass };
    WEIRI_ARENA_PUSH(self->arena, out->arcs, out->n_arcs, arc);
}

static void
draw_arc(const drafting *self, uint32_t from, const weiri_arc *arc)
{
    if (arc->action != WEIRI_TAKE) {
        uint32_t to = arc->action == WEIRI_COMPLETE ? self->final : arc->target;
        if (to != WEIRI_NONE) {
            add_arc(self, from, to, formula_text(self, arc->when, WEIRI_FORMULA_CONSTANT),
                true);
        }
        return;
    }
    if (arc->completes != WEIRI_FALSE) {
        weiri_formula when =
            weiri_formula_and(&self->automaton->conditions, arc->when, arc->completes);
        add_arc(self, from, self->final, take_text(self, arc->step, when), false);
    }
    if (arc->target != WEIRI_NONE) {
        add_arc(self, from, arc->target, take_text(self, arc->step, arc->when), false);
    }
}

/* When an absence is certain. */
static const char *
deadline_text(const drafting *self, const weiri_state *state)
{
    int64_t within = self->automaton->within_ns;
    if (state->gap_ns >= 0 && (within < 0 || state->gap_ns < within)) {
        return weiri_arena_format(
            self->arena, "%s after the last event", duration(self->arena, state->gap_ns));
    }
    return weiri_arena_format(
        self->arena, "%s after the first event", duration(self->arena, within));
}

static const char *
waits_text(const drafting *self, const weiri_state *state)
{
    uint64_t    seen = 0;
    const char *text = "";
    for (uint32_t a = 0; a < state->n_arcs; a++) {
        uint32_t step = state->arcs[a].step;
        if (state->arcs[a].action == WEIRI_TAKE && (seen >> step & 1) == 0) {
            seen |= UINT64_C(1) << step;
            text = weiri_arena_format(self->arena, "%s%s%s", text,
                text[0] != '\0' ? " or " : "", self->plan->steps[step].name);
        }
    }
    if (text[0] == '\0') {
        return state->is_pending ? "waits for its time to pass"
                                 : "waits for the next event";
    }
    return weiri_arena_format(self->arena, "waits for %s", text);
}

static void
draw_states(const drafting *self)
{
    weiri_drawing *out = self->out;
    out->n_states      = self->final + 1;
    out->states = weiri_arena_alloc(self->arena, out->n_states * sizeof *out->states);
    for (uint32_t s = 0; s < self->final; s++) {
        const weiri_state *state = &self->automaton->states[s];
        out->states[s]           = (weiri_drawn_state){ .label = waits_text(self, state),
                      .is_begin                                = s == 0,
                      .is_pending                              = state->is_pending };
        for (uint32_t a = 0; a < state->n_arcs; a++) {
            draw_arc(self, s, &state->arcs[a]);
        }
        if (state->is_pending) {
            add_arc(self, s, self->final, deadline_text(self, state), true);
        }
    }
    out->states[self->final] = (weiri_drawn_state){ .label = "match", .is_match = true };
}

/* ---- rows of states alike ---- */

typedef struct ways {
    const weiri_drawn_arc *loop;
    const weiri_drawn_arc *on; /* the one arc to another state; NULL: several */
    uint32_t               n_in;
} ways;

static ways
ways_of(const weiri_drawing *out, uint32_t state)
{
    ways     found = { .loop = NULL };
    uint32_t n_on  = 0;
    for (uint32_t i = 0; i < out->n_arcs; i++) {
        const weiri_drawn_arc *arc = &out->arcs[i];
        if (arc->from == state && arc->to == state) {
            found.loop = arc;
        } else if (arc->from == state) {
            found.on = arc;
            n_on++;
        }
        found.n_in += arc->to == state && arc->from != state;
    }
    found.on = n_on == 1 ? found.on : NULL;
    return found;
}

static bool
is_same_label(const weiri_drawn_arc *a, const weiri_drawn_arc *b)
{
    return a == NULL || b == NULL
               ? a == b
               : a->is_pass == b->is_pass && strcmp(a->label, b->label) == 0;
}

/* How many states from `state` on are alike, each leading to the next and to nothing
 * else; *last is the last of them. */
static uint32_t
row_length(const weiri_drawing *out, uint32_t state, uint32_t *last)
{
    uint32_t n     = 1;
    ways     first = ways_of(out, state);
    *last          = state;
    if (first.on == NULL || first.n_in != 1) {
        return 1;
    }
    for (uint32_t at = first.on->to; n < out->n_states; n++) {
        ways next = ways_of(out, at);
        if (next.on == NULL || next.n_in != 1 || !is_same_label(next.on, first.on)
            || !is_same_label(next.loop, first.loop)) {
            break;
        }
        *last = at;
        at    = next.on->to;
    }
    return n;
}

/* Make one state of a row: its first gets the way out of its last. The others are
 * reached from nowhere. */
static void
shorten(const drafting *self)
{
    weiri_drawing *out = self->out;
    for (uint32_t s = 1; s < out->n_states; s++) {
        uint32_t last = s;
        uint32_t n    = row_length(out, s, &last);
        if (n < LONG_ROW) {
            continue;
        }
        uint32_t to = ways_of(out, last).on->to;
        for (uint32_t i = 0; i < out->n_arcs; i++) {
            weiri_drawn_arc *arc = &out->arcs[i];
            if (arc->from == s && arc->to != s) {
                arc->label =
                    weiri_arena_format(self->arena, "%s, %u in all", arc->label, n);
                arc->to = to;
            } else if (arc->from == last && arc->to == to) {
                arc->from = last;
                arc->to   = last; /* goes with the state it leaves */
            }
        }
    }
}

/* ---- order ---- */

static bool
reach(const weiri_drawing *out, uint32_t *layers, uint32_t layer)
{
    bool any = false;
    for (uint32_t i = 0; i < out->n_arcs; i++) {
        const weiri_drawn_arc *arc = &out->arcs[i];
        if (layers[arc->from] == layer && layers[arc->to] == WEIRI_NONE) {
            layers[arc->to] = layer + 1;
            any             = true;
        }
    }
    return any;
}

static void
sort_arcs(weiri_drawing *out)
{
    for (uint32_t i = 1; i < out->n_arcs; i++) {
        weiri_drawn_arc arc = out->arcs[i];
        uint32_t        k   = i;
        for (; k > 0; k--) {
            const weiri_drawn_arc *before = &out->arcs[k - 1];
            if (before->from < arc.from
                || (before->from == arc.from && before->to <= arc.to)) {
                break;
            }
            out->arcs[k] = *before;
        }
        out->arcs[k] = arc;
    }
}

/* States by their distance from the beginning, the complete match last; those that are
 * not reached go. */
static void
put_in_order(const drafting *self)
{
    weiri_drawing     *out    = self->out;
    uint32_t           n      = out->n_states;
    uint32_t          *layers = weiri_arena_alloc(self->arena, n * sizeof *layers);
    uint32_t          *at     = weiri_arena_alloc(self->arena, n * sizeof *at);
    weiri_drawn_state *states = weiri_arena_alloc(self->arena, n * sizeof *states);
    out->layers               = weiri_arena_alloc(self->arena, n * sizeof *layers);
    memset(layers, 0xff, n * sizeof *layers);
    memset(at, 0xff, n * sizeof *at);
    layers[0]       = 0;
    uint32_t n_kept = 0;
    uint32_t layer  = 0;
    while (reach(out, layers, layer)) {
        layer++;
    }
    layers[self->final] =
        layer > 0 && layers[self->final] < layer ? layer : layers[self->final];
    for (uint32_t l = 0; l <= layer; l++) {
        for (uint32_t s = 0; s < n; s++) {
            if (layers[s] == l) {
                at[s]                 = n_kept;
                states[n_kept]        = out->states[s];
                out->layers[n_kept]   = l;
                states[n_kept].number = n_kept;
                n_kept++;
            }
        }
    }
    uint32_t n_arcs = 0;
    for (uint32_t i = 0; i < out->n_arcs; i++) {
        weiri_drawn_arc arc = out->arcs[i];
        if (at[arc.from] != WEIRI_NONE && at[arc.to] != WEIRI_NONE) {
            arc.from            = at[arc.from];
            arc.to              = at[arc.to];
            out->arcs[n_arcs++] = arc;
        }
    }
    out->states   = states;
    out->n_states = n_kept;
    out->n_arcs   = n_arcs;
    sort_arcs(out);
}

weir_status
weiri_explain_drawing(
    weiri_arena *arena, const weiri_match *plan, weiri_drawing *out, weir_error *err)
{
    drafting self      = { .arena = arena, .plan = plan, .out = out };
    *out               = (weiri_drawing){ .n_states = 0 };
    weir_status status = weiri_automaton_new(plan, &self.automaton, err);
    if (status != WEIR_OK) {
        return status;
    }
    self.final = self.automaton->n_states;
    if (self.final > MAX_STATES) {
        weiri_automaton_destroy(&self.automaton);
        return WEIR_FAIL(
            err, WEIR_EFULL, "%u states are too many to be drawn", self.final);
    }
    draw_states(&self);
    shorten(&self);
    put_in_order(&self);
    bool is_out_of_memory = self.automaton->conditions.is_out_of_memory;
    weiri_automaton_destroy(&self.automaton);
    return is_out_of_memory ? WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the drawing")
                            : WEIR_OK;
}
