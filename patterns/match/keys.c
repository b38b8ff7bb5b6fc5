#include "match/keys.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/hugepages.h"
#include "weiri/limits.h"

enum { FIRST_SLOTS = 64 };

/* One key of a part: a view of its chunk's column, or a copy of what was computed. */
typedef struct key_column {
    weir_type      type;
    const void    *cells; /* uint8_t, 8 bytes, or weir_text; a row of the chunk each */
    const char    *heap;  /* of weir_text                                            */
    const uint8_t *nulls; /* NULL: none                                              */
    void          *owned; /* computed cells and nulls, WEIRI_CHUNK_ROWS of them      */
    char          *owned_heap;
    size_t         owned_heap_size;
} key_column;

typedef struct key_part {
    key_column *columns;
    uint64_t    n_nulls;
} key_part;

struct weiri_keys {
    weiri_key_table    table; /* first: see weiri_keys_table */
    const weiri_match *plan;
    weiri_strings     *strings;
    weiri_program    **programs; /* per input, NULL: all keys are fields */
    weiri_vector      *vectors;
    key_part          *parts;
    uint32_t           n_parts;
    char              *scratch;
    size_t             scratch_size;
    weiri_partition   *only; /* without keys: the partition, if there is one */
};

/* ---- keys of events ---- */

static bool
is_text(weir_type type)
{
    return type == WEIR_STRING || type == WEIR_LIST;
}

static bool
prepare_programs(weiri_keys *self)
{
    const weiri_match *plan = self->plan;
    for (uint32_t i = 0; i < plan->n_inputs; i++) {
        bool is_computed = false;
        for (uint32_t k = 0; k < plan->n_keys; k++) {
            is_computed |= plan->inputs[i].keys[k]->kind != WEIRI_EXPR_FIELD;
        }
        if (is_computed
            && weiri_program_new(plan->inputs[i].keys, plan->n_keys, &self->programs[i])
                   != WEIR_OK) {
            return false;
        }
    }
    return true;
}

static weiri_string *
string_of(const weiri_keys *self, const weiri_partition *partition)
{
    weiri_string *string = NULL;
    memcpy(&string, weiri_keys_place(self, partition), sizeof string);
    return string;
}

