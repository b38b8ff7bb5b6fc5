/* json_row: values go from the line to the columns as they are met; nothing is built in
 * between. Of a name that occurs twice the last value counts, so a value that is wrong
 * for its field is only noted: a later one may replace it.
 */
#include "json_row.h"

#include <stdlib.h>

#include "cell.h"
#include "weiri/assert.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"

enum {
    UTF8_MAX  = 4,
    COPY_ROOM = SCAN_BLOCK + UTF8_MAX /* in the heap, for a block and an escape */
};

static inline void
mark_seen(json_row *self, int32_t field)
{
    const field_leaf *leaf = &self->leaves.of[field];
    uint64_t         *seen = &self->seen.words[leaf->word];
    if ((*seen & leaf->bit) != 0) {
        self->bad.words[leaf->word] &= ~leaf->bit;
    }
    *seen |= leaf->bit;
}

static const char *
refuse(json_row *self, int32_t field, const char *value, const char *end)
{
    if (end == NULL) {
        return NULL;
    }
    mark_seen(self, field);
    self->bad.words[field >> 6] |= UINT64_C(1) << (field & 63);
    self->refused[field] = (json_span){ value, (size_t)(end - value) };
    return end;
}

static void
store_null(json_row *self, int32_t field)
{
    weir_value  null   = { .type = self->columns[field].type, .is_null = true };
    weir_status status = weir_chunk_set(self->chunk, self->row, (uint32_t)field, &null);
    (void)status; /* a null takes no room */
}

static inline void
store_int(json_row *self, int32_t field, int64_t value)
{
    field_leaf *leaf       = &self->leaves.of[field];
    leaf->as.i[self->row]  = value;
    leaf->nulls[self->row] = 0;
    mark_seen(self, field);
}

static inline void
store_float(json_row *self, int32_t field, double value)
{
    field_leaf *leaf       = &self->leaves.of[field];
    leaf->as.f[self->row]  = value;
    leaf->nulls[self->row] = 0;
    mark_seen(self, field);
}

static inline void
store_bool(json_row *self, int32_t field, bool value)
{
    field_leaf *leaf       = &self->leaves.of[field];
    leaf->as.b[self->row]  = value ? 1 : 0;
    leaf->nulls[self->row] = 0;
    mark_seen(self, field);
}

static inline void
store_text(json_row *self, int32_t field, weir_text text)
{
    field_leaf *leaf       = &self->leaves.of[field];
    leaf->as.s[self->row]  = text;
    leaf->nulls[self->row] = 0;
    mark_seen(self, field);
}

/* A value of another kind than the field takes: null, or refused. */
static const char *
read_other(json_row *self, int32_t field, const char *p, int depth)
{
    const char *end = json_skip_value(&self->error, p, depth);
    bool        may_be_null =
        self->schema->fields[field].is_nullable && field != self->schema->time_field;
    if (end != NULL && *p == 'n' && may_be_null) {
        store_null(self, field);
        mark_seen(self, field);
        return end;
    }
    return refuse(self, field, p, end);
}

/* Any number, by its text: fractions, exponents, many digits. */
static const char *
read_number(json_row *self, int32_t field, const char *p, int depth)
{
    if (*p != '-' && (unsigned char)(*p - '0') >= 10) {
        return read_other(self, field, p, depth);
    }
    const char *end   = json_skip_number(&self->error, p);
    weir_value  value = { 0 };
    if (end == NULL) {
        return NULL;
    }
    if (!weiri_cell_from_text(
            &self->schema->fields[field], p, (size_t)(end - p), &value)) {
        return refuse(self, field, p, end);
    }
    if (value.type == WEIR_FLOAT) {
        store_float(self, field, value.as.f);
    } else {
        store_int(self, field, value.as.i);
    }
    return end;
}

static const char *
read_bool(json_row *self, int32_t field, const char *p, int depth)
{
    if (memcmp(p, "true", 4) == 0) {
        store_bool(self, field, true);
        return p + 4;
    }
    if (memcmp(p, "false", 5) == 0) {
        store_bool(self, field, false);
        return p + 5;
    }
    return read_other(self, field, p, depth);
}

