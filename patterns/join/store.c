#include "join/store.h"

#include <stdlib.h>
#include <string.h>

#include "join/copy.h"
#include "weiri/assert.h"
#include "weiri/hugepages.h"
#include "weiri/merge.h"

/* A room has one block, or with MANY_BLOCKS of them in the store, so many that it takes
 * more than ROOM_BYTES. */
enum { FEWEST_BLOCKS = 4, MANY_BLOCKS = 128, ROOM_BYTES = 4 << 20 };

/* ---- blocks ---- */

/* Blocks follow it. They are made one after the other, and given back in this order. */
typedef struct weiri_row_room {
    uint32_t n;         /* blocks                            */
    uint32_t n_touched; /* have ever been made: have a chunk */
    uint32_t n_made;    /* since the room was empty          */
    uint32_t n_in_use;
} weiri_row_room;

static weiri_row_block *
block_of(const weiri_join_store *self, weiri_row_room *room, uint32_t i)
{
    return (weiri_row_block *)(void *)((char *)(room + 1) + i * self->block_size);
}

static void
free_room(const weiri_join_store *self, weiri_row_room **room_p)
{
    weiri_row_room *room = *room_p;
    *room_p              = NULL;
    for (uint32_t i = 0; room != NULL && i < room->n_touched; i++) {
        weiri_chunk_fini(block_of(self, room, i)->rows);
    }
    free(room);
}

static weir_status
add_room(weiri_join_store *self)
{
    weiri_row_room *room = self->spare;
    if (room == NULL) {
        bool     has_many = self->n_blocks >= MANY_BLOCKS;
        uint32_t n        = has_many ? (uint32_t)(ROOM_BYTES / self->block_size) + 1 : 1;
        room              = weiri_malloc_huge(sizeof *room + n * self->block_size);
        if (room == NULL) {
            return WEIR_ENOMEM;
        }
        *room = (weiri_row_room){ .n = n };
    }
    self->spare  = NULL;
    self->newest = room;
    return WEIR_OK;
}

static void
touch_block(weiri_join_store *self, weiri_row_room *room, weiri_row_block *block)
{
    memset(block + 1, 0, self->block_size - sizeof *block);
    block->room = room;
    block->rows = weiri_chunk_init(block + 1, &self->schema, NULL, WEIRI_CHUNK_ROWS);
    for (uint32_t i = 0; i < self->schema.n_fields; i++) {
        const char *cells = block->rows->columns[i].as.any;
        self->cells[i]    = (uint32_t)(cells - (const char *)block);
    }
    room->n_touched++;
}

static weir_status
new_block(weiri_join_store *self, weiri_row_block **out)
{
    if (self->newest == NULL || self->newest->n_made == self->newest->n) {
        weir_status status = add_room(self);
        if (status != WEIR_OK) {
            return status;
        }
    }
    weiri_row_room *room = self->newest;
    *out                 = block_of(self, room, room->n_made);
    if (room->n_made == room->n_touched) {
        touch_block(self, room, *out);
    }
    room->n_made++;
    room->n_in_use++;
    return WEIR_OK;
}

/* The oldest block is not used any more. A room without one in use begins anew, where it
 * is the newest, or as the spare one; else it goes. */
static void
give_block(weiri_join_store *self, weiri_row_block *block)
{
    weiri_row_room *room = block->room;
    weir_chunk_clear(block->rows);
    if (room->n > 1) {
        weiri_chunk_fini(block->rows); /* of its text, which may be much */
    }
    if (--room->n_in_use > 0) {
        return;
    }
    room->n_made = 0;
    if (room == self->newest) {
        return;
    }
    if (self->spare == NULL && (room->n == 1 || self->n_blocks >= MANY_BLOCKS)) {
        self->spare = room;
    } else {
        free_room(self, &room);
    }
}

static weir_status
grow_ring(weiri_join_store *self)
{
    uint32_t          n = self->blocks == NULL ? FEWEST_BLOCKS : 2 * (self->mask + 1);
    weiri_row_block **blocks = calloc(n, sizeof(void *));
    if (blocks == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_blocks; i++) {
        blocks[i] = self->blocks[(self->head + i) & self->mask];
    }
    free(self->blocks);
    self->blocks = blocks;
    self->mask   = n - 1;
    self->head   = 0;
    return WEIR_OK;
}

static weir_status
add_block(weiri_join_store *self)
{
    weir_status status = WEIR_OK;
    if (self->blocks == NULL || self->n_blocks > self->mask) {
        status = grow_ring(self);
    }
    weiri_row_block *block = NULL;
    if (status == WEIR_OK) {
        status = new_block(self, &block);
    }
    if (status != WEIR_OK) {
        return status;
    }
    self->blocks[(self->head + self->n_blocks) & self->mask] = block;
    self->n_blocks++;
    return WEIR_OK;
}

