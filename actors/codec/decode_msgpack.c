/* MessagePack: a stream of messages, each a map by field names or an array of the fields
 * in their declared order.
 *
 * Messages of a stream mostly have the same keys in the same order, so the key that stood
 * at a position the last time is expected there again: a comparison of its encoded bytes,
 * eight at a time, replaces reading and looking up. Values go to the columns as they are
 * met. Of a key that comes twice the last value counts, so a value that is wrong for its
 * field is only noted: a later one may replace it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cell.h"
#include "decoder_ops.h"
#include "msgpack_value.h"
#include "path.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/timetext.h"

enum { KEY_WORDS = 4, SHORT_KEY = 31, COPY_STEP = 16 };

/* A key of up to 31 bytes as it stands in a message, in words; the last one is masked. */
struct expected_key {
    uint64_t words[KEY_WORDS];
    uint64_t last_mask;
    uint32_t n_words; /* 0: never expected */
    uint32_t size;
};

/* What the hot path needs of a field. */
struct target {
    uint8_t type;
    bool    is_nullable;
    bool    is_time;       /* of the event                                     */
    int64_t unit_ns;       /* of a time that is counted in units, else 0       */
    int64_t most_in_units; /* either way                                       */
};

enum outcome { OUTCOME_ROW, OUTCOME_DEAD, OUTCOME_FAILED };

struct msgpack_decoder {
    const weir_schema   *schema;
    weiri_paths         *paths;
    struct expected_key *keys;    /* shape (paths->n_nodes,)                        */
    struct target       *targets; /* shape (schema->n_fields,)                      */
    const uint8_t      **refused; /* shape (schema->n_fields,): the values of `bad` */
    int32_t              order[WEIRI_FIELDS]; /* nodes of the last map's keys       */
    weiri_field_set      all;
    uint32_t             n_words; /* of the sets that are in use                    */
    /* Of the message at hand. */
    weiri_mp_cursor cursor;
    weir_chunk     *chunk;
    weir_column    *columns;
    uint32_t        row;
    int64_t         time;
    weiri_field_set seen;   /* fields that have a value or are in `bad`               */
    weiri_field_set bad;    /* whose latest value is none for their type              */
    weiri_mp_status broken; /* why the message cannot be read on                    */
    weir_status     status; /* why the chunk did not take a string                  */
};

typedef struct msgpack_decoder decoder;

/* Eight bytes, the first in the lowest place. */
static inline uint64_t
load_8(const void *bytes)
{
    const uint8_t *b = bytes;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16
           | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40
           | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* The low `n` bytes of a word, n from 1 to 8. */
static inline uint64_t
mask_of(uint32_t n)
{
    return UINT64_MAX >> (64 - 8 * n);
}

static void
expect_key(struct expected_key *self, const weiri_path_node *node)
{
    if (node->key_size > SHORT_KEY) {
        return;
    }
    uint8_t bytes[8 * KEY_WORDS] = { (uint8_t)(0xa0 | node->key_size) };
    memcpy(bytes + 1, node->key, node->key_size);
    self->size    = node->key_size + 1;
    self->n_words = (self->size + 7) / 8;
    for (uint32_t i = 0; i < self->n_words; i++) {
        self->words[i] = load_8(bytes + (size_t)8 * i);
    }
    self->last_mask = mask_of(self->size - 8 * (self->n_words - 1));
}

static struct target
target_of(const weir_schema *schema, uint32_t field)
{
    const weir_field *about  = &schema->fields[field];
    struct target     target = {
            .type        = (uint8_t)about->type,
            .is_nullable = about->is_nullable && (int32_t)field != schema->time_field,
            .is_time     = (int32_t)field == schema->time_field,
    };
    if (about->type == WEIR_TIME
        && weiri_time_from_int(about->form, 1, &target.unit_ns)) {
        target.most_in_units = INT64_MAX / target.unit_ns;
    }
    return target;
}

static void
destroy(void *state)
{
    decoder *self = state;
    if (self != NULL) {
        weiri_paths_destroy(&self->paths);
        free(self->keys);
        free(self->targets);
        free(self->refused);
        free(self);
    }
}

static weir_status
create(const weiri_decoder_config *config, void **state, weir_error *err)
{
    const weir_schema *schema = config->schema;
    decoder           *self   = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "MessagePack decoder: out of memory");
    }
    weir_status status = weiri_paths_new(schema, &self->paths, err);
    if (status != WEIR_OK) {
        destroy(self);
        return status;
    }
    self->schema  = schema;
    self->n_words = (schema->n_fields + 63) / 64;
    self->keys    = calloc(self->paths->n_nodes, sizeof *self->keys);
    self->targets = calloc(schema->n_fields + 1, sizeof *self->targets);
    self->refused = calloc(schema->n_fields + 1, sizeof *self->refused);
    if (self->keys == NULL || self->targets == NULL || self->refused == NULL) {
        destroy(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "MessagePack decoder: out of memory");
    }
    for (uint32_t i = 1; i < self->paths->n_nodes; i++) {
        expect_key(&self->keys[i], &self->paths->nodes[i]);
    }
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        self->targets[i] = target_of(schema, i);
        self->all.words[i / 64] |= UINT64_C(1) << (i % 64);
    }
    *state = self;
    return WEIR_OK;
}

