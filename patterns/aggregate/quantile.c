#include "aggregate/quantile.h"

#include <math.h>

#include "weiri/assert.h"
#include "weiri/window.h"

enum { TOP_CAPACITY = 512, LEAST_CAPACITY = 8, MAX_LEVELS = 56, FIRST_ROOM = 16 };

typedef struct level {
    int64_t *items;
    uint32_t n;
    uint32_t room;
} level;

struct weiri_quantile {
    level    levels[MAX_LEVELS];
    uint32_t n_levels;
    uint32_t n_sorted; /* of level 0: so many at its start are in order */
    uint64_t n;        /* values seen */
    uint64_t coin;
};

weiri_quantile *
weiri_quantile_new(void)
{
    weiri_quantile *self = calloc(1, sizeof *self);
    if (self != NULL) {
        self->n_levels = 1;
    }
    return self;
}

void
weiri_quantile_destroy(weiri_quantile **self_p)
{
    if (*self_p != NULL) {
        for (uint32_t i = 0; i < (*self_p)->n_levels; i++) {
            free((*self_p)->levels[i].items);
        }
        free(*self_p);
        *self_p = NULL;
    }
}

/* How many values a level takes before it is compacted: less the further it is from the
 * top, as in the paper, but level 0, where values are cheap to take, always many. */
static uint32_t
capacity(const weiri_quantile *self, uint32_t height)
{
    if (height == 0) {
        return WEIRI_QUANTILE_EXACT;
    }
    double size = TOP_CAPACITY * pow(2.0 / 3.0, (double)(self->n_levels - 1 - height));
    return size < LEAST_CAPACITY ? LEAST_CAPACITY : (uint32_t)size;
}

static bool
make_room(level *self, uint32_t n)
{
    if (self->n + n <= self->room) {
        return true;
    }
    uint32_t room = self->room == 0 ? FIRST_ROOM : self->room;
    while (room < self->n + n) {
        room *= 2;
    }
    int64_t *items = realloc(self->items, room * sizeof *items);
    if (items == NULL) {
        return false;
    }
    self->items = items;
    self->room  = room;
    return true;
}

/* Sort by bytes, the lowest first; a byte in which all agree is passed over. */
static void
sort_radix(int64_t *items, int64_t *spare, uint32_t n)
{
    uint64_t differ = 0;
    for (uint32_t i = 1; i < n; i++) {
        differ |= (uint64_t)items[i] ^ (uint64_t)items[0];
    }
    int64_t *from = items;
    int64_t *to   = spare;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (((differ >> shift) & 0xff) == 0) {
            continue;
        }
        uint32_t starts[257] = { 0 };
        uint64_t flip        = shift == 56 ? 0x80 : 0; /* negative ones first */
        for (uint32_t i = 0; i < n; i++) {
            starts[((((uint64_t)from[i] >> shift) & 0xff) ^ flip) + 1]++;
        }
        for (unsigned i = 0; i < 256; i++) {
            starts[i + 1] += starts[i];
        }
        for (uint32_t i = 0; i < n; i++) {
            to[starts[(((uint64_t)from[i] >> shift) & 0xff) ^ flip]++] = from[i];
        }
        int64_t *other = from;
        from           = to;
        to             = other;
    }
    if (from != items) {
        memcpy(items, from, n * sizeof *items);
    }
}

static void
sort_insert(int64_t *items, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        int64_t  item = items[i];
        uint32_t at   = i;
        for (; at > 0 && items[at - 1] > item; at--) {
            items[at] = items[at - 1];
        }
        items[at] = item;
    }
}

static bool
sort(int64_t *items, uint32_t n)
{
    enum { FEW = 32 };
    if (n <= FEW) {
        sort_insert(items, n);
        return true;
    }
    int64_t *spare = malloc(n * sizeof *spare);
    if (spare == NULL) {
        return false;
    }
    sort_radix(items, spare, n);
    free(spare);
    return true;
}

/* Move every second value of a full level up; an odd one out stays. */
static bool
compact(weiri_quantile *self, uint32_t height)
{
    level *from = &self->levels[height];
    if (height + 1 == self->n_levels) {
        weiri_assert(self->n_levels < MAX_LEVELS);
        self->n_levels++;
    }
    level   *to   = &self->levels[height + 1];
    uint32_t half = from->n / 2;
    if (!make_room(to, half) || !sort(from->items, from->n)) {
        return false;
    }
    uint32_t pick = (uint32_t)(weiri_mix(++self->coin) & 1);
    for (uint32_t i = 0; i < half; i++) {
        to->items[to->n++] = from->items[2 * i + pick];
    }
    uint32_t rest = from->n & 1;
    if (rest != 0) {
        from->items[0] = from->items[from->n - 1];
    }
    from->n = rest;
    if (height == 0) {
        self->n_sorted = rest;
    }
    return true;
}

static bool
compact_full(weiri_quantile *self)
{
    for (uint32_t height = 0; height < self->n_levels; height++) {
        if (self->levels[height].n > capacity(self, height) && !compact(self, height)) {
            return false;
        }
    }
    return true;
}

bool
weiri_quantile_add(weiri_quantile *self, int64_t rank)
{
    level *first = &self->levels[0];
    if (first->n == first->room && !make_room(first, 1)) {
        return false;
    }
    first->items[first->n++] = rank;
    self->n++;
    return first->n <= WEIRI_QUANTILE_EXACT || compact_full(self);
}

