/* Runs that wait for an event with a value they hold (`b.id == a.id`), by that value.
 *
 * In a partition with many runs, those in such a state are not offered every event: an
 * event looks up its own value and meets those that hold the same. A state is of this
 * kind if, as long as its equalities do not hold, a run in it passes over any event and
 * stays as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/operations.h"
#include "match/runs.h"

enum { FIRST_BUCKETS = 256 };

/* ---- which states ---- */

static bool
is_call_of(const weiri_expr *expr, const char *name)
{
    return expr->kind == WEIRI_EXPR_CALL
           && strcmp(expr->as.call.operation->name, name) == 0;
}

/* `x == register` in a condition that can only hold if it does. */
static bool
find_equality(const weiri_expr *expr, const weiri_expr **value, uint32_t *reg)
{
    if (is_call_of(expr, "and")) {
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            if (find_equality(expr->as.call.args[i], value, reg)) {
                return true;
            }
        }
        return false;
    }
    if (!is_call_of(expr, "==") || expr->as.call.n_args != 2) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        const weiri_expr *a = expr->as.call.args[i];
        const weiri_expr *b = expr->as.call.args[1 - i];
        if (a->kind == WEIRI_EXPR_REGISTER && a->type == b->type
            && !weiri_expr_reads_registers(b)) {
            *reg   = a->as.reg;
            *value = b;
            return true;
        }
    }
    return false;
}

/* A register whose value stays as it is while its run waits. */
static bool
is_steady(const weiri_executor *self, uint32_t reg)
{
    weiri_register_kind kind = self->core->plan->registers[reg].kind;
    return kind != WEIRI_REGISTER_KEY && kind != WEIRI_REGISTER_END
           && kind != WEIRI_REGISTER_COLLECT;
}

static weiri_formula
false_fact(void *context, uint32_t atom)
{
    (void)context;
    (void)atom;
    return WEIRI_FALSE;
}

static bool
waits_only(weiri_executor *self, uint32_t state)
{
    const weiri_state *s      = &self->core->automaton->states[state];
    weiri_conditions  *all    = &self->core->automaton->conditions;
    uint32_t           n_ways = 0;
    bool               stays  = false;
    for (uint32_t i = 0; i < s->n_arcs; i++) {
        weiri_formula when =
            weiri_formula_restrict(all, s->arcs[i].when, false_fact, NULL);
        n_ways += when != WEIRI_FALSE;
        stays |= when == WEIRI_TRUE && s->arcs[i].action == WEIRI_IGNORE
                 && s->arcs[i].target == state;
    }
    return stays && n_ways == 1;
}

static bool
has_atom(const weiri_executor *self, uint32_t state, uint32_t atom)
{
    const weiri_state *s = &self->core->automaton->states[state];
    for (uint32_t i = 0; i < s->n_arcs; i++) {
        if (weiri_formula_has_atom(
                &self->core->automaton->conditions, s->arcs[i].when, atom)) {
            return true;
        }
    }
    return false;
}

/* The probes of a state; its number of them, 0 if it is not of this kind. */
static uint32_t
find_probes(weiri_executor *self, uint32_t state, weiri_probe *out)
{
    const weiri_automaton *automaton = self->core->automaton;
    uint32_t               n         = 0;
    if (state == 0 || !waits_only(self, state)) {
        return 0;
    }
    for (uint32_t a = 0; a < automaton->n_atoms; a++) {
        if (!has_atom(self, state, a)) {
            continue;
        }
        const weiri_expr *correlated = automaton->atoms[a].where.correlated;
        weiri_probe       probe      = { .state = state, .atom = a, .root = WEIRI_NONE };
        if (automaton->atoms[a].kind != WEIRI_ATOM_EVENT || correlated == NULL
            || !find_equality(correlated, &probe.value, &probe.reg)
            || !is_steady(self, probe.reg) || (n > 0 && out[0].reg != probe.reg)) {
            return 0;
        }
        out[n++] = probe;
    }
    return n;
}