static inline void
mark_seen(decoder *self, int32_t field)
{
    uint64_t bit = UINT64_C(1) << (field & 63);
    size_t   w   = (size_t)field >> 6;
    self->seen.words[w] |= bit;
    self->bad.words[w] &= ~bit;
}

/* Always true: the message can be read on. */
static bool
refuse(decoder *self, int32_t field, const uint8_t *value)
{
    mark_seen(self, field);
    self->bad.words[field >> 6] |= UINT64_C(1) << (field & 63);
    self->refused[field] = value;
    return true;
}

static void
store_null(decoder *self, int32_t field)
{
    weir_value  null   = { .type = self->columns[field].type, .is_null = true };
    weir_status status = weir_chunk_set(self->chunk, self->row, (uint32_t)field, &null);
    (void)status; /* a null takes no room */
}

static inline bool
store_int(decoder *self, int32_t field, int64_t value)
{
    weir_column *column = &self->columns[field];
    if (column->is_present) {
        column->as.i[self->row]  = value;
        column->nulls[self->row] = 0;
    }
    mark_seen(self, field);
    return true;
}

static inline bool
store_time(decoder *self, int32_t field, int64_t ns)
{
    if (self->targets[field].is_time) {
        self->time = ns;
    }
    return store_int(self, field, ns);
}

static inline bool
store_float(decoder *self, int32_t field, double value)
{
    weir_column *column = &self->columns[field];
    if (column->is_present) {
        column->as.f[self->row]  = value;
        column->nulls[self->row] = 0;
    }
    mark_seen(self, field);
    return true;
}

static inline bool
store_bool(decoder *self, int32_t field, bool value)
{
    weir_column *column = &self->columns[field];
    if (column->is_present) {
        column->as.b[self->row]  = value ? 1 : 0;
        column->nulls[self->row] = 0;
    }
    mark_seen(self, field);
    return true;
}

static const uint64_t HIGH_BITS = UINT64_C(0x8080808080808080);

/* Copy in whole steps, which both sides have room for; false if a byte that counts is not
 * ASCII. */
static inline bool
copy_ascii(char *to, const char *from, uint32_t size)
{
    uint64_t seen = 0;
    uint32_t at   = 0;
    for (; at + 8 <= size; at += 8) {
        seen |= load_8(from + at);
        memcpy(to + at, from + at, 8);
    }
    memcpy(to + at, from + at, 8);
    seen |= at < size ? load_8(from + at) & mask_of(size - at) : 0;
    return (seen & HIGH_BITS) == 0;
}

/* `has_step`: eight bytes may be read from any that counts. */
static inline bool
is_utf8(const char *text, uint32_t size, bool has_step)
{
    uint64_t seen = 0;
    for (uint32_t at = 0; has_step && at < size; at += 8) {
        seen |= load_8(text + at) & (size - at < 8 ? mask_of(size - at) : UINT64_MAX);
    }
    return (has_step && (seen & HIGH_BITS) == 0) || weiri_utf8_is_valid(text, size);
}

static bool
append_string(decoder *self, const char *text, uint32_t size, uint32_t *offset)
{
    self->status = weir_chunk_reserve_text(self->chunk, size, offset);
    if (self->status == WEIR_OK && size > 0) {
        memcpy(self->chunk->heap + *offset, text, size);
    }
    return self->status == WEIR_OK;
}

/* A string that is known to be all in the input. `value`: where it begins, with its
 * head. */
