/* weiri_list: builds a packed list value. */
#ifndef WEIRI_LIST_H
#define WEIRI_LIST_H

#include "aggregate/cell_pack.h"

typedef struct weiri_list {
    char    *bytes;
    uint32_t used;
    uint32_t room;
    uint32_t n;
} weiri_list;

/* Forget the items, keep the room. False: out of memory. */
bool
weiri_list_begin(weiri_list *self, weir_type element);

/* Append after begin. Beyond WEIRI_LIST_ITEMS, or 1 GiB of bytes, an item is left out.
 * False: out of memory. */
bool
weiri_list_push(weiri_list *self, weir_type element, weiri_cell cell);

/* Append the items of another list of the same element. */
bool
weiri_list_append(weiri_list *self, weir_type element, const weiri_list *other);

weir_value
weiri_list_value(const weiri_list *self);

void
weiri_list_fini(weiri_list *self);

/* The items, none of which is null. */
void
weiri_list_save(const weiri_list *self, weir_type element, weiri_pack *out);

/* Into an empty one. False: something is wrong, or memory is out. */
bool
weiri_list_load(weiri_list *self, weir_type element, weiri_unpack *in);

#endif
