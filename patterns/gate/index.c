/* Equality: a table from value to the rules that test for it.
 *
 * Ranges: sorted by their lower bound, so that those that begin at or below a value are
 * the first so many; of these, the ones that reach up to it are found by going down a
 * tree of the highest upper bounds (an interval tree over a sorted array, Cormen et al.,
 * Introduction to Algorithms, 14.3). Most events are in no range: whether one may be is
 * told by two or four comparisons, done for a column at a time.
 */
#include "gate/index.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/prefetch.h"

enum { FIRST_SLOTS = 16 };

void
weiri_gate_index_fini(weiri_gate_index *self)
{
    free(self->entries);
    free(self->slots);
    free(self->picks);
    free(self->rules);
    free(self->ranges);
    free(self->lows);
    free(self->highest);
}

/* ---- values ---- */

static inline uint64_t
mix(uint64_t h)
{
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}

static inline uint64_t
load_8(const char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint64_t
load_4(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Never seen outside. The last bytes are read as eight that overlap those before. */
static inline uint64_t
hash_text(const char *text, uint32_t size)
{
    uint64_t h = size;
    if (size >= 8) {
        for (uint32_t i = 0; i + 8 < size; i += 8) {
            h = mix(h ^ load_8(text + i));
        }
        h ^= load_8(text + size - 8);
    } else if (size >= 4) {
        h = mix(h ^ load_4(text)) ^ load_4(text + size - 4);
    } else if (size > 0) {
        h ^= (uint64_t)(unsigned char)text[0] << 8
             | (uint64_t)(unsigned char)text[size / 2] << 16
             | (uint64_t)(unsigned char)text[size - 1] << 24;
    }
    return mix(mix(h));
}

static inline uint64_t
hash_number(int64_t number)
{
    return mix(mix((uint64_t)number));
}

static uint64_t
hash_test(const weiri_gate_test *test)
{
    return test->is_text ? hash_text(test->text, test->size) : hash_number(test->low);
}

static inline bool
is_entry(const weiri_gate_entry *entry, const weiri_gate_test *test)
{
    if (!test->is_text) {
        return entry->number == test->low;
    }
    return entry->size == test->size && memcmp(entry->text, test->text, test->size) == 0;
}

/* The entry for a value of this hash; 0 if there is none, else 1 + its index. */
static inline uint32_t
find(const weiri_gate_index *self, uint64_t hash, const weiri_gate_test *test)
{
    uint32_t mask = self->n_slots - 1;
    uint32_t tag  = (uint32_t)(hash >> 32);
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        weiri_gate_slot slot = self->slots[i];
        if (slot.entry == 0
            || (slot.tag == tag && is_entry(&self->entries[slot.entry - 1], test))) {
            return slot.entry;
        }
    }
}

static void
insert(weiri_gate_index *self, uint64_t hash, uint32_t entry)
{
    uint32_t mask = self->n_slots - 1;
    uint32_t i    = (uint32_t)hash & mask;
    while (self->slots[i].entry != 0) {
        i = (i + 1) & mask;
    }
    self->slots[i] = (weiri_gate_slot){ .tag = (uint32_t)(hash >> 32), .entry = entry };
}

static bool
grow_slots(weiri_gate_index *self)
{
    uint32_t         n     = self->n_slots == 0 ? FIRST_SLOTS : 2 * self->n_slots;
    weiri_gate_slot *slots = calloc(n, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(self->slots);
    self->slots   = slots;
    self->n_slots = n;
    for (uint32_t i = 0; i < self->n_entries; i++) {
        insert(self, self->entries[i].hash, i + 1);
    }
    return true;
}

/* Room for one more item. */
static bool
make_room(void **items, uint32_t n, uint32_t *capacity, size_t size)
{
    if (n < *capacity) {
        return true;
    }
    uint32_t more  = *capacity == 0 ? 16 : 2 * *capacity;
    void    *moved = realloc(*items, more * size);
    if (moved == NULL) {
        return false;
    }
    *items    = moved;
    *capacity = more;
    return true;
}

bool
weiri_gate_index_see(weiri_gate_index *self, const weiri_gate_test *test)
{
    uint64_t hash  = hash_test(test);
    uint32_t found = self->n_slots == 0 ? 0 : find(self, hash, test);
    if (found != 0) {
        self->entries[found - 1].n_seen++;
        return true;
    }
    if (4 * self->n_entries >= self->n_slots && !grow_slots(self)) {
        return false;
    }
    void *entries = self->entries;
    if (!make_room(
            &entries, self->n_entries, &self->capacity_entries, sizeof *self->entries)) {
        return false;
    }
    self->entries                    = entries;
    self->entries[self->n_entries++] = (weiri_gate_entry){ .text = test->text,
        .size                                                    = test->size,
        .number                                                  = test->low,
        .hash                                                    = hash,
        .n_seen                                                  = 1 };
    insert(self, hash, self->n_entries);
    return true;
}

uint32_t
weiri_gate_index_seen(const weiri_gate_index *self, const weiri_gate_test *test)
{
    uint32_t found = self->n_slots == 0 ? 0 : find(self, hash_test(test), test);
    return found == 0 ? 0 : self->entries[found - 1].n_seen;
}

bool
weiri_gate_index_take(weiri_gate_index *self, const weiri_gate_test *test, uint32_t rule)
{
    if (!weiri_gate_is_equality(test)) {
        void *ranges = self->ranges;
        if (!make_room(
                &ranges, self->n_ranges, &self->capacity_ranges, sizeof *self->ranges)) {
            return false;
        }
        self->ranges = ranges;
        self->ranges[self->n_ranges++] =
            (weiri_gate_range){ .low = test->low, .high = test->high, .rule = rule };
        return true;
    }
    if (weiri_gate_index_seen(self, test) == 0 && !weiri_gate_index_see(self, test)) {
        return false; /* two bounds that met */
    }
    void *picks = self->picks;
    if (!make_room(&picks, self->n_picks, &self->capacity_picks, sizeof *self->picks)) {
        return false;
    }
    self->picks    = picks;
    uint32_t entry = find(self, hash_test(test), test) - 1;
    self->entries[entry].n_rules++;
    self->picks[self->n_picks++] = (weiri_gate_pick){ .entry = entry, .rule = rule };
    return true;
}

/* ---- tables ---- */

static bool
seal_values(weiri_gate_index *self)
{
    self->rules = calloc(self->n_picks + (size_t)1, sizeof *self->rules);
    if (self->rules == NULL) {
        return false;
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < self->n_entries; i++) {
        weiri_gate_entry *entry = &self->entries[i];
        entry->first            = first;
        first += entry->n_rules;
        entry->n_rules = 0;
    }
    for (uint32_t i = 0; i < self->n_picks; i++) {
        weiri_gate_entry *entry = &self->entries[self->picks[i].entry];
        uint32_t         *rules = self->rules + entry->first;
        if (entry->n_rules == 0 || rules[entry->n_rules - 1] != self->picks[i].rule) {
            rules[entry->n_rules++] = self->picks[i].rule;
        }
    }
    return true;
}

static int
compare_ranges(const void *left, const void *right)
{
    const weiri_gate_range *a = left;
    const weiri_gate_range *b = right;
    if (a->low != b->low) {
        return a->low < b->low ? -1 : 1;
    }
    return (a->rule > b->rule) - (a->rule < b->rule);
}

/* What no range covers: outside of all, and the widest gap between them. */
static void
find_gap(weiri_gate_index *self)
{
    int64_t reach   = self->ranges[0].high;
    self->low       = self->ranges[0].low;
    self->gap_low   = INT64_MAX;
    self->gap_high  = INT64_MIN;
    uint64_t widest = 1;
    for (uint32_t i = 1; i < self->n_ranges; i++) {
        const weiri_gate_range *range = &self->ranges[i];
        if (range->low > reach && (uint64_t)range->low - (uint64_t)reach > widest) {
            widest         = (uint64_t)range->low - (uint64_t)reach;
            self->gap_low  = reach;
            self->gap_high = range->low;
        }
        reach = range->high > reach ? range->high : reach;
    }
    self->high = reach;
}

static bool
seal_tree(weiri_gate_index *self)
{
    bool has_upper = false;
    for (uint32_t i = 0; i < self->n_ranges; i++) {
        self->lows[i] = self->ranges[i].low;
        has_upper |= self->ranges[i].high != INT64_MAX;
    }
    if (!has_upper) {
        return true;
    }
    uint32_t n = 1;
    while (n < self->n_ranges) {
        n *= 2;
    }
    self->highest = malloc(2 * (size_t)n * sizeof *self->highest);
    if (self->highest == NULL) {
        return false;
    }
    self->n_leaves = n;
    for (uint32_t i = 0; i < n; i++) {
        self->highest[n + i] = i < self->n_ranges ? self->ranges[i].high : INT64_MIN;
    }
    for (uint32_t i = n - 1; i > 0; i--) {
        int64_t left     = self->highest[2 * (size_t)i];
        int64_t right    = self->highest[2 * (size_t)i + 1];
        self->highest[i] = left > right ? left : right;
    }
    return true;
}

bool
weiri_gate_index_seal(weiri_gate_index *self)
{
    if (self->n_ranges > 0) {
        qsort(self->ranges, self->n_ranges, sizeof *self->ranges, compare_ranges);
        self->lows = calloc(self->n_ranges, sizeof *self->lows);
        if (self->lows == NULL || !seal_tree(self)) {
            return false;
        }
        find_gap(self);
    }
    return seal_values(self);
}

/* ---- scan ---- */

/* How many ranges begin at or below a number. */
static uint32_t
n_begun(const weiri_gate_index *self, int64_t key)
{
    uint32_t first = 0;
    uint32_t n     = self->n_ranges;
    while (n > 0) {
        uint32_t half = n / 2;
        bool     more = self->lows[first + half] <= key;
        first         = more ? first + half + 1 : first;
        n             = more ? n - half - 1 : half;
    }
    return first;
}

/* The first range from `from` on that reaches up to a number; n_leaves if none does. */
static uint32_t
next_reaching(const weiri_gate_index *self, uint32_t from, int64_t key)
{
    size_t node = (size_t)self->n_leaves + from;
    while (self->highest[node] < key) {
        while ((node & 1) != 0) { /* a right child: go up until there is a right */
            node /= 2;
        }
        if (node == 0) {
            return self->n_leaves;
        }
        node++;
    }
    while (node < self->n_leaves) {
        node = 2 * node + (self->highest[2 * node] < key);
    }
    return (uint32_t)(node - self->n_leaves);
}

static void
hit_ranges(const weiri_gate_index *self, int64_t key, uint32_t row, weiri_gate_hit *hit,
    void *context)
{
    uint32_t n = n_begun(self, key);
    if (self->n_leaves == 0) {
        for (uint32_t i = 0; i < n; i++) {
            hit(context, self->ranges[i].rule, row);
        }
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        i = next_reaching(self, i, key);
        if (i >= n) {
            return;
        }
        hit(context, self->ranges[i].rule, row);
    }
}

/* The numbers that may be in a range, as a mask. */
static void
mark_covered(const weiri_gate_index *self, const int64_t *keys, uint32_t n, uint8_t *out)
{
    int64_t low      = self->low;
    int64_t high     = self->high;
    int64_t gap_low  = self->gap_low;
    int64_t gap_high = self->gap_high;
    if (gap_low > gap_high && high == INT64_MAX) {
        for (uint32_t i = 0; i < n; i++) {
            out[i] = keys[i] >= low;
        }
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (uint8_t)((keys[i] >= low) & (keys[i] <= high)
                           & ((keys[i] <= gap_low) | (keys[i] >= gap_high)));
    }
}

static void
scan_ranges(const weiri_gate_index *self, const int64_t *keys, const uint8_t *nulls,
    weir_rows rows, weiri_gate_hit *hit, void *context)
{
    uint8_t  mask[WEIRI_CHUNK_ROWS + 8] = { 0 };
    uint64_t eight                      = 0;
    mark_covered(self, keys, rows.n, mask);
    for (uint32_t i = 0; i < rows.n; i += 8) {
        memcpy(&eight, mask + i, sizeof eight);
        for (uint32_t k = i; eight != 0 && k < i + 8; k++) {
            if (mask[k] != 0 && (nulls == NULL || !nulls[k])) {
                /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): rows.n were made */
                hit_ranges(self, keys[k], rows.first + k, hit, context);
            }
        }
    }
}

static inline void
hit_value(const weiri_gate_index *self, uint32_t found, uint32_t row, weiri_gate_hit *hit,
    void *context)
{
    if (found != 0) {
        const weiri_gate_entry *entry = &self->entries[found - 1];
        for (uint32_t i = 0; i < entry->n_rules; i++) {
            hit(context, self->rules[entry->first + i], row);
        }
    }
}

static void
scan_numbers(const weiri_gate_index *self, const int64_t *keys, const uint8_t *nulls,
    weir_rows rows, weiri_gate_hit *hit, void *context)
{
    for (uint32_t i = 0; i < rows.n; i++) {
        weiri_gate_test test = { .low = keys[i] };
        if (nulls == NULL || !nulls[i]) {
            /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): rows.n were made */
            uint32_t found = find(self, hash_number(keys[i]), &test);
            hit_value(self, found, rows.first + i, hit, context);
        }
    }
}

