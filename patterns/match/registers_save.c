/* Registers as bytes.
 *
 * A (value, state) pair is a tag and the value: UNSET, IS_NULL, IS_VALUE, or a text that
 * was written before. A list is its elements, the newest first, down to one that was
 * written before or to its beginning.
 */
#include <string.h>

#include "match/registers_inner.h"
#include "weiri/limits.h"

enum {
    TEXT_BEFORE = 3, /* tag of a pair: how far back follows */
    N_TAGS      = 4,
    LIST_END    = 0, /* what an element of a list begins with */
    LIST_BEFORE = 1, /* how far back follows */
    LIST_ITEM   = 2  /* … and its tag on top */
};

#define MAX_COUNT (UINT64_C(1) << 56)

/* ---- pairs ---- */

static void
save_value(const slot *s, weiri_cell value, weiri_pack *out)
{
    switch (s->of) {
    case WEIR_FLOAT: weiri_pack_float(out, value.f); break;
    case WEIR_TIME: weiri_pack_time(out, value.i); break;
    case WEIR_STRING:
    case WEIR_LIST: weiri_pack_text(out, value.text->bytes, value.text->size); break;
    case WEIR_NULL:
    case WEIR_BOOL:
    case WEIR_INT:
    case WEIR_DURATION: weiri_pack_signed(out, value.i); break;
    }
}

/* `base` is added to the tag. */
static void
save_pair(const slot *s, const weiri_cell *pair, uint32_t base, weiri_pack *out,
    weiri_seen *seen)
{
    uint32_t back = 0;
    if (s->is_text && pair[1].u == IS_VALUE
        && weiri_seen_find(
            seen, WEIRI_SHARED_TEXT, pair->text, pair->text->n_refs > 1, &back)) {
        weiri_pack_number(out, base + TEXT_BEFORE);
        weiri_pack_number(out, back);
        return;
    }
    weiri_pack_number(out, base + pair[1].u);
    if (pair[1].u == IS_VALUE) {
        save_value(s, *pair, out);
    }
}

static weiri_string *
load_text(weiri_registers *self, weiri_unpack *in, weiri_shared *shared)
{
    uint32_t    size  = 0;
    const char *bytes = weiri_unpack_text(in, &size);
    if (in->wrong != NULL) {
        return NULL;
    }
    weiri_string       *text = weiri_strings_make(&self->strings, bytes, size);
    weiri_shared_object made = { .object = text, .length = size };
    if (text == NULL || !weiri_shared_add(shared, WEIRI_SHARED_TEXT, &made)) {
        weiri_strings_unref(&self->strings, text);
        self->is_out_of_memory = true;
        return NULL;
    }
    shared->n_text_bytes += size;
    return text;
}

static weiri_string *
refer_to_text(weiri_unpack *in, const weiri_shared *shared)
{
    const weiri_shared_object *before =
        weiri_shared_at(shared, WEIRI_SHARED_TEXT, weiri_unpack_number(in));
    if (before == NULL) {
        weiri_unpack_fail(in, "a text refers to none");
        return NULL;
    }
    return weiri_string_ref(before->object);
}

/* After a failure the pair is UNSET. */
static void
load_pair(weiri_registers *self, const slot *s, uint64_t tag, weiri_cell *pair,
    weiri_unpack *in, weiri_shared *shared)
{
    weiri_cell value = { .u = 0 };
    if (s->is_text && tag >= IS_VALUE) {
        value.text =
            tag == IS_VALUE ? load_text(self, in, shared) : refer_to_text(in, shared);
    } else if (tag == TEXT_BEFORE) {
        weiri_unpack_fail(in, "a number is shared");
    } else if (tag == IS_VALUE && s->of == WEIR_FLOAT) {
        value.f = weiri_unpack_float(in);
    } else if (tag == IS_VALUE) {
        value.i = s->of == WEIR_TIME ? weiri_unpack_time(in) : weiri_unpack_signed(in);
    }
    if (in->wrong == NULL && !(s->is_text && tag >= IS_VALUE && value.text == NULL)) {
        pair[0]   = value;
        pair[1].u = tag == TEXT_BEFORE ? IS_VALUE : tag;
    }
}

static void
load_tagged_pair(weiri_registers *self, const slot *s, weiri_cell *pair, weiri_unpack *in,
    weiri_shared *shared)
{
    uint64_t tag = weiri_unpack_below(in, N_TAGS, "a value is of no known kind");
    load_pair(self, s, tag, pair, in, shared);
}

/* ---- lists ---- */

static void
save_list(const slot *s, const weiri_string *newest, weiri_pack *out, weiri_seen *seen)
{
    uint32_t back = 0;
    link     l;
    for (const weiri_string *i = newest; i != NULL; i = l.before) {
        if (weiri_seen_find(seen, WEIRI_SHARED_ITEM, i, i->n_refs > 1, &back)) {
            weiri_pack_number(out, LIST_BEFORE);
            weiri_pack_number(out, back);
            return;
        }
        memcpy(&l, i->bytes, sizeof l);
        const weiri_cell pair[2] = { l.value, { .u = l.state } };
        save_pair(s, pair, LIST_ITEM, out, seen);
    }
    weiri_pack_number(out, LIST_END);
}

