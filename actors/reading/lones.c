/* weiri_lones: the rules before the one that is asked about are run with the join as a
 * left one, which gives what has no counterpart; then the right's events are looked
 * through. */
#include "weiri/lones.h"

#include <stdlib.h>
#include <string.h>

#include "driving.h"

struct weiri_lones {
    weiri_arena                 *arena;
    weiri_plan                   plan; /* up to the rule, the join a left one */
    const weiri_reading_request *request;
    const weiri_join            *join;
    weiri_match                  match; /* what is gathered */
    weiri_match_input            input;
    weiri_rule                   rule;
    weiri_gather                *gather; /* joined rows of the key */
    weiri_program               *keys[2];
    weiri_lone                   lones[WEIRI_LONES];
    uint32_t                     n;
    bool                         is_told;
};

/* ---- the plan ---- */

static bool
reads_no_more(const weiri_expr *expr, const weir_schema *of, uint32_t n)
{
    bool *read  = calloc(of->n_fields + (size_t)1, sizeof *read);
    bool  is_ok = read != NULL;
    if (is_ok) {
        weiri_expr_mark_fields(expr, read);
    }
    for (uint32_t i = n; i < of->n_fields && is_ok; i++) {
        is_ok = !read[i];
    }
    free(read);
    return is_ok;
}

/* The rule's key over what the join gives; false: it reads what comes later. */
static bool
make_inputs(weiri_lones *self, const weiri_rule *rule)
{
    const weiri_match *of    = weiri_inputs_of(self->arena, rule);
    weiri_match_input *input = &self->input;
    bool               is_ok = true;
    *input                   = of->inputs[0];
    self->match = (weiri_match){ .inputs = input, .n_inputs = 1, .n_keys = of->n_keys };
    self->rule  = (weiri_rule){ .match = &self->match };
    for (uint32_t k = 0; k < of->n_keys && is_ok; k++) {
        is_ok =
            reads_no_more(input->keys[k], input->schema, self->join->schema->n_fields);
    }
    input->stream = self->join->stream;
    input->schema = self->join->schema;
    return is_ok;
}

/* The right may be null in what is given. */
static const weir_schema *
nullable_schema(weiri_lones *self, const weiri_join *join)
{
    weir_schema *schema = weiri_arena_alloc(self->arena, sizeof *schema);
    weir_field  *fields = weiri_arena_alloc(
         self->arena, (join->schema->n_fields + (size_t)1) * sizeof *fields);
    *schema        = *join->schema;
    schema->fields = fields;
    memcpy(fields, join->schema->fields, schema->n_fields * sizeof *fields);
    for (uint32_t i = join->sides[0].schema->n_fields; i < schema->n_fields; i++) {
        fields[i].is_nullable = true;
    }
    return schema;
}

static void
prepare_plan(weiri_lones *self, const weiri_plan *plan, const weiri_join *join)
{
    weiri_arena *arena   = self->arena;
    uint32_t     n_rules = self->request->rule;
    self->plan           = *plan;
    self->plan.n_sinks   = 0;
    self->plan.n_rules   = n_rules;
    self->plan.streams =
        weiri_arena_alloc(arena, (plan->n_streams + (size_t)1) * sizeof *plan->streams);
    self->plan.rules =
        weiri_arena_alloc(arena, (n_rules + (size_t)1) * sizeof *plan->rules);
    memcpy(self->plan.streams, plan->streams, plan->n_streams * sizeof *plan->streams);
    memcpy(self->plan.rules, plan->rules, n_rules * sizeof *plan->rules);
    weiri_see_sides(arena, &self->plan, join->stream);
    for (uint32_t r = 0; r < n_rules; r++) {
        weiri_rule *rule = &self->plan.rules[r];
        if (rule->join != NULL && rule->join->stream == join->stream) {
            rule->join->is_left                     = true;
            rule->join->schema                      = nullable_schema(self, join);
            self->plan.streams[join->stream].schema = *rule->join->schema;
            self->join                              = rule->join;
        }
    }
}

/* ---- what is alone ---- */

static uint32_t
n_left(const weiri_lones *self)
{
    return self->join->sides[0].schema->n_fields;
}

static bool
is_alone(const weiri_lones *self, const weiri_trace_event *event)
{
    for (uint32_t i = n_left(self); i < self->join->schema->n_fields; i++) {
        if (!weir_chunk_get(event->chunk, event->row, i).is_null) {
            return false;
        }
    }
    return true;
}