/* Room for a block behind `used` bytes of the heap, of which those behind heap_used are
 * not the chunk's yet but have to stay. */
static bool
has_room(json_row *self, uint32_t used)
{
    weir_chunk *chunk  = self->chunk;
    uint32_t    mine   = chunk->heap_used;
    uint32_t    offset = 0;
    self->status       = weir_chunk_reserve_text(chunk, used - mine + COPY_ROOM, &offset);
    chunk->heap_used   = mine;
    return self->status == WEIR_OK;
}

/* A string's text, unescaped, into the heap behind what is used; from behind the opening
 * quote. It belongs to the chunk once heap_used counts it. */
static inline const char *
copy_string(json_row *self, const char *p, uint32_t *size)
{
    weir_chunk *chunk    = self->chunk;
    uint32_t    used     = chunk->heap_used;
    const char *start    = p;
    bool        has_high = false;
    for (;;) {
        if (chunk->heap_size - used < COPY_ROOM && !has_room(self, used)) {
            return NULL;
        }
        char *out = chunk->heap + used;
        memcpy(out, p, SCAN_BLOCK);
        unsigned n = scan_plain(p, &has_high);
        p += n;
        used += n;
        if (n == SCAN_BLOCK) {
            continue;
        }
        if (*p == '"') {
            break;
        }
        if (*p != '\\') {
            return json_skip_string(&self->error, p); /* says what is wrong */
        }
        p = json_unescape(&self->error, p, out + n, &n);
        if (p == NULL) {
            return NULL;
        }
        used += n;
    }
    *size = used - chunk->heap_used;
    if (has_high && !weiri_utf8_is_valid(chunk->heap + chunk->heap_used, *size)) {
        return json_fail(&self->error, start, "the string is not UTF-8");
    }
    return p + 1;
}

static inline const char *
read_string(json_row *self, int32_t field, const char *p, int depth)
{
    if (*p != '"') {
        return read_other(self, field, p, depth);
    }
    if (self->leaves.of[field].as.s == NULL) {
        mark_seen(self, field);
        return json_skip_string(&self->error, p + 1);
    }
    uint32_t size = 0;
    p             = copy_string(self, p + 1, &size);
    if (p == NULL) {
        return NULL;
    }
    store_text(self, field, (weir_text){ self->chunk->heap_used, size });
    self->chunk->heap_used += size;
    return p;
}

/* The text of a string, in the line if it has no escapes, else unescaped in the heap. */
static const char *
borrow_string(json_row *self, const char *p, const char **text, size_t *size)
{
    bool        is_high = false;
    const char *start   = p;
    unsigned    n       = 0;
    do {
        n = scan_plain(p, &is_high);
        p += n;
    } while (n == SCAN_BLOCK);
    if (*p == '"' && !is_high) {
        *text = start;
        *size = (size_t)(p - start);
        return p + 1;
    }
    uint32_t copied = 0;
    p               = copy_string(self, start, &copied);
    *text           = self->chunk->heap + self->chunk->heap_used;
    *size           = copied;
    return p;
}

/* A time or duration as text. */
static const char *
read_text(json_row *self, int32_t field, const char *p, int depth)
{
    if (*p != '"') {
        return read_other(self, field, p, depth);
    }
    const char *text  = NULL;
    size_t      size  = 0;
    weir_value  value = { 0 };
    const char *end   = borrow_string(self, p + 1, &text, &size);
    if (end == NULL) {
        return NULL;
    }
    if (!weiri_cell_from_text(&self->schema->fields[field], text, size, &value)) {
        return refuse(self, field, p, end);
    }
    store_int(self, field, value.as.i);
    return end;
}

static const char *
read_time(json_row *self, int32_t field, const char *p, int depth)
{
    bool is_text = *p == '"' || self->schema->fields[field].form == WEIR_TIME_AUTO;
    return is_text ? read_text(self, field, p, depth)
                   : read_number(self, field, p, depth);
}

