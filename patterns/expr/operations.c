#include "expr/operations.h"

#include <string.h>

#include "expr/scalar/kernels.h"
#include "weiri/assert.h"

static const weiri_operation OPERATIONS[WEIRI_N_OPERATIONS] = {
#define X(op, text, takes, when_null, kernel, column)                                    \
    { .id          = WEIRI_OP_##op,                                                      \
        .kind      = WEIRI_##when_null,                                                  \
        .name      = (text),                                                             \
        .signature = (takes),                                                            \
        .scalar    = weiri_scalar_##kernel },
    WEIRI_OPERATION_LIST(X)
#undef X
};

const weiri_operation *
weiri_operation_at(size_t i)
{
    return i < WEIRI_N_OPERATIONS ? &OPERATIONS[i] : NULL;
}

const char *
weiri_operation_name(size_t i)
{
    return i < WEIRI_N_OPERATIONS ? OPERATIONS[i].name : NULL;
}

const char *
weiri_operation_signature(size_t i)
{
    return i < WEIRI_N_OPERATIONS ? OPERATIONS[i].signature : NULL;
}

const weiri_operation *
weiri_operation_find(const char *name, const weiri_operation *after)
{
    size_t first = after == NULL ? 0 : (size_t)(after - OPERATIONS) + 1;
    for (size_t i = first; i < WEIRI_N_OPERATIONS; i++) {
        if (strcmp(OPERATIONS[i].name, name) == 0) {
            return &OPERATIONS[i];
        }
    }
    return NULL;
}

/* ---- the nearest name ---- */

enum { LONGEST_NAME = 32 };

static size_t
least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with swaps of neighbours (Damerau 1964, optimal string alignment).
 * Both texts are at most LONGEST_NAME bytes. */
static size_t
edit_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t rows[3][LONGEST_NAME + 1]; /* of i - 2, i - 1, i, in turn */
    for (size_t j = 0; j <= n_b; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        size_t       *row    = rows[i % 3];
        const size_t *above  = rows[(i + 2) % 3];
        const size_t *second = rows[(i + 1) % 3];
        row[0]               = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j]         = least_of(replace, least_of(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least_of(row[j], second[j - 2] + 1);
            }
        }
    }
    return rows[n_a % 3][n_b];
}

const char *
weiri_operation_nearest(const char *name)
{
    size_t size = strlen(name);
    if (size > LONGEST_NAME) {
        return NULL;
    }
    const char *nearest = NULL;
    size_t      least   = (size + 1) / 3; /* a third of a name may be wrong */
    for (size_t i = 0; i < WEIRI_N_OPERATIONS; i++) {
        const char *other    = OPERATIONS[i].name;
        size_t      distance = edit_distance(name, size, other, strlen(other));
        if (distance <= least && distance < size) {
            nearest = other;
            least   = distance == 0 ? 0 : distance - 1;
        }
    }
    return nearest;
}

/* ---- signatures ---- */

static bool
is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

static uint8_t
param_of(const char *text, size_t size)
{
    static const struct {
        const char *word;
        uint8_t     param;
    } WORDS[] = {
        { "any", WEIRI_PARAM_ANY },
        { "T", WEIRI_PARAM_SAME },
        { "E", WEIRI_PARAM_ELEMENT },
        { "list of numbers", WEIRI_PARAM_NUMBERS },
        { "list of T", WEIRI_PARAM_SAMES },
        { "list of int", WEIRI_PARAM_INTS },
        { "list of E", WEIRI_PARAM_ELEMENTS },
    };
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (is_word(text, size, WORDS[i].word)) {
            return WORDS[i].param;
        }
    }
    for (int type = WEIR_BOOL; type <= WEIR_LIST; type++) {
        if (is_word(text, size, weir_type_text((weir_type)type))) {
            return (uint8_t)type;
        }
    }
    return WEIR_NULL;
}

weiri_signature
weiri_signature_of(const weiri_operation *operation)
{
    weiri_signature signature = { 0 };
    const char     *at        = operation->signature + 1; /* past '(' */
    while (*at != ')') {
        size_t size = strcspn(at, ",.)");
        weiri_assert(signature.n_params < WEIRI_PARAMS);
        signature.params[signature.n_params++] = param_of(at, size);
        at += size;
        if (*at == '.') {
            signature.repeats = true;
            at += strlen("...");
        }
        at += *at == ',' ? 2 : 0;
    }
    at += strlen(") -> ");
    signature.result = param_of(at, strlen(at));
    return signature;
}
