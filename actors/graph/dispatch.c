#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/gate.h"
#include "weiri/matcher.h"

enum {
    BITS = 64,
    FEWEST_GATED =
        4 /* rules of a stream: fewer try every event sooner than a gate does */
};

typedef struct reading {
    uint32_t reader;
    uint32_t stream;
} reading;

struct weiri_dispatch {
    const weiri_plan *plan;
    weiri_gate      **gates;     /* shape (n_streams,): NULL where no rule is gated  */
    reading          *readings;  /* shape (n_streams,): by first reader              */
    uint32_t         *gate_of;   /* shape (n_rules,): 1 + stream; 0: not gated       */
    int64_t          *deadlines; /* shape (n_rules,): of gated rules, else INT64_MAX */
    uint64_t         *always;    /* a bit a rule: not gated                          */
    uint64_t         *begun;     /* a bit a rule: it was run                         */
    uint64_t         *due;       /* a bit a rule: to be run in this pass             */
    weiri_rows_list   rows;      /* of one rule                                      */
};

static size_t
n_words(const weiri_plan *plan)
{
    return plan->n_rules / BITS + 1;
}

uint32_t
weiri_rule_n_inputs(const weiri_rule *rule)
{
    return rule->join != NULL ? 2 : rule->match != NULL ? rule->match->n_inputs : 1;
}

uint32_t
weiri_rule_input(const weiri_rule *rule, uint32_t i)
{
    if (rule->join != NULL) {
        return rule->join->sides[i].stream;
    }
    if (rule->match != NULL) {
        return rule->match->inputs[i].stream;
    }
    const weiri_query *query = rule->query;
    return query->fold != NULL ? query->fold->sides[0].stream : query->stream;
}

/* ---- making and ending ---- */

static int
compare_readings(const void *left, const void *right)
{
    const reading *a = left;
    const reading *b = right;
    if (a->reader != b->reader) {
        return a->reader < b->reader ? -1 : 1;
    }
    return (a->stream > b->stream) - (a->stream < b->stream);
}

static void
find_readers(weiri_dispatch *self)
{
    const weiri_plan *plan = self->plan;
    for (uint32_t i = 0; i < plan->n_streams; i++) {
        self->readings[i] = (reading){ .reader = plan->n_rules, .stream = i };
    }
    for (uint32_t r = plan->n_rules; r-- > 0;) {
        for (uint32_t i = 0; i < weiri_rule_n_inputs(&plan->rules[r]); i++) {
            self->readings[weiri_rule_input(&plan->rules[r], i)].reader = r;
        }
    }
    qsort(self->readings, plan->n_streams, sizeof *self->readings, compare_readings);
}

static weir_status
allocate(weiri_dispatch *self)
{
    const weiri_plan *plan = self->plan;
    self->gates            = calloc(plan->n_streams + (size_t)1, sizeof(void *));
    self->readings         = calloc(plan->n_streams + (size_t)1, sizeof *self->readings);
    self->gate_of          = calloc(plan->n_rules + (size_t)1, sizeof *self->gate_of);
    self->deadlines        = calloc(plan->n_rules + (size_t)1, sizeof *self->deadlines);
    self->always           = calloc(n_words(plan), sizeof *self->always);
    self->begun            = calloc(n_words(plan), sizeof *self->begun);
    self->due              = calloc(n_words(plan), sizeof *self->due);
    if (self->gates == NULL || self->readings == NULL || self->gate_of == NULL
        || self->deadlines == NULL || self->always == NULL || self->begun == NULL
        || self->due == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        self->deadlines[i] = INT64_MAX;
    }
    find_readers(self);
    return WEIR_OK;
}

/* The conditions under which an event may matter to a rule. */
static weir_status
needs_of(const weiri_rule *rule, weiri_match_needs *needs, weir_error *err)
{
    needs->is_all = true;
    if (rule->join != NULL || (rule->query != NULL && rule->query->fold != NULL)) {
        return WEIR_OK;
    }
    if (rule->match != NULL) {
        return rule->match->n_inputs == 1 ? weiri_match_get_needs(rule->match, needs, err)
                                          : WEIR_OK;
    }
    if (rule->query->where != NULL && rule->query->window == NULL) {
        needs->is_all        = false;
        needs->n             = 1;
        needs->conditions[0] = rule->query->where;
    }
    return WEIR_OK;
}

static weir_status
gate_rule(weiri_dispatch *self, uint32_t index, weir_error *err)
{
    const weiri_rule *rule   = &self->plan->rules[index];
    uint32_t          stream = weiri_rule_input(rule, 0);
    weiri_match_needs needs  = { .is_all = true };
    weir_status       status = needs_of(rule, &needs, err);
    if (status != WEIR_OK || needs.is_all) {
        return status;
    }
    if (self->gates[stream] == NULL) {
        status =
            weiri_gate_new(&self->plan->streams[stream].schema, &self->gates[stream]);
    }
    bool is_gated = false;
    if (status == WEIR_OK) {
        status = weiri_gate_add(
            self->gates[stream], index, needs.conditions, needs.n, &is_gated);
    }
    self->gate_of[index] = is_gated ? stream + 1 : 0;
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "%s", weir_status_text(status));
}

/* Per stream: how many rules a gate would stand before; NULL when memory is out. */
static uint32_t *
count_readers(const weiri_plan *plan, const bool *is_mine)
{
    uint32_t *n = calloc(plan->n_streams + (size_t)1, sizeof *n);
    for (uint32_t i = 0; n != NULL && i < plan->n_rules; i++) {
        if ((is_mine == NULL || is_mine[i])
            && weiri_rule_n_inputs(&plan->rules[i]) == 1) {
            n[weiri_rule_input(&plan->rules[i], 0)]++;
        }
    }
    return n;
}