/* The end of a list that is being read: where the next element goes. */
typedef struct list_end {
    weiri_cell   *cells;  /* of the register               */
    weiri_string *oldest; /* read so far; NULL: none is yet */
    uint32_t      n;      /* elements read                  */
} list_end;

static void
set_before(list_end *end, weiri_string *before)
{
    if (end->oldest == NULL) {
        end->cells[0].text = before;
    } else {
        memcpy(
            end->oldest->bytes + offsetof(link, before), &before, sizeof(weiri_string *));
    }
}

static void
load_item(weiri_registers *self, const slot *s, uint64_t tag, list_end *end,
    weiri_unpack *in, weiri_shared *shared)
{
    weiri_cell pair[2] = { { .u = 0 }, { .u = UNSET } };
    load_pair(self, s, tag, pair, in, shared);
    link          l    = { .before = NULL, .value = pair[0], .state = pair[1].u };
    weiri_string *made = weiri_strings_make(&self->strings, (const char *)&l, sizeof l);
    weiri_shared_object object = { .object = made,
        .number                            = (uint32_t)(s - self->slots) };
    if (made == NULL || !weiri_shared_add(shared, WEIRI_SHARED_ITEM, &object)) {
        if (s->is_text && pair[1].u == IS_VALUE) {
            weiri_strings_unref(&self->strings, pair->text);
        }
        weiri_strings_unref(&self->strings, made);
        self->is_out_of_memory = true;
        return;
    }
    set_before(end, made);
    end->oldest = made;
    end->n++;
}

/* Note the lengths of the list's new elements, from the oldest on. The texts of a list
 * are those of different events, so it is never larger than all texts together: a forged
 * one may not be made to grow. */
static void
measure_list(const slot *s, const list_end *end, const weiri_shared_object *rest,
    weiri_unpack *in, const weiri_shared *shared)
{
    uint32_t length  = rest != NULL ? rest->length : 0;
    uint64_t n_bytes = rest != NULL ? rest->n_bytes : 0;
    for (uint32_t back = 0; back < end->n; back++) {
        weiri_shared_object *item = weiri_shared_at(shared, WEIRI_SHARED_ITEM, back);
        link                 l;
        memcpy(&l, ((weiri_string *)item->object)->bytes, sizeof l);
        n_bytes += s->is_text && l.state == IS_VALUE ? l.value.text->size : 0;
        item->length  = ++length;
        item->n_bytes = n_bytes;
    }
    end->cells[1].u = length;
    if (length > WEIRI_LIST_ITEMS || n_bytes > shared->n_text_bytes) {
        weiri_unpack_fail(in, "a list is too long");
    }
}

static void
load_list(weiri_registers *self, const slot *s, weiri_cell *cells, weiri_unpack *in,
    weiri_shared *shared)
{
    list_end                   end  = { .cells = cells };
    const weiri_shared_object *rest = NULL;
    for (;;) {
        uint64_t tag =
            weiri_unpack_below(in, LIST_ITEM + N_TAGS, "a list has no known element");
        if (tag == LIST_END || self->is_out_of_memory) {
            break;
        }
        if (tag >= LIST_ITEM) {
            load_item(self, s, tag - LIST_ITEM, &end, in, shared);
            continue;
        }
        /* Elements of this very list are no end to it. */
        uint64_t back = weiri_unpack_number(in);
        rest = back < end.n ? NULL : weiri_shared_at(shared, WEIRI_SHARED_ITEM, back);
        if (rest == NULL || rest->number != (uint32_t)(s - self->slots)) {
            weiri_unpack_fail(in, "a list refers to none");
            rest = NULL;
            break;
        }
        set_before(&end, weiri_string_ref(rest->object));
        break;
    }
    measure_list(s, &end, rest, in, shared);
}

/* ---- registers ---- */

static void
save_sum(const slot *s, const weiri_cell *at, weiri_pack *out)
{
    weiri_pack_number(out, at[2].u);
    if (s->is_exact) {
        weiri_pack_signed(out, at[0].i);
        weiri_pack_number(out, at[1].u);
    } else {
        weiri_pack_float(out, at[0].f);
        weiri_pack_float(out, at[1].f);
    }
}

static void
load_sum(const slot *s, weiri_cell *at, weiri_unpack *in)
{
    at[2].u = weiri_unpack_below(in, MAX_COUNT, "a sum is of too many");
    if (s->is_exact) {
        at[0].i = weiri_unpack_signed(in);
        at[1].u = weiri_unpack_below(in, 2, "a sum has no known state");
    } else {
        at[0].f = weiri_unpack_float(in);
        at[1].f = weiri_unpack_float(in);
    }
}