/* One field from the value at p, however it is written. */
static const char *
read_field(json_row *self, int32_t field, const char *p, int depth)
{
    switch (self->schema->fields[field].type) {
    case WEIR_BOOL: return read_bool(self, field, p, depth);
    case WEIR_INT:
    case WEIR_FLOAT: return read_number(self, field, p, depth);
    case WEIR_STRING: return read_string(self, field, p, depth);
    case WEIR_TIME: return read_time(self, field, p, depth);
    case WEIR_DURATION: return read_text(self, field, p, depth);
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return json_fail(&self->error, p, "a field of this type cannot be read");
}

/* Fields may be found at the same place: a string is stored once for all of them, so that
 * a record never takes more of the heap than it has bytes. */
static const char *
read_fields(json_row *self, int32_t first, const char *p, int depth)
{
    const char *end      = NULL;
    weir_text   text     = { 0 };
    bool        has_text = false;
    for (int32_t f = first; f >= 0; f = self->paths->next_field[f]) {
        weir_column *column = &self->columns[f];
        bool is_text = column->type == WEIR_STRING && column->is_present && *p == '"';
        if (is_text && has_text) {
            store_text(self, f, text);
            continue;
        }
        end = read_field(self, f, p, depth);
        if (end == NULL) {
            return NULL;
        }
        if (is_text) {
            text     = column->as.s[self->row];
            has_text = true;
        }
    }
    return end;
}

/* A container that comes a second time replaces the first, with all that was in it. */
static void
forget(json_row *self, const weiri_field_set *fields)
{
    for (size_t w = 0; w < self->n_words; w++) {
        self->seen.words[w] &= ~fields->words[w];
        self->bad.words[w] &= ~fields->words[w];
    }
}

static const char *
read_object(json_row *self, int32_t node, const char *p, int depth);
static const char *
read_array(json_row *self, int32_t node, const char *p, int depth);

/* Fields here, fields further in, or both. */
static const char *
read_inner(json_row *self, int32_t node, const char *p, int depth)
{
    const weiri_path_node *here = &self->paths->nodes[node];
    forget(self, &here->below);
    if (node == self->paths->each) {
        self->items = *p == '[' ? p : NULL;
        return json_skip_value(&self->error, p, depth);
    }
    if (here->first_child < 0 || (*p != '{' && *p != '[')) {
        return here->field >= 0 ? read_fields(self, here->field, p, depth)
                                : json_skip_value(&self->error, p, depth);
    }
    if (depth == WEIRI_NESTING) {
        return json_fail(&self->error, p, "nested too deeply");
    }
    const char *end = *p == '{' ? read_object(self, node, p + 1, depth + 1)
                                : read_array(self, node, p + 1, depth + 1);
    for (int32_t f = here->field; end != NULL && f >= 0; f = self->paths->next_field[f]) {
        refuse(self, f, p, end); /* no field is an object or array */
    }
    return end;
}

/* The value of path node `node`, -1: nobody's, after white space. */
static inline const char *
read_value(json_row *self, int32_t node, const char *p, int depth)
{
    if ((unsigned char)*p <= ' ') {
        p = json_space(p);
    }
    if (node < 0) {
        return json_skip_value(&self->error, p, depth);
    }
    const weiri_path_node *here = &self->paths->nodes[node];
    if (here->first_child >= 0 || self->paths->next_field[here->field] >= 0) {
        return read_inner(self, node, p, depth);
    }
    return read_field(self, here->field, p, depth);
}

static const char *
read_array(json_row *self, int32_t node, const char *p, int depth)
{
    p = json_space(p);
    if (*p == ']') {
        return p + 1;
    }
    for (int64_t i = 0;; i++) {
        p = read_value(self, weiri_paths_item(self->paths, node, i), p, depth);
        if (p == NULL) {
            return NULL;
        }
        p = json_space(p);
        if (*p == ']') {
            return p + 1;
        }
        if (*p != ',') {
            return json_fail(&self->error, p, "expected ',' or ']' after an item");
        }
        p++;
    }
}

/* A name that was not the expected one: find it, and expect it the next time. From the
 * quote, to the value. */
static const char *
read_name(json_row *self, json_keys *keys, const char *p, uint32_t *key)
{
    if (*p != '"') {
        return json_fail(&self->error, p, "expected a name in quotes");
    }
    const char *literal = p;
    const char *name    = NULL;
    size_t      size    = 0;
    p                   = borrow_string(self, p + 1, &name, &size);
    if (p == NULL) {
        return NULL;
    }
    p = json_space(p);
    if (*p != ':') {
        return json_fail(&self->error, p, "expected ':' after a name");
    }
    p               = json_space(p + 1);
    uint32_t before = *key;
    *key            = json_keys_find(keys, name, size);
    if (*key != 0) {
        json_keys_learn(keys, before, *key, literal, (size_t)(p - literal));
    }
    return p;
}

static inline const char *
take_bool(json_row *self, int32_t field, const char *p)
{
    unsigned is_true  = memcmp(p, "true", 4) == 0 ? 1 : 0;
    unsigned is_false = memcmp(p, "false", 4) == 0 && p[4] == 'e' ? 1 : 0;
    if ((is_true | is_false) == 0) {
        return NULL;
    }
    store_bool(self, field, is_true != 0);
    return p + 5 - is_true;
}

static inline const char *
take_string(json_row *self, int32_t field, const char *p)
{
    weir_chunk *chunk = self->chunk;
    uint32_t    used  = chunk->heap_used;
    unsigned    n     = 0;
    if (*p++ != '"' || self->leaves.of[field].as.s == NULL) {
        return NULL;
    }
    do {
        if (chunk->heap_size - used < COPY_ROOM) {
            return NULL;
        }
        n = scan_copy_ascii(p, chunk->heap + used);
        p += n;
        used += n;
    } while (n == SCAN_BLOCK);
    if (*p != '"') {
        return NULL;
    }
    store_text(self, field, (weir_text){ chunk->heap_used, used - chunk->heap_used });
    chunk->heap_used = used;
    return p + 1;
}

static inline const char *
take_text_time(json_row *self, int32_t field, const char *p)
{
    time_memo  *memo     = &self->leaves.of[field].memo;
    const char *text     = p + 1;
    bool        has_high = false;
    unsigned    n        = 0;
    int64_t     ns       = 0;
    if (*p++ != '"') {
        return NULL;
    }
    do {
        n = scan_plain(p, &has_high);
        p += n;
    } while (n == SCAN_BLOCK);
    size_t size = (size_t)(p - text);
    if (*p != '"'
        || (!time_memo_recall(memo, text, size, &ns)
            && !time_memo_read(memo, text, size, &ns))) {
        return NULL;
    }
    store_int(self, field, ns);
    return p + 1;
}

static inline const char *
take_count_time(json_row *self, int32_t field, const char *p)
{
    int64_t     count = 0;
    int64_t     ns    = 0;
    const char *end   = scan_int(p, &count);
    if (end == NULL
        || __builtin_mul_overflow(count, self->leaves.of[field].unit_ns, &ns)) {
        return NULL;
    }
    store_int(self, field, ns);
    return end;
}

/* A value as it nearly always is. NULL: it is written otherwise, or wrong; then nothing
 * has changed, and read_value finds out. */
static inline const char *
take_plain(json_row *self, const json_key *key, const char *p)
{
    const char *end   = NULL;
    int64_t     whole = 0;
    double      real  = 0;
    switch ((leaf_kind)key->kind) {
    case LEAF_OTHER: return NULL;
    case LEAF_BOOL: return take_bool(self, key->field, p);
    case LEAF_STRING: return take_string(self, key->field, p);
    case LEAF_TEXT_TIME: return take_text_time(self, key->field, p);
    case LEAF_COUNT_TIME: return take_count_time(self, key->field, p);
    case LEAF_INT:
        end = scan_int(p, &whole);
        if (end != NULL) {
            store_int(self, key->field, whole);
        }
        return end;
    case LEAF_FLOAT:
        end = scan_float(p, &real);
        if (end != NULL) {
            store_float(self, key->field, real);
        }
        return end;
    }
    return NULL;
}

/* From behind the '{' or the comma to the value of the next member, *key; the member that
 * came next the last time costs one comparison. */
static inline const char *
next_member(json_row *self, json_keys *keys, const char *p, uint32_t *key)
{
    uint32_t        next     = keys->keys[*key].next;
    const json_key *expected = &keys->keys[next];
    if (json_key_is_at(expected, p)) {
        *key = next;
        return p + expected->size;
    }
    return read_name(self, keys, json_space(p), key);
}

/* The members of an object, from behind its '{' to behind its '}'. */
static const char *
read_object(json_row *self, int32_t node, const char *p, int depth)
{
    json_keys *keys = &self->keys[node];
    uint32_t   key  = 0;
    if (*p != '"' && *(p = json_space(p)) == '}') {
        return p + 1;
    }
    for (;;) {
        p = next_member(self, keys, p, &key);
        if (p == NULL) {
            return NULL;
        }
        const char *end = take_plain(self, &keys->keys[key], p);
        if (end == NULL) {
            end = read_value(self, keys->keys[key].child, p, depth);
            if (end == NULL) {
                return NULL;
            }
        }
        p = *end == ',' ? end : json_space(end);
        if (*p != ',') {
            break;
        }
        p += p[1] == ' ' ? 2 : 1;
    }
    return *p == '}' ? p + 1
                     : json_fail(&self->error, p, "expected ',' or '}' after a member");
}

/* Fields of a set that did not come become null. False, with the reason, if one may not
 * be. */
static bool
complete(json_row *self, const weiri_field_set *of, weiri_decode *decode)
{
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        const weir_field *field = &self->schema->fields[f];
        uint64_t          bit   = UINT64_C(1) << (f % 64);
        if ((of->words[f / 64] & bit) == 0) {
            continue;
        }
        if ((self->bad.words[f / 64] & bit) != 0) {
            const json_span *value = &self->refused[f];
            if (*value->text == 'n') {
                weiri_decode_reason(decode, "field '%s' is null", field->name);
            } else {
                weiri_decode_reason_value(decode, field, value->text, value->size);
            }
            return false;
        }
        if ((self->seen.words[f / 64] & bit) == 0) {
            if (!field->is_nullable || (int32_t)f == self->schema->time_field) {
                weiri_decode_reason_missing(decode, field);
                return false;
            }
            store_null(self, (int32_t)f);
        }
    }
    return true;
}

