#include "node.h"

#include <stdlib.h>

weir_status
weiri_parcel_new(
    const weiri_turn *turn, uint32_t n_lists, uint32_t max_emitted, weiri_parcel **out)
{
    weiri_parcel *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->turn    = *turn;
    self->n_lists = n_lists;
    self->lists   = calloc(n_lists + (size_t)1, sizeof *self->lists);
    self->emitted = calloc(max_emitted + (size_t)1, sizeof *self->emitted);
    if (self->lists == NULL || self->emitted == NULL) {
        weiri_parcel_drop(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_parcel_drop(weiri_parcel **self_p)
{
    weiri_parcel *self = *self_p;
    *self_p            = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; self->lists != NULL && i < self->n_lists; i++) {
        weiri_rows_list_fini(&self->lists[i]);
    }
    for (uint32_t i = 0; i < self->n_emitted; i++) {
        weiri_chunks_fini(&self->emitted[i].chunks);
    }
    free(self->lists);
    free(self->emitted);
    free(self);
}

uint64_t
weiri_parcel_n_rows(const weiri_parcel *self)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < self->n_lists; i++) {
        for (uint32_t k = 0; k < self->lists[i].n; k++) {
            n += self->lists[i].items[k].n;
        }
    }
    for (uint32_t i = 0; i < self->n_emitted; i++) {
        n += self->emitted[i].chunks.n_rows;
    }
    return n;
}

weir_status
weiri_flow_readers_add(weiri_flow_readers *self, weiri_flow_reader reader)
{
    if (self->n == self->capacity) {
        uint32_t           grown = self->capacity > 0 ? 2 * self->capacity : 4;
        weiri_flow_reader *items = realloc(self->items, grown * sizeof *items);
        if (items == NULL) {
            return WEIR_ENOMEM;
        }
        self->items    = items;
        self->capacity = grown;
    }
    self->items[self->n++] = reader;
    return WEIR_OK;
}

weir_status
weiri_flow_send(const weiri_flow_port *port, weiri_flow_reader to, weiri_parcel *parcel)
{
    parcel->input      = to.input;
    weir_status status = port->send(port->context, to.node, &parcel);
    weiri_parcel_drop(&parcel);
    return status;
}

static weir_status
copy_rows(const weiri_rows_list *rows, weiri_rows_list *to)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < rows->n && status == WEIR_OK; i++) {
        status = weiri_rows_list_add(to, rows->items[i]);
    }
    return status;
}

weir_status
weiri_flow_send_rows(const weiri_flow_port *port, const weiri_turn *turn,
    const weiri_flow_readers *to, const weiri_rows_list *rows)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < to->n && status == WEIR_OK; i++) {
        weiri_parcel *parcel = NULL;
        status               = weiri_parcel_new(turn, 1, 0, &parcel);
        if (status == WEIR_OK) {
            status = copy_rows(rows, &parcel->lists[0]);
        }
        if (status == WEIR_OK) {
            status = weiri_flow_send(port, to->items[i], parcel);
        } else {
            weiri_parcel_drop(&parcel);
        }
    }
    return status;
}
