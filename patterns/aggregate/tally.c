#include "aggregate/tally.h"

#include <math.h>

#include "aggregate/distinct.h"
#include "aggregate/foreign.h"
#include "aggregate/quantile.h"

/* MIN, MAX, FIRST, LAST: one value. */
typedef struct kept {
    weiri_cell cell; /* owned */
    uint64_t   has;
} kept;

/* TOP. */
typedef struct counted {
    weiri_multiset counts;
} counted;

weir_value
weiri_null_of(weir_type type)
{
    return (weir_value){ .type = (uint8_t)type, .is_null = true };
}

size_t
weiri_tally_size(const weiri_aggregate *plan)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END: return 0;
    case WEIRI_AGGREGATE_COUNT: return sizeof(uint64_t);
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return sizeof(weiri_sum);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: return sizeof(kept);
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: return sizeof(void *);
    case WEIRI_AGGREGATE_COLLECT: return sizeof(weiri_list);
    case WEIRI_AGGREGATE_PLUGIN: return sizeof(weiri_foreign_tally);
    default: return weiri_moments_size(plan->kind);
    }
}

/* ---- sums ---- */

bool
weiri_sum_add(const weiri_aggregate *plan, weiri_sum *self, weiri_cell cell, int sign)
{
    self->n += (uint64_t)(int64_t)sign;
    if (plan->argument->type == WEIR_FLOAT) {
        return weiri_exact_sum_add_quick(&self->sum, cell.f, sign);
    }
    weiri_exact_sum_add_int(&self->sum, cell.i, sign);
    return true;
}

static bool
sum_merge(const weiri_aggregate *plan, weiri_sum *self, const weiri_sum *later)
{
    self->n += later->n;
    if (plan->argument->type == WEIR_FLOAT) {
        return weiri_exact_sum_merge(&self->sum, &later->sum);
    }
    weiri_exact_sum_set(&self->sum,
        weiri_exact_sum_small(&self->sum) + weiri_exact_sum_small(&later->sum));
    return true;
}

static weir_value
sum_of_ints(const weiri_aggregate *plan, const weiri_sum *self, uint64_t *faults)
{
    weiri_int128 sum   = weiri_exact_sum_small(&self->sum);
    weir_value   value = { .type = (uint8_t)plan->type };
    if (plan->type == WEIR_FLOAT) {
        value.as.f = (double)sum / (double)self->n;
        return value;
    }
    if (plan->kind == WEIRI_AGGREGATE_AVG) {
        sum /= (weiri_int128)self->n;
    }
    if (sum < INT64_MIN || sum > INT64_MAX) {
        (*faults)++;
        return weiri_null_of(plan->type);
    }
    value.as.i = (int64_t)sum;
    return value;
}

weir_value
weiri_sum_value(const weiri_aggregate *plan, const weiri_sum *self, uint64_t *faults)
{
    if (self->n == 0 && plan->kind == WEIRI_AGGREGATE_AVG) {
        return weiri_null_of(plan->type);
    }
    if (plan->argument->type != WEIR_FLOAT) {
        return sum_of_ints(plan, self, faults);
    }
    int    exponent = 0;
    double sum      = weiri_exact_sum_value(&self->sum, &exponent);
    if (plan->kind == WEIRI_AGGREGATE_AVG) {
        sum /= (double)self->n; /* before scaling: the sum may be out of range */
    }
    weir_value value = { .type = WEIR_FLOAT };
    value.as.f = exponent == -WEIRI_EXACT_SUM_UNIT ? sum * 0x1p-72 /* exact, and quick */
                                                   : ldexp(sum, exponent);
    if (!isfinite(value.as.f)) {
        (*faults)++;
        return weiri_null_of(WEIR_FLOAT);
    }
    return value;
}

/* ---- one value ---- */

