#include "aggregate/list.h"

#include "weiri/limits.h"

enum { LEAST_ROOM = 64, MOST_BYTES = 1 << 30 };

static bool
make_room(weiri_list *self, uint32_t size)
{
    if (self->room - self->used >= size) {
        return true;
    }
    uint32_t room = self->room == 0 ? LEAST_ROOM : self->room;
    while (room - self->used < size) {
        room *= 2;
    }
    char *bytes = realloc(self->bytes, room);
    if (bytes == NULL) {
        return false;
    }
    self->bytes = bytes;
    self->room  = room;
    return true;
}

bool
weiri_list_begin(weiri_list *self, weir_type element)
{
    self->used = 0;
    self->n    = 0;
    if (!make_room(self, 1)) {
        return false;
    }
    self->bytes[self->used++] = (char)element;
    return true;
}

static void
put(weiri_list *self, const void *bytes, uint32_t size)
{
    if (size > 0) {
        memcpy(self->bytes + self->used, bytes, size);
        self->used += size;
    }
}

bool
weiri_list_push(weiri_list *self, weir_type element, weiri_cell cell)
{
    uint32_t size = weiri_cell_is_text(element) ? 4 + cell.s->size
                    : element == WEIR_BOOL      ? 1
                                                : 8;
    if (self->n == WEIRI_LIST_ITEMS || size > MOST_BYTES - 1 - self->used) {
        return true;
    }
    if (!make_room(self, size + 1)) {
        return false;
    }
    self->bytes[self->used++] = 0;
    if (weiri_cell_is_text(element)) {
        put(self, &cell.s->size, 4);
        put(self, cell.s->as.s, cell.s->size);
    } else if (element == WEIR_BOOL) {
        self->bytes[self->used++] = (char)(cell.i != 0 ? 1 : 0);
    } else {
        put(self, &cell, 8);
    }
    self->n++;
    return true;
}

/* The bytes of the item at `item`, its null flag included. */
static uint32_t
item_size(weir_type element, const char *item)
{
    uint32_t size = 0;
    if (element == WEIR_BOOL) {
        return 2;
    }
    if (!weiri_cell_is_text(element)) {
        return 9;
    }
    memcpy(&size, item + 1, 4);
    return 5 + size;
}

bool
weiri_list_append(weiri_list *self, weir_type element, const weiri_list *other)
{
    uint32_t at = 1;
    for (uint32_t i = 0; i < other->n && self->n < WEIRI_LIST_ITEMS; i++) {
        uint32_t size = item_size(element, other->bytes + at);
        if (size > MOST_BYTES - self->used) {
            break;
        }
        if (!make_room(self, size)) {
            return false;
        }
        put(self, other->bytes + at, size);
        self->n++;
        at += size;
    }
    return true;
}

weir_value
weiri_list_value(const weiri_list *self)
{
    weir_value value = { .type = WEIR_LIST, .size = self->used };
    value.as.s       = self->bytes;
    return value;
}

void
weiri_list_fini(weiri_list *self)
{
    free(self->bytes);
    *self = (weiri_list){ 0 };
}

void
weiri_list_save(const weiri_list *self, weir_type element, weiri_pack *out)
{
    uint32_t at = 1;
    weiri_pack_number(out, self->n);
    for (uint32_t i = 0; i < self->n; i++) {
        const char *item = self->bytes + at + 1;
        weir_value  text = { .type = (uint8_t)element };
        weiri_cell  cell = { .bits = 0 };
        if (weiri_cell_is_text(element)) {
            memcpy(&text.size, item, sizeof text.size);
            text.as.s = item + sizeof text.size;
            cell.s    = &text;
        } else if (element == WEIR_BOOL) {
            cell.i = *item != 0;
        } else {
            memcpy(&cell, item, sizeof cell);
        }
        weiri_cell_save(element, cell, out);
        at += item_size(element, self->bytes + at);
    }
}

bool
weiri_list_load(weiri_list *self, weir_type element, weiri_unpack *in)
{
    uint64_t n = weiri_unpack_below(
        in, WEIRI_LIST_ITEMS + (uint64_t)1, "a list has too many elements");
    if (n > 0 && !weiri_list_begin(self, element)) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        weiri_cell cell = { .bits = 0 };
        if (!weiri_cell_load(element, &cell, in)) {
            return false;
        }
        bool is_pushed = weiri_list_push(self, element, cell);
        weiri_cell_free(element, cell);
        if (!is_pushed) {
            return false;
        }
    }
    return in->wrong == NULL;
}