static bool
is_complete(const json_row *self, const weiri_field_set *of)
{
    for (size_t w = 0; w < self->n_words; w++) {
        if (self->seen.words[w] != of->words[w] || self->bad.words[w] != 0) {
            return false;
        }
    }
    return true;
}

static const char *
read_record(json_row *self, const char *p)
{
    if (*p != '{') {
        return json_fail(&self->error, p, "a record has to be an object, {...}");
    }
    p = read_object(self, 0, p + 1, 1);
    if (p == NULL) {
        return NULL;
    }
    p = json_space(p);
    return *p == '\n' ? p : json_fail(&self->error, p, "something follows the object");
}

static void
begin(json_row *self)
{
    self->row    = self->chunk->n_rows;
    self->error  = (json_error){ 0 };
    self->items  = NULL;
    self->status = WEIR_OK;
    for (size_t w = 0; w < self->n_words; w++) {
        self->seen.words[w] = 0;
        self->bad.words[w]  = 0;
    }
}

/* A record that is not taken, and why. */
static json_outcome
give_up(json_row *self, weiri_decode *decode, uint32_t heap_used, const char *line,
    bool is_broken)
{
    weiri_decode_roll_back(self->chunk, heap_used);
    if (self->status != WEIR_OK) {
        return self->status == WEIR_EFULL ? JSON_FULL : JSON_NOMEM;
    }
    if (is_broken) {
        weiri_decode_reason(decode, "not JSON at character %zu: %s",
            (size_t)(self->error.at - line) + 1, self->error.what);
    }
    return JSON_DEAD;
}