static bool
replaces(const weiri_aggregate *plan, const kept *self, weiri_cell cell)
{
    weir_type type = plan->argument->type;
    if (self->has == 0) {
        return true;
    }
    switch (plan->kind) {
    case WEIRI_AGGREGATE_MIN: return weiri_cell_compare(type, cell, self->cell) < 0;
    case WEIRI_AGGREGATE_MAX: return weiri_cell_compare(type, cell, self->cell) > 0;
    case WEIRI_AGGREGATE_LAST: return true;
    default: return false;
    }
}

static bool
keep(const weiri_aggregate *plan, kept *self, weiri_cell cell)
{
    if (!replaces(plan, self, cell)) {
        return true;
    }
    weiri_cell copy = { 0 };
    if (!weiri_cell_own(plan->argument->type, cell, &copy)) {
        return false;
    }
    if (self->has != 0) {
        weiri_cell_free(plan->argument->type, self->cell);
    }
    *self = (kept){ copy, 1 };
    return true;
}

/* ---- the most frequent ---- */

static bool
top_add(const weiri_aggregate *plan, counted **self_p, weiri_cell cell, uint64_t n)
{
    if (*self_p == NULL) {
        *self_p = calloc(1, sizeof **self_p);
        if (*self_p == NULL) {
            return false;
        }
        weiri_multiset_init(&(*self_p)->counts, plan->argument->type);
    }
    weiri_multiset *counts = &(*self_p)->counts;
    return weiri_multiset_add(counts, cell, n)
           && (counts->n <= WEIRI_TOP_EXACT || weiri_multiset_thin(counts) > 0);
}

static bool
top_merge(const weiri_aggregate *plan, counted **self_p, const counted *later)
{
    for (size_t i = 0; later != NULL && i < later->counts.capacity; i++) {
        const weiri_multiset_slot *slot = &later->counts.slots[i];
        if (slot->count > 0 && !top_add(plan, self_p, slot->cell, slot->count)) {
            return false;
        }
    }
    return true;
}

bool
weiri_top_value(const weiri_aggregate *plan, const weiri_multiset *counts,
    weiri_list *list, weir_value *out)
{
    weir_type type = plan->argument->type;
    if (!weiri_list_begin(list, type)) {
        return false;
    }
    const weiri_multiset_slot *best[WEIRI_TOP_EXACT];
    size_t n = counts == NULL ? 0 : weiri_multiset_top(counts, best, plan->k);
    for (size_t i = 0; i < n; i++) {
        if (!weiri_list_push(list, type, best[i]->cell)) {
            return false;
        }
    }
    *out = weiri_list_value(list);
    return true;
}

/* ---- the others that have parts on the heap ---- */

static bool
quantile_add(weiri_quantile **self_p, const weiri_aggregate *plan, weiri_cell cell)
{
    if (*self_p == NULL) {
        *self_p = weiri_quantile_new();
    }
    return *self_p != NULL
           && weiri_quantile_add(*self_p, weiri_cell_rank(plan->argument->type, cell));
}

static bool
quantile_merge(weiri_quantile **self_p, const weiri_quantile *later)
{
    if (later == NULL) {
        return true;
    }
    if (*self_p == NULL) {
        *self_p = weiri_quantile_new();
    }
    return *self_p != NULL && weiri_quantile_merge(*self_p, later);
}

static bool
quantile_value(const weiri_aggregate *plan, weiri_quantile *self, weir_value *out)
{
    double  p       = plan->kind == WEIRI_AGGREGATE_MEDIAN ? 0.5 : plan->p;
    double  between = 0.0;
    int64_t low     = 0;
    int64_t high    = 0;
    *out            = weiri_null_of(plan->type);
    if (self == NULL) {
        return true;
    }
    if (!weiri_quantile_find(self, p, &low, &high, &between)) {
        return false;
    }
    *out = weiri_quantile_between(plan->argument->type, low, high, between);
    return true;
}