static void
drop_first_block(weiri_join_store *self)
{
    weiri_row_block *block = self->blocks[self->head];
    self->head             = (self->head + 1) & self->mask;
    self->n_blocks--;
    self->base += WEIRI_CHUNK_ROWS;
    self->first = 0;
    give_block(self, block);
}

static weiri_row_block *
last_block(const weiri_join_store *self)
{
    return self->blocks[(self->head + self->n_blocks - 1) & self->mask];
}

/* ---- rows ---- */

static bool
has_room(const weiri_join_store *self)
{
    return self->n_blocks > 0 && last_block(self)->rows->n_rows < WEIRI_CHUNK_ROWS;
}

static uint32_t
next_name(const weiri_join_store *self)
{
    return self->base + (self->n_blocks - 1) * WEIRI_CHUNK_ROWS
           + last_block(self)->rows->n_rows;
}

void
weiri_join_store_skip(weiri_join_store *self)
{
    weir_chunk *rows = last_block(self)->rows;
    rows->capacity   = rows->n_rows; /* it is told apart from one with room */
}

weir_status
weiri_join_store_open(weiri_join_store *self, weiri_kept *out)
{
    while (!has_room(self) || last_block(self)->rows->capacity < WEIRI_CHUNK_ROWS
           || next_name(self) == WEIRI_NO_ROW) {
        weir_status status = add_block(self);
        if (status != WEIR_OK) {
            return status;
        }
        last_block(self)->rows->capacity = WEIRI_CHUNK_ROWS;
    }
    out->block                  = last_block(self);
    out->row                    = out->block->rows->n_rows;
    out->block->flags[out->row] = 0;
    out->block->next[out->row]  = WEIRI_NO_ROW;
    return WEIR_OK;
}

uint32_t
weiri_join_store_close(weiri_join_store *self)
{
    uint32_t name = next_name(self);
    last_block(self)->rows->n_rows++;
    self->n_rows++;
    self->n_live++;
    return name;
}

void
weiri_join_store_pop(weiri_join_store *self)
{
    weiri_assert(self->n_rows > 0);
    weiri_kept front = weiri_join_store_front(self);
    self->n_live -= (front.block->flags[front.row] & WEIRI_ROW_DEAD) == 0;
    self->n_rows--;
    self->first++;
    while (self->n_blocks > 0 && self->first == self->blocks[self->head]->rows->n_rows) {
        drop_first_block(self);
    }
}

/* Fill an open row; a block whose heap is full is left, and an empty one tried. */
typedef weir_status (*fill_fn)(
    const weiri_join_store *self, weiri_kept to, const void *what);

static weir_status
add_filled(weiri_join_store *self, fill_fn fill, const void *what, uint32_t *name)
{
    for (int attempt = 0;; attempt++) {
        weiri_kept  to     = { .block = NULL };
        weir_status status = weiri_join_store_open(self, &to);
        if (status != WEIR_OK) {
            return status;
        }
        uint32_t heap_used = to.block->rows->heap_used;
        status             = fill(self, to, what);
        if (status == WEIR_OK) {
            *name = weiri_join_store_close(self);
            return WEIR_OK;
        }
        to.block->rows->heap_used = heap_used;
        if (status != WEIR_EFULL || attempt > 0 || to.row == 0) {
            return status;
        }
        weiri_join_store_skip(self);
    }
}

struct incoming {
    const weir_chunk *chunk;
    uint32_t          row;
    const weiri_cell *keys;
    uint64_t          number;
};

static weir_status
set_key(weir_chunk *to, uint32_t row, uint32_t field, const weiri_cell *keys)
{
    if (keys == NULL) {
        weiri_copy_null(to, row, field);
        return WEIR_OK;
    }
    weir_column *column = &to->columns[field];
    column->nulls[row]  = 0;
    if (weiri_cell_is_text((weir_type)column->type)) {
        return weiri_copy_text(to, row, field, keys[field].s->as.s, keys[field].s->size);
    }
    if (column->type == WEIR_BOOL) {
        column->as.b[row] = keys[field].i != 0;
    } else {
        column->as.i[row] = keys[field].i;
    }
    return WEIR_OK;
}

static weir_status
fill_incoming(const weiri_join_store *self, weiri_kept to, const void *what)
{
    const struct incoming *from   = what;
    weir_chunk            *rows   = to.block->rows;
    weir_status            status = WEIR_OK;
    rows->time[to.row]            = from->chunk->time[from->row];
    rows->order[to.row]           = from->number;
    for (uint32_t i = 0; i < self->schema.n_fields && status == WEIR_OK; i++) {
        status = self->fields[i] == WEIRI_NO_ROW
                     ? set_key(rows, to.row, i, from->keys)
                     : weiri_copy_value(
                         rows, to.row, i, from->chunk, from->row, self->fields[i]);
    }
    return status;
}