weir_status
weiri_keys_new(
    const weiri_match *plan, size_t state_size, weiri_strings *strings, weiri_keys **out)
{
    weiri_keys *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->plan             = plan;
    self->strings          = strings;
    self->table.state_size = (state_size + 7) / 8 * 8;
    self->table.is_word    = plan->n_keys == 1 && !is_text(plan->inputs[0].keys[0]->type);
    size_t key_size        = plan->n_keys == 0     ? 0
                             : self->table.is_word ? WEIRI_KEY_WORD
                                                   : WEIRI_KEY_INLINE;
    self->table.n_slots    = FIRST_SLOTS;
    self->table.slots      = calloc(FIRST_SLOTS, sizeof *self->table.slots);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    self->programs = calloc(plan->n_inputs, sizeof *self->programs);
    self->vectors  = calloc(plan->n_keys + 1, sizeof *self->vectors);
    if (self->table.slots == NULL || self->programs == NULL || self->vectors == NULL
        || !weiri_pool_init(&self->table.partitions,
            sizeof(weiri_partition) + self->table.state_size + key_size)
        || !prepare_programs(self)) {
        weiri_keys_destroy(&self);
        return WEIR_ENOMEM;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_keys_destroy(weiri_keys **self_p)
{
    weiri_keys *self = *self_p;
    *self_p          = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t p = 0; p < self->n_parts; p++) {
        for (uint32_t k = 0; k < self->plan->n_keys; k++) {
            free(self->parts[p].columns[k].owned);
            free(self->parts[p].columns[k].owned_heap);
        }
        free(self->parts[p].columns);
    }
    for (uint32_t i = 0; self->programs != NULL && i < self->plan->n_inputs; i++) {
        weiri_program_destroy(&self->programs[i]);
    }
    for (uint32_t s = 0; self->table.slots != NULL && s < self->table.n_slots; s++) {
        if (self->table.slots[s].partition != 0) {
            weiri_partition *partition =
                weiri_keys_at(self, self->table.slots[s].partition);
            if (partition->size > WEIRI_KEY_INLINE) {
                weiri_strings_unref(self->strings, string_of(self, partition));
            }
        }
    }
    weiri_pool_fini(&self->table.partitions);
    free(self->programs);
    free(self->vectors);
    free(self->parts);
    free(self->scratch);
    free(self->table.slots);
    free(self);
}

static bool
add_part(weiri_keys *self)
{
    key_part *parts = realloc(self->parts, (self->n_parts + 1) * sizeof *parts);
    if (parts == NULL) {
        return false;
    }
    self->parts    = parts;
    key_part *part = &parts[self->n_parts];
    *part          = (key_part){ 0 };
    part->columns  = calloc(self->plan->n_keys + 1, sizeof *part->columns);
    self->n_parts += part->columns != NULL;
    return part->columns != NULL;
}

static void
view_column(key_column *column, const weir_chunk *chunk, uint32_t field)
{
    const weir_column *from = &chunk->columns[field];
    column->type            = from->type;
    column->cells           = from->as.any;
    column->heap            = chunk->heap;
    column->nulls           = from->has_nulls ? from->nulls : NULL;
}

/* Computed strings are in nobody's heap: copy them into one. */
static bool
copy_texts(key_column *column, weir_rows rows, const weiri_vector *vector)
{
    size_t size = 0;
    for (uint32_t i = 0; i < rows.n; i++) {
        size += vector->as.v[i].size;
    }
    if (size > column->owned_heap_size) {
        char *heap = realloc(column->owned_heap, size);
        if (heap == NULL) {
            return false;
        }
        column->owned_heap      = heap;
        column->owned_heap_size = size;
    }
    weir_text *cells = column->owned;
    uint32_t   used  = 0;
    for (uint32_t i = 0; i < rows.n; i++) {
        const weir_value *value = &vector->as.v[i];
        cells[rows.first + i]   = (weir_text){ .offset = used, .size = value->size };
        if (value->size > 0) {
            memcpy(column->owned_heap + used, value->as.s, value->size);
            used += value->size;
        }
    }
    column->heap = column->owned_heap;
    return true;
}

static bool
copy_column(key_column *column, weir_rows rows, const weiri_vector *vector)
{
    if (column->owned == NULL
        && (column->owned = malloc((size_t)WEIRI_CHUNK_ROWS * 9)) == NULL) {
        return false;
    }
    char    *cells = column->owned;
    uint8_t *nulls = (uint8_t *)cells + (size_t)WEIRI_CHUNK_ROWS * 8;
    column->type   = vector->type;
    column->cells  = cells;
    column->nulls  = vector->has_nulls ? nulls : NULL;
    if (vector->has_nulls) {
        memcpy(nulls + rows.first, vector->nulls, rows.n);
    }
    if (is_text(vector->type)) {
        return copy_texts(column, rows, vector);
    }
    size_t width = vector->type == WEIR_BOOL ? 1 : 8;
    memcpy(cells + rows.first * width, vector->as.b, rows.n * width);
    return true;
}

static uint64_t
count_nulls(const key_part *part, uint32_t n_keys, weir_rows rows)
{
    uint64_t n = 0;
    for (uint32_t i = rows.first; i < rows.first + rows.n; i++) {
        uint8_t is_null = 0;
        for (uint32_t k = 0; k < n_keys; k++) {
            is_null |= part->columns[k].nulls != NULL ? part->columns[k].nulls[i] : 0;
        }
        n += is_null;
    }
    return n;
}

bool
weiri_keys_load(weiri_keys *self, uint32_t part, const weiri_part *rows)
{
    while (self->n_parts <= part) {
        if (!add_part(self)) {
            return false;
        }
    }
    const weiri_match_input *input    = &self->plan->inputs[rows->input];
    weiri_program           *program  = self->programs[rows->input];
    key_part                *to       = &self->parts[part];
    bool                     has_null = false;
    if (program != NULL) {
        weiri_program_run(program, rows->rows, self->vectors);
    }
    for (uint32_t k = 0; k < self->plan->n_keys; k++) {
        key_column *column = &to->columns[k];
        if (input->keys[k]->kind == WEIRI_EXPR_FIELD) {
            view_column(column, rows->rows.chunk, input->keys[k]->as.field);
        } else if (!copy_column(column, rows->rows, &self->vectors[k])) {
            return false;
        }
        has_null |= column->nulls != NULL;
    }
    to->n_nulls = has_null ? count_nulls(to, self->plan->n_keys, rows->rows) : 0;
    return true;
}

uint64_t
weiri_keys_nulls(const weiri_keys *self, uint32_t part)
{
    return self->parts[part].n_nulls;
}

static inline uint64_t
mix(uint64_t h, uint64_t value)
{
    h = (h ^ value) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 32);
}

