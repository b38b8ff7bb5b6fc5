#include "aggregate/distinct.h"

#include <math.h>

#include "weiri/window.h"

enum {
    PRECISION   = 12,
    N_REGISTERS = 1 << PRECISION,
    REST        = 64 - PRECISION /* bits of the hash that are ranked */
};

struct weiri_distinct {
    weiri_multiset exact;
    uint8_t       *registers; /* shape (N_REGISTERS,); NULL while exact */
};

weiri_distinct *
weiri_distinct_new(weir_type type)
{
    weiri_distinct *self = calloc(1, sizeof *self);
    if (self != NULL) {
        weiri_multiset_init(&self->exact, type);
    }
    return self;
}

void
weiri_distinct_destroy(weiri_distinct **self_p)
{
    if (*self_p != NULL) {
        weiri_multiset_fini(&(*self_p)->exact);
        free((*self_p)->registers);
        free(*self_p);
        *self_p = NULL;
    }
}

static void
note(uint8_t *registers, uint64_t hash)
{
    uint64_t rest = hash >> PRECISION;
    uint8_t  rank = rest == 0 ? REST + 1 : (uint8_t)(__builtin_ctzll(rest) + 1);
    uint8_t *slot = &registers[hash & (N_REGISTERS - 1)];
    *slot         = rank > *slot ? rank : *slot;
}

static bool
to_registers(weiri_distinct *self)
{
    self->registers = calloc(N_REGISTERS, 1);
    if (self->registers == NULL) {
        return false;
    }
    for (size_t i = 0; i < self->exact.capacity; i++) {
        if (self->exact.slots[i].count > 0) {
            note(self->registers, self->exact.slots[i].hash);
        }
    }
    weiri_multiset_fini(&self->exact);
    return true;
}

static bool
is_kept_exact(weiri_distinct *self)
{
    return self->exact.n <= WEIRI_DISTINCT_EXACT || to_registers(self);
}

bool
weiri_distinct_add(weiri_distinct *self, weiri_cell cell)
{
    if (self->registers != NULL) {
        weir_type type = self->exact.type;
        note(self->registers, weiri_cell_hash(type, weiri_cell_plain(type, cell)));
        return true;
    }
    return weiri_multiset_add(&self->exact, cell, 1) && is_kept_exact(self);
}

/* Their slots lie in the order of the low bits of hashes, and so they are read and
 * written from one end to the other. */
static bool
merge_exact(weiri_distinct *self, const weiri_multiset *other)
{
    if (self->registers == NULL && !weiri_multiset_reserve(&self->exact, other)) {
        return false;
    }
    for (size_t i = 0; i < other->capacity; i++) {
        const weiri_multiset_slot *slot = &other->slots[i];
        if (slot->count == 0) {
            continue;
        }
        if (self->registers != NULL) {
            note(self->registers, slot->hash);
        } else if (!weiri_multiset_add_slot(&self->exact, slot) || !is_kept_exact(self)) {
            return false;
        }
    }
    return true;
}

bool
weiri_distinct_merge(weiri_distinct *self, const weiri_distinct *other)
{
    if (other->registers == NULL) {
        return merge_exact(self, &other->exact);
    }
    if (self->registers == NULL && !to_registers(self)) {
        return false;
    }
    for (size_t i = 0; i < N_REGISTERS; i++) {
        if (other->registers[i] > self->registers[i]) {
            self->registers[i] = other->registers[i];
        }
    }
    return true;
}

/* Ertl's sigma: what the registers still zero add. */
static double
sigma(double x)
{
    double sum   = x;
    double scale = 1.0;
    double last  = -1.0;
    while (sum != last && x < 1.0) {
        last = sum;
        x *= x;
        sum += x * scale;
        scale += scale;
    }
    return x < 1.0 ? sum : INFINITY;
}

/* Ertl's tau: what the saturated ones take. */
static double
tau(double x)
{
    if (x == 0.0 || x == 1.0) {
        return 0.0;
    }
    double sum   = 1.0 - x;
    double scale = 1.0;
    double last  = -1.0;
    while (sum != last) {
        last = sum;
        x    = sqrt(x);
        scale *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * scale;
    }
    return sum / 3.0;
}

int64_t
weiri_distinct_count(const weiri_distinct *self)
{
    if (self->registers == NULL) {
        return (int64_t)self->exact.n;
    }
    uint32_t counts[REST + 2] = { 0 };
    for (size_t i = 0; i < N_REGISTERS; i++) {
        counts[self->registers[i]]++;
    }
    double m = N_REGISTERS;
    double z = m * tau(1.0 - (double)counts[REST + 1] / m);
    for (int rank = REST; rank >= 1; rank--) {
        z = 0.5 * (z + (double)counts[rank]);
    }
    z += m * sigma((double)counts[0] / m);
    return (int64_t)llround(m * m / (2.0 * log(2.0)) / z);
}

bool
weiri_distinct_save(const weiri_distinct *self, weiri_pack *out)
{
    weiri_pack_number(out, self->registers != NULL);
    if (self->registers == NULL) {
        return weiri_multiset_save(&self->exact, false, out);
    }
    weiri_pack_bytes(out, self->registers, N_REGISTERS);
    return true;
}

bool
weiri_distinct_load(weiri_distinct *self, weiri_unpack *in)
{
    if (weiri_unpack_below(in, 2, "a set has no known form") == 0) {
        return weiri_multiset_load(&self->exact, false, WEIRI_DISTINCT_EXACT, in);
    }
    const uint8_t *registers = weiri_unpack_bytes(in, N_REGISTERS);
    for (size_t i = 0; registers != NULL && i < N_REGISTERS; i++) {
        if (registers[i] > REST + 1) {
            weiri_unpack_fail(in, "a register is out of range");
            return false;
        }
    }
    self->registers = registers == NULL ? NULL : malloc(N_REGISTERS);
    if (self->registers == NULL) {
        return false;
    }
    memcpy(self->registers, registers, N_REGISTERS);
    return true;
}