static bool
distinct_add(weiri_distinct **self_p, const weiri_aggregate *plan, weiri_cell cell)
{
    if (*self_p == NULL) {
        *self_p = weiri_distinct_new(plan->argument->type);
    }
    return *self_p != NULL && weiri_distinct_add(*self_p, cell);
}

static bool
distinct_merge(
    weiri_distinct **self_p, const weiri_aggregate *plan, const weiri_distinct *later)
{
    if (later == NULL) {
        return true;
    }
    if (*self_p == NULL) {
        *self_p = weiri_distinct_new(plan->argument->type);
    }
    return *self_p != NULL && weiri_distinct_merge(*self_p, later);
}

static bool
list_add(weiri_list *self, const weiri_aggregate *plan, weiri_cell cell)
{
    weir_type element = plan->argument->type;
    return (self->used > 0 || weiri_list_begin(self, element))
           && weiri_list_push(self, element, cell);
}

static bool
list_merge(weiri_list *self, const weiri_aggregate *plan, const weiri_list *later)
{
    weir_type element = plan->argument->type;
    return later->used == 0
           || ((self->used > 0 || weiri_list_begin(self, element))
               && weiri_list_append(self, element, later));
}

/* ---- by kind ---- */

bool
weiri_tally_add(const weiri_aggregate *plan, void *tally, const weiri_sample *sample)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END: return true;
    case WEIRI_AGGREGATE_COUNT: (*(uint64_t *)tally)++; return true;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return weiri_sum_add(plan, tally, sample->x, 1);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: return keep(plan, tally, sample->x);
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: return quantile_add(tally, plan, sample->x);
    case WEIRI_AGGREGATE_DISTINCT: return distinct_add(tally, plan, sample->x);
    case WEIRI_AGGREGATE_COLLECT: return list_add(tally, plan, sample->x);
    case WEIRI_AGGREGATE_TOP: return top_add(plan, tally, sample->x, 1);
    case WEIRI_AGGREGATE_PLUGIN:
        weiri_foreign_add_cells(plan, tally, sample->x, sample->y, sample->time_ns);
        return true;
    default: weiri_moments_add_sample(plan, tally, sample); return true;
    }
}

bool
weiri_tally_merge(const weiri_aggregate *plan, void *tally, const void *later)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END: return true;
    case WEIRI_AGGREGATE_COUNT:
        *(uint64_t *)tally += *(const uint64_t *)later;
        return true;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return sum_merge(plan, tally, later);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: {
        const kept *other = later;
        return other->has == 0 || keep(plan, tally, other->cell);
    }
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
        return quantile_merge(tally, *(weiri_quantile *const *)later);
    case WEIRI_AGGREGATE_DISTINCT:
        return distinct_merge(tally, plan, *(weiri_distinct *const *)later);
    case WEIRI_AGGREGATE_COLLECT: return list_merge(tally, plan, later);
    case WEIRI_AGGREGATE_TOP: return top_merge(plan, tally, *(counted *const *)later);
    case WEIRI_AGGREGATE_PLUGIN:
        weiri_foreign_merge(plan->foreign, tally, later);
        return true;
    default: weiri_moments_merge_any(plan, tally, later); return true;
    }
}

void
weiri_tally_clear(const weiri_aggregate *plan, void *tally)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: weiri_exact_sum_fini(&((weiri_sum *)tally)->sum); break;
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST:
        if (((kept *)tally)->has != 0) {
            weiri_cell_free(plan->argument->type, ((kept *)tally)->cell);
        }
        break;
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: weiri_quantile_destroy(tally); break;
    case WEIRI_AGGREGATE_DISTINCT: weiri_distinct_destroy(tally); break;
    case WEIRI_AGGREGATE_COLLECT: weiri_list_fini(tally); break;
    case WEIRI_AGGREGATE_TOP: {
        counted *self = *(counted **)tally;
        if (self != NULL) {
            weiri_multiset_fini(&self->counts);
            free(self);
        }
        break;
    }
    case WEIRI_AGGREGATE_PLUGIN: weiri_foreign_clear(plan->foreign, tally); break;
    default: break;
    }
    memset(tally, 0, weiri_tally_size(plan));
}