json_outcome
json_row_read(json_row *self, weiri_decode *decode, const char *line, const char **end)
{
    uint32_t    heap_used = self->chunk->heap_used;
    const char *p         = json_space(line);
    if (*p == '\n') {
        *end = p;
        return JSON_BLANK;
    }
    begin(self);
    p = read_record(self, p);
    if (p != NULL
        && (is_complete(self, &self->all) || complete(self, &self->all, decode))) {
        leaves_append(&self->leaves, self->chunk);
        *end = p;
        return JSON_ROW;
    }
    return give_up(self, decode, heap_used, line, p == NULL);
}

/* What stands around the items, out of the row or into it. */
static void
move_around(json_row *self, bool is_into)
{
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        field_leaf *leaf = &self->leaves.of[f];
        json_cell  *cell = &self->around[f];
        if ((self->outer.words[leaf->word] & leaf->bit) == 0 || leaf->as.s == NULL) {
            continue;
        }
        size_t   size = self->schema->fields[f].type == WEIR_BOOL ? 1 : sizeof cell->bits;
        uint8_t *place = leaf->as.b + (size_t)self->row * size;
        memcpy(is_into ? (void *)place : &cell->bits,
            is_into ? (void *)&cell->bits : place, size);
        if (is_into) {
            leaf->nulls[self->row] = cell->is_null;
        } else {
            cell->is_null = leaf->nulls[self->row];
        }
    }
}