static uint64_t
hash_bytes(uint64_t h, const char *bytes, uint32_t size)
{
    uint64_t word = 0;
    h             = mix(h, size);
    for (; size >= 8; size -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        h = mix(h, word);
    }
    word = 0;
    if (size > 0) {
        memcpy(&word, bytes, size);
    }
    return mix(h, word);
}

/* Equal numbers have equal bits: there is one zero. */
static uint64_t
cell_of(const key_column *column, uint32_t row)
{
    if (column->type == WEIR_BOOL) {
        return ((const uint8_t *)column->cells)[row];
    }
    uint64_t cell = ((const uint64_t *)column->cells)[row];
    return column->type == WEIR_FLOAT && cell == UINT64_C(1) << 63 ? 0 : cell;
}

static uint32_t
tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 20);
}

bool
weiri_keys_begin(weiri_keys *self, uint32_t part, uint32_t row, weiri_key *key)
{
    uint64_t h = 0;
    for (uint32_t k = 0; k < self->plan->n_keys; k++) {
        const key_column *column = &self->parts[part].columns[k];
        if (column->cells == NULL || (column->nulls != NULL && column->nulls[row])) {
            return false;
        }
        if (self->table.is_word) {
            key->word = cell_of(column, row);
            key->size = WEIRI_KEY_WORD;
            key->tag  = weiri_key_word_tag(key->word);
            return true;
        }
        if (is_text(column->type)) {
            weir_text text = ((const weir_text *)column->cells)[row];
            h              = hash_bytes(h, column->heap + text.offset, text.size);
        } else {
            h = mix(h, cell_of(column, row));
        }
    }
    key->tag = tag_of(mix(h, 0));
    return true;
}

const uint64_t *
weiri_keys_words(const weiri_keys *self, uint32_t part)
{
    const key_column *column = self->parts[part].columns;
    bool              is_plain =
        self->table.is_word && column->type != WEIR_BOOL && column->type != WEIR_FLOAT;
    return is_plain && column->nulls == NULL ? column->cells : NULL;
}

static bool
put(weiri_keys *self, size_t *used, const void *bytes, size_t size)
{
    if (*used + size > self->scratch_size) {
        size_t grown   = (*used + size) * 2;
        char  *scratch = realloc(self->scratch, grown);
        if (scratch == NULL) {
            return false;
        }
        self->scratch      = scratch;
        self->scratch_size = grown;
    }
    if (size > 0) {
        memcpy(self->scratch + *used, bytes, size);
    }
    *used += size;
    return true;
}

void
weiri_keys_read(weiri_keys *self, uint32_t part, uint32_t row, weiri_key *key)
{
    const key_column *columns = self->parts[part].columns;
    size_t            used    = 0;
    if (self->table.is_word) {
        return;
    }
    if (self->plan->n_keys == 1) {
        weir_text text = ((const weir_text *)columns->cells)[row];
        key->bytes     = columns->heap + text.offset;
        key->size      = text.size;
        return;
    }
    for (uint32_t k = 0; k < self->plan->n_keys; k++) {
        const key_column *column = &columns[k];
        bool              is_put;
        if (is_text(column->type)) {
            weir_text text = ((const weir_text *)column->cells)[row];
            is_put         = put(self, &used, &text.size, sizeof text.size)
                     && put(self, &used, column->heap + text.offset, text.size);
        } else {
            uint64_t cell = cell_of(column, row);
            is_put        = put(self, &used, &cell, sizeof cell);
        }
        if (!is_put) {
            self->table.partitions.is_out_of_memory = true;
        }
    }
    key->bytes = self->scratch;
    key->size  = (uint32_t)used;
}

/* ---- the table ---- */

static const char *
bytes_of(const weiri_keys *self, const weiri_partition *partition)
{
    return partition->size > WEIRI_KEY_INLINE ? string_of(self, partition)->bytes
                                              : weiri_keys_place(self, partition);
}

static bool
has_key(const weiri_keys *self, const weiri_partition *partition, const weiri_key *key)
{
    if (self->table.is_word) {
        return weiri_keys_has_word(self, partition, key->word);
    }
    return partition->tag == key->tag && partition->size == key->size
           && (key->size == 0
               || memcmp(bytes_of(self, partition), key->bytes, key->size) == 0);
}

weiri_partition *
weiri_keys_check(const weiri_keys *self, uint32_t number, const weiri_key *key)
{
    weiri_partition *partition = weiri_keys_at(self, number);
    return has_key(self, partition, key) ? partition : NULL;
}