static inline bool
store_string(
    decoder *self, int32_t field, const char *text, uint32_t size, const uint8_t *value)
{
    weir_chunk  *chunk    = self->chunk;
    weir_column *column   = &self->columns[field];
    uint32_t     offset   = chunk->heap_used;
    size_t       left     = (size_t)(self->cursor.end - (const uint8_t *)text);
    bool         has_step = left >= (size_t)size + COPY_STEP;
    if (!column->is_present) {
        if (!is_utf8(text, size, has_step)) {
            return refuse(self, field, value);
        }
        mark_seen(self, field);
        return true;
    }
    if (has_step && chunk->heap_size - offset >= (uint64_t)size + COPY_STEP
        && copy_ascii(chunk->heap + offset, text, size)) {
        chunk->heap_used += size;
    } else if (!weiri_utf8_is_valid(text, size)) {
        return refuse(self, field, value);
    } else if (!append_string(self, text, size, &offset)) {
        return false;
    }
    column->as.s[self->row]  = (weir_text){ offset, size };
    column->nulls[self->row] = 0;
    mark_seen(self, field);
    return true;
}

static bool
read_token(decoder *self, weiri_mp_token *token)
{
    self->broken = weiri_mp_read(&self->cursor, token);
    return self->broken == WEIRI_MP_OK;
}

static bool
skip(decoder *self, unsigned depth)
{
    self->broken = weiri_mp_skip(&self->cursor, depth);
    return self->broken == WEIRI_MP_OK;
}

/* Any scalar but nil. `value`: where it begins. */
static bool
store_token(
    decoder *self, int32_t field, const weiri_mp_token *token, const uint8_t *value)
{
    const weir_field *about = &self->schema->fields[field];
    int64_t           i     = token->as.i;
    double            f     = 0;
    weir_value        parsed;
    switch (about->type) {
    case WEIR_BOOL:
        return token->kind == WEIRI_MP_BOOL ? store_bool(self, field, token->as.b)
                                            : refuse(self, field, value);
    case WEIR_INT:
        return token->kind == WEIRI_MP_INT
                       || (token->kind == WEIRI_MP_FLOAT
                           && weiri_msgpack_int_of_float(token->as.f, &i))
                   ? store_int(self, field, i)
                   : refuse(self, field, value);
    case WEIR_FLOAT:
        return weiri_msgpack_float(token, &f) ? store_float(self, field, f)
                                              : refuse(self, field, value);
    case WEIR_STRING:
        return token->kind == WEIRI_MP_STR || token->kind == WEIRI_MP_BIN
                   ? store_string(self, field, token->bytes, token->size, value)
                   : refuse(self, field, value);
    case WEIR_TIME:
        return weiri_msgpack_time(about, token, &i) ? store_time(self, field, i)
                                                    : refuse(self, field, value);
    case WEIR_DURATION:
        return token->kind == WEIRI_MP_STR
                       && weiri_cell_from_text(about, token->bytes, token->size, &parsed)
                   ? store_int(self, field, parsed.as.i)
                   : refuse(self, field, value);
    case WEIR_NULL:
    case WEIR_LIST: break;
    }
    return refuse(self, field, value);
}

/* Any value, in any form. */
static bool
read_any(decoder *self, int32_t field, unsigned depth)
{
    const uint8_t *value = self->cursor.at;
    weiri_mp_token token;
    if (!read_token(self, &token)) {
        return false;
    }
    if (token.kind == WEIRI_MP_ARRAY || token.kind == WEIRI_MP_MAP) {
        self->cursor.at = value;
        return skip(self, depth) && refuse(self, field, value);
    }
    if (token.kind != WEIRI_MP_NIL) {
        return store_token(self, field, &token, value);
    }
    if (!self->targets[field].is_nullable) {
        return refuse(self, field, value);
    }
    store_null(self, field);
    mark_seen(self, field);
    return true;
}

/* A time as a timestamp of 8 or 4 bytes, or as an int that counts units. */
static inline bool
read_time(decoder *self, int32_t field, unsigned depth)
{
    const struct target *target = &self->targets[field];
    const uint8_t       *at     = self->cursor.at;
    int64_t              value  = 0;
    if (weiri_mp_left(&self->cursor) >= 10 && (at[0] & 0xfe) == 0xd6 && at[1] == 0xff) {
        uint32_t size = at[0] == 0xd7 ? 8 : 4;
        if (weiri_mp_timestamp((const char *)at + 2, size, &value)) {
            self->cursor.at += 2 + size;
            return store_time(self, field, value);
        }
    } else if (target->unit_ns > 0 && weiri_mp_take_int(&self->cursor, &value)) {
        if (value <= target->most_in_units && value >= -target->most_in_units) {
            return store_time(self, field, value * target->unit_ns);
        }
        self->cursor.at = at;
    }
    return read_any(self, field, depth);
}

