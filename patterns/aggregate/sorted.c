#include "aggregate/sorted.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"

enum { BLOCK = 512 };

struct weiri_sorted {
    int64_t **blocks; /* shape (n_blocks,), each of BLOCK values */
    uint32_t *sizes;  /* of each block, never 0 */
    size_t    n_blocks;
    size_t    room;
    size_t    n;
};

weiri_sorted *
weiri_sorted_new(void)
{
    return calloc(1, sizeof(weiri_sorted));
}

void
weiri_sorted_destroy(weiri_sorted **self_p)
{
    if (*self_p != NULL) {
        for (size_t i = 0; i < (*self_p)->n_blocks; i++) {
            free((*self_p)->blocks[i]);
        }
        free((*self_p)->blocks);
        free((*self_p)->sizes);
        free(*self_p);
        *self_p = NULL;
    }
}

size_t
weiri_sorted_size(const weiri_sorted *self)
{
    return self->n;
}

/* The last block whose first value is < value, or block 0; of equal values the first
 * occurrence is in it or begins the next. */
static size_t
block_before(const weiri_sorted *self, int64_t value)
{
    size_t low  = 0;
    size_t high = self->n_blocks;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (self->blocks[middle][0] < value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* How many values of a block are < value. */
static uint32_t
place_in(const int64_t *block, uint32_t size, int64_t value)
{
    uint32_t low  = 0;
    uint32_t high = size;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (block[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A new block at `at`, filled from the upper half of the one before it if there is one.
 */
static bool
insert_block(weiri_sorted *self, size_t at)
{
    if (self->n_blocks == self->room) {
        size_t    room   = self->room == 0 ? 4 : 2 * self->room;
        int64_t **blocks = realloc(self->blocks, room * sizeof *blocks);
        if (blocks == NULL) {
            return false;
        }
        self->blocks    = blocks;
        uint32_t *sizes = realloc(self->sizes, room * sizeof *sizes);
        if (sizes == NULL) {
            return false;
        }
        self->sizes = sizes;
        self->room  = room;
    }
    int64_t *block = malloc(BLOCK * sizeof *block);
    if (block == NULL) {
        return false;
    }
    size_t after = self->n_blocks - at;
    memmove(&self->blocks[at + 1], &self->blocks[at], after * sizeof *self->blocks);
    memmove(&self->sizes[at + 1], &self->sizes[at], after * sizeof *self->sizes);
    self->blocks[at] = block;
    self->sizes[at]  = 0;
    self->n_blocks++;
    if (at > 0) {
        uint32_t keep = self->sizes[at - 1] / 2;
        uint32_t move = self->sizes[at - 1] - keep;
        memcpy(block, self->blocks[at - 1] + keep, move * sizeof *block);
        self->sizes[at - 1] = keep;
        self->sizes[at]     = move;
    }
    return true;
}

bool
weiri_sorted_add(weiri_sorted *self, int64_t value)
{
    if (self->n_blocks == 0 && !insert_block(self, 0)) {
        return false;
    }
    size_t at = self->n == 0 ? 0 : block_before(self, value);
    if (self->sizes[at] == BLOCK) {
        if (!insert_block(self, at + 1)) {
            return false;
        }
        at += self->blocks[at + 1][0] < value ? 1 : 0;
    }
    int64_t *block = self->blocks[at];
    uint32_t place = place_in(block, self->sizes[at], value);
    memmove(&block[place + 1], &block[place], (self->sizes[at] - place) * sizeof *block);
    block[place] = value;
    self->sizes[at]++;
    self->n++;
    return true;
}

void
weiri_sorted_remove(weiri_sorted *self, int64_t value)
{
    weiri_assert(self->n > 0);
    size_t   at    = block_before(self, value);
    uint32_t place = place_in(self->blocks[at], self->sizes[at], value);
    if (place == self->sizes[at]) {
        at++;
        place = 0;
    }
    weiri_assert(at < self->n_blocks && self->blocks[at][place] == value);
    int64_t *block = self->blocks[at];
    self->sizes[at]--;
    self->n--;
    memmove(&block[place], &block[place + 1], (self->sizes[at] - place) * sizeof *block);
    if (self->sizes[at] == 0) {
        free(block);
        self->n_blocks--;
        size_t after = self->n_blocks - at;
        memmove(&self->blocks[at], &self->blocks[at + 1], after * sizeof *self->blocks);
        memmove(&self->sizes[at], &self->sizes[at + 1], after * sizeof *self->sizes);
    }
}

int64_t
weiri_sorted_at(const weiri_sorted *self, size_t place)
{
    size_t at = 0;
    while (place >= self->sizes[at]) {
        place -= self->sizes[at++];
    }
    return self->blocks[at][place];
}
