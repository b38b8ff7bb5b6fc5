#include "match/classes.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/limits.h"

enum { LANES = WEIRI_AUTOMATON_ATOMS / 8, BUCKETS = 1024, SMALL = 256 };

/* Distinct unary conditions of one input. */
typedef struct input_classes {
    const weiri_expr *roots[WEIRI_AUTOMATON_ATOMS];
    uint32_t          n_roots;
    weiri_program    *program;
    uint64_t          always[2];                       /* atoms without a unary part    */
    uint64_t          atoms[WEIRI_AUTOMATON_ATOMS][2]; /* per root: atoms that ask it */
    int16_t           small[SMALL]; /* up to 8 roots: mask to class; -1: not seen    */
    int16_t           buckets[BUCKETS]; /* more: open addressing, -1: free           */
} input_classes;

struct weiri_classes {
    input_classes *inputs;
    uint32_t       n_inputs;
    weiri_class    classes[WEIRI_CLASS_COUNT];
    uint64_t       masks[WEIRI_CLASS_COUNT][2]; /* of roots */
    uint32_t       n_classes;
    uint8_t        lanes[LANES][WEIRI_CHUNK_ROWS]; /* bit k of lane l: root 8 l + k */
    weiri_vector   vectors[WEIRI_AUTOMATON_ATOMS];
};

static uint32_t
root_of(input_classes *input, const weiri_expr *unary)
{
    for (uint32_t i = 0; i < input->n_roots; i++) {
        if (input->roots[i] == unary) {
            return i;
        }
    }
    input->roots[input->n_roots] = unary;
    return input->n_roots++;
}

static weir_status
prepare_input(input_classes *input, const weiri_automaton *automaton, uint32_t number)
{
    memset(input->small, 0xFF, sizeof input->small);
    memset(input->buckets, 0xFF, sizeof input->buckets);
    for (uint32_t i = 0; i < automaton->n_atoms; i++) {
        const weiri_atom *atom = &automaton->atoms[i];
        if (atom->kind != WEIRI_ATOM_EVENT || atom->input != number) {
            continue;
        }
        if (atom->where.unary == NULL) {
            input->always[i / 64] |= UINT64_C(1) << i % 64;
        } else {
            input->atoms[root_of(input, atom->where.unary)][i / 64] |= UINT64_C(1)
                                                                       << i % 64;
        }
    }
    return input->n_roots == 0
               ? WEIR_OK
               : weiri_program_new(input->roots, input->n_roots, &input->program);
}