static inline bool
read_string(decoder *self, int32_t field, unsigned depth)
{
    const uint8_t *value = self->cursor.at;
    const char    *text  = NULL;
    uint32_t       size  = 0;
    return weiri_mp_take_str(&self->cursor, &text, &size)
               ? store_string(self, field, text, size, value)
               : read_any(self, field, depth);
}

/* One field from the value at the cursor, inside `depth` maps and arrays. */
static inline bool
read_field(decoder *self, int32_t field, unsigned depth)
{
    int64_t i = 0;
    double  f = 0;
    bool    b = false;
    switch (self->targets[field].type) {
    case WEIR_INT:
        if (weiri_mp_take_int(&self->cursor, &i)) {
            return store_int(self, field, i);
        }
        break;
    case WEIR_FLOAT: {
        const uint8_t *value = self->cursor.at;
        if (weiri_mp_take_float(&self->cursor, &f)) {
            return isfinite(f) ? store_float(self, field, f) : refuse(self, field, value);
        }
        break;
    }
    case WEIR_STRING: return read_string(self, field, depth);
    case WEIR_TIME: return read_time(self, field, depth);
    case WEIR_BOOL:
        if (weiri_mp_take_bool(&self->cursor, &b)) {
            return store_bool(self, field, b);
        }
        break;
    default: break;
    }
    return read_any(self, field, depth);
}

/* Fields may be found at the same place: a string is stored once for all of them, so that
 * a message never takes more of the heap than it has bytes. */
static bool
read_fields(decoder *self, int32_t first, unsigned depth)
{
    const uint8_t     *value = self->cursor.at;
    const weir_column *from  = NULL; /* the column that has the string */
    for (int32_t f = first; f >= 0; f = self->paths->next_field[f]) {
        weir_column *column  = &self->columns[f];
        bool         is_text = column->type == WEIR_STRING && column->is_present;
        if (is_text && from != NULL) {
            column->as.s[self->row]  = from->as.s[self->row];
            column->nulls[self->row] = 0;
            mark_seen(self, f);
            continue;
        }
        uint32_t heap_used = self->chunk->heap_used;
        self->cursor.at    = value;
        if (!read_field(self, f, depth)) {
            return false;
        }
        if (is_text && self->chunk->heap_used > heap_used) {
            from = column;
        }
    }
    return true;
}

/* A value that comes a second time replaces the first, with all that was in it. */
static void
forget(decoder *self, const weiri_field_set *fields)
{
    for (uint32_t w = 0; w < self->n_words; w++) {
        self->seen.words[w] &= ~fields->words[w];
        self->bad.words[w] &= ~fields->words[w];
    }
}

static bool
read_inner(decoder *self, int32_t node, unsigned depth);

/* The value of path node `node`, -1: nobody's. */
static inline bool
read_value(decoder *self, int32_t node, unsigned depth)
{
    if (node < 0) {
        return skip(self, depth);
    }
    const weiri_path_node *here = &self->paths->nodes[node];
    if (here->first_child >= 0 || self->paths->next_field[here->field] >= 0) {
        return read_inner(self, node, depth);
    }
    return read_field(self, here->field, depth);
}

/* The child of `node` that the key at the cursor names, in *child; -1: none. Keys other
 * than strings name nothing. */
static bool
read_key(decoder *self, int32_t node, unsigned depth, int32_t *child)
{
    const uint8_t *start = self->cursor.at;
    weiri_mp_token key;
    *child = -1;
    if (!read_token(self, &key)) {
        return false;
    }
    if (key.kind == WEIRI_MP_ARRAY || key.kind == WEIRI_MP_MAP) {
        self->cursor.at = start;
        return skip(self, depth);
    }
    if (key.kind == WEIRI_MP_STR) {
        *child = weiri_paths_child(self->paths, node, key.bytes, key.size);
    }
    return true;
}

