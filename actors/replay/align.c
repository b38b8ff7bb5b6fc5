#include "align.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    NEAR = 16 /* occurrences of a hash that are compared, to either side of the rank */
};

struct item {
    uint64_t hash;
    uint32_t at;
};

/* A pair, and the one before it in a chain. */
struct link {
    weiri_align_pair pair;
    uint32_t         before; /* UINT32_MAX: none */
};

typedef struct aligner {
    struct item *a; /* by hash, then place */
    struct item *b;
    uint32_t    *rank;   /* shape (n_a,): of a[i] among those with its hash */
    uint32_t    *from;   /* shape (n_a,): where its hash begins in b sorted */
    uint32_t    *n_same; /* shape (n_a,): how many of b have it            */
    uint32_t    *tails;  /* shape (min,): the link that ends the best chain of a length */
    struct link *links;
    uint32_t     n_links;
    uint32_t     room;
} aligner;

static int
compare(const void *left, const void *right)
{
    const struct item *x = left;
    const struct item *y = right;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

static struct item *
sorted(const uint64_t *hashes, uint32_t n)
{
    struct item *items = calloc(n + (size_t)1, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < n; i++) {
        items[i] = (struct item){ .hash = hashes[i], .at = i };
    }
    if (items != NULL) {
        qsort(items, n, sizeof *items, compare);
    }
    return items;
}

/* Walk both in the order of hashes. */
static void
match_hashes(aligner *self, uint32_t n_a, uint32_t n_b)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n_a;) {
        uint64_t hash = self->a[i].hash;
        while (k < n_b && self->b[k].hash < hash) {
            k++;
        }
        uint32_t n = 0;
        while (k + n < n_b && self->b[k + n].hash == hash) {
            n++;
        }
        for (uint32_t first = i; i < n_a && self->a[i].hash == hash; i++) {
            uint32_t at      = self->a[i].at;
            self->rank[at]   = i - first;
            self->from[at]   = k;
            self->n_same[at] = n;
        }
        k += n;
    }
}

static bool
add_link(aligner *self, weiri_align_pair pair, uint32_t before)
{
    if (self->n_links == self->room) {
        uint32_t     room  = self->room > 0 ? 2 * self->room : 1024;
        struct link *grown = realloc(self->links, room * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        self->links = grown;
        self->room  = room;
    }
    self->links[self->n_links++] = (struct link){ .pair = pair, .before = before };
    return true;
}

/* The shortest chain that a pair with `b` can be put in the place of, or behind which. */
static uint32_t
length_before(const aligner *self, uint32_t n, uint32_t b)
{
    uint32_t low  = 0;
    uint32_t high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (self->links[self->tails[middle]].pair.b < b) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* All pairs of one place in a, from the last in b on, so that no two are in a chain. */
static bool
take_place(aligner *self, uint32_t a, uint32_t *n_tails)
{
    uint32_t n     = self->n_same[a];
    uint32_t rank  = self->rank[a];
    uint32_t first = rank > NEAR ? rank - NEAR : 0;
    uint32_t end   = rank + NEAR + 1 < n ? rank + NEAR + 1 : n;
    for (uint32_t i = end; i > first; i--) {
        uint32_t b      = self->b[self->from[a] + i - 1].at;
        uint32_t length = length_before(self, *n_tails, b);
        uint32_t before = length > 0 ? self->tails[length - 1] : UINT32_MAX;
        if (length < *n_tails && self->links[self->tails[length]].pair.b == b) {
            continue;
        }
        if (!add_link(self, (weiri_align_pair){ .a = a, .b = b }, before)) {
            return false;
        }
        self->tails[length] = self->n_links - 1;
        *n_tails += length == *n_tails;
    }
    return true;
}

static weir_status
run(aligner *self, uint32_t n_a, uint32_t n_b, weiri_align_pair *out, uint32_t *n_out)
{
    uint32_t n = 0;
    match_hashes(self, n_a, n_b);
    for (uint32_t a = 0; a < n_a; a++) {
        if (!take_place(self, a, &n)) {
            return WEIR_ENOMEM;
        }
    }
    *n_out = n;
    for (uint32_t link = n > 0 ? self->tails[n - 1] : 0; n > 0; n--) {
        out[n - 1] = self->links[link].pair;
        link       = self->links[link].before;
    }
    return WEIR_OK;
}

weir_status
weiri_align(const uint64_t *a, uint32_t n_a, const uint64_t *b, uint32_t n_b,
    weiri_align_pair *out, uint32_t *n_out)
{
    uint32_t most    = n_a < n_b ? n_a : n_b;
    aligner  self    = { .a = sorted(a, n_a),
            .b              = sorted(b, n_b),
            .rank           = calloc(n_a + (size_t)1, sizeof *self.rank),
            .from           = calloc(n_a + (size_t)1, sizeof *self.from),
            .n_same         = calloc(n_a + (size_t)1, sizeof *self.n_same),
            .tails          = calloc(most + (size_t)1, sizeof *self.tails) };
    bool     has_all = self.a != NULL && self.b != NULL && self.rank != NULL
                   && self.from != NULL && self.n_same != NULL && self.tails != NULL;
    weir_status status = has_all ? run(&self, n_a, n_b, out, n_out) : WEIR_ENOMEM;
    free(self.a);
    free(self.b);
    free(self.rank);
    free(self.from);
    free(self.n_same);
    free(self.tails);
    free(self.links);
    return status;
}