bool
weiri_quantile_merge(weiri_quantile *self, const weiri_quantile *other)
{
    for (uint32_t i = 0; i < other->n_levels; i++) {
        const level *from = &other->levels[i];
        if (!make_room(&self->levels[i], from->n)) {
            return false;
        }
        if (i >= self->n_levels) {
            self->n_levels = i + 1;
        }
        for (uint32_t j = 0; j < from->n; j++) {
            self->levels[i].items[self->levels[i].n++] = from->items[j];
        }
    }
    self->n += other->n;
    return compact_full(self);
}

/* ---- queries ---- */

/* Put level 0 in order, unless nothing has come since the last time. */
static bool
order_first(weiri_quantile *self)
{
    level *first = &self->levels[0];
    if (self->n_sorted < first->n && !sort(first->items, first->n)) {
        return false;
    }
    self->n_sorted = first->n;
    return true;
}

/* A value at `place` of n: the least with more than `place` of the total weight at or
 * below it. Levels are merged by always taking the least head. */
static int64_t
pick_weighted(const weiri_quantile *self, uint64_t place)
{
    uint32_t heads[MAX_LEVELS] = { 0 };
    uint64_t passed            = 0;
    int64_t  value             = 0;
    while (passed <= place) {
        uint32_t least = MAX_LEVELS;
        for (uint32_t i = 0; i < self->n_levels; i++) {
            const level *at = &self->levels[i];
            if (heads[i] < at->n
                && (least == MAX_LEVELS || at->items[heads[i]] < value)) {
                least = i;
                value = at->items[heads[i]];
            }
        }
        if (least == MAX_LEVELS) {
            break;
        }
        value = self->levels[least].items[heads[least]++];
        passed += UINT64_C(1) << least;
    }
    return value;
}

bool
weiri_quantile_find(
    weiri_quantile *self, double p, int64_t *low, int64_t *high, double *between)
{
    if (!order_first(self)) {
        return false;
    }
    double   place = p * (double)(self->n - 1);
    uint64_t whole = (uint64_t)place;
    if (self->n_levels == 1) {
        const int64_t *items = self->levels[0].items;
        *low                 = items[whole];
        *high                = items[whole + 1 < self->n ? whole + 1 : whole];
        *between             = place - (double)whole;
        return true;
    }
    for (uint32_t i = 1; i < self->n_levels; i++) {
        if (!sort(self->levels[i].items, self->levels[i].n)) {
            return false;
        }
    }
    *low     = pick_weighted(self, whole);
    *high    = *low;
    *between = 0.0;
    return true;
}

weir_value
weiri_quantile_between(weir_type type, int64_t low, int64_t high, double between)
{
    weiri_cell a     = weiri_cell_of_rank(type, low);
    weiri_cell b     = weiri_cell_of_rank(type, high);
    weir_value value = { .type = (uint8_t)type };
    if (type == WEIR_FLOAT || type == WEIR_INT) {
        double x   = type == WEIR_FLOAT ? a.f : (double)a.i;
        double y   = type == WEIR_FLOAT ? b.f : (double)b.i;
        value.type = WEIR_FLOAT;
        /* Not x + (y - x) * between: the difference may overflow. */
        value.as.f = x == y ? x : x * (1.0 - between) + y * between;
        return value;
    }
    uint64_t step = (uint64_t)(((double)((uint64_t)b.i - (uint64_t)a.i)) * between + 0.5);
    value.as.i    = (int64_t)((uint64_t)a.i + step);
    return value;
}

/* ---- bytes ---- */

enum { SAVED_LEVELS = 48 }; /* as many hold WEIRI_TALLY_COUNT values, and leave room */

void
weiri_quantile_save(const weiri_quantile *self, weiri_pack *out)
{
    weiri_pack_number(out, self->n_levels);
    weiri_pack_number(out, self->coin);
    for (uint32_t i = 0; i < self->n_levels; i++) {
        const level *from   = &self->levels[i];
        uint64_t     before = 0;
        weiri_pack_number(out, from->n);
        for (uint32_t j = 0; j < from->n; j++) {
            weiri_pack_signed(out, (int64_t)((uint64_t)from->items[j] - before));
            before = (uint64_t)from->items[j];
        }
    }
}

/* No level is larger than what the first one takes, and one more to find out. */
static bool
load_level(level *to, weiri_unpack *in)
{
    uint32_t n = (uint32_t)weiri_unpack_below(
        in, 2 * (uint64_t)WEIRI_QUANTILE_EXACT, "a level has too many values");
    uint64_t before = 0;
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        before += (uint64_t)weiri_unpack_signed(in);
        if (!make_room(to, 1)) {
            return false;
        }
        to->items[to->n++] = (int64_t)before;
    }
    return in->wrong == NULL;
}

bool
weiri_quantile_load(weiri_quantile *self, weiri_unpack *in)
{
    uint32_t n = (uint32_t)weiri_unpack_below(
        in, SAVED_LEVELS + (uint64_t)1, "a sketch has too many levels");
    self->coin = weiri_unpack_number(in);
    for (uint32_t i = 0; i < n; i++) {
        self->n_levels = i + 1;
        if (!load_level(&self->levels[i], in)) {
            return false;
        }
        self->n += (uint64_t)self->levels[i].n << i;
        if (self->n >= WEIRI_TALLY_COUNT) {
            weiri_unpack_fail(in, "a sketch is of too many values");
        }
    }
    if (self->n == 0) {
        weiri_unpack_fail(in, "a sketch is of no value");
    }
    return in->wrong == NULL;
}