/* Of a ring, how many pairs were ever set: the others are UNSET. */
static uint64_t
n_set(const weiri_register *reg, uint64_t n_events)
{
    return n_events <= reg->index ? n_events : (uint64_t)reg->index + 1;
}

static void
save_register(const weiri_register *reg, const slot *s, const weiri_cell *at,
    weiri_pack *out, weiri_seen *seen)
{
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY:
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: break;
    case WEIRI_REGISTER_LAST:
    case WEIRI_REGISTER_FIRST:
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX: save_pair(s, at, 0, out, seen); break;
    case WEIRI_REGISTER_NTH:
        save_pair(s, at, 0, out, seen);
        weiri_pack_number(out, at[2].u);
        break;
    case WEIRI_REGISTER_NTH_LAST:
        weiri_pack_number(out, at->u);
        for (uint64_t i = 0; i < n_set(reg, at->u); i++) {
            save_pair(s, at + 1 + 2 * i, 0, out, seen);
        }
        break;
    case WEIRI_REGISTER_COUNT: weiri_pack_number(out, at->u); break;
    case WEIRI_REGISTER_SUM:
    case WEIRI_REGISTER_AVG: save_sum(s, at, out); break;
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE:
        weiri_pack_number(out, at[0].u);
        weiri_pack_float(out, at[1].f);
        weiri_pack_float(out, at[2].f);
        break;
    case WEIRI_REGISTER_COLLECT: save_list(s, at->text, out, seen); break;
    }
}

static void
load_register(weiri_registers *self, uint32_t r, weiri_cell *at, weiri_unpack *in,
    weiri_shared *shared)
{
    const weiri_register *reg = &self->plan->registers[r];
    const slot           *s   = &self->slots[r];
    switch (reg->kind) {
    case WEIRI_REGISTER_KEY:
    case WEIRI_REGISTER_START:
    case WEIRI_REGISTER_END: break;
    case WEIRI_REGISTER_LAST:
    case WEIRI_REGISTER_FIRST:
    case WEIRI_REGISTER_MIN:
    case WEIRI_REGISTER_MAX: load_tagged_pair(self, s, at, in, shared); break;
    case WEIRI_REGISTER_NTH:
        load_tagged_pair(self, s, at, in, shared);
        at[2].u = weiri_unpack_below(in, MAX_COUNT, "a count is too large");
        break;
    case WEIRI_REGISTER_NTH_LAST:
        at->u = weiri_unpack_below(in, MAX_COUNT, "a count is too large");
        for (uint64_t i = 0; i < n_set(reg, at->u); i++) {
            load_tagged_pair(self, s, at + 1 + 2 * i, in, shared);
        }
        break;
    case WEIRI_REGISTER_COUNT:
        at->u = weiri_unpack_below(in, MAX_COUNT, "a count is too large");
        break;
    case WEIRI_REGISTER_SUM:
    case WEIRI_REGISTER_AVG: load_sum(s, at, in); break;
    case WEIRI_REGISTER_STDDEV:
    case WEIRI_REGISTER_VARIANCE:
        at[0].u = weiri_unpack_below(in, MAX_COUNT, "a count is too large");
        at[1].f = weiri_unpack_float(in);
        at[2].f = weiri_unpack_float(in);
        break;
    case WEIRI_REGISTER_COLLECT: load_list(self, s, at, in, shared); break;
    }
}

void
weiri_registers_save(const weiri_registers *self, const weiri_cell *cells,
    weiri_pack *out, weiri_seen *seen)
{
    for (uint32_t r = 0; r < self->plan->n_registers; r++) {
        save_register(&self->plan->registers[r], &self->slots[r],
            &cells[self->slots[r].cell], out, seen);
    }
}

void
weiri_registers_load(
    weiri_registers *self, weiri_cell *cells, weiri_unpack *in, weiri_shared *shared)
{
    for (uint32_t r = 0; r < self->plan->n_registers; r++) {
        load_register(self, r, &cells[self->slots[r].cell], in, shared);
    }
}

void
weiri_registers_save_kept(const weiri_registers *self, uint32_t step,
    const weiri_cell *kept, weiri_pack *out, weiri_seen *seen)
{
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        if (self->plan->registers[*r].arguments != NULL) {
            save_pair(&self->slots[*r], kept, 0, out, seen);
            kept += 2;
        }
    }
}

void
weiri_registers_load_kept(weiri_registers *self, uint32_t step, weiri_cell *kept,
    weiri_unpack *in, weiri_shared *shared)
{
    for (const uint32_t *r = self->by_step[step]; *r != WEIRI_NONE; r++) {
        if (self->plan->registers[*r].arguments != NULL) {
            kept[0].u = 0;
            kept[1].u = UNSET;
            load_tagged_pair(self, &self->slots[*r], kept, in, shared);
            kept += 2;
        }
    }
}