static bool
read_members(decoder *self, int32_t node, const weiri_mp_token *head, unsigned depth)
{
    bool is_map = head->kind == WEIRI_MP_MAP;
    for (uint32_t i = 0; i < head->as.n_items; i++) {
        int32_t child = is_map ? -1 : weiri_paths_item(self->paths, node, i);
        if ((is_map && !read_key(self, node, depth, &child))
            || !read_value(self, child, depth)) {
            return false;
        }
    }
    return true;
}

/* Fields here, fields further in, or both. */
static bool
read_inner(decoder *self, int32_t node, unsigned depth)
{
    const weiri_path_node *here  = &self->paths->nodes[node];
    const uint8_t         *value = self->cursor.at;
    weiri_mp_token         head;
    forget(self, &here->below);
    if (!read_token(self, &head)) {
        return false;
    }
    bool is_inner = head.kind == WEIRI_MP_MAP || head.kind == WEIRI_MP_ARRAY;
    if (here->first_child < 0 || !is_inner) {
        self->cursor.at = value;
        return here->field >= 0 ? read_fields(self, here->field, depth)
                                : skip(self, depth);
    }
    if (depth >= WEIRI_NESTING) {
        self->broken = WEIRI_MP_DEEP;
        return false;
    }
    if (!read_members(self, node, &head, depth + 1)) {
        return false;
    }
    for (int32_t f = here->field; f >= 0; f = self->paths->next_field[f]) {
        refuse(self, f, value); /* no field is a map or array */
    }
    return true;
}

static inline bool
is_at(const struct expected_key *key, const weiri_mp_cursor *cursor)
{
    if (key->n_words == 0 || weiri_mp_left(cursor) < (size_t)8 * KEY_WORDS) {
        return false;
    }
    uint32_t last = key->n_words - 1;
    uint64_t diff =
        (load_8(cursor->at + (size_t)8 * last) ^ key->words[last]) & key->last_mask;
    for (uint32_t i = 0; i < last; i++) {
        diff |= load_8(cursor->at + (size_t)8 * i) ^ key->words[i];
    }
    return diff == 0;
}

/* The map that is the message itself. */
static bool
read_record_map(decoder *self, uint32_t n_pairs)
{
    for (uint32_t i = 0; i < n_pairs; i++) {
        int32_t                    node = self->order[i % WEIRI_FIELDS];
        const struct expected_key *key  = &self->keys[node];
        if (is_at(key, &self->cursor)) {
            self->cursor.at += key->size;
        } else {
            if (!read_key(self, 0, 1, &node)) {
                return false;
            }
            if (node > 0) {
                self->order[i % WEIRI_FIELDS] = node;
            }
        }
        if (!read_value(self, node, 1)) {
            return false;
        }
    }
    return true;
}

static bool
read_record_array(decoder *self, uint32_t n_items)
{
    for (uint32_t i = 0; i < n_items; i++) {
        bool is_read =
            i < self->schema->n_fields ? read_field(self, (int32_t)i, 1) : skip(self, 1);
        if (!is_read) {
            return false;
        }
    }
    return true;
}

static void
explain_refusal(decoder *self, weiri_decode *decode, uint32_t field)
{
    const weir_field *about  = &self->schema->fields[field];
    weiri_mp_cursor   cursor = { .at = self->refused[field], .end = self->cursor.end };
    weiri_mp_token    token;
    char              text[WEIRI_MSGPACK_SHOWN];
    if (weiri_mp_read(&cursor, &token) != WEIRI_MP_OK || token.kind == WEIRI_MP_NIL) {
        weiri_decode_reason(decode, "field '%s' is null", about->name);
        return;
    }
    size_t n = weiri_msgpack_show(&token, text);
    weiri_decode_reason_value(decode, about, text, n);
}

static bool
is_complete(const decoder *self)
{
    uint64_t lack = 0;
    for (uint32_t w = 0; w < self->n_words; w++) {
        lack |= (self->seen.words[w] ^ self->all.words[w]) | self->bad.words[w];
    }
    return lack == 0;
}

/* Fields that did not come become null. False, with the reason, if one may not be. */
static bool
complete(decoder *self, weiri_decode *decode)
{
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        uint64_t bit = UINT64_C(1) << (f % 64);
        if ((self->bad.words[f / 64] & bit) != 0) {
            explain_refusal(self, decode, f);
            return false;
        }
        if ((self->seen.words[f / 64] & bit) == 0) {
            if (!self->targets[f].is_nullable) {
                weiri_decode_reason_missing(decode, &self->schema->fields[f]);
                return false;
            }
            store_null(self, (int32_t)f);
        }
    }
    return true;
}

