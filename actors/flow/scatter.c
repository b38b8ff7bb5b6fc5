/* Two passes: the first finds the shard of each row and how many rows each shard gets, so
 * that the second fills chunks of the right size, column by column. */
#include "scatter.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/flow.h"
#include "weiri/hash.h"
#include "weiri/limits.h"

struct weiri_scatter {
    weiri_program  *program;
    weiri_vector   *vectors; /* shape (n_keys,) */
    uint32_t        n_keys;
    const bool     *used;
    const uint16_t *owners; /* shape (WEIRI_KEY_GROUPS,) */
    uint32_t        n_shards;
    uint16_t       *shard; /* of each row, shape (room,) */
    uint64_t        room;
    uint64_t       *left;  /* rows to come, shape (n_shards,)      */
    weir_chunk    **open;  /* being filled, shape (n_shards,)      */
    uint16_t       *picks; /* rows of a range for a shard          */
    uint64_t        hashes[WEIRI_CHUNK_ROWS];
};

weir_status
weiri_scatter_new(const weiri_expr *const *keys, uint32_t n_keys, const bool *used,
    const uint16_t *owners, uint32_t n_shards, weiri_scatter **out)
{
    weiri_scatter *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->n_keys   = n_keys;
    self->used     = used;
    self->owners   = owners;
    self->n_shards = n_shards;
    self->vectors  = calloc(n_keys, sizeof *self->vectors);
    self->left     = calloc(n_shards, sizeof *self->left);
    self->open     = calloc(n_shards, sizeof(void *));
    self->picks    = calloc(WEIRI_CHUNK_ROWS, sizeof *self->picks);
    if (self->vectors == NULL || self->left == NULL || self->open == NULL
        || self->picks == NULL
        || weiri_program_new(keys, n_keys, &self->program) != WEIR_OK) {
        weiri_scatter_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_scatter_destroy(weiri_scatter **self_p)
{
    weiri_scatter *self = *self_p;
    *self_p             = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t p = 0; self->open != NULL && p < self->n_shards; p++) {
        weir_chunk_drop(&self->open[p]);
    }
    weiri_program_destroy(&self->program);
    free(self->vectors);
    free(self->shard);
    free(self->left);
    free(self->open);
    free(self->picks);
    free(self);
}

/* ---- which shard ---- */

static uint64_t
value_hash(const weiri_vector *vector, uint32_t i)
{
    switch (vector->type) {
    case WEIR_BOOL: return weiri_number_hash(vector->as.b[i]);
    case WEIR_STRING:
    case WEIR_LIST: return weiri_text_hash(vector->as.v[i].as.s, vector->as.v[i].size);
    case WEIR_FLOAT: /* zero has no sign */
        return weiri_number_hash(vector->as.f[i] == 0.0 ? 0 : (uint64_t)vector->as.i[i]);
    default: return weiri_number_hash((uint64_t)vector->as.i[i]);
    }
}

/* A key with a null is nobody's: it goes somewhere, to be counted once. */
static void
hash_keys(weiri_scatter *self, weir_rows rows)
{
    weiri_program_run(self->program, rows, self->vectors);
    memset(self->hashes, 0, rows.n * sizeof self->hashes[0]);
    for (uint32_t k = 0; k < self->n_keys; k++) {
        const weiri_vector *vector = &self->vectors[k];
        for (uint32_t i = 0; i < rows.n; i++) {
            if (!vector->has_nulls || vector->nulls[i] == 0) {
                self->hashes[i] = weiri_hash_join(self->hashes[i], value_hash(vector, i));
            }
        }
    }
}

void
weiri_scatter_groups(weiri_scatter *self, weir_rows rows, uint16_t *out)
{
    hash_keys(self, rows);
    for (uint32_t i = 0; i < rows.n; i++) {
        out[i] = (uint16_t)weiri_key_group(weiri_hash_fold(self->hashes[i]));
    }
}

static void
find_owners(weiri_scatter *self, weir_rows rows, uint16_t *out)
{
    weiri_scatter_groups(self, rows, out);
    for (uint32_t i = 0; i < rows.n; i++) {
        out[i] = self->owners[out[i]];
    }
}

static weir_status
find_shards(weiri_scatter *self, const weiri_rows_list *from)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        n += from->items[i].n;
    }
    if (n > self->room) {
        uint16_t *shard = realloc(self->shard, n * sizeof *shard);
        if (shard == NULL) {
            return WEIR_ENOMEM;
        }
        self->shard = shard;
        self->room  = n;
    }
    memset(self->left, 0, self->n_shards * sizeof *self->left);
    uint16_t *shard = self->shard;
    for (uint32_t i = 0; i < from->n; i++) {
        find_owners(self, from->items[i], shard);
        for (uint32_t k = 0; k < from->items[i].n; k++) {
            uint16_t at = *shard++;
            if (at < self->n_shards) {
                self->left[at]++;
            }
        }
    }
    return WEIR_OK;
}

/* ---- copying ---- */

static void
copy_numbers(weir_chunk *to, const weir_chunk *from, uint32_t field,
    const uint16_t *picks, uint32_t n)
{
    weir_column       *out = &to->columns[field];
    const weir_column *in  = &from->columns[field];
    if (out->type == WEIR_BOOL) {
        for (uint32_t i = 0; i < n; i++) {
            out->as.b[to->n_rows + i] = in->as.b[picks[i]];
        }
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        out->as.i[to->n_rows + i] = in->as.i[picks[i]];
    }
}