weir_status
weiri_join_store_add(weiri_join_store *self, const weir_chunk *chunk, uint32_t row,
    const weiri_cell *keys, uint64_t number, uint32_t *name)
{
    const struct incoming from = {
        .chunk = chunk, .row = row, .keys = keys, .number = number
    };
    return add_filled(self, fill_incoming, &from, name);
}

static weir_status
fill_moved(const weiri_join_store *self, weiri_kept to, const void *what)
{
    const weiri_kept *from   = what;
    const weir_chunk *source = from->block->rows;
    weir_chunk       *rows   = to.block->rows;
    weir_status       status = WEIR_OK;
    rows->time[to.row]       = source->time[from->row];
    rows->order[to.row]      = source->order[from->row];
    to.block->words[to.row]  = from->block->words[from->row];
    to.block->flags[to.row]  = from->block->flags[from->row];
    for (uint32_t i = 0; i < self->schema.n_fields && status == WEIR_OK; i++) {
        status = weiri_copy_value(rows, to.row, i, source, from->row, i);
    }
    return status;
}

weir_status
weiri_join_store_move(weiri_join_store *self, weiri_kept from, uint32_t *name)
{
    return add_filled(self, fill_moved, &from, name);
}

/* ---- making and ending ---- */

/* The side's field that a key is, as it stands; WEIRI_NO_ROW: it is computed. */
static uint32_t
plain_field(const weiri_expr *key)
{
    return key->kind == WEIRI_EXPR_FIELD ? key->as.field : WEIRI_NO_ROW;
}

static void
add_column(weiri_join_store *self, weir_field *fields, weir_field field, uint32_t of)
{
    uint32_t column      = self->schema.n_fields++;
    fields[column]       = field;
    self->fields[column] = of;
    if (of != WEIRI_NO_ROW && self->columns[of] == WEIRI_NO_ROW) {
        self->columns[of] = column;
    }
}

weir_status
weiri_join_store_init(weiri_join_store *self, const weiri_join_side *plan,
    uint32_t n_keys, const bool *needed)
{
    uint32_t    n_fields = plan->schema->n_fields;
    weir_field *fields   = calloc(n_keys + n_fields + (size_t)1, sizeof *fields);
    *self                = (weiri_join_store){ .n_keys = n_keys };
    self->schema         = (weir_schema){ .name = plan->schema->name, .fields = fields };
    self->schema.time_field = -1;
    self->columns           = calloc(n_fields + (size_t)1, sizeof *self->columns);
    self->fields            = calloc(n_keys + n_fields + (size_t)1, sizeof *self->fields);
    self->cells             = calloc(n_keys + n_fields + (size_t)1, sizeof *self->cells);
    if (fields == NULL || self->columns == NULL || self->fields == NULL
        || self->cells == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < n_fields; i++) {
        self->columns[i] = WEIRI_NO_ROW;
    }
    for (uint32_t i = 0; i < n_keys; i++) {
        const weiri_expr *key = plan->keys[i];
        weir_field field = { .name = "", .type = key->type, .element = key->element };
        add_column(self, fields, field, plain_field(key));
    }
    for (uint32_t i = 0; i < n_fields; i++) {
        if (needed[i] && self->columns[i] == WEIRI_NO_ROW) {
            add_column(self, fields, plan->schema->fields[i], i);
        }
    }
    self->block_size =
        sizeof(weiri_row_block) + weiri_chunk_size(&self->schema, NULL, WEIRI_CHUNK_ROWS);
    return WEIR_OK;
}

void
weiri_join_store_fini(weiri_join_store *self)
{
    for (uint32_t i = 0; i < self->n_blocks; i++) {
        give_block(self, self->blocks[(self->head + i) & self->mask]);
    }
    free_room(self, &self->spare);
    free_room(self, &self->newest);
    free(self->cells);
    free(self->blocks);
    free(self->columns);
    free(self->fields);
    free((void *)(uintptr_t)self->schema.fields);
    *self = (weiri_join_store){ .n_keys = 0 };
}

uint32_t
weiri_join_row_bytes(const weiri_join *plan, uint32_t side)
{
    enum { LINKS = sizeof(uint64_t) + sizeof(uint32_t) + 1, PLACE = 16, ENTRY = 24 };
    const weir_schema *schema  = plan->sides[side].schema;
    uint32_t           first   = side == 0 ? 0 : plan->sides[0].schema->n_fields;
    uint32_t           n_bytes = LINKS + PLACE + ENTRY + 9 * plan->n_keys;
    if (side == 0 && plan->kind == WEIRI_JOIN_ASOF) {
        return 0;
    }
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        bool is_short = schema->fields[i].type == WEIR_BOOL;
        n_bytes += !plan->used[first + i] ? 0 : is_short ? 2 : 9;
    }
    return n_bytes;
}
