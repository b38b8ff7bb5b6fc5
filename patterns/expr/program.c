#include "expr/program.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"

struct weiri_program {
    weiri_arena       *arena;
    weiri_row_code    *rows;  /* shape (n_roots,)                      */
    const weiri_expr **roots; /* shape (n_roots,); NULL: some root reads registers */
    weiri_range_code  *range; /* NULL: so, or narrow                   */
    uint32_t           n_roots;
    weir_value        *stack; /* for the deepest root                  */
    weiri_call         call;  /* of eval: holds the count of faults    */
    weiri_text_pool    eval_texts;
    weiri_text_pool    run_texts;
    weiri_text_pool    spare_texts; /* of rows that are counted again        */
    uint8_t            faulted[WEIRI_CHUNK_ROWS];
};

static void
compile(weiri_program *self, const weiri_expr *const *roots, uint32_t n_roots)
{
    uint32_t depth           = 1;
    bool     reads_registers = false;
    self->rows = weiri_arena_alloc(self->arena, n_roots * sizeof *self->rows);
    for (uint32_t i = 0; i < n_roots; i++) {
        self->rows[i] = weiri_row_compile(self->arena, roots[i]);
        depth         = self->rows[i].depth > depth ? self->rows[i].depth : depth;
        reads_registers |= weiri_expr_reads_registers(roots[i]);
    }
    self->n_roots = n_roots;
    self->stack   = weiri_arena_alloc(self->arena, depth * sizeof *self->stack);
    if (!reads_registers) {
        self->roots = weiri_arena_alloc(self->arena, n_roots * sizeof *self->roots);
        memcpy(self->roots, roots, n_roots * sizeof *self->roots);
    }
}

weir_status
weiri_program_widen(weiri_program *self)
{
    if (self->range != NULL || self->roots == NULL) {
        return WEIR_OK;
    }
    return weiri_range_compile(self->arena, self->roots, self->n_roots, &self->range);
}

weir_status
weiri_program_new_narrow(
    const weiri_expr *const *roots, uint32_t n_roots, weiri_program **out)
{
    weiri_program *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->call.texts = &self->eval_texts;
    self->arena      = weiri_arena_new();
    if (self->arena == NULL) {
        weiri_program_destroy(&self);
        return WEIR_ENOMEM;
    }
    compile(self, roots, n_roots);
    *out = self;
    return WEIR_OK;
}

weir_status
weiri_program_new(const weiri_expr *const *roots, uint32_t n_roots, weiri_program **out)
{
    weiri_program *self   = NULL;
    weir_status    status = weiri_program_new_narrow(roots, n_roots, &self);
    if (status == WEIR_OK) {
        status = weiri_program_widen(self);
    }
    if (status != WEIR_OK) {
        weiri_program_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_program_destroy(weiri_program **self_p)
{
    weiri_program *self = *self_p;
    *self_p             = NULL;
    if (self == NULL) {
        return;
    }
    if (self->range != NULL) {
        weiri_range_fini(self->range);
    }
    weiri_text_pool_fini(&self->eval_texts);
    weiri_text_pool_fini(&self->run_texts);
    weiri_text_pool_fini(&self->spare_texts);
    weiri_arena_destroy(&self->arena);
    free(self);
}

weir_value
weiri_program_eval(weiri_program *self, uint32_t root, const weir_chunk *chunk,
    uint32_t row, const weir_value *registers)
{
    weiri_assert(root < self->n_roots);
    weiri_row where = { .chunk = chunk,
        .row                   = row,
        .registers             = registers,
        .stack                 = self->stack,
        .call                  = &self->call };
    return weiri_row_run(&self->rows[root], &where);
}

void
weiri_program_forget(weiri_program *self)
{
    weiri_text_pool_clear(&self->eval_texts);
}

uint64_t
weiri_program_faults(const weiri_program *self)
{
    return self->call.faults;
}

/* Count the faults of the rows that had some, as evaluating them one by one would. */
static void
count_faults(weiri_program *self, weir_rows rows)
{
    weiri_call call = { .texts = &self->spare_texts };
    for (uint32_t root = 0; root < self->n_roots; root++) {
        for (uint32_t i = 0; weiri_range_has_faults(self->range, root) && i < rows.n;
             i++) {
            if (self->faulted[i]) {
                weiri_row where = { .chunk = rows.chunk,
                    .row                   = rows.first + i,
                    .stack                 = self->stack,
                    .call                  = &call };
                (void)weiri_row_run(&self->rows[root], &where);
                weiri_text_pool_clear(&self->spare_texts);
            }
        }
    }
    self->call.faults += call.faults;
    memset(self->faulted, 0, rows.n);
}

static void
run(weiri_program *self, weir_rows rows)
{
    weiri_assert(self->range != NULL);
    weiri_text_pool_clear(&self->run_texts);
    if (weiri_range_run(self->range, rows, &self->run_texts, self->faulted)) {
        count_faults(self, rows);
    }
}

void
weiri_program_run(weiri_program *self, weir_rows rows, weiri_vector *out)
{
    run(self, rows);
    for (uint32_t i = 0; i < self->n_roots; i++) {
        out[i] = weiri_range_vector(self->range, i, rows.n);
    }
}

void
weiri_program_filter(weiri_program *self, weir_rows rows, uint8_t *out)
{
    weiri_assert(self->n_roots == 1);
    run(self, rows);
    const weiri_lane *lane = weiri_range_lane(self->range, 0);
    weiri_assert(lane->type == WEIR_BOOL);
    if (lane->is_constant) {
        memset(out, lane->as.b[0] ? 1 : 0, rows.n);
        return;
    }
    if (lane->nulls == NULL) {
        memcpy(out, lane->as.b, rows.n);
        return;
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        out[i] = lane->as.b[i] & (lane->nulls[i] ^ 1);
    }
}
