/* Expressions over a range of rows: a list of steps, each a loop over columns.
 *
 * Nodes that are alike are one node, whichever roots they belong to. A node's values
 * are a lane: the chunk's own column for a field, one value for a constant, else a
 * buffer, which goes to another node once nobody reads it any more, so that a long
 * expression stays in the fastest cache.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/lanes.h"
#include "expr/prepare.h"
#include "expr/program.h"
#include "weiri/assert.h"

#define NOWHERE UINT32_MAX

enum { ROWS = WEIRI_CHUNK_ROWS, TEXT_BYTES = sizeof(weir_value) };

struct node {
    const weiri_expr    *expr;
    uint32_t            *args;  /* of a call: nodes                              */
    const weiri_lane   **lanes; /* and their lanes, shape (n_args,)              */
    const void          *prepared;
    weiri_column_kernel *kernel;   /* NULL: row by row                          */
    uint32_t             last_use; /* the last node that reads this one         */
    bool                 is_root;
    bool                 has_faults; /* in this run, this node or one below it   */
    char                *values;     /* buffers of a call                        */
    uint8_t             *nulls;
};

struct spare { /* buffers of one size that are free */
    char   **items;
    uint32_t n;
};

struct weiri_range_code {
    weiri_arena *arena;
    struct node *nodes; /* arguments before those that read them */
    weiri_lane  *lanes; /* shape (n_nodes,)                       */
    uint32_t     n_nodes;
    uint32_t    *buckets; /* while compiling: open addressing over nodes */
    uint32_t     mask;
    uint32_t    *roots; /* nodes, shape (n_roots,) */
    uint32_t     n_roots;
    weir_value **copies;  /* shape (n_roots,): room for roots that are not stored as a
                           * vector wants them, else NULL                          */
    void       **buffers; /* all that was allocated */
    uint32_t     n_buffers;
    uint8_t     *zeros;  /* shape (ROWS * TEXT_BYTES,) */
    uint8_t     *ones;   /* shape (ROWS,) */
    uint8_t     *faults; /* shape (ROWS,) */
    weir_value  *row;    /* arguments of one row */
    struct spare spare[TEXT_BYTES + 1];
    bool         is_out_of_memory;
};

/* ---- compilation: nodes ---- */

static uint32_t
count_nodes(const weiri_expr *expr, uint32_t *most_args)
{
    uint32_t n = 1;
    if (expr->kind == WEIRI_EXPR_CALL) {
        *most_args =
            expr->as.call.n_args > *most_args ? expr->as.call.n_args : *most_args;
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            n += count_nodes(expr->as.call.args[i], most_args);
        }
    }
    return n;
}

static uint64_t
mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15;
    return hash ^ (hash >> 29);
}

static uint64_t
hash_of(const weiri_expr *expr, const uint32_t *args)
{
    uint64_t hash = mix(expr->kind, expr->type);
    switch (expr->kind) {
    case WEIRI_EXPR_FIELD: return mix(hash, expr->as.field);
    case WEIRI_EXPR_CONSTANT:
        return mix(hash, expr->type == WEIR_STRING || expr->type == WEIR_LIST
                             ? expr->as.constant.size
                             : (uint64_t)expr->as.constant.as.i);
    case WEIRI_EXPR_CALL:
        hash = mix(hash, expr->as.call.operation->id);
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            hash = mix(hash, args[i]);
        }
        return hash;
    case WEIRI_EXPR_TIME:
    case WEIRI_EXPR_REGISTER: break;
    }
    return hash;
}

/* The same bits: -0.0 is not 0.0 here. */
static bool
is_same_constant(const weir_value *a, const weir_value *b)
{
    if (a->is_null || b->is_null) {
        return a->is_null && b->is_null;
    }
    if (a->type == WEIR_STRING || a->type == WEIR_LIST) {
        return weiri_equal_text(a->as.s, a->size, b->as.s, b->size);
    }
    if (a->type == WEIR_BOOL) {
        return a->as.b == b->as.b;
    }
    return a->as.i == b->as.i; /* of a float the bits */
}