bool
weiri_tally_value(const weiri_aggregate *plan, uint32_t index, void *tally,
    weiri_results *results, weir_value *out)
{
    weiri_list *list = &results->lists[index];
    *out             = weiri_null_of(plan->type);
    switch (plan->kind) {
    case WEIRI_AGGREGATE_COUNT:
        *out = (weir_value){ .type = WEIR_INT, .as.i = *(int64_t *)tally };
        return true;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG:
        *out = weiri_sum_value(plan, tally, &results->faults);
        return true;
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST:
        if (((kept *)tally)->has != 0) {
            *out = weiri_cell_value(plan->argument->type, ((kept *)tally)->cell);
        }
        return true;
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
        return quantile_value(plan, *(weiri_quantile **)tally, out);
    case WEIRI_AGGREGATE_DISTINCT: {
        weiri_distinct *distinct = *(weiri_distinct **)tally;
        *out                     = (weir_value){ .type = WEIR_INT };
        out->as.i                = distinct == NULL ? 0 : weiri_distinct_count(distinct);
        return true;
    }
    case WEIRI_AGGREGATE_COLLECT:
        if (((weiri_list *)tally)->used > 0) {
            *out = weiri_list_value(tally);
            return true;
        }
        if (!weiri_list_begin(list, plan->argument->type)) {
            return false;
        }
        *out = weiri_list_value(list);
        return true;
    case WEIRI_AGGREGATE_TOP: {
        counted *top = *(counted **)tally;
        return weiri_top_value(plan, top == NULL ? NULL : &top->counts, list, out);
    }
    case WEIRI_AGGREGATE_PLUGIN:
        *out = weiri_foreign_value(plan->foreign, tally, list, &results->faults);
        return true;
    default: *out = weiri_moments_value(plan, tally, &results->faults); return true;
    }
}

/* ---- bytes ---- */

/* As weiri_exact_sum_add_int wants it: what is added later must not overflow. */
static bool
sum_load(const weiri_aggregate *plan, weiri_sum *self, weiri_unpack *in)
{
    self->n = weiri_unpack_below(in, WEIRI_TALLY_COUNT, "a sum is of too many");
    if (!weiri_exact_sum_load(&self->sum, in)) {
        return false;
    }
    weiri_int128 small = weiri_exact_sum_small(&self->sum);
    weiri_int128 most  = (weiri_int128)self->n * ((weiri_int128)INT64_MAX + 1);
    if (plan->argument->type != WEIR_FLOAT
        && (self->sum.wide != NULL || small > most || small < -most)) {
        weiri_unpack_fail(in, "a sum is out of range");
    }
    return in->wrong == NULL;
}

static bool
kept_load(const weiri_aggregate *plan, kept *self, weiri_unpack *in)
{
    if (weiri_unpack_below(in, 2, "a value is there or not") == 0) {
        return in->wrong == NULL;
    }
    if (!weiri_cell_load(plan->argument->type, &self->cell, in)) {
        return false;
    }
    self->has = 1;
    return true;
}

static bool
quantile_load(weiri_quantile **self_p, weiri_unpack *in)
{
    if (weiri_unpack_below(in, 2, "a sketch is there or not") == 0) {
        return in->wrong == NULL;
    }
    *self_p = weiri_quantile_new();
    return *self_p != NULL && weiri_quantile_load(*self_p, in);
}

static bool
distinct_load(const weiri_aggregate *plan, weiri_distinct **self_p, weiri_unpack *in)
{
    if (weiri_unpack_below(in, 2, "a set is there or not") == 0) {
        return in->wrong == NULL;
    }
    *self_p = weiri_distinct_new(plan->argument->type);
    return *self_p != NULL && weiri_distinct_load(*self_p, in);
}