static weir_status
make_gates(weiri_dispatch *self, const bool *is_mine, bool is_ungated, weir_error *err)
{
    const weiri_plan *plan      = self->plan;
    weir_status       status    = WEIR_OK;
    uint32_t         *n_readers = count_readers(plan, is_mine);
    if (n_readers == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    for (uint32_t i = 0; i < plan->n_rules && status == WEIR_OK; i++) {
        if (is_mine != NULL && !is_mine[i]) {
            continue;
        }
        if (!is_ungated
            && n_readers[weiri_rule_input(&plan->rules[i], 0)] >= FEWEST_GATED) {
            status = gate_rule(self, i, err);
        }
        if (status != WEIR_OK) {
            status = WEIR_CONTEXT(err, status, "rule '%s'", plan->rules[i].name);
        }
        self->always[i / BITS] |= (uint64_t)(self->gate_of[i] == 0) << i % BITS;
    }
    free(n_readers);
    if (status != WEIR_OK) {
        return status;
    }
    for (uint32_t i = 0; i < plan->n_streams && status == WEIR_OK; i++) {
        if (self->gates[i] != NULL) {
            status = weiri_gate_seal(self->gates[i]);
        }
    }
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "%s", weir_status_text(status));
}

weir_status
weiri_dispatch_new(const weiri_plan *plan, const bool *is_mine, bool is_ungated,
    weiri_dispatch **out, weir_error *err)
{
    weiri_dispatch *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->plan = plan;
    if (allocate(self) != WEIR_OK) {
        weiri_dispatch_destroy(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = make_gates(self, is_mine, is_ungated, err);
    if (status != WEIR_OK) {
        weiri_dispatch_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_dispatch_destroy(weiri_dispatch **self_p)
{
    weiri_dispatch *self = *self_p;
    *self_p              = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->gates != NULL && i < self->plan->n_streams; i++) {
        weiri_gate_destroy(&self->gates[i]);
    }
    weiri_rows_list_fini(&self->rows);
    free(self->gates);
    free(self->readings);
    free(self->gate_of);
    free(self->deadlines);
    free(self->always);
    free(self->begun);
    free(self->due);
    free(self);
}

/* ---- a pass ---- */

bool
weiri_dispatch_is_gated(const weiri_dispatch *self, uint32_t rule)
{
    return self->gate_of[rule] != 0;
}

uint32_t
weiri_dispatch_stream(const weiri_dispatch *self, uint32_t i, uint32_t *reader)
{
    *reader = self->readings[i].reader;
    return self->readings[i].stream;
}

static void
set_due(weiri_dispatch *self, uint32_t rule)
{
    self->due[rule / BITS] |= UINT64_C(1) << rule % BITS;
}

void
weiri_dispatch_begin(weiri_dispatch *self, int64_t deadline_ns, bool is_end)
{
    const weiri_plan *plan = self->plan;
    for (size_t i = 0; i < n_words(plan); i++) {
        self->due[i] = self->always[i] | (is_end ? self->begun[i] : 0);
    }
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        self->due[i / BITS] |= (uint64_t)(self->deadlines[i] < deadline_ns) << i % BITS;
    }
}

weir_status
weiri_dispatch_scan(weiri_dispatch *self, uint32_t stream, const weiri_rows_list *rows)
{
    weiri_gate *gate = self->gates[stream];
    if (gate == NULL) {
        return WEIR_OK;
    }
    for (uint32_t i = 0; i < rows->n; i++) {
        weir_status status = weiri_gate_scan(gate, rows->items[i]);
        if (status != WEIR_OK) {
            return status;
        }
    }
    uint32_t        n    = 0;
    const uint32_t *hits = weiri_gate_hits(gate, &n);
    for (uint32_t i = 0; i < n; i++) {
        set_due(self, hits[i]);
    }
    return WEIR_OK;
}

uint32_t
weiri_dispatch_next(const weiri_dispatch *self, uint32_t first, uint32_t end)
{
    uint64_t skip = UINT64_MAX << first % BITS;
    for (uint32_t word = first / BITS; word * BITS < end; word++) {
        uint64_t left = self->due[word] & skip;
        if (left != 0) {
            uint32_t rule = word * BITS + (uint32_t)__builtin_ctzll(left);
            return rule < end ? rule : end;
        }
        skip = UINT64_MAX;
    }
    return end;
}

weir_status
weiri_dispatch_rows(weiri_dispatch *self, uint32_t rule, const weiri_rows_list **out)
{
    weiri_rows_list_clear(&self->rows);
    *out = &self->rows;
    return weiri_gate_rows(self->gates[self->gate_of[rule] - 1], rule, &self->rows);
}

void
weiri_dispatch_ran(weiri_dispatch *self, uint32_t rule, int64_t deadline_ns)
{
    self->begun[rule / BITS] |= UINT64_C(1) << rule % BITS;
    if (self->gate_of[rule] != 0) {
        self->deadlines[rule] = deadline_ns;
    }
}

void
weiri_dispatch_forget(weiri_dispatch *self)
{
    weiri_rows_list_clear(&self->rows);
    for (uint32_t i = 0; i < self->plan->n_streams; i++) {
        if (self->gates[i] != NULL) {
            weiri_gate_clear(self->gates[i]);
        }
    }
}