static bool
is_same_node(const struct node *node, const weiri_expr *expr, const uint32_t *args)
{
    const weiri_expr *other = node->expr;
    if (other->kind != expr->kind || other->type != expr->type) {
        return false;
    }
    switch (expr->kind) {
    case WEIRI_EXPR_FIELD: return other->as.field == expr->as.field;
    case WEIRI_EXPR_CONSTANT:
        return is_same_constant(&other->as.constant, &expr->as.constant);
    case WEIRI_EXPR_CALL:
        return other->as.call.operation == expr->as.call.operation
               && other->as.call.n_args == expr->as.call.n_args
               && (expr->as.call.n_args == 0
                   || memcmp(node->args, args, expr->as.call.n_args * sizeof *args) == 0);
    case WEIRI_EXPR_TIME:
    case WEIRI_EXPR_REGISTER: break;
    }
    return true;
}

static bool
is_number(const weiri_expr *expr)
{
    return expr->type != WEIR_STRING && expr->type != WEIR_LIST
           && expr->type != WEIR_NULL;
}

/* Whether the column kernel can take these arguments; the scalar one always can. */
static bool
suits_kernel(const weiri_expr *expr, const void *prepared)
{
    weiri_expr *const *args = expr->as.call.args;
    switch (expr->as.call.operation->id) {
    case WEIRI_OP_PLUGIN: return false;
    case WEIRI_OP_LIKE: return prepared != NULL;
    case WEIRI_OP_IN:
        return prepared != NULL && args[0]->type != WEIR_BOOL
               && args[0]->type != WEIR_NULL;
    case WEIRI_OP_BETWEEN:
        return is_number(args[0]) && args[0]->type != WEIR_BOOL
               && args[0]->type == args[1]->type && args[0]->type == args[2]->type;
    case WEIRI_OP_IF:
    case WEIRI_OP_ELSE:
    case WEIRI_OP_COALESCE: return is_number(expr);
    default: return true;
    }
}

static bool
is_constant(const weiri_expr *expr)
{
    return expr->kind == WEIRI_EXPR_CONSTANT && !expr->as.constant.is_null;
}

static weiri_column_kernel *
pick_kernel(const weiri_expr *expr, const void *prepared)
{
    bool all_are_constant = true;
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        all_are_constant &= is_constant(expr->as.call.args[i]);
    }
    if (all_are_constant || !suits_kernel(expr, prepared)) {
        return NULL;
    }
    weiri_operation_id id = expr->as.call.operation->id;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        return weiri_columns_avx2[id];
    }
#endif
    return weiri_columns_base[id];
}

static uint32_t
add_node(weiri_range_code *self, const weiri_expr *expr, uint32_t *args)
{
    uint32_t     i    = self->n_nodes++;
    struct node *node = &self->nodes[i];
    node->expr        = expr;
    node->args        = args;
    node->last_use    = i;
    if (expr->kind == WEIRI_EXPR_CALL) {
        uint32_t n     = expr->as.call.n_args;
        node->prepared = weiri_prepare(self->arena, expr);
        node->kernel   = pick_kernel(expr, node->prepared);
        node->lanes    = weiri_arena_alloc(self->arena, n * sizeof(weiri_lane *));
        for (uint32_t a = 0; args != NULL && a < n; a++) {
            node->lanes[a]                = &self->lanes[args[a]];
            self->nodes[args[a]].last_use = i;
        }
    }
    return i;
}

