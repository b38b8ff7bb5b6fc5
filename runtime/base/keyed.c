#include "weiri/keyed.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/hash.h"

enum { MAGIC = 5, VERSION = 2, CHECKSUM = 8, TYPES = WEIR_LIST + 1 };

static const char MAGIC_TEXT[] = "weirK";

/* ---- keys ---- */

static uint64_t
value_hash(const weir_value *value)
{
    switch ((weir_type)value->type) {
    case WEIR_BOOL: return weiri_number_hash(value->as.b);
    case WEIR_STRING:
    case WEIR_LIST: return weiri_text_hash(value->as.s, value->size);
    case WEIR_FLOAT: /* zero has no sign */
        return weiri_number_hash(value->as.f == 0.0 ? 0 : (uint64_t)value->as.i);
    default: return weiri_number_hash((uint64_t)value->as.i);
    }
}

/* The key group is of the lower bits of a folded hash. */
static uint32_t
place_of(uint64_t hash)
{
    enum { GROUP_BITS = 10, REST_BITS = 32 - GROUP_BITS };
    uint32_t folded = weiri_hash_fold(hash);
    return weiri_key_group(folded) << REST_BITS | folded >> GROUP_BITS;
}

uint32_t
weiri_key_place(const weir_value *key, uint32_t n)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < n; i++) {
        hash = weiri_hash_join(hash, value_hash(&key[i]));
    }
    return place_of(hash);
}

void
weiri_key_value_pack(const weir_value *value, weiri_pack *out)
{
    switch ((weir_type)value->type) {
    case WEIR_BOOL: weiri_pack_number(out, value->as.b); break;
    case WEIR_FLOAT: weiri_pack_float(out, value->as.f == 0 ? 0 : value->as.f); break;
    case WEIR_STRING:
    case WEIR_LIST: weiri_pack_text(out, value->as.s, value->size); break;
    case WEIR_TIME:
    case WEIR_DURATION: weiri_pack_time(out, value->as.i); break;
    case WEIR_NULL:
    case WEIR_INT: weiri_pack_signed(out, value->as.i); break;
    }
}

weir_value
weiri_key_value_unpack(weir_type type, weiri_unpack *in)
{
    weir_value value = { .type = (uint8_t)type };
    switch (type) {
    case WEIR_BOOL:
        value.as.b = weiri_unpack_below(in, 2, "a key is no bool") != 0;
        break;
    case WEIR_FLOAT: value.as.f = weiri_unpack_float(in); break;
    case WEIR_STRING:
    case WEIR_LIST: value.as.s = weiri_unpack_text(in, &value.size); break;
    case WEIR_TIME:
    case WEIR_DURATION: value.as.i = weiri_unpack_time(in); break;
    case WEIR_NULL:
    case WEIR_INT: value.as.i = weiri_unpack_signed(in); break;
    }
    return value;
}

/* ---- writing ---- */

void
weiri_keyed_fini(weiri_keyed *self)
{
    weiri_pack_fini(&self->types);
    weiri_pack_fini(&self->heads);
    weiri_pack_fini(&self->frame);
    weiri_pack_fini(&self->head);
    weiri_pack_fini(&self->bytes);
    free(self->items);
    *self = (weiri_keyed){ .groups = self->groups, .is_moved = self->is_moved };
}

void
weiri_keyed_add_type(weiri_keyed *self, uint32_t i, weir_type type)
{
    if (i == self->types.size) {
        weiri_pack_bytes(&self->types, &(uint8_t){ (uint8_t)type }, 1);
    }
}

static void
add_text(weiri_pack *to, const void *bytes, size_t size)
{
    weiri_pack_number(to, size);
    weiri_pack_bytes(to, bytes, size);
}

void
weiri_keyed_end_head(weiri_keyed *self)
{
    weiri_pack_number(&self->heads, !self->is_moved);
    add_text(&self->heads, self->frame.bytes, self->frame.size);
    add_text(&self->heads, self->head.bytes, self->head.size);
    self->is_out_of_memory = self->is_out_of_memory || self->frame.is_out_of_memory
                             || self->head.is_out_of_memory;
    self->frame.size = 0;
    self->head.size  = 0;
    self->n_heads++;
}

static bool
make_room(weiri_keyed *self)
{
    enum { FIRST = 64 };
    if (self->n < self->capacity) {
        return true;
    }
    size_t            capacity = self->capacity > 0 ? 2 * self->capacity : FIRST;
    weiri_keyed_item *items    = realloc(self->items, capacity * sizeof *items);
    if (items == NULL) {
        self->is_out_of_memory = true;
        return false;
    }
    self->items    = items;
    self->capacity = capacity;
    return true;
}