weiri_partition *
weiri_keys_find(const weiri_keys *self, const weiri_key *key)
{
    uint32_t mask = self->table.n_slots - 1;
    for (uint32_t i = key->tag & mask; self->table.slots[i].partition != 0;
         i          = (i + 1) & mask) {
        if (self->table.slots[i].tag == key->tag) {
            weiri_partition *partition =
                weiri_keys_at(self, self->table.slots[i].partition);
            if (has_key(self, partition, key)) {
                return partition;
            }
        }
    }
    return NULL;
}

weiri_partition *
weiri_keys_only(const weiri_keys *self)
{
    return self->only;
}

static void
insert_slot(weiri_key_slot *slots, uint32_t mask, weiri_key_slot slot)
{
    uint32_t i = slot.tag & mask;
    while (slots[i].partition != 0) {
        i = (i + 1) & mask;
    }
    slots[i] = slot;
}

static bool
grow(weiri_keys *self)
{
    uint32_t        n_slots = self->table.n_slots * 2;
    weiri_key_slot *slots   = weiri_calloc_huge(n_slots, sizeof *slots);
    if (slots == NULL || n_slots == 0) {
        free(slots);
        return false;
    }
    for (uint32_t i = 0; i < self->table.n_slots; i++) {
        if (self->table.slots[i].partition != 0) {
            insert_slot(slots, n_slots - 1, self->table.slots[i]);
        }
    }
    free(self->table.slots);
    self->table.slots   = slots;
    self->table.n_slots = n_slots;
    return true;
}

static bool
write_key(weiri_keys *self, weiri_partition *partition, const weiri_key *key)
{
    char *place = weiri_keys_place(self, partition);
    if (self->table.is_word) {
        memcpy(place, &key->word, sizeof key->word);
    } else if (key->size > WEIRI_KEY_INLINE) {
        weiri_string *string = weiri_strings_make(self->strings, key->bytes, key->size);
        memcpy(place, &string, sizeof string);
        return string != NULL;
    } else if (key->size > 0 && key->bytes != NULL) {
        memcpy(place, key->bytes, key->size);
    }
    return true;
}

/* Of 16 slots at most 13 are in use: a search that fails looks at 15 on average, two
 * lines of memory. */
weiri_partition *
weiri_keys_add(weiri_keys *self, const weiri_key *key)
{
    if (self->table.n_live >= self->table.n_slots / 16 * 13 && !grow(self)) {
        return NULL;
    }
    uint32_t number = weiri_pool_take(&self->table.partitions);
    if (number == 0) {
        return NULL;
    }
    weiri_partition *partition = weiri_keys_at(self, number);
    memset(partition, 0, sizeof *partition + self->table.state_size);
    partition->tag  = key->tag;
    partition->size = key->size;
    partition->self = number;
    if (!write_key(self, partition, key)) {
        partition->size = WEIRI_KEY_GONE;
        weiri_pool_give(&self->table.partitions, number);
        return NULL;
    }
    insert_slot(self->table.slots, self->table.n_slots - 1,
        (weiri_key_slot){ .tag = key->tag, .partition = number });
    self->table.n_live++;
    self->only = partition;
    return partition;
}

/* Linear probing without tombstones: what follows moves up (Knuth, TAOCP 3, 6.4 R). */
static void
free_slot(weiri_keys *self, uint32_t hole)
{
    uint32_t mask = self->table.n_slots - 1;
    for (uint32_t i = (hole + 1) & mask; self->table.slots[i].partition != 0;
         i          = (i + 1) & mask) {
        uint32_t home = self->table.slots[i].tag & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            self->table.slots[hole] = self->table.slots[i];
            hole                    = i;
        }
    }
    self->table.slots[hole].partition = 0;
}

void
weiri_keys_remove(weiri_keys *self, weiri_partition *partition)
{
    uint32_t mask = self->table.n_slots - 1;
    uint32_t i    = partition->tag & mask;
    while (self->table.slots[i].partition != partition->self) {
        i = (i + 1) & mask;
    }
    free_slot(self, i);
    if (partition->size > WEIRI_KEY_INLINE) {
        weiri_strings_unref(self->strings, string_of(self, partition));
    }
    partition->size = WEIRI_KEY_GONE;
    weiri_pool_give(&self->table.partitions, partition->self);
    self->table.n_live--;
    self->only = NULL;
}