weir_status
weiri_classes_new(
    const weiri_automaton *automaton, uint32_t n_inputs, weiri_classes **out)
{
    weiri_classes *self = calloc(1, sizeof *self);
    if (self == NULL || (self->inputs = calloc(n_inputs, sizeof *self->inputs)) == NULL) {
        weiri_classes_destroy(&self);
        return WEIR_ENOMEM;
    }
    self->n_inputs = n_inputs;
    for (uint32_t i = 0; i < n_inputs; i++) {
        if (prepare_input(&self->inputs[i], automaton, i) != WEIR_OK) {
            weiri_classes_destroy(&self);
            return WEIR_ENOMEM;
        }
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_classes_destroy(weiri_classes **self_p)
{
    weiri_classes *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        for (uint32_t i = 0; i < self->n_inputs; i++) {
            weiri_program_destroy(&self->inputs[i].program);
        }
        free(self->inputs);
        free(self);
    }
}

const weiri_class *
weiri_classes_at(const weiri_classes *self, uint32_t i)
{
    return &self->classes[i];
}

uint64_t
weiri_classes_faults(const weiri_classes *self)
{
    uint64_t faults = 0;
    for (uint32_t i = 0; i < self->n_inputs; i++) {
        if (self->inputs[i].program != NULL) {
            faults += weiri_program_faults(self->inputs[i].program);
        }
    }
    return faults;
}

static void
fill_lane(const weiri_vector *vectors, uint32_t n_vectors, uint32_t n, uint8_t *lane)
{
    memset(lane, 0, n);
    for (uint32_t k = 0; k < n_vectors; k++) {
        const uint8_t *holds = vectors[k].as.b;
        const uint8_t *nulls = vectors[k].nulls;
        if (vectors[k].has_nulls) {
            for (uint32_t i = 0; i < n; i++) {
                lane[i] |= (uint8_t)((holds[i] & (nulls[i] ^ 1)) << k);
            }
        } else {
            for (uint32_t i = 0; i < n; i++) {
                lane[i] |= (uint8_t)(holds[i] << k);
            }
        }
    }
}

static weiri_class
describe(const input_classes *input, uint32_t number, const uint64_t mask[2])
{
    weiri_class class = { .input = number,
        .fits                    = { input->always[0], input->always[1] } };
    for (uint32_t i = 0; i < input->n_roots; i++) {
        if ((mask[i / 64] >> i % 64 & 1) != 0) {
            class.fits[0] |= input->atoms[i][0];
            class.fits[1] |= input->atoms[i][1];
        }
    }
    return class;
}

/* A number for a mask that has none; WEIRI_CLASS_OTHER when they are used up. */
static uint32_t
number_class(weiri_classes *self, uint32_t input, const uint64_t mask[2])
{
    if (self->n_classes == WEIRI_CLASS_OTHER) {
        return WEIRI_CLASS_OTHER;
    }
    uint32_t class        = self->n_classes++;
    self->classes[class]  = describe(&self->inputs[input], input, mask);
    self->masks[class][0] = mask[0];
    self->masks[class][1] = mask[1];
    return class;
}

static uint32_t
find_class(weiri_classes *self, uint32_t number, const uint64_t mask[2])
{
    input_classes *input = &self->inputs[number];
    uint64_t       h     = (mask[0] ^ mask[1] * 31) * 0x9E3779B97F4A7C15u;
    uint32_t       slot  = (uint32_t)(h >> 40) & (BUCKETS - 1);
    for (; input->buckets[slot] >= 0; slot = (slot + 1) & (BUCKETS - 1)) {
        const uint64_t *other = self->masks[input->buckets[slot]];
        if (other[0] == mask[0] && other[1] == mask[1]) {
            return (uint32_t)input->buckets[slot];
        }
    }
    uint32_t class = number_class(self, number, mask);
    if (class != WEIRI_CLASS_OTHER) {
        input->buckets[slot] = (int16_t) class;
    }
    return class;
}

/* Up to eight conditions: the lane itself is the index. */
static void
classify_small(
    weiri_classes *self, uint32_t number, uint32_t n, uint8_t *out, weiri_class *others)
{
    input_classes *input = &self->inputs[number];
    const uint8_t *lane  = self->lanes[0];
    for (uint32_t i = 0; i < n; i++) {
        int16_t class = input->small[lane[i]];
        if (class < 0) {
            const uint64_t mask[2] = { lane[i], 0 };
            class                  = (int16_t)number_class(self, number, mask);
            if (class == WEIRI_CLASS_OTHER) {
                others[i] = describe(input, number, mask);
            } else {
                input->small[lane[i]] = class;
            }
        }
        out[i] = (uint8_t) class;
    }
}

static void
classify_many(
    weiri_classes *self, uint32_t number, uint32_t n, uint8_t *out, weiri_class *others)
{
    uint32_t n_lanes = (self->inputs[number].n_roots + 7) / 8;
    uint64_t last[2] = { 0, 0 };
    uint32_t class   = WEIRI_CLASS_OTHER;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t mask[2] = { 0, 0 };
        for (uint32_t l = 0; l < n_lanes; l++) {
            mask[l / 8] |= (uint64_t)self->lanes[l][i] << 8 * (l % 8);
        }
        if (class == WEIRI_CLASS_OTHER || mask[0] != last[0] || mask[1] != last[1]) {
            class   = find_class(self, number, mask);
            last[0] = mask[0];
            last[1] = mask[1];
        }
        out[i] = (uint8_t) class;
        if (class == WEIRI_CLASS_OTHER) {
            others[i] = describe(&self->inputs[number], number, mask);
        }
    }
}

uint32_t
weiri_classes_of(weiri_classes *self, uint32_t input, weir_rows rows, uint8_t *out,
    weiri_class *others)
{
    const input_classes *conditions = &self->inputs[input];
    uint32_t             n_roots    = conditions->n_roots;
    if (n_roots > 0) {
        weiri_program_run(conditions->program, rows, self->vectors);
    } else {
        memset(self->lanes[0], 0, rows.n);
    }
    for (uint32_t first = 0; first < n_roots; first += 8) {
        uint32_t n = n_roots - first < 8 ? n_roots - first : 8;
        fill_lane(&self->vectors[first], n, rows.n, self->lanes[first / 8]);
    }
    if (n_roots <= 8) {
        classify_small(self, input, rows.n, out, others);
    } else {
        classify_many(self, input, rows.n, out, others);
    }
    return self->n_classes;
}