static void
scan_texts(const weiri_gate_index *self, const weir_column *column, const char *heap,
    const uint8_t *nulls, weir_rows rows, weiri_gate_hit *hit, void *context)
{
    uint64_t         hashes[WEIRI_CHUNK_ROWS];
    const weir_text *texts = column->as.s + rows.first;
    for (uint32_t i = 0; i < rows.n; i++) {
        hashes[i] = hash_text(heap + texts[i].offset, texts[i].size);
        weiri_prefetch(&self->slots[(uint32_t)hashes[i] & (self->n_slots - 1)]);
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        weiri_gate_test test = {
            .is_text = true, .text = heap + texts[i].offset, .size = texts[i].size
        };
        if (nulls == NULL || !nulls[i]) {
            hit_value(self, find(self, hashes[i], &test), rows.first + i, hit, context);
        }
    }
}

void
weiri_gate_index_scan(const weiri_gate_index *self, const weir_column *column,
    weir_rows rows, weiri_gate_hit *hit, void *context)
{
    const uint8_t *nulls = column->has_nulls ? column->nulls + rows.first : NULL;
    if (!column->is_present) {
        return; /* all null */
    }
    if (self->type == WEIR_STRING && self->n_picks > 0) {
        scan_texts(self, column, rows.chunk->heap, nulls, rows, hit, context);
    }
    if (self->type == WEIR_STRING) {
        return;
    }
    int64_t        made[WEIRI_CHUNK_ROWS];
    const int64_t *keys = column->as.i + rows.first;
    if (self->type == WEIR_FLOAT) {
        for (uint32_t i = 0; i < rows.n; i++) {
            made[i] = weiri_gate_key(column->as.f[rows.first + i]);
        }
        keys = made;
    }
    if (self->n_ranges > 0) {
        scan_ranges(self, keys, nulls, rows, hit, context);
    }
    if (self->n_picks > 0) {
        scan_numbers(self, keys, nulls, rows, hit, context);
    }
}