static uint32_t
node_of(weiri_range_code *self, const weiri_expr *expr)
{
    uint32_t *args = NULL;
    if (expr->kind == WEIRI_EXPR_CALL) {
        args = weiri_arena_alloc(self->arena, expr->as.call.n_args * sizeof *args);
        for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
            args[i] = node_of(self, expr->as.call.args[i]);
        }
    }
    uint32_t bucket = (uint32_t)hash_of(expr, args) & self->mask;
    while (self->buckets[bucket] != 0) {
        uint32_t i = self->buckets[bucket] - 1;
        if (is_same_node(&self->nodes[i], expr, args)) {
            return i;
        }
        bucket = (bucket + 1) & self->mask;
    }
    uint32_t i            = add_node(self, expr, args);
    self->buckets[bucket] = i + 1;
    return i;
}

/* ---- compilation: buffers ---- */

static void *
new_buffer(weiri_range_code *self, size_t size)
{
    enum { CACHE_LINE = 64 };
    void *buffer = aligned_alloc(CACHE_LINE, size);
    if (buffer == NULL) {
        self->is_out_of_memory = true;
        return NULL;
    }
    memset(buffer, 0, size);
    WEIRI_ARENA_PUSH(self->arena, self->buffers, self->n_buffers, buffer);
    return buffer;
}

static size_t
width_of(weir_type type)
{
    switch (type) {
    case WEIR_BOOL: return 1;
    case WEIR_STRING:
    case WEIR_LIST: return TEXT_BYTES;
    default: return sizeof(int64_t);
    }
}

static void *
take_buffer(weiri_range_code *self, size_t width)
{
    struct spare *spare = &self->spare[width];
    return spare->n > 0 ? spare->items[--spare->n]
                        : new_buffer(self, (size_t)ROWS * width);
}

static void
give_buffer(weiri_range_code *self, size_t width, void *buffer)
{
    struct spare *spare = &self->spare[width];
    if (spare->items == NULL) { /* as many as there can be: two buffers a node */
        spare->items = weiri_arena_alloc(
            self->arena, (size_t)2 * self->n_nodes * sizeof *spare->items);
    }
    spare->items[spare->n++] = buffer;
}

/* A node's buffers are taken before those of its arguments are given back: a kernel's
 * result never overlaps what it reads. */
static void
assign_buffers(weiri_range_code *self)
{
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        struct node *node = &self->nodes[i];
        if (node->expr->kind != WEIRI_EXPR_CALL) {
            continue;
        }
        node->values = take_buffer(self, width_of(node->expr->type));
        node->nulls  = take_buffer(self, 1);
        for (uint32_t a = 0; a < node->expr->as.call.n_args; a++) {
            struct node *arg = &self->nodes[node->args[a]];
            if (arg->last_use == i && !arg->is_root && arg->values != NULL) {
                give_buffer(self, width_of(arg->expr->type), arg->values);
                give_buffer(self, 1, arg->nulls);
                arg->last_use = NOWHERE; /* it may stand among the arguments twice */
            }
        }
    }
}

static void
set_lanes(weiri_range_code *self)
{
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        const struct node *node = &self->nodes[i];
        weiri_lane        *lane = &self->lanes[i];
        lane->type              = (uint8_t)node->expr->type;
        lane->as.b              = (const uint8_t *)node->values;
        if (node->expr->kind != WEIRI_EXPR_CONSTANT) {
            continue;
        }
        const weir_value *constant = &node->expr->as.constant;
        lane->is_constant          = !constant->is_null;
        if (constant->is_null) {
            lane->as.b  = self->zeros;
            lane->nulls = self->ones;
        } else if (width_of(node->expr->type) == TEXT_BYTES) {
            lane->as.v = constant;
        } else { /* the value is at the start of the union, whichever it is */
            lane->as.b = (const uint8_t *)&constant->as;
        }
    }
}