static bool
add_probes(weiri_executor *self, const weiri_probe *found, uint32_t n)
{
    weiri_probe *probes = realloc(self->probes, (self->n_probes + n) * sizeof *probes);
    if (probes == NULL) {
        return false;
    }
    self->probes = probes;
    memcpy(probes + self->n_probes, found, n * sizeof *found);
    self->n_probes += n;
    return true;
}

static weir_status
make_program(weiri_executor *self)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const weiri_expr **roots = calloc(self->n_probes + 1, sizeof *roots);
    uint32_t           n     = 0;
    if (roots == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_probes; i++) {
        if (self->probes[i].value->kind != WEIRI_EXPR_FIELD) {
            self->probes[i].root = n;
            roots[n++]           = self->probes[i].value;
        }
    }
    weir_status status =
        n == 0 ? WEIR_OK : weiri_program_new(roots, n, &self->index_program);
    free(roots);
    return status;
}

weir_status
weiri_runs_index_new(weiri_executor *self)
{
    uint32_t n_states = self->core->automaton->n_states;
    self->waits_for   = malloc(n_states * sizeof *self->waits_for);
    if (self->waits_for == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t s = 0; s < n_states; s++) {
        weiri_probe found[WEIRI_AUTOMATON_ATOMS];
        uint32_t    n      = find_probes(self, s, found);
        self->waits_for[s] = n > 0 ? found[0].reg : WEIRI_NONE;
        if (n > 0 && !add_probes(self, found, n)) {
            return WEIR_ENOMEM;
        }
    }
    if (self->n_probes == 0) {
        return WEIR_OK;
    }
    self->n_buckets    = FIRST_BUCKETS;
    self->buckets      = calloc(FIRST_BUCKETS, sizeof *self->buckets);
    self->probe_stamp  = calloc(self->n_probes, sizeof *self->probe_stamp);
    self->probe_bucket = calloc(self->n_probes, sizeof *self->probe_bucket);
    if (self->buckets == NULL || self->probe_stamp == NULL
        || self->probe_bucket == NULL) {
        return WEIR_ENOMEM;
    }
    return make_program(self);
}

void
weiri_runs_index_destroy(weiri_executor *self)
{
    weiri_program_destroy(&self->index_program);
    free(self->probes);
    free(self->waits_for);
    free(self->buckets);
    free(self->probe_stamp);
    free(self->probe_bucket);
}

/* ---- places ---- */

static uint32_t
hash_of(const weir_value *value, uint32_t partition, uint32_t state)
{
    uint64_t h = ((uint64_t)partition << 32 | state) * 0x9E3779B97F4A7C15u;
    if (value->type == WEIR_STRING || value->type == WEIR_LIST) {
        for (uint32_t i = 0; i < value->size; i++) {
            h = (h ^ (uint8_t)value->as.s[i]) * 0x100000001B3u;
        }
    } else if (value->type == WEIR_BOOL) {
        h ^= value->as.b;
    } else if (value->type != WEIR_FLOAT || value->as.f != 0.0) {
        h ^= (uint64_t)value->as.i; /* floats by their bits; both zeroes as none */
    }
    h = (h ^ (h >> 32)) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)(h >> 32);
}

static void
link_run(weiri_executor *self, uint32_t *head, uint32_t run)
{
    weiri_run *at = weiri_run_at(self, run);
    at->link_next = *head;
    at->link_prev = 0;
    if (*head != 0) {
        weiri_run_at(self, *head)->link_prev = run;
    }
    *head = run;
}

static void
unlink_run(weiri_executor *self, uint32_t *head, const weiri_run *at)
{
    if (at->link_prev != 0) {
        weiri_run_at(self, at->link_prev)->link_next = at->link_next;
    } else {
        *head = at->link_next;
    }
    if (at->link_next != 0) {
        weiri_run_at(self, at->link_next)->link_prev = at->link_prev;
    }
}

static void
grow_buckets(weiri_executor *self)
{
    uint32_t  n       = self->n_buckets * 2;
    uint32_t *buckets = n == 0 ? NULL : calloc(n, sizeof *buckets);
    if (buckets == NULL) {
        return; /* slower, and still right */
    }
    uint32_t *old   = self->buckets;
    uint32_t  n_old = self->n_buckets;
    self->buckets   = buckets;
    self->n_buckets = n;
    for (uint32_t i = 0; i < n_old; i++) {
        for (uint32_t run = old[i], next = 0; run != 0; run = next) {
            next = weiri_run_at(self, run)->link_next;
            link_run(self, &buckets[weiri_run_at(self, run)->bucket & (n - 1)], run);
        }
    }
    free(old);
}