static weir_status
gather(void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    weiri_lones *self = context;
    (void)deadline_ns;
    return weiri_gather_rows(self->gather, rows, err);
}

static void
pick(weiri_lones *self)
{
    bool                  is_asof = self->join->kind == WEIRI_JOIN_ASOF;
    uint32_t              n       = 0;
    const weiri_gathered *keys    = weiri_gather_keys(self->gather, &n);
    uint32_t              first   = n > 0 ? keys[0].n : 0;
    while (first > 0 && self->n < WEIRI_LONES) {
        self->n += is_alone(self, &keys[0].events[--first]);
    }
    self->n = 0;
    for (uint32_t i = first; n > 0 && i < keys[0].n && self->n < WEIRI_LONES; i++) {
        if (is_alone(self, &keys[0].events[i])) {
            weiri_lone *lone = &self->lones[self->n++];
            *lone            = (weiri_lone){ .left = keys[0].events[i] };
            lone->left.time_ns -= is_asof ? 0 : self->join->within_ns;
        }
    }
}

/* ---- what came near ---- */

static bool
is_equal(const weir_value *a, const weir_value *b)
{
    if (a->is_null || b->is_null) {
        return false;
    }
    switch (a->type) {
    case WEIR_STRING:
    case WEIR_LIST:
        return a->size == b->size
               && (a->size == 0 || memcmp(a->as.s, b->as.s, a->size) == 0);
    case WEIR_FLOAT: return a->as.f == b->as.f;
    case WEIR_BOOL: return a->as.b == b->as.b;
    default: return a->as.i == b->as.i;
    }
}

static bool
has_equal_key(const weiri_lones *self, const weiri_trace_event *left,
    const weir_chunk *chunk, uint32_t row)
{
    bool is_same = true;
    for (uint32_t k = 0; k < self->join->n_keys && is_same; k++) {
        weir_value a = weiri_program_eval(self->keys[0], k, left->chunk, left->row, NULL);
        weir_value b = weiri_program_eval(self->keys[1], k, chunk, row, NULL);
        is_same      = is_equal(&a, &b);
        weiri_program_forget(self->keys[0]);
        weiri_program_forget(self->keys[1]);
    }
    return is_same;
}

static uint64_t
distance(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* Values of a row, from field `to` of another on. */
static weir_status
copy_row(const weir_chunk *from, uint32_t row, uint32_t n, weir_chunk *chunk, uint32_t to)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        if (from->columns[i].is_present) {
            weir_value value = weir_chunk_get(from, row, i);
            status           = weir_chunk_set(chunk, 0, to + i, &value);
        }
    }
    return status;
}

static void
drop_near(weiri_near *near)
{
    weir_chunk *right = (weir_chunk *)(uintptr_t)near->right.chunk;
    weir_chunk *both  = (weir_chunk *)(uintptr_t)near->both.chunk;
    weir_chunk_drop(&right);
    weir_chunk_drop(&both);
}

static weir_status
make_near(const weiri_lones *self, const weiri_lone *lone, const weir_chunk *chunk,
    uint32_t row, weiri_near *out)
{
    enum { LEAST = 8 }; /* rows of a chunk */
    const weir_schema *schema = self->join->sides[1].schema;
    weir_chunk        *right  = NULL;
    weir_chunk        *both   = NULL;
    weir_status        status = weiri_chunk_new_small(schema, NULL, LEAST, &right);
    if (status == WEIR_OK) {
        status = weiri_chunk_new_small(self->join->schema, NULL, LEAST, &both);
    }
    if (status == WEIR_OK) {
        status = copy_row(chunk, row, schema->n_fields, right, 0);
    }
    if (status == WEIR_OK) {
        status = copy_row(chunk, row, schema->n_fields, both, n_left(self));
    }
    if (status == WEIR_OK) {
        status = copy_row(lone->left.chunk, lone->left.row, n_left(self), both, 0);
    }
    out->right = (weiri_trace_event){ .chunk = right, .time_ns = chunk->time[row] };
    out->both  = (weiri_trace_event){ .chunk = both, .time_ns = chunk->time[row] };
    if (status == WEIR_OK) {
        right->time[0] = chunk->time[row];
        both->time[0]  = chunk->time[row];
        right->n_rows  = 1;
        both->n_rows   = 1;
    } else {
        drop_near(out);
    }
    return status;
}