/* Constants, and strings of the chunk, are not stored as vectors are. */
static void
make_copies(weiri_range_code *self)
{
    self->copies = weiri_arena_alloc(self->arena, self->n_roots * sizeof(weir_value *));
    for (uint32_t i = 0; i < self->n_roots; i++) {
        const weiri_expr *expr = self->nodes[self->roots[i]].expr;
        bool              is_text_field =
            expr->kind == WEIRI_EXPR_FIELD && width_of(expr->type) == TEXT_BYTES;
        if (expr->kind == WEIRI_EXPR_CONSTANT || is_text_field) {
            self->copies[i] = new_buffer(self, (size_t)ROWS * TEXT_BYTES);
        }
    }
}

static void
make_nodes(weiri_range_code *self, const weiri_expr *const *roots)
{
    uint32_t most_args = 0;
    uint32_t n         = 0;
    for (uint32_t i = 0; i < self->n_roots; i++) {
        n += count_nodes(roots[i], &most_args);
    }
    uint32_t slots = 8;
    while (slots < 2 * n) {
        slots *= 2;
    }
    self->mask    = slots - 1;
    self->buckets = weiri_arena_alloc(self->arena, slots * sizeof *self->buckets);
    self->nodes   = weiri_arena_alloc(self->arena, n * sizeof *self->nodes);
    self->lanes   = weiri_arena_alloc(self->arena, n * sizeof *self->lanes);
    self->row     = weiri_arena_alloc(self->arena, most_args * sizeof *self->row);
    self->roots   = weiri_arena_alloc(self->arena, self->n_roots * sizeof *self->roots);
    for (uint32_t i = 0; i < self->n_roots; i++) {
        self->roots[i]                      = node_of(self, roots[i]);
        self->nodes[self->roots[i]].is_root = true;
    }
}

weir_status
weiri_range_compile(weiri_arena *arena, const weiri_expr *const *roots, uint32_t n_roots,
    weiri_range_code **out)
{
    weiri_range_code *self = weiri_arena_alloc(arena, sizeof *self);
    self->arena            = arena;
    self->n_roots          = n_roots;
    make_nodes(self, roots);
    self->zeros  = new_buffer(self, (size_t)ROWS * TEXT_BYTES);
    self->ones   = new_buffer(self, ROWS);
    self->faults = new_buffer(self, ROWS);
    assign_buffers(self);
    make_copies(self);
    if (self->is_out_of_memory) {
        weiri_range_fini(self);
        return WEIR_ENOMEM;
    }
    memset(self->ones, 1, ROWS);
    set_lanes(self);
    *out = self;
    return WEIR_OK;
}

void
weiri_range_fini(weiri_range_code *self)
{
    for (uint32_t i = 0; i < self->n_buffers; i++) {
        free(self->buffers[i]);
    }
    self->n_buffers = 0;
}

/* ---- running ---- */

static void
load_field(weiri_range_code *self, uint32_t i, weir_rows rows)
{
    weiri_lane        *lane   = &self->lanes[i];
    const weir_column *column = &rows.chunk->columns[self->nodes[i].expr->as.field];
    lane->is_text             = false;
    if (!column->is_present) {
        lane->as.b  = self->zeros;
        lane->nulls = self->ones;
        return;
    }
    lane->nulls = column->has_nulls ? column->nulls + rows.first : NULL;
    if (width_of(lane->type) == TEXT_BYTES) {
        lane->is_text   = true;
        lane->as.s      = column->as.s + rows.first;
        lane->heap      = rows.chunk->heap == NULL ? "" : rows.chunk->heap;
        lane->heap_size = rows.chunk->heap_size;
    } else if (lane->type == WEIR_BOOL) {
        lane->as.b = column->as.b + rows.first;
    } else {
        lane->as.i = column->as.i + rows.first;
    }
}