/* Until the heap is full; returns how many rows fitted. */
static uint32_t
copy_texts(weir_chunk *to, const weir_chunk *from, uint32_t field, const uint16_t *picks,
    uint32_t n, weir_status *status)
{
    for (uint32_t i = 0; i < n; i++) {
        weir_text *out  = &to->columns[field].as.s[to->n_rows + i];
        weir_text  text = from->columns[field].as.s[picks[i]];
        *out            = (weir_text){ .size = text.size };
        *status         = weir_chunk_reserve_text(to, text.size, &out->offset);
        if (*status != WEIR_OK) {
            return i;
        }
        if (text.size > 0) {
            memcpy(to->heap + out->offset, from->heap + text.offset, text.size);
        }
    }
    return n;
}

static void
copy_nulls(weir_chunk *to, const weir_chunk *from, uint32_t field, const uint16_t *picks,
    uint32_t n)
{
    weir_column       *out = &to->columns[field];
    const weir_column *in  = &from->columns[field];
    for (uint32_t i = 0; in->has_nulls && i < n; i++) {
        out->nulls[to->n_rows + i] = in->nulls[picks[i]];
        out->has_nulls             = out->has_nulls || in->nulls[picks[i]] != 0;
    }
}

static bool
is_text(const weir_column *column)
{
    return column->type == WEIR_STRING || column->type == WEIR_LIST;
}

/* Texts first: they say how many rows the heap has room for. */
weir_status
weiri_scatter_copy(
    weir_chunk *to, const weir_chunk *from, const uint16_t *picks, uint32_t *n)
{
    uint32_t    n_fields = from->schema->n_fields;
    weir_status status   = WEIR_OK;
    for (uint32_t f = 0; f < n_fields; f++) {
        bool is_there = to->columns[f].is_present && from->columns[f].is_present;
        if (is_there && is_text(&to->columns[f])) {
            *n = copy_texts(to, from, f, picks, *n, &status);
        }
    }
    for (uint32_t f = 0; f < n_fields; f++) {
        bool is_there = to->columns[f].is_present && from->columns[f].is_present;
        if (is_there && !is_text(&to->columns[f])) {
            copy_numbers(to, from, f, picks, *n);
        }
        if (is_there) {
            copy_nulls(to, from, f, picks, *n);
        }
    }
    return status == WEIR_EFULL && *n + to->n_rows > 0 ? WEIR_OK : status;
}

static weir_status
hand_on(weir_chunk **open, weiri_rows_list *to)
{
    weir_status status = WEIR_OK;
    if (*open != NULL && (*open)->n_rows > 0) {
        status =
            weiri_rows_list_add(to, (weir_rows){ .chunk = *open, .n = (*open)->n_rows });
    }
    weir_chunk_drop(open);
    return status;
}

static weir_status
open_chunk(weiri_scatter *self, uint32_t p, const weir_schema *schema)
{
    enum { STEP = 8 };
    uint64_t rows = (self->left[p] + STEP - 1) / STEP * STEP;
    uint32_t n    = rows < WEIRI_CHUNK_ROWS ? (uint32_t)rows : WEIRI_CHUNK_ROWS;
    return weiri_chunk_new_small(schema, self->used, n, &self->open[p]);
}

/* Rows of a range that were picked to one shard. */
static weir_status
copy_rows(weiri_scatter *self, uint32_t p, weir_rows rows, uint32_t n_picks,
    const uint64_t *positions, weiri_rows_list *to)
{
    const weir_chunk *from = rows.chunk;
    for (uint32_t done = 0; done < n_picks;) {
        weir_chunk *open   = self->open[p];
        weir_status status = WEIR_OK;
        if (open == NULL) {
            status = open_chunk(self, p, from->schema);
            open   = self->open[p];
        }
        if (status != WEIR_OK) {
            return status;
        }
        const uint16_t *picks = self->picks + done;
        uint32_t        room  = open->capacity - open->n_rows;
        uint32_t        want  = n_picks - done < room ? n_picks - done : room;
        uint32_t        n     = want;
        status                = weiri_scatter_copy(open, from, picks, &n);
        for (uint32_t i = 0; i < n; i++) {
            open->time[open->n_rows + i]  = from->time[picks[i]];
            open->order[open->n_rows + i] = positions[picks[i] - rows.first];
        }
        open->n_rows += n;
        self->left[p] -= n;
        done += n;
        if (status == WEIR_OK && (n < want || open->n_rows == open->capacity)) {
            status = hand_on(&self->open[p], to);
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static uint32_t
pick(weiri_scatter *self, uint32_t p, const uint16_t *shard, weir_rows rows)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows.n; i++) {
        self->picks[n] = (uint16_t)(rows.first + i);
        n += shard[i] == p;
    }
    return n;
}

weir_status
weiri_scatter_rows(weiri_scatter *self, const weiri_rows_list *from,
    const uint64_t *positions, weiri_rows_list *const *to)
{
    weir_status     status = find_shards(self, from);
    const uint16_t *shard  = self->shard;
    for (uint32_t r = 0; r < from->n && status == WEIR_OK; r++) {
        weir_rows rows = from->items[r];
        for (uint32_t p = 0; p < self->n_shards && status == WEIR_OK; p++) {
            uint32_t n = self->left[p] > 0 ? pick(self, p, shard, rows) : 0;
            status     = copy_rows(self, p, rows, n, positions, to[p]);
        }
        shard += rows.n;
        positions += rows.n;
    }
    for (uint32_t p = 0; p < self->n_shards; p++) {
        weir_status handed = hand_on(&self->open[p], to[p]);
        status             = status == WEIR_OK ? handed : status;
    }
    return status;
}
