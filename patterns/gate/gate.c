#include "weiri/gate.h"

#include <stdlib.h>
#include <string.h>

#include "gate/index.h"
#include "weiri/assert.h"
#include "weiri/limits.h"

/* What a range costs where the alternative is an equality test that so many rules share:
 * nothing is known of the values. */
static const double HALF_OPEN_COST = 40;
static const double RANGE_COST     = 20;

/* A range of rows in which more than this share of all (rule, row) is hit is given to all
 * rules; a rule that more than this share of a range's rows may matter to gets all of it:
 * columns are then cheaper than single rows. */
enum { SHARE_OF_ALL = 64, SHARE_OF_ROWS = 4, HITS_ALWAYS = 8 };

typedef struct member {
    uint32_t                 rule;
    const weiri_expr *const *conditions; /* until sealed */
    uint32_t                 n_conditions;
    bool                     is_unsorted; /* its hits may come out of order and twice */
    uint32_t                 first_hit;   /* 0: not hit */
    uint32_t                 last_hit;
} member;

typedef struct hit {
    uint32_t next; /* of the same member; 0: the last */
    uint32_t range;
    uint32_t row; /* of the chunk */
} hit;

typedef struct scanned {
    weir_rows rows;
    bool      is_open; /* given to all */
} scanned;

struct weiri_gate {
    const weir_schema *schema;
    weiri_gate_index **indexes; /* shape (schema->n_fields,): NULL where none */
    member            *members;
    uint32_t           n_members;
    uint32_t           capacity_members;
    const weiri_expr **conditions; /* of all members, one after another */
    uint32_t          *member_of;  /* rule to 1 + member, shape (n_rules,) */
    uint32_t           n_rules;
    scanned           *ranges;
    uint32_t           n_ranges;
    uint32_t           capacity_ranges;
    hit               *hits; /* from 1 on */
    uint32_t           n_hits;
    uint32_t           capacity_hits;
    uint32_t           max_hits; /* of the range being scanned */
    uint32_t          *hit_members;
    uint32_t           n_hit_members;
    uint32_t          *hit_rules; /* what weiri_gate_hits gives */
    bool               has_open;
    bool               is_out_of_memory;
};