static weir_value
value_at(const weiri_lane *lane, uint32_t i)
{
    if (lane->nulls != NULL && lane->nulls[i]) {
        return (weir_value){ .type = lane->type, .is_null = true };
    }
    weir_value value = { .type = lane->type };
    uint32_t   at    = lane->is_constant ? 0 : i;
    switch ((weir_type)lane->type) {
    case WEIR_BOOL: value.as.b = lane->as.b[at] != 0; break;
    case WEIR_FLOAT: value.as.f = lane->as.f[at]; break;
    case WEIR_STRING:
    case WEIR_LIST:
        if (!lane->is_text) {
            return lane->as.v[at];
        }
        value.as.s = lane->heap + lane->as.s[at].offset;
        value.size = lane->as.s[at].size;
        break;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: value.as.i = lane->as.i[at]; break;
    }
    return value;
}

/* What a null row holds can be read all the same: false, 0, "". */
static void
store(struct node *node, uint32_t i, weir_value value)
{
    value.type     = (uint8_t)node->expr->type;
    node->nulls[i] = value.is_null;
    void *values   = node->values;
    switch (node->expr->type) {
    case WEIR_BOOL: ((uint8_t *)values)[i] = !value.is_null && value.as.b; break;
    case WEIR_FLOAT: ((double *)values)[i] = value.is_null ? 0 : value.as.f; break;
    case WEIR_STRING:
    case WEIR_LIST:
        if (value.is_null) {
            value.as.s = "";
            value.size = 0;
        }
        ((weir_value *)values)[i] = value;
        break;
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: ((int64_t *)values)[i] = value.is_null ? 0 : value.as.i; break;
    }
}

/* Run a node through its scalar kernel. */
static bool
run_rows(weiri_range_code *self, struct node *node, uint32_t n, weiri_text_pool *texts,
    uint8_t *faulted)
{
    const weiri_operation *operation = node->expr->as.call.operation;
    uint32_t               n_args    = node->expr->as.call.n_args;
    bool                   is_strict = operation->kind <= WEIRI_MAYBE;
    uint8_t                any_null  = 0;
    weiri_call             call      = { .texts = texts, .prepared = node->prepared };
    for (uint32_t i = 0; i < n; i++) {
        bool has_null = false;
        for (uint32_t a = 0; a < n_args; a++) {
            self->row[a] = value_at(node->lanes[a], i);
            has_null |= self->row[a].is_null;
        }
        uint64_t   before = call.faults;
        weir_value value  = { .is_null = true };
        if (!is_strict || !has_null) {
            value = operation->scalar(&call, self->row, n_args);
        }
        store(node, i, value);
        any_null |= node->nulls[i];
        faulted[i] |= call.faults != before;
    }
    self->lanes[node - self->nodes].nulls = any_null ? node->nulls : NULL;
    return call.faults > 0;
}

/* The nulls of the arguments together: NULL if there are none, else those of a column
 * of the chunk itself or `node->nulls`. */
static const uint8_t *
merge_nulls(const weiri_range_code *self, const struct node *node, uint32_t n)
{
    const uint8_t *merged = NULL;
    weiri_assert(node->nulls != NULL);
    for (uint32_t a = 0; a < node->expr->as.call.n_args; a++) {
        const uint8_t *nulls = node->lanes[a]->nulls;
        if (nulls == NULL) {
            continue;
        }
        bool is_lent = self->nodes[node->args[a]].expr->kind != WEIRI_EXPR_CALL;
        if (merged == NULL && is_lent) {
            merged = nulls;
        } else if (merged == NULL) {
            merged = memcpy(node->nulls, nulls, n);
        } else {
            for (uint32_t i = 0; i < n; i++) {
                node->nulls[i] = merged[i] | nulls[i];
            }
            merged = node->nulls;
        }
    }
    return merged;
}

/* Faults of rows that were not null anyway. */
static bool
add_faults(const weiri_range_code *self, struct node *node, weiri_lane *lane, uint32_t n,
    uint8_t *faulted)
{
    const uint8_t *faults = self->faults;
    uint8_t        any    = 0;
    weiri_assert(node->nulls != NULL);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t null  = lane->nulls == NULL ? 0 : lane->nulls[i];
        uint8_t fault = faults[i] & (null ^ 1);
        any |= fault;
        faulted[i] |= fault;
        node->nulls[i] = null | fault;
    }
    lane->nulls = any || lane->nulls != NULL ? node->nulls : NULL;
    return any != 0;
}