weiri_pack *
weiri_keyed_begin(weiri_keyed *self, const weir_value *key, uint32_t n, uint32_t part)
{
    weiri_assert(part < WEIRI_KEYED_PARTS && n == self->types.size);
    uint32_t place = weiri_key_place(key, n);
    if (!weiri_groups_has(self->groups, weiri_place_group(place)) || !make_room(self)) {
        return NULL;
    }
    weiri_keyed_item *item = &self->items[self->n];
    *item = (weiri_keyed_item){ .place = place, .part = part, .first = self->bytes.size };
    for (uint32_t i = 0; i < n; i++) {
        weiri_key_value_pack(&key[i], &self->bytes);
    }
    item->key_size = self->bytes.size - item->first;
    return &self->bytes;
}

void
weiri_keyed_end(weiri_keyed *self)
{
    weiri_keyed_item *item = &self->items[self->n++];
    item->size             = self->bytes.size - item->first;
}

/* ---- putting in order ---- */

static int
compare_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t least = a_size < b_size ? a_size : b_size;
    int    order = least > 0 ? memcmp(a, b, least) : 0;
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

typedef struct sorted {
    const weiri_keyed_item *item;
    const uint8_t          *bytes;
} sorted;

static int
compare_sorted(const void *a, const void *b)
{
    const sorted           *x = a;
    const sorted           *y = b;
    const weiri_keyed_item *i = x->item;
    const weiri_keyed_item *k = y->item;
    if (i->place != k->place) {
        return i->place < k->place ? -1 : 1;
    }
    int order = compare_bytes(x->bytes, i->key_size, y->bytes, k->key_size);
    return order != 0 ? order : (i->part > k->part) - (i->part < k->part);
}

/* By key group, which leaves little to each sort. */
static sorted *
sort_items(const weiri_keyed *self, size_t ends[WEIRI_KEY_GROUPS])
{
    sorted *all = malloc((self->n + 1) * sizeof *all);
    size_t  sum = 0;
    memset(ends, 0, WEIRI_KEY_GROUPS * sizeof *ends);
    for (size_t i = 0; i < self->n; i++) {
        ends[weiri_place_group(self->items[i].place)]++;
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        size_t n = ends[g];
        ends[g]  = sum;
        sum += n;
    }
    for (size_t i = 0; all != NULL && i < self->n; i++) {
        const weiri_keyed_item *item = &self->items[i];
        /* Where all keys and states are empty there are no bytes at all. */
        const uint8_t *bytes = item->size > 0 ? self->bytes.bytes + item->first : NULL;
        all[ends[weiri_place_group(item->place)]++] =
            (sorted){ .item = item, .bytes = bytes };
    }
    for (uint32_t g = 0; all != NULL && g < WEIRI_KEY_GROUPS; g++) {
        size_t first = g > 0 ? ends[g - 1] : 0;
        if (ends[g] - first > 1) {
            qsort(all + first, ends[g] - first, sizeof *all, compare_sorted);
        }
    }
    return all;
}

static void
write_group(
    const sorted *items, size_t n, uint32_t group, weiri_pack *scratch, weiri_pack *out)
{
    scratch->size = 0;
    for (size_t i = 0; i < n; i++) {
        const weiri_keyed_item *item = items[i].item;
        weiri_pack_number(scratch, (item->size - item->key_size) << 1 | item->part);
        weiri_pack_bytes(scratch, items[i].bytes, item->size);
    }
    weiri_pack_number(out, group + (uint64_t)1);
    add_text(out, scratch->bytes, scratch->size);
    out->is_out_of_memory = out->is_out_of_memory || scratch->is_out_of_memory;
}