/* Keep the nearest few, of equally near ones those that came first. */
static weir_status
come_near(
    const weiri_lones *self, weiri_lone *lone, const weir_chunk *chunk, uint32_t row)
{
    uint64_t far = distance(chunk->time[row], lone->left.time_ns);
    uint32_t at  = lone->n_near;
    lone->n_equal++;
    while (
        at > 0 && distance(lone->near[at - 1].right.time_ns, lone->left.time_ns) > far) {
        at--;
    }
    if (at == WEIRI_LONE_NEAR) {
        return WEIR_OK;
    }
    weiri_near  near;
    weir_status status = make_near(self, lone, chunk, row, &near);
    if (status != WEIR_OK) {
        return status;
    }
    if (lone->n_near == WEIRI_LONE_NEAR) {
        drop_near(&lone->near[--lone->n_near]);
    }
    memmove(
        &lone->near[at + 1], &lone->near[at], (lone->n_near - at) * sizeof lone->near[0]);
    lone->near[at] = near;
    lone->n_near++;
    return WEIR_OK;
}

/* What one event of the right is to those of the left that have its key. */
static weir_status
look_at(weiri_lones *self, const weir_chunk *chunk, uint32_t row)
{
    weir_status status = WEIR_OK;
    for (uint32_t l = 0; l < self->n && status == WEIR_OK; l++) {
        if (has_equal_key(self, &self->lones[l].left, chunk, row)) {
            status = come_near(self, &self->lones[l], chunk, row);
        }
    }
    return status;
}

static weir_status
look(void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err)
{
    weiri_lones           *self   = context;
    const weiri_rows_list *right  = &rows[self->join->sides[1].stream];
    weir_status            status = WEIR_OK;
    (void)deadline_ns;
    (void)err;
    for (uint32_t r = 0; r < right->n; r++) {
        const weir_rows *range = &right->items[r];
        for (uint32_t i = 0; i < range->n && status == WEIR_OK; i++) {
            status = look_at(self, range->chunk, range->first + i);
        }
    }
    return status;
}

/* ---- the whole ---- */

static weir_status
read_all(weiri_lones *self, const weiri_rule *asked, const char *key, weir_error *err)
{
    weiri_drive drive  = { .plan = &self->plan,
         .request                = self->request,
         .is_told                = &self->is_told,
         .passed                 = gather,
         .context                = self };
    weir_status status = WEIR_OK;
    if (!make_inputs(self, asked)) {
        return status;
    }
    for (uint32_t side = 0; side < 2 && status == WEIR_OK && self->join->n_keys > 0;
         side++) {
        status = weiri_program_new_narrow(
            self->join->sides[side].keys, self->join->n_keys, &self->keys[side]);
    }
    if (status == WEIR_OK) {
        status = weiri_gather_new(&self->plan, &self->rule, key, &self->gather, err);
    }
    if (status == WEIR_OK) {
        status = weiri_drive_all(&drive, err);
    }
    if (status == WEIR_OK) {
        pick(self);
        drive.passed = look;
        status       = self->n > 0 ? weiri_drive_all(&drive, err) : WEIR_OK;
    }
    return status;
}

weir_status
weiri_lones_new(const weiri_plan *plan, const weiri_reading_request *request,
    const char *key, const weiri_join *join, weiri_lones **out, weir_error *err)
{
    if (weiri_drive_is_fleeting(request, plan)) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "standard input and sockets cannot be read again");
    }
    weiri_lones *self  = calloc(1, sizeof *self);
    weiri_arena *arena = weiri_arena_new();
    if (self == NULL || arena == NULL) {
        free(self);
        weiri_arena_destroy(&arena);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    self->arena   = arena;
    self->request = request;
    self->is_told = true;
    prepare_plan(self, plan, join);
    weir_status status = read_all(self, &plan->rules[request->rule], key, err);
    if (status != WEIR_OK) {
        weiri_lones_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_lones_destroy(weiri_lones **self_p)
{
    weiri_lones *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        while (self->lones[i].n_near > 0) {
            drop_near(&self->lones[i].near[--self->lones[i].n_near]);
        }
    }
    weiri_program_destroy(&self->keys[0]);
    weiri_program_destroy(&self->keys[1]);
    weiri_gather_destroy(&self->gather);
    weiri_arena_destroy(&self->arena);
    free(self);
}

const weiri_lone *
weiri_lones_all(const weiri_lones *self, uint32_t *n)
{
    *n = self->n;
    return self->lones;
}