static bool
top_load(const weiri_aggregate *plan, counted **self_p, weiri_unpack *in)
{
    if (weiri_unpack_below(in, 2, "a set is there or not") == 0) {
        return in->wrong == NULL;
    }
    *self_p = calloc(1, sizeof **self_p);
    if (*self_p == NULL) {
        return false;
    }
    weiri_multiset_init(&(*self_p)->counts, plan->argument->type);
    return weiri_multiset_load(&(*self_p)->counts, true, WEIRI_TOP_EXACT, in);
}

static bool
optional_save(const weiri_aggregate *plan, const void *part, weiri_pack *out)
{
    weiri_pack_number(out, part != NULL);
    if (part == NULL) {
        return true;
    }
    switch (plan->kind) {
    case WEIRI_AGGREGATE_DISTINCT: return weiri_distinct_save(part, out);
    case WEIRI_AGGREGATE_TOP:
        return weiri_multiset_save(&((const counted *)part)->counts, true, out);
    default: weiri_quantile_save(part, out); return true;
    }
}

bool
weiri_tally_save(const weiri_aggregate *plan, const void *tally, weiri_pack *out)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END: break;
    case WEIRI_AGGREGATE_COUNT: weiri_pack_number(out, *(const uint64_t *)tally); break;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG:
        weiri_pack_number(out, ((const weiri_sum *)tally)->n);
        weiri_exact_sum_save(&((const weiri_sum *)tally)->sum, out);
        break;
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST:
        weiri_pack_number(out, ((const kept *)tally)->has);
        if (((const kept *)tally)->has != 0) {
            weiri_cell_save(plan->argument->type, ((const kept *)tally)->cell, out);
        }
        break;
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE:
    case WEIRI_AGGREGATE_DISTINCT:
    case WEIRI_AGGREGATE_TOP: return optional_save(plan, *(void *const *)tally, out);
    case WEIRI_AGGREGATE_COLLECT:
        weiri_list_save(tally, plan->argument->type, out);
        break;
    case WEIRI_AGGREGATE_PLUGIN: return weiri_foreign_save(plan->foreign, tally, out);
    default: weiri_moments_save(plan, tally, out); break;
    }
    return true;
}

bool
weiri_tally_load(const weiri_aggregate *plan, void *tally, weiri_unpack *in)
{
    switch (plan->kind) {
    case WEIRI_AGGREGATE_KEY:
    case WEIRI_AGGREGATE_START:
    case WEIRI_AGGREGATE_END: return true;
    case WEIRI_AGGREGATE_COUNT:
        *(uint64_t *)tally =
            weiri_unpack_below(in, WEIRI_TALLY_COUNT, "a count is too large");
        return in->wrong == NULL;
    case WEIRI_AGGREGATE_SUM:
    case WEIRI_AGGREGATE_AVG: return sum_load(plan, tally, in);
    case WEIRI_AGGREGATE_MIN:
    case WEIRI_AGGREGATE_MAX:
    case WEIRI_AGGREGATE_FIRST:
    case WEIRI_AGGREGATE_LAST: return kept_load(plan, tally, in);
    case WEIRI_AGGREGATE_MEDIAN:
    case WEIRI_AGGREGATE_QUANTILE: return quantile_load(tally, in);
    case WEIRI_AGGREGATE_DISTINCT: return distinct_load(plan, tally, in);
    case WEIRI_AGGREGATE_COLLECT: return weiri_list_load(tally, plan->argument->type, in);
    case WEIRI_AGGREGATE_TOP: return top_load(plan, tally, in);
    case WEIRI_AGGREGATE_PLUGIN: return weiri_foreign_load(plan->foreign, tally, in);
    default: weiri_moments_load(plan, tally, in); return in->wrong == NULL;
    }
}
