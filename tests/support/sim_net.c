#include "weir_test.h"

#include "sim_net.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "weiri/timetext.h"

enum { DELAY_MS = 30, MOST_LOSS = 150 };

static uint64_t
roll(sim_net *self, uint64_t below)
{
    return next_random(&self->seed) % below;
}

void
sim_net_init(sim_net *self, uint64_t seed, uint32_t n_nodes)
{
    assert_true(n_nodes <= SIM_NODES);
    *self      = (sim_net){ .seed = seed, .n_nodes = n_nodes, .now = WEIRI_NS_PER_S };
    self->loss = roll(self, 3) == 0 ? 0 : (uint32_t)roll(self, MOST_LOSS);
}

void
sim_net_fini(sim_net *self)
{
    for (uint32_t i = 0; i < self->n_letters; i++) {
        free(self->letters[i].bytes);
    }
    free(self->letters);
}

/* ---- letters ---- */

static void
post(sim_net *self, sim_letter what)
{
    if (self->n_letters == self->capacity) {
        self->capacity = 2 * self->capacity + 64;
        self->letters  = realloc(self->letters, self->capacity * sizeof *self->letters);
        assert_non_null(self->letters);
    }
    what.number                      = self->n_posted++;
    self->letters[self->n_letters++] = what;
}

static void
post_bytes(sim_net *self, uint32_t from, uint32_t to, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int64_t delay = 1 + (int64_t)roll(self, roll(self, 4) == 0 ? DELAY_MS : 3);
    post(self, (sim_letter){ .kind = WEIRI_LINKS_MESSAGE,
                   .from           = from,
                   .to             = to,
                   .bytes          = copy,
                   .size           = size,
                   .due_ns         = self->now + delay * WEIRI_NS_PER_MS });
}

bool
sim_net_send(sim_net *self, uint32_t from, uint32_t to, const uint8_t *bytes, size_t size)
{
    if (!self->knows[from][to] || roll(self, 50) == 0) {
        return false;
    }
    if (!self->is_up[from][to] || roll(self, 1000) < self->loss) {
        return true;
    }
    post_bytes(self, from, to, bytes, size);
    if (roll(self, 30) == 0) {
        post_bytes(self, from, to, bytes, size);
    }
    return true;
}

static bool
is_before(const sim_letter *a, const sim_letter *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->number < b->number);
}

bool
sim_net_next(sim_net *self, uint32_t to, sim_letter *out)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < self->n_letters; i++) {
        const sim_letter *one = &self->letters[i];
        if (one->to == to && one->due_ns <= self->now
            && (best == UINT32_MAX || is_before(one, &self->letters[best]))) {
            best = i;
        }
    }
    if (best != UINT32_MAX) {
        *out                = self->letters[best];
        self->letters[best] = self->letters[--self->n_letters];
    }
    return best != UINT32_MAX;
}

/* ---- connections ---- */

static void
tell(sim_net *self, uint32_t from, uint32_t to, bool is_up)
{
    self->knows[from][to] = is_up;
    if (self->is_there[from]) {
        post(self, (sim_letter){
                       .kind   = is_up ? WEIRI_LINKS_CONNECTED : WEIRI_LINKS_DISCONNECTED,
                       .from   = to,
                       .to     = from,
                       .due_ns = self->now });
    }
}

void
sim_net_connect(sim_net *self, uint32_t a, uint32_t b)
{
    if (a != b && self->is_there[a] && self->is_there[b]) {
        self->is_up[a][b] = self->is_up[b][a] = true;
        tell(self, a, b, true);
        tell(self, b, a, true);
    }
}

void
sim_net_part(sim_net *self, uint32_t a, uint32_t b)
{
    self->is_up[a][b] = self->is_up[b][a] = false;
    if (roll(self, 2) == 0) {
        tell(self, a, b, false);
    }
    if (roll(self, 2) == 0) {
        tell(self, b, a, false);
    }
}

void
sim_net_join(sim_net *self, uint32_t node)
{
    self->is_there[node] = true;
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        sim_net_connect(self, node, i);
    }
}

void
sim_net_leave(sim_net *self, uint32_t node)
{
    self->is_there[node] = false;
    for (uint32_t i = 0; i < self->n_letters;) {
        if (self->letters[i].to == node) {
            free(self->letters[i].bytes);
            self->letters[i] = self->letters[--self->n_letters];
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; i < self->n_nodes; i++) {
        self->knows[node][i] = false;
        if (self->is_up[node][i]) {
            sim_net_part(self, node, i);
        }
    }
}