static bool
run_kernel(weiri_range_code *self, struct node *node, uint32_t n, uint8_t *faulted)
{
    weiri_lane *lane      = &self->lanes[node - self->nodes];
    weiri_range range     = { .n = n,
            .n_args              = node->expr->as.call.n_args,
            .args                = node->lanes,
            .prepared            = node->prepared,
            .out.b               = (uint8_t *)node->values,
            .nulls               = node->nulls,
            .faults              = self->faults,
            .no_nulls            = self->zeros };
    bool        is_strict = node->expr->as.call.operation->kind <= WEIRI_MAYBE;
    lane->nulls           = is_strict ? merge_nulls(self, node, n) : NULL;
    node->kernel(&range);
    if (range.has_nulls) {
        lane->nulls = node->nulls;
    }
    return range.has_faults && add_faults(self, node, lane, n, faulted);
}

static bool
run_call(weiri_range_code *self, struct node *node, uint32_t n, weiri_text_pool *texts,
    uint8_t *faulted)
{
    bool has_faults  = node->kernel == NULL ? run_rows(self, node, n, texts, faulted)
                                            : run_kernel(self, node, n, faulted);
    node->has_faults = has_faults;
    for (uint32_t a = 0; a < node->expr->as.call.n_args; a++) {
        node->has_faults |= self->nodes[node->args[a]].has_faults;
    }
    return has_faults;
}

bool
weiri_range_run(
    weiri_range_code *self, weir_rows rows, weiri_text_pool *texts, uint8_t *faulted)
{
    weiri_assert(rows.n <= ROWS);
    bool has_faults = false;
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        struct node *node = &self->nodes[i];
        switch (node->expr->kind) {
        case WEIRI_EXPR_CALL:
            has_faults |= run_call(self, node, rows.n, texts, faulted);
            break;
        case WEIRI_EXPR_FIELD: load_field(self, i, rows); break;
        case WEIRI_EXPR_TIME: self->lanes[i].as.i = rows.chunk->time + rows.first; break;
        case WEIRI_EXPR_CONSTANT:
        case WEIRI_EXPR_REGISTER: break;
        }
    }
    return has_faults;
}

bool
weiri_range_has_faults(const weiri_range_code *self, uint32_t root)
{
    return self->nodes[self->roots[root]].has_faults;
}

const weiri_lane *
weiri_range_lane(const weiri_range_code *self, uint32_t root)
{
    return &self->lanes[self->roots[root]];
}

/* ---- results ---- */

static void
copy_values(const weiri_lane *lane, void *copy, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        weir_value value = value_at(lane, i);
        switch ((weir_type)lane->type) {
        case WEIR_BOOL: ((uint8_t *)copy)[i] = value.as.b; break;
        case WEIR_FLOAT: ((double *)copy)[i] = value.as.f; break;
        case WEIR_STRING:
        case WEIR_LIST: ((weir_value *)copy)[i] = value; break;
        case WEIR_NULL:
        case WEIR_INT:
        case WEIR_TIME:
        case WEIR_DURATION: ((int64_t *)copy)[i] = value.as.i; break;
        }
    }
}

weiri_vector
weiri_range_vector(weiri_range_code *self, uint32_t root, uint32_t n)
{
    const weiri_lane *lane   = weiri_range_lane(self, root);
    weiri_vector      vector = { .type = (weir_type)lane->type,
             .has_nulls                = lane->nulls != NULL,
             .nulls = lane->nulls == NULL ? self->zeros : lane->nulls };
    void             *copy   = self->copies[root];
    vector.as.b              = lane->as.b;
    if (copy != NULL) {
        copy_values(lane, copy, n);
        vector.as.b = copy;
    }
    return vector;
}
