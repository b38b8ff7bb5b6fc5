/* The events that the executor "rings" holds: a start in its partition, more in a block
 * that grows and shrinks with them. */
#include "match/rings.h"

enum { FIRST_BYTES = 64 };

static uint32_t
first_bits(size_t entry_size)
{
    uint32_t bits = 1;
    while (entry_size << (bits + 1) <= FIRST_BYTES) {
        bits++;
    }
    return bits;
}

/* Copy entries tail … head - 1 into a block of 2^bits; NULL when memory is out. */
static char *
move_entries(weiri_executor *self, size_t size, const char *from, uint32_t from_bits,
    uint32_t bits, uint32_t tail, uint32_t head)
{
    char *block = bits < 32 ? weiri_blocks_take(&self->blocks, size << bits) : NULL;
    if (block == NULL) {
        self->core->status = WEIR_ENOMEM;
        return NULL;
    }
    for (uint32_t i = tail; i != head; i++) {
        memcpy(block + (i & ((1U << bits) - 1)) * size,
            from + (i & ((1U << from_bits) - 1)) * size, size);
    }
    return block;
}

/* ---- starts ---- */

static uint32_t
bits_of(const weiri_partition *partition)
{
    return partition->mark & ((1U << RINGS_BITS) - 1);
}

static void
set_bits(weiri_partition *partition, uint32_t bits)
{
    partition->mark += bits - bits_of(partition);
}

/* Hold the starts in a block of another size; what there was goes. */
static bool
resize(weiri_executor *self, weiri_partition *partition, uint32_t bits)
{
    rings_state *state = state_of(partition);
    size_t       size  = self->entry_sizes[0];
    uint32_t     old   = bits_of(partition);
    char        *place = weiri_rings_place(self, state);
    char        *from  = place;
    if (old > 0) {
        memcpy(&from, place, sizeof from);
    }
    char *block = move_entries(self, size, from, old, bits, state->tail, state->head);
    if (block == NULL) {
        return false;
    }
    if (old > 0) {
        weiri_blocks_give(&self->blocks, from, size << old);
    }
    memcpy(place, &block, sizeof block);
    set_bits(partition, bits);
    return true;
}

entry *
weiri_rings_push_start(weiri_executor *self, weiri_partition *partition)
{
    rings_state *state = state_of(partition);
    uint32_t     bits  = bits_of(partition);
    if (state->head - state->tail == 1U << bits
        && !resize(
            self, partition, bits > 0 ? bits + 1 : first_bits(self->entry_sizes[0]))) {
        return NULL;
    }
    self->n_starts++;
    return weiri_rings_start(self, partition, state->head++);
}

/* ---- events that moved starts ---- */

entry *
weiri_rings_push_moved(weiri_executor *self, rings_state *state, uint32_t step)
{
    ring    *to   = &state->moved[step - 1];
    size_t   size = self->entry_sizes[step];
    uint32_t n    = to->head - to->tail;
    if (to->block == NULL || n == 1U << to->bits) {
        uint32_t bits = to->block == NULL ? first_bits(size) : to->bits + 1;
        char    *block =
            move_entries(self, size, to->block, to->bits, bits, to->tail, to->head);
        if (block == NULL) {
            return NULL;
        }
        if (to->block != NULL) {
            weiri_blocks_give(&self->blocks, to->block, size << to->bits);
        }
        to->block = block;
        to->bits  = bits;
    }
    return weiri_rings_moved_at(self, state, step, to->head++);
}

static void
pop_moved(weiri_executor *self, rings_state *state, uint32_t step)
{
    ring  *from  = &state->moved[step - 1];
    entry *first = weiri_rings_moved_at(self, state, step, from->tail++);
    if (self->keeps >> step & 1) {
        weiri_registers_release_kept(
            self->core->registers, self->steps[step], weiri_rings_kept(first, step));
    }
    if (from->tail == from->head) {
        weiri_blocks_give(
            &self->blocks, from->block, self->entry_sizes[step] << from->bits);
        from->block = NULL;
    }
}

/* Of those that are left the first that has moved a start that is alive is the first. */
static void
pop_stale(weiri_executor *self, rings_state *state, uint32_t step)
{
    const ring *of = &state->moved[step - 1];
    while (of->tail != of->head) {
        entry *first = weiri_rings_moved_at(self, state, step, of->tail);
        if ((int32_t)((uint32_t)*weiri_rings_until(first) - state->tail) > 0) {
            return;
        }
        pop_moved(self, state, step);
    }
}

void
weiri_rings_pop_start(weiri_executor *self, weiri_partition *partition)
{
    rings_state *state = state_of(partition);
    entry       *first = weiri_rings_start(self, partition, state->tail++);
    uint32_t     n     = state->head - state->tail;
    uint32_t     bits  = bits_of(partition);
    if (self->keeps & 1) {
        weiri_registers_release_kept(
            self->core->registers, self->steps[0], weiri_rings_kept(first, 0));
    }
    self->n_starts--;
    for (uint32_t j = 1; j < self->n_held; j++) {
        pop_stale(self, state, j);
    }
    if (n == 0 && bits > 0) {
        char *block = NULL;
        memcpy(&block, weiri_rings_place(self, state), sizeof block);
        weiri_blocks_give(&self->blocks, block, self->entry_sizes[0] << bits);
        set_bits(partition, 0);
    } else if (n == 1U << bits >> 2 && bits > first_bits(self->entry_sizes[0])) {
        (void)resize(self, partition, bits - 1);
    }
}