static void
write_all(weiri_keyed *self, weiri_pack *out)
{
    size_t     ends[WEIRI_KEY_GROUPS];
    size_t     begin   = out->size;
    weiri_pack scratch = { 0 };
    sorted    *all     = sort_items(self, ends);
    weiri_pack_bytes(out, MAGIC_TEXT, MAGIC);
    weiri_pack_number(out, VERSION);
    weiri_pack_text(out, self->types.bytes, self->types.size);
    weiri_pack_number(out, self->n_heads);
    weiri_pack_bytes(out, self->heads.bytes, self->heads.size);
    for (uint32_t g = 0; all != NULL && g < WEIRI_KEY_GROUPS; g++) {
        size_t first = g > 0 ? ends[g - 1] : 0;
        if (ends[g] > first) {
            write_group(all + first, ends[g] - first, g, &scratch, out);
        }
    }
    weiri_pack_number(out, 0);
    if (!out->is_out_of_memory) {
        weiri_pack_fixed(
            out, weiri_checksum(WEIRI_HASH_BEGIN, out->bytes + begin, out->size - begin));
    }
    self->is_out_of_memory = self->is_out_of_memory || all == NULL;
    weiri_pack_fini(&scratch);
    free(all);
}

bool
weiri_keyed_finish(weiri_keyed *self, weiri_pack *out)
{
    size_t begin  = out->size;
    bool   is_out = self->is_out_of_memory || self->types.is_out_of_memory
                  || self->heads.is_out_of_memory || self->bytes.is_out_of_memory;
    if (!is_out) {
        write_all(self, out);
        is_out = self->is_out_of_memory || out->is_out_of_memory;
    }
    out->size = is_out ? begin : out->size;
    weiri_keyed_fini(self);
    return !is_out;
}

/* ---- reading ---- */

static const char *
check(weiri_unpack *in)
{
    const uint8_t *begin = in->at;
    const uint8_t *magic = weiri_unpack_bytes(in, MAGIC);
    if (magic == NULL || memcmp(magic, MAGIC_TEXT, MAGIC) != 0) {
        return "it is no state by key, or one of an older version of weir";
    }
    if (weiri_unpack_number(in) != VERSION) {
        return "it is in the format of another version of weir: go on with that version, "
               "or begin anew in another directory";
    }
    if (in->end - in->at < CHECKSUM) {
        return "it ends too early";
    }
    in->end -= CHECKSUM;
    weiri_unpack sum = { .at = in->end, .end = in->end + CHECKSUM };
    if (weiri_unpack_fixed(&sum)
        != weiri_checksum(WEIRI_HASH_BEGIN, begin, (size_t)(in->end - begin))) {
        return "its bytes are not those that were saved";
    }
    return NULL;
}

bool
weiri_keyed_open(weiri_keyed_reader *self, const uint8_t *bytes, size_t size)
{
    *self = (weiri_keyed_reader){ .in = { .at = bytes, .end = bytes + size } };
    const char *wrong = check(&self->in);
    if (wrong != NULL) {
        weiri_unpack_fail(&self->in, wrong);
        return false;
    }
    self->types   = (const uint8_t *)weiri_unpack_text(&self->in, &self->n_values);
    self->n_heads = weiri_unpack_number(&self->in);
    for (uint32_t i = 0; self->in.wrong == NULL && i < self->n_values; i++) {
        if (self->types[i] >= TYPES) {
            weiri_unpack_fail(&self->in, "a key is of no known type");
        }
    }
    return self->in.wrong == NULL;
}

/* The next `size` bytes, to be read by themselves. */
static bool
unpack_part(weiri_unpack *in, uint64_t size, weiri_unpack *out)
{
    const uint8_t *bytes = weiri_unpack_bytes(in, (size_t)size);
    *out                 = (weiri_unpack){ .at = bytes, .end = bytes };
    if (bytes != NULL) {
        out->end += size;
    }
    return bytes != NULL;
}

bool
weiri_keyed_next_head(weiri_keyed_reader *self, weiri_keyed_head *out)
{
    if (self->n_heads == 0 || self->in.wrong != NULL) {
        return false;
    }
    self->n_heads--;
    out->counts = weiri_unpack_below(&self->in, 2, "a head counts or not") != 0;
    return unpack_part(&self->in, weiri_unpack_number(&self->in), &out->frame)
           && unpack_part(&self->in, weiri_unpack_number(&self->in), &out->in);
}

/* The next key group that is wanted, in self->of_group. */
static bool
next_group(weiri_keyed_reader *self, const weiri_groups *groups)
{
    weiri_keyed_head head;
    while (weiri_keyed_next_head(self, &head)) {
    }
    while (self->in.wrong == NULL && self->in.at != self->in.end) {
        uint32_t before = self->of_group.at != NULL ? self->group + 1 : 0;
        self->begin     = self->in.at;
        uint64_t group  = weiri_unpack_below(
             &self->in, WEIRI_KEY_GROUPS + (uint64_t)1, "a key group is not known");
        if (group == 0) {
            break;
        }
        uint64_t size = weiri_unpack_number(&self->in);
        self->group   = (uint32_t)group - 1;
        (void)unpack_part(&self->in, size, &self->of_group);
        if (self->in.wrong == NULL && (self->group < before || size == 0)) {
            weiri_unpack_fail(&self->in, "key groups are out of order");
        }
        if (self->in.wrong == NULL && weiri_groups_has(groups, self->group)) {
            return true;
        }
    }
    if (self->in.wrong == NULL && self->in.at != self->in.end) {
        weiri_unpack_fail(&self->in, "something follows its end");
    }
    return false;
}