weir_status
weiri_gate_new(const weir_schema *schema, weiri_gate **out)
{
    weiri_gate *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->schema  = schema;
    self->indexes = calloc(schema->n_fields + (size_t)1, sizeof *self->indexes);
    if (self->indexes == NULL) {
        weiri_gate_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_gate_destroy(weiri_gate **self_p)
{
    weiri_gate *self = *self_p;
    *self_p          = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->indexes != NULL && i < self->schema->n_fields; i++) {
        if (self->indexes[i] != NULL) {
            weiri_gate_index_fini(self->indexes[i]);
            free(self->indexes[i]);
        }
    }
    for (uint32_t i = 0; i < self->n_members; i++) {
        free((void *)self->members[i].conditions);
    }
    free(self->indexes);
    free(self->members);
    free(self->member_of);
    free(self->ranges);
    free(self->hits);
    free(self->hit_members);
    free(self->hit_rules);
    free(self);
}

/* ---- rules ---- */

static weiri_gate_index *
index_of(weiri_gate *self, uint32_t field)
{
    if (self->indexes[field] == NULL) {
        self->indexes[field] = calloc(1, sizeof **self->indexes);
        if (self->indexes[field] == NULL) {
            self->is_out_of_memory = true;
            return NULL;
        }
        self->indexes[field]->type = self->schema->fields[field].type;
    }
    return self->indexes[field];
}

static void
see(void *context, const weiri_gate_test *test)
{
    weiri_gate       *self  = context;
    weiri_gate_index *index = index_of(self, test->field);
    if (index != NULL && weiri_gate_is_equality(test)
        && !weiri_gate_index_see(index, test)) {
        self->is_out_of_memory = true;
    }
}

static double
cost_of(void *context, const weiri_gate_test *test)
{
    const weiri_gate       *self  = context;
    const weiri_gate_index *index = self->indexes[test->field];
    if (weiri_gate_is_equality(test)) {
        return index == NULL ? 1 : weiri_gate_index_seen(index, test);
    }
    return test->low == INT64_MIN || test->high == INT64_MAX ? HALF_OPEN_COST
                                                             : RANGE_COST;
}

static bool
can_gate(weiri_gate *self, const weiri_expr *const *conditions, uint32_t n)
{
    weiri_gate_tests tests = { 0 };
    bool             can   = true;
    for (uint32_t i = 0; i < n && can; i++) {
        can = weiri_gate_extract(
            conditions[i], cost_of, self, &tests, &self->is_out_of_memory);
    }
    free(tests.items);
    return can;
}

static weir_status
add_member(
    weiri_gate *self, uint32_t rule, const weiri_expr *const *conditions, uint32_t n)
{
    if (self->n_members == self->capacity_members) {
        uint32_t capacity = self->n_members == 0 ? 16 : 2 * self->n_members;
        member  *members  = realloc(self->members, capacity * sizeof *members);
        if (members == NULL) {
            return WEIR_ENOMEM;
        }
        self->members          = members;
        self->capacity_members = capacity;
    }
    const weiri_expr **kept = malloc((n + (size_t)1) * sizeof *kept);
    if (kept == NULL) {
        return WEIR_ENOMEM;
    }
    memcpy(kept, conditions, n * sizeof *kept);
    self->members[self->n_members++] =
        (member){ .rule = rule, .conditions = kept, .n_conditions = n };
    self->n_rules = rule >= self->n_rules ? rule + 1 : self->n_rules;
    return WEIR_OK;
}

weir_status
weiri_gate_add(weiri_gate *self, uint32_t rule, const weiri_expr *const *conditions,
    uint32_t n, bool *is_gated)
{
    *is_gated = can_gate(self, conditions, n);
    if (self->is_out_of_memory) {
        return WEIR_ENOMEM;
    }
    if (!*is_gated) {
        return WEIR_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        weiri_gate_visit_tests(conditions[i], see, self);
    }
    return self->is_out_of_memory ? WEIR_ENOMEM : add_member(self, rule, conditions, n);
}

/* Whether hits on these tests come in the order of the rows: they are looked up in one
 * pass over one field. */
static bool
is_one_pass(const weiri_gate_tests *tests)
{
    for (uint32_t i = 1; i < tests->n; i++) {
        if (tests->items[i].field != tests->items[0].field
            || weiri_gate_is_equality(&tests->items[i])
                   != weiri_gate_is_equality(&tests->items[0])) {
            return false;
        }
    }
    return true;
}

static void
take_tests(weiri_gate *self, uint32_t number)
{
    member          *at    = &self->members[number];
    weiri_gate_tests tests = { 0 };
    for (uint32_t i = 0; i < at->n_conditions; i++) {
        bool done = weiri_gate_extract(
            at->conditions[i], cost_of, self, &tests, &self->is_out_of_memory);
        weiri_assert(done || self->is_out_of_memory);
    }
    at->is_unsorted = !is_one_pass(&tests);
    for (uint32_t i = 0; i < tests.n && !self->is_out_of_memory; i++) {
        weiri_gate_index *index = index_of(self, tests.items[i].field);
        if (index != NULL && !weiri_gate_index_take(index, &tests.items[i], number)) {
            self->is_out_of_memory = true;
        }
    }
    free(tests.items);
    free((void *)at->conditions);
    at->conditions = NULL;
}

weir_status
weiri_gate_seal(weiri_gate *self)
{
    for (uint32_t i = 0; i < self->n_members && !self->is_out_of_memory; i++) {
        take_tests(self, i);
    }
    for (uint32_t i = 0; i < self->schema->n_fields && !self->is_out_of_memory; i++) {
        if (self->indexes[i] != NULL && !weiri_gate_index_seal(self->indexes[i])) {
            self->is_out_of_memory = true;
        }
    }
    self->member_of   = calloc(self->n_rules + (size_t)1, sizeof *self->member_of);
    self->hit_members = calloc(self->n_members + (size_t)1, sizeof *self->hit_members);
    self->hit_rules   = calloc(self->n_members + (size_t)1, sizeof *self->hit_rules);
    if (self->member_of == NULL || self->hit_members == NULL || self->hit_rules == NULL) {
        self->is_out_of_memory = true;
    }
    for (uint32_t i = 0; i < self->n_members && !self->is_out_of_memory; i++) {
        self->member_of[self->members[i].rule] = i + 1;
    }
    return self->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}

/* ---- scan ---- */

static bool
grow_hits(weiri_gate *self)
{
    uint32_t capacity =
        self->capacity_hits == 0 ? WEIRI_CHUNK_ROWS : 2 * self->capacity_hits;
    hit *hits = realloc(self->hits, capacity * sizeof *hits);
    if (hits == NULL) {
        self->is_out_of_memory = true;
        return false;
    }
    self->hits          = hits;
    self->capacity_hits = capacity;
    return true;
}

static void
on_hit(void *context, uint32_t number, uint32_t row)
{
    weiri_gate *self  = context;
    uint32_t    range = self->n_ranges - 1;
    if (self->n_hits == self->max_hits) {
        self->ranges[range].is_open = true;
        self->has_open              = true;
        return;
    }
    if (self->n_hits + 1 >= self->capacity_hits && !grow_hits(self)) {
        return;
    }
    member    *to   = &self->members[number];
    const hit *last = &self->hits[to->last_hit];
    if (to->first_hit != 0 && last->row == row && last->range == range) {
        return;
    }
    uint32_t at    = ++self->n_hits;
    self->hits[at] = (hit){ .range = range, .row = row };
    if (to->first_hit == 0) {
        to->first_hit                            = at;
        self->hit_members[self->n_hit_members++] = number;
    } else {
        self->hits[to->last_hit].next = at;
    }
    to->last_hit = at;
}

static bool
add_range(weiri_gate *self, weir_rows rows)
{
    if (self->n_ranges == self->capacity_ranges) {
        uint32_t capacity = self->n_ranges == 0 ? 16 : 2 * self->n_ranges;
        scanned *ranges   = realloc(self->ranges, capacity * sizeof *ranges);
        if (ranges == NULL) {
            return false;
        }
        self->ranges          = ranges;
        self->capacity_ranges = capacity;
    }
    self->ranges[self->n_ranges++] = (scanned){ .rows = rows };
    return true;
}

weir_status
weiri_gate_scan(weiri_gate *self, weir_rows rows)
{
    if (rows.n == 0) {
        return WEIR_OK;
    }
    if (!add_range(self, rows)) {
        return WEIR_ENOMEM;
    }
    uint64_t n_rows = rows.n;
    uint64_t most =
        self->n_hits + n_rows * (HITS_ALWAYS + self->n_members / SHARE_OF_ALL);
    self->max_hits = most < UINT32_MAX / 2 ? (uint32_t)most : UINT32_MAX / 2;
    for (uint32_t i = 0; i < self->schema->n_fields; i++) {
        if (self->indexes[i] != NULL) {
            weiri_gate_index_scan(
                self->indexes[i], &rows.chunk->columns[i], rows, on_hit, self);
        }
    }
    return self->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}

const uint32_t *
weiri_gate_hits(weiri_gate *self, uint32_t *n)
{
    *n = self->has_open ? self->n_members : self->n_hit_members;
    for (uint32_t i = 0; i < *n; i++) {
        uint32_t number    = self->has_open ? i : self->hit_members[i];
        self->hit_rules[i] = self->members[number].rule;
    }
    return self->hit_rules;
}

static int
compare_rows(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t
sort_rows(uint32_t *rows, uint32_t n)
{
    uint32_t kept = 0;
    qsort(rows, n, sizeof *rows, compare_rows);
    for (uint32_t i = 0; i < n; i++) {
        if (kept == 0 || rows[kept - 1] != rows[i]) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

/* Rows that follow each other are one range. */
static weir_status
append_rows(const weir_rows *of, const uint32_t *rows, uint32_t n, weiri_rows_list *out)
{
    for (uint32_t i = 0; i < n;) {
        uint32_t first = i++;
        while (i < n && rows[i] == rows[i - 1] + 1) {
            i++;
        }
        weir_status status = weiri_rows_list_add(
            out, (weir_rows){ .chunk = of->chunk, .first = rows[first], .n = i - first });
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

/* The hits of a member from *at on that are in one range; *at is that after them. Hits
 * may be as many as the member has tests for each row. */
static weir_status
take_range(weiri_gate *self, const member *of, uint32_t *at, weiri_rows_list *out)
{
    uint32_t       rows[WEIRI_CHUNK_ROWS];
    uint32_t       n       = 0;
    uint32_t       number  = self->hits[*at].range;
    const scanned *range   = &self->ranges[number];
    bool           is_full = range->is_open;
    while (*at != 0 && self->hits[*at].range == number) {
        if (n == WEIRI_CHUNK_ROWS) {
            n = sort_rows(rows, n);
        }
        is_full |= n == WEIRI_CHUNK_ROWS;
        if (!is_full) {
            rows[n++] = self->hits[*at].row;
        }
        *at = self->hits[*at].next;
    }
    if (of->is_unsorted) {
        n = sort_rows(rows, n);
    }
    if (is_full || (n > 1 && n * SHARE_OF_ROWS > range->rows.n)) {
        return weiri_rows_list_add(out, range->rows);
    }
    return append_rows(&range->rows, rows, n, out);
}

weir_status
weiri_gate_rows(weiri_gate *self, uint32_t rule, weiri_rows_list *out)
{
    uint32_t number = rule < self->n_rules ? self->member_of[rule] : 0;
    weiri_assert(number != 0);
    const member *of     = &self->members[number - 1];
    uint32_t      at     = of->first_hit;
    weir_status   status = WEIR_OK;
    for (uint32_t i = 0; self->has_open && i < self->n_ranges && status == WEIR_OK; i++) {
        if (at != 0 && self->hits[at].range == i) {
            status = take_range(self, of, &at, out);
        } else if (self->ranges[i].is_open) {
            status = weiri_rows_list_add(out, self->ranges[i].rows);
        }
    }
    while (at != 0 && status == WEIR_OK) {
        status = take_range(self, of, &at, out);
    }
    return status;
}

void
weiri_gate_clear(weiri_gate *self)
{
    for (uint32_t i = 0; i < self->n_hit_members; i++) {
        self->members[self->hit_members[i]].first_hit = 0;
    }
    self->n_hit_members = 0;
    self->n_ranges      = 0;
    self->n_hits        = 0;
    self->has_open      = false;
}