void
weiri_runs_place(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    weiri_run *at  = weiri_run_at(self, run);
    uint32_t   reg = self->waits_for[at->state];
    at->placed     = (uint32_t)self->event_stamp;
    if (reg == WEIRI_NONE) {
        at->place = WEIRI_RUN_ACTIVE;
        link_run(self, &state->active, run);
        return;
    }
    weiri_moment moment = { .start_ns = at->start_ns, .end_ns = at->last_ns };
    weir_value   value =
        weiri_registers_value(self->core->registers, at->cells, reg, &moment);
    if (value.is_null) {
        at->place = WEIRI_RUN_NOWHERE; /* nothing equals null: it waits for its end */
        return;
    }
    if (self->n_parked >= self->n_buckets) {
        grow_buckets(self);
    }
    at->place  = WEIRI_RUN_PARKED;
    at->bucket = hash_of(&value, at->partition, at->state);
    self->n_parked++;
    link_run(self, &self->buckets[at->bucket & (self->n_buckets - 1)], run);
}

void
weiri_runs_displace(weiri_executor *self, weiri_runs_state *state, uint32_t run)
{
    weiri_run *at = weiri_run_at(self, run);
    if (at->place == WEIRI_RUN_ACTIVE) {
        unlink_run(self, &state->active, at);
    } else if (at->place == WEIRI_RUN_PARKED) {
        unlink_run(self, &self->buckets[at->bucket & (self->n_buckets - 1)], at);
        self->n_parked--;
    }
    at->place = WEIRI_RUN_NOWHERE;
}

void
weiri_runs_index_partition(weiri_executor *self)
{
    self->state->is_indexed = true;
    self->state->active     = 0;
    for (uint32_t run = self->state->first; run != 0;
         run          = weiri_run_at(self, run)->next) {
        weiri_runs_place(self, self->state, run);
    }
}

/* ---- probing ---- */

static uint32_t
matching(const weiri_executor *self, uint32_t i, uint32_t run)
{
    for (; run != 0; run = weiri_run_at(self, run)->link_next) {
        const weiri_run *at = weiri_run_at(self, run);
        if (at->bucket == self->probed && at->partition == self->partition->self
            && at->state == self->probes[i].state
            && at->placed != (uint32_t)self->event_stamp) {
            return run;
        }
    }
    return 0;
}

static bool
was_probed(const weiri_executor *self, uint32_t i, uint32_t bucket)
{
    for (uint32_t k = 0; k < i; k++) {
        if (self->probes[k].state == self->probes[i].state
            && self->probe_stamp[k] == self->event_stamp
            && self->probe_bucket[k] == bucket) {
            return true;
        }
    }
    return false;
}

uint32_t
weiri_runs_probe(weiri_executor *self, uint32_t i)
{
    const weiri_probe *probe = &self->probes[i];
    const weiri_event *event = self->event;
    if (!weiri_runs_class_fits(self, event->class, probe->atom)) {
        return 0;
    }
    weir_value value =
        probe->root == WEIRI_NONE
            ? weir_chunk_get(event->chunk, event->row, probe->value->as.field)
            : weiri_program_eval(
                self->index_program, probe->root, event->chunk, event->row, NULL);
    if (value.is_null) {
        return 0;
    }
    self->probed = hash_of(&value, self->partition->self, probe->state);
    if (was_probed(self, i, self->probed)) {
        return 0;
    }
    self->probe_stamp[i]  = self->event_stamp;
    self->probe_bucket[i] = self->probed;
    return matching(self, i, self->buckets[self->probed & (self->n_buckets - 1)]);
}

uint32_t
weiri_runs_probe_next(weiri_executor *self, uint32_t i, uint32_t run)
{
    return matching(self, i, weiri_run_at(self, run)->link_next);
}
