/* Conditions that read registers, or what a partition saw before. */
#include <stdlib.h>

#include "match/runs.h"

static uint32_t
list_reads(const weiri_expr *expr, uint32_t *list, uint32_t n)
{
    if (expr->kind == WEIRI_EXPR_REGISTER) {
        for (uint32_t i = 0; i < n; i++) {
            if (list[i] == expr->as.reg) {
                return n;
            }
        }
        list[n++] = expr->as.reg;
    }
    for (uint32_t i = 0; expr->kind == WEIRI_EXPR_CALL && i < expr->as.call.n_args; i++) {
        n = list_reads(expr->as.call.args[i], list, n);
    }
    return n;
}

static bool
make_reads(weiri_executor *self, uint32_t atom, const weiri_expr *correlated)
{
    uint32_t n_registers = self->core->plan->n_registers;
    self->reads[atom]    = malloc((n_registers + 1) * sizeof *self->reads[atom]);
    if (self->reads[atom] == NULL) {
        return false;
    }
    self->reads[atom][list_reads(correlated, self->reads[atom], 0)] = WEIRI_NONE;
    return true;
}

weir_status
weiri_runs_test_new(weiri_executor *self)
{
    const weiri_automaton *automaton   = self->core->automaton;
    uint32_t               n_registers = self->core->plan->n_registers;
    self->roots                        = calloc(automaton->n_atoms, sizeof *self->roots);
    self->reads                        = calloc(automaton->n_atoms, sizeof *self->reads);
    self->registers                    = calloc(n_registers + 1, sizeof *self->registers);
    self->read_stamp = calloc(n_registers + 1, sizeof *self->read_stamp);
    self->atom_stamp = calloc(automaton->n_atoms, sizeof *self->atom_stamp);
    self->atom_value = calloc(automaton->n_atoms, sizeof *self->atom_value);
    self->key        = calloc(self->core->plan->n_keys + 1, sizeof *self->key);
    if (self->roots == NULL || self->reads == NULL || self->registers == NULL
        || self->read_stamp == NULL || self->atom_stamp == NULL
        || self->atom_value == NULL || self->key == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t r = 0; r < n_registers; r++) {
        const weiri_register *reg = &self->core->plan->registers[r];
        self->reads_key |= reg->kind == WEIRI_REGISTER_KEY;
    }
    const weiri_expr *roots[WEIRI_AUTOMATON_ATOMS];
    uint32_t          n = 0;
    for (uint32_t i = 0; i < automaton->n_atoms; i++) {
        const weiri_expr *correlated = automaton->atoms[i].where.correlated;
        if (automaton->atoms[i].kind == WEIRI_ATOM_EVENT && correlated != NULL) {
            self->roots[i] = n;
            roots[n++]     = correlated;
            if (!make_reads(self, i, correlated)) {
                return WEIR_ENOMEM;
            }
        }
    }
    return n == 0 ? WEIR_OK : weiri_program_new(roots, n, &self->correlated);
}

void
weiri_runs_test_destroy(weiri_executor *self)
{
    for (uint32_t i = 0; self->reads != NULL && i < self->core->automaton->n_atoms; i++) {
        free(self->reads[i]);
    }
    weiri_program_destroy(&self->correlated);
    free(self->roots);
    free(self->reads);
    free(self->registers);
    free(self->read_stamp);
    free(self->atom_stamp);
    free(self->atom_value);
    free(self->key);
}

void
weiri_runs_test_begin(weiri_executor *self)
{
    if (self->has_evaluated) {
        self->has_evaluated = false;
        weiri_program_forget(self->correlated);
    }
    if (self->wait_values != NULL) {
        weiri_program_forget(self->wait_values);
    }
}

const weir_value *
weiri_runs_key(weiri_executor *self, const weiri_partition *partition)
{
    if (self->key_of != partition->self) {
        self->key_of = partition->self;
        weiri_keys_values(self->core->keys, partition, self->key);
    }
    return self->key;
}

static bool
test_correlated(weiri_executor *self, uint32_t atom, weiri_run *run)
{
    int          known  = self->n_waits > 0 ? weiri_runs_compare(self, atom, run) : -1;
    weiri_moment moment = { .start_ns = run->start_ns, .end_ns = run->last_ns };
    if (known >= 0) {
        return known != 0;
    }
    if (self->reads_key) {
        moment.key = weiri_runs_key(self, self->partition);
    }
    for (const uint32_t *r = self->reads[atom]; *r != WEIRI_NONE; r++) {
        if (self->read_stamp[*r] != self->stamp) {
            self->read_stamp[*r] = self->stamp;
            self->registers[*r] =
                weiri_registers_value(self->core->registers, run->cells, *r, &moment);
        }
    }
    self->has_evaluated = true;
    weir_value value    = weiri_program_eval(self->correlated, self->roots[atom],
           self->event->chunk, self->event->row, self->registers);
    return !value.is_null && value.as.b;
}

static bool
test_before(const weiri_executor *self, uint32_t atom)
{
    const weiri_atom *a = &self->core->automaton->atoms[atom];
    if (self->state->before == 0) {
        return false;
    }
    const weiri_before *before = weiri_pool_at(&self->befores, self->state->before);
    uint32_t            i      = 0;
    while (self->leading[i] != atom) {
        i++;
    }
    if (a->kind == WEIRI_ATOM_JUST_BEFORE) {
        return (before->just >> i & 1) != 0;
    }
    int64_t within_ns = self->core->automaton->within_ns;
    return (before->ever >> i & 1) != 0
           && (within_ns < 0
               || (uint64_t)self->event->time_ns - (uint64_t)before->last_ns[i]
                      <= (uint64_t)within_ns);
}

static bool
test_atom(weiri_executor *self, uint32_t atom, weiri_run *run)
{
    if (self->atom_stamp[atom] != self->stamp) {
        self->atom_stamp[atom] = self->stamp;
        self->atom_value[atom] =
            self->core->automaton->atoms[atom].kind == WEIRI_ATOM_EVENT
                ? test_correlated(self, atom, run)
                : test_before(self, atom);
    }
    return self->atom_value[atom];
}

bool
weiri_runs_holds(weiri_executor *self, weiri_formula formula, weiri_run *run)
{
    const weiri_formula_node *node = &self->core->automaton->conditions.nodes[formula];
    switch (node->kind) {
    case WEIRI_FORMULA_CONSTANT: return formula == WEIRI_TRUE;
    case WEIRI_FORMULA_ATOM: return test_atom(self, node->a, run);
    case WEIRI_FORMULA_NOT: return !weiri_runs_holds(self, node->a, run);
    case WEIRI_FORMULA_AND:
        return weiri_runs_holds(self, node->a, run)
               && weiri_runs_holds(self, node->b, run);
    case WEIRI_FORMULA_OR:
        return weiri_runs_holds(self, node->a, run)
               || weiri_runs_holds(self, node->b, run);
    }
    return false;
}