weiri_partition *
weiri_keys_next(const weiri_keys *self, uint32_t *number)
{
    while (++*number < self->table.partitions.n_made) {
        weiri_partition *partition = weiri_keys_at(self, *number);
        if (partition->size != WEIRI_KEY_GONE) {
            return partition;
        }
    }
    return NULL;
}

static weir_value
value_of(weir_type type, const char **bytes)
{
    weir_value value = { .type = (uint8_t)type };
    int64_t    cell  = 0;
    memcpy(&cell, *bytes, sizeof cell);
    *bytes += sizeof cell;
    if (type == WEIR_FLOAT) {
        memcpy(&value.as.f, &cell, sizeof cell);
    } else if (type == WEIR_BOOL) {
        value.as.b = cell != 0;
    } else {
        value.as.i = cell;
    }
    return value;
}

void
weiri_keys_values(
    const weiri_keys *self, const weiri_partition *partition, weir_value *out)
{
    const char *bytes = bytes_of(self, partition);
    for (uint32_t k = 0; k < self->plan->n_keys; k++) {
        weir_type type = self->plan->inputs[0].keys[k]->type;
        if (!is_text(type)) {
            out[k] = value_of(type, &bytes);
            continue;
        }
        uint32_t size = partition->size;
        if (self->plan->n_keys > 1) {
            memcpy(&size, bytes, sizeof size);
            bytes += sizeof size;
        }
        out[k] = (weir_value){ .type = (uint8_t)type, .as.s = bytes, .size = size };
        bytes += size;
    }
}

/* ---- loading ---- */

static uint64_t
cell_of_value(const weir_value *value)
{
    uint64_t cell = 0;
    if (value->type == WEIR_BOOL) {
        cell = value->as.b;
    } else if (value->type != WEIR_FLOAT || value->as.f != 0.0) {
        memcpy(&cell, &value->as, sizeof cell);
    }
    return cell;
}

/* The key of weiri_keys_begin and weiri_keys_read. */
static bool
key_of_values(weiri_keys *self, const weir_value *values, weiri_key *key)
{
    size_t   used    = 0;
    uint64_t hash    = 0;
    bool     is_put  = true;
    bool     is_bare = self->plan->n_keys == 1;
    if (self->table.is_word) {
        key->word = cell_of_value(values);
        key->size = WEIRI_KEY_WORD;
        key->tag  = weiri_key_word_tag(key->word);
        return true;
    }
    for (uint32_t k = 0; k < self->plan->n_keys && is_put; k++) {
        const weir_value *value = &values[k];
        if (is_text(value->type)) {
            is_put = (is_bare || put(self, &used, &value->size, sizeof value->size))
                     && put(self, &used, value->as.s, value->size);
            hash = hash_bytes(hash, value->as.s, value->size);
        } else {
            uint64_t cell = cell_of_value(value);
            is_put        = put(self, &used, &cell, sizeof cell);
            hash          = mix(hash, cell);
        }
    }
    key->tag   = tag_of(mix(hash, 0));
    key->bytes = self->scratch;
    key->size  = (uint32_t)used;
    return is_put;
}

weir_status
weiri_keys_restore(weiri_keys *self, const weir_value *values, weiri_partition **out)
{
    weiri_key key = { .size = 0 };
    if (!key_of_values(self, values, &key)) {
        return WEIR_ENOMEM;
    }
    if (weiri_keys_find(self, &key) != NULL) {
        return WEIR_EDATA;
    }
    *out = weiri_keys_add(self, &key);
    return *out == NULL ? WEIR_ENOMEM : WEIR_OK;
}

void
weiri_keys_fetch(weiri_keys *self, const weir_value *values)
{
    weiri_key key = { .size = 0 };
    if (key_of_values(self, values, &key)) {
        __builtin_prefetch(&self->table.slots[key.tag & (self->table.n_slots - 1)]);
    }
}

uint64_t
weiri_keys_bytes(const weiri_keys *self)
{
    return self->table.n_slots * sizeof *self->table.slots
           + weiri_pool_bytes(&self->table.partitions);
}

uint32_t
weiri_keys_live(const weiri_keys *self)
{
    return self->table.n_live;
}

uint64_t
weiri_keys_faults(const weiri_keys *self)
{
    uint64_t faults = 0;
    for (uint32_t i = 0; i < self->plan->n_inputs; i++) {
        faults += self->programs[i] != NULL ? weiri_program_faults(self->programs[i]) : 0;
    }
    return faults;
}