static uint32_t
read_place(const weiri_keyed_reader *self, weiri_unpack *in)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < self->n_values; i++) {
        weir_value value = weiri_key_value_unpack((weir_type)self->types[i], in);
        if (in->wrong != NULL) {
            return 0;
        }
        hash = weiri_hash_join(hash, value_hash(&value));
    }
    return place_of(hash);
}

/* Whether a key comes after the one before it: that one is not written twice. */
static bool
is_after(const weiri_keyed_entry *before, const weiri_keyed_entry *entry)
{
    if (before->place != entry->place) {
        return before->place < entry->place;
    }
    int order = compare_bytes(before->key.at, (size_t)(before->key.end - before->key.at),
        entry->key.at, (size_t)(entry->key.end - entry->key.at));
    return order < 0 || (order == 0 && before->part < entry->part);
}

bool
weiri_keyed_next(
    weiri_keyed_reader *self, const weiri_groups *groups, weiri_keyed_entry *out)
{
    bool is_first = self->of_group.at == self->of_group.end;
    out->first    = self->of_group.at;
    if (self->in.wrong == NULL && is_first) {
        if (!next_group(self, groups)) {
            return false;
        }
        out->first = self->begin;
    }
    weiri_unpack  *in   = &self->of_group;
    uint64_t       size = weiri_unpack_number(in);
    const uint8_t *key  = in->at;
    out->group          = self->group;
    out->place          = read_place(self, in);
    out->part           = size & 1;
    out->key            = (weiri_unpack){ .at = key, .end = in->at };
    (void)unpack_part(in, size >> 1, &out->state);
    if (in->wrong == NULL && weiri_place_group(out->place) != self->group) {
        weiri_unpack_fail(in, "a key is in the key group of others");
    }
    if (in->wrong == NULL && !is_first && !is_after(&self->before, out)) {
        weiri_unpack_fail(in, "keys are out of order");
    }
    self->before = *out;
    if (in->wrong != NULL) {
        weiri_unpack_fail(&self->in, in->wrong);
    }
    return self->in.wrong == NULL;
}

static bool
has(weiri_keyed_reader *self, bool is_same)
{
    if (!is_same) {
        weiri_unpack_fail(&self->in, "its keys are of other types");
    }
    return is_same;
}

bool
weiri_keyed_has_values(weiri_keyed_reader *self, uint32_t n)
{
    return has(self, self->n_values == n);
}

bool
weiri_keyed_has_type(weiri_keyed_reader *self, uint32_t i, weir_type type)
{
    return has(self, self->types[i] == (uint8_t)type);
}

void
weiri_keyed_add(weiri_keyed *self, weiri_keyed_reader *from)
{
    weiri_keyed_head  head;
    weiri_keyed_entry entry;
    while (weiri_keyed_next_head(from, &head)) {
        weiri_pack_number(&self->heads, head.counts);
        add_text(&self->heads, head.frame.at, (size_t)(head.frame.end - head.frame.at));
        add_text(&self->heads, head.in.at, (size_t)(head.in.end - head.in.at));
        self->n_heads++;
    }
    for (uint32_t i = 0; i < from->n_values; i++) {
        weiri_keyed_add_type(self, i, (weir_type)from->types[i]);
    }
    while (weiri_keyed_next(from, self->groups, &entry) && make_room(self)) {
        size_t key_size        = (size_t)(entry.key.end - entry.key.at);
        size_t state_size      = (size_t)(entry.state.end - entry.state.at);
        self->items[self->n++] = (weiri_keyed_item){ .place = entry.place,
            .part                                           = entry.part,
            .first                                          = self->bytes.size,
            .key_size                                       = key_size,
            .size                                           = key_size + state_size };
        weiri_pack_bytes(&self->bytes, entry.key.at, key_size);
        weiri_pack_bytes(&self->bytes, entry.state.at, state_size);
    }
}