json_outcome
json_row_read_around(json_row *self, weiri_decode *decode, const char *line,
    const char **end, const char **items)
{
    uint32_t    heap_used = self->chunk->heap_used;
    const char *p         = json_space(line);
    if (*p == '\n') {
        *end = p;
        return JSON_BLANK;
    }
    begin(self);
    p = read_record(self, p);
    bool is_whole =
        p != NULL
        && (is_complete(self, &self->outer) || complete(self, &self->outer, decode));
    if (is_whole && self->items != NULL) {
        move_around(self, false);
        weiri_decode_roll_back(self->chunk, self->chunk->heap_used); /* texts stay */
        *end   = p;
        *items = self->items + 1;
        return JSON_ROW;
    }
    if (is_whole) {
        const weiri_path_node *each = &self->paths->nodes[self->paths->each];
        weiri_decode_reason(
            decode, "there is no array '%.*s'", (int)each->key_size, each->key);
    }
    return give_up(self, decode, heap_used, line, p == NULL);
}

bool
json_row_has_item(const char **p)
{
    *p = json_space(*p);
    return **p != ']';
}

/* The array is JSON, which was seen when it was skipped. */
const char *
json_row_skip_item(json_row *self, const char *p)
{
    p = json_space(json_skip_value(&self->error, p, 1));
    return *p == ',' ? p + 1 : p;
}

json_outcome
json_row_read_item(json_row *self, weiri_decode *decode, const char **p, size_t *size)
{
    const weiri_field_set *of        = &self->paths->nodes[self->paths->item].below;
    uint32_t               heap_used = self->chunk->heap_used;
    const char            *item      = *p;
    begin(self);
    move_around(self, true);
    const char *end = read_value(self, self->paths->item, item, 1);
    bool is_ok = end != NULL && (is_complete(self, of) || complete(self, of, decode));
    if (is_ok) {
        leaves_append(&self->leaves, self->chunk);
    }
    json_outcome outcome =
        is_ok ? JSON_ROW : give_up(self, decode, heap_used, item, end == NULL);
    if (outcome == JSON_ROW || outcome == JSON_DEAD) {
        end   = end != NULL ? end : json_skip_value(&self->error, item, 1);
        *size = (size_t)(end - item);
        *p    = json_row_skip_item(self, item);
    }
    return outcome;
}
