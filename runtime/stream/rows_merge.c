#include "weiri/rows_merge.h"

static uint32_t
first_row(const weiri_rows_cursor *self)
{
    return self->range < self->list->n ? self->list->items[self->range].first : 0;
}

void
weiri_rows_cursor_init(
    weiri_rows_cursor *self, const weiri_rows_list *list, uint32_t rank, uint32_t stream)
{
    *self     = (weiri_rows_cursor){ .list = list, .rank = rank, .stream = stream };
    self->row = first_row(self);
}

static bool
is_before(const weiri_rows_cursor *a, const weiri_rows_cursor *b)
{
    const weir_chunk *x = a->list->items[a->range].chunk;
    const weir_chunk *y = b->list->items[b->range].chunk;
    if (x->time[a->row] != y->time[b->row]) {
        return x->time[a->row] < y->time[b->row];
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank;
    }
    if (x->order[a->row] != y->order[b->row]) {
        return x->order[a->row] < y->order[b->row];
    }
    return a->stream < b->stream;
}

weiri_rows_cursor *
weiri_rows_merge_next(weiri_rows_cursor *cursors, uint32_t n)
{
    weiri_rows_cursor *best = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (cursors[i].range < cursors[i].list->n
            && (best == NULL || is_before(&cursors[i], best))) {
            best = &cursors[i];
        }
    }
    return best;
}

bool
weiri_rows_cursor_step(weiri_rows_cursor *self)
{
    const weir_rows *rows = &self->list->items[self->range];
    if (++self->row < rows->first + rows->n) {
        return false;
    }
    self->range++;
    self->row = first_row(self);
    return true;
}