static void
begin(decoder *self, weir_chunk *chunk)
{
    self->chunk   = chunk;
    self->columns = chunk->columns;
    self->row     = chunk->n_rows;
    self->time    = 0;
    self->broken  = WEIRI_MP_OK;
    self->status  = WEIR_OK;
    for (uint32_t w = 0; w < self->n_words; w++) {
        self->seen.words[w] = 0;
        self->bad.words[w]  = 0;
    }
}

/* The message at the cursor. OUTCOME_FAILED: `broken` or `status` says why; that and a
 * dead message leave the chunk as it was. */
static enum outcome
read_message(decoder *self, weiri_decode *decode, weir_chunk *chunk)
{
    uint32_t       heap_used = chunk->heap_used;
    weiri_mp_token head;
    begin(self, chunk);
    if (!read_token(self, &head)) {
        return OUTCOME_FAILED;
    }
    if (head.kind != WEIRI_MP_MAP && head.kind != WEIRI_MP_ARRAY) {
        weiri_decode_reason(decode, "a message has to be a map or an array");
        return OUTCOME_DEAD;
    }
    bool is_read = head.kind == WEIRI_MP_MAP ? read_record_map(self, head.as.n_items)
                                             : read_record_array(self, head.as.n_items);
    if (is_read && (is_complete(self) || complete(self, decode))) {
        chunk->time[self->row] = self->time;
        chunk->n_rows++;
        return OUTCOME_ROW;
    }
    weiri_decode_roll_back(chunk, heap_used);
    return is_read ? OUTCOME_DEAD : OUTCOME_FAILED;
}

static weir_status
fail_broken(
    const decoder *self, const weiri_decode *decode, const char *bytes, weir_error *err)
{
    uint64_t at = decode->position + (uint64_t)((const char *)self->cursor.at - bytes);
    switch (self->broken) {
    case WEIRI_MP_BAD:
        return WEIR_FAIL(err, WEIR_EDATA,
            "message %" PRIu64 " is not MessagePack at byte %" PRIu64, decode->line, at);
    case WEIRI_MP_DEEP:
        return WEIR_FAIL(err, WEIR_EDATA,
            "message %" PRIu64 " has more than %d levels at byte %" PRIu64, decode->line,
            WEIRI_NESTING, at);
    default:
        return WEIR_FAIL(err, WEIR_EDATA,
            "message %" PRIu64 " is longer than %d bytes: byte %" PRIu64 " says so",
            decode->line, WEIRI_RECORD_BYTES, at);
    }
}

/* The rest of the input, which ends inside a message. */
static void
end_inside(weiri_decode *decode, const char *bytes, size_t at, size_t size)
{
    weiri_decode_reason(decode, "the input ends inside this message");
    weiri_decode_dead(decode, at, bytes + at, size - at);
    decode->line++;
}

/* NOLINTBEGIN(readability-function-size): the parameters of weiri_decoder_decode */
static weir_status
decode(void *state, weiri_decode *decode, const char *bytes, size_t size, bool is_last,
    weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    decoder *self = state;
    size_t  *at   = consumed;
    for (*at = 0; *at < size; decode->line++) {
        if (chunk->n_rows == chunk->capacity) {
            return WEIR_EFULL;
        }
        self->cursor = weiri_mp_cursor_at(bytes + *at, size - *at, WEIRI_RECORD_BYTES);
        enum outcome outcome = read_message(self, decode, chunk);
        if (outcome == OUTCOME_FAILED) {
            if (self->status != WEIR_OK) {
                return self->status;
            }
            if (self->broken != WEIRI_MP_MORE) {
                return fail_broken(self, decode, bytes, err);
            }
            if (is_last) {
                end_inside(decode, bytes, *at, size);
                *consumed = size;
            }
            return WEIR_OK;
        }
        size_t end = (size_t)((const char *)self->cursor.at - bytes);
        if (outcome == OUTCOME_DEAD) {
            weiri_decode_dead(decode, *at, bytes + *at, end - *at);
        }
        *at = end;
    }
    return WEIR_OK;
}
/* NOLINTEND(readability-function-size) */

const weiri_decoder_ops WEIRI_DECODE_MSGPACK = {
    .create  = create,
    .destroy = destroy,
    .decode  = decode,
};
