/* anomaly: how unusual an event is among those before it, by half-space trees.
 *
 * A forest of random trees cuts the space of all numbers of a stream in halves. Each tree
 * counts how many events of the last full window fell into each of its cells; the fewer
 * there were where an event falls, the more unusual it is. Constant time and memory.
 *
 * Source: Tan, Ting and Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011. As
 * there, the work range of each dimension is drawn at random around the data; here it is
 * taken from the first window, which is given no scores. There the masses of all trees
 * are added up; here their logarithms are, so that one crowded cell does not outweigh the
 * rest. The score is 1 minus that, as a part of the most there can be: the nearer to 1,
 * the more unusual.
 */
#include <weir/plugin.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TREES = 25, DEPTH = 8, NODES = (1 << (DEPTH + 1)) - 1, DIMENSIONS = 16 };

struct settings {
    uint32_t window;
    uint32_t n; /* dimensions */
    uint64_t seed;
};

struct tree {
    uint32_t dimension[NODES];
    double   cut[NODES];
    uint32_t past[NODES]; /* mass of the last full window */
    uint32_t now[NODES];  /* of the one that is being filled */
};

struct forest {
    uint32_t    n_seen; /* in the window that is being filled */
    uint32_t    is_grown;
    double      low[DIMENSIONS]; /* of the first window */
    double      high[DIMENSIONS];
    double     *first; /* shape (window, n): the first window, until trees are grown */
    struct tree trees[TREES];
};

/* ---- growing ---- */

/* The same numbers everywhere: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static double
next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));
    z          = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z          = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static void
cut_in_halves(const struct settings *settings, struct tree *tree, uint32_t node,
    double *low, double *high, uint64_t *seed)
{
    uint32_t q            = (uint32_t)(next_random(seed) * settings->n);
    double   middle       = (low[q] + high[q]) / 2;
    double   was          = 0;
    tree->dimension[node] = q;
    tree->cut[node]       = middle;
    if (2 * node + 2 >= NODES) {
        return;
    }
    was     = high[q];
    high[q] = middle;
    cut_in_halves(settings, tree, 2 * node + 1, low, high, seed);
    high[q] = was;
    was     = low[q];
    low[q]  = middle;
    cut_in_halves(settings, tree, 2 * node + 2, low, high, seed);
    low[q] = was;
}

/* Ranges reach beyond the data at random, so that trees differ. */
static void
grow(const struct settings *settings, struct forest *self)
{
    uint64_t seed = settings->seed;
    for (int t = 0; t < TREES; t++) {
        double low[DIMENSIONS];
        double high[DIMENSIONS];
        for (uint32_t q = 0; q < settings->n; q++) {
            double width = self->high[q] - self->low[q];
            double s     = self->low[q] + next_random(&seed) * width;
            double above = self->high[q] - s;
            double below = s - self->low[q];
            double reach = 2 * (above > below ? above : below) + 1e-9;
            low[q]       = s - reach;
            high[q]      = s + reach;
        }
        cut_in_halves(settings, &self->trees[t], 0, low, high, &seed);
    }
    self->is_grown = 1;
}

/* ---- scoring ---- */

static uint32_t
child(const struct tree *tree, uint32_t node, const double *x)
{
    return 2 * node + 1 + (x[tree->dimension[node]] >= tree->cut[node]);
}

static void
learn(struct tree *tree, const double *x)
{
    for (uint32_t node = 0; node < NODES; node = child(tree, node, x)) {
        tree->now[node]++;
    }
}

/* The mass where the event falls, weighed by how small the cell is: the walk ends where
 * few were. */
static double
mass_of(const struct settings *settings, const struct tree *tree, const double *x)
{
    uint32_t few   = settings->window / 10;
    uint32_t node  = 0;
    double   scale = 1;
    while (2 * node + 2 < NODES && tree->past[node] > few) {
        node = child(tree, node, x);
        scale *= 2;
    }
    return tree->past[node] * scale;
}

static double
score_of(const struct settings *settings, const struct forest *self, const double *x)
{
    double most = log2(1 + (double)settings->window * (1 << DEPTH)) * TREES;
    double mass = 0;
    for (int t = 0; t < TREES; t++) {
        mass += log2(1 + mass_of(settings, &self->trees[t], x));
    }
    return 1 - mass / most;
}

static void
turn_window(struct forest *self)
{
    for (int t = 0; t < TREES; t++) {
        memcpy(self->trees[t].past, self->trees[t].now, sizeof self->trees[t].now);
        memset(self->trees[t].now, 0, sizeof self->trees[t].now);
    }
    self->n_seen = 0;
}

static void
keep_first(const struct settings *settings, struct forest *self, const double *x)
{
    for (uint32_t q = 0; q < settings->n; q++) {
        self->low[q]  = self->n_seen == 0 || x[q] < self->low[q] ? x[q] : self->low[q];
        self->high[q] = self->n_seen == 0 || x[q] > self->high[q] ? x[q] : self->high[q];
        self->first[(size_t)self->n_seen * settings->n + q] = x[q];
    }
}

static void
learn_first(const struct settings *settings, struct forest *self)
{
    grow(settings, self);
    for (uint32_t i = 0; i < settings->window; i++) {
        for (int t = 0; t < TREES; t++) {
            learn(&self->trees[t], self->first + (size_t)i * settings->n);
        }
    }
}

static bool
on_event(weir_plugin_call *call, void *actor, void *state, uint32_t row, int64_t time_ns,
    const weir_value *values)
{
    const struct settings *settings = actor;
    struct forest         *self     = state;
    double                 x[DIMENSIONS];
    weir_value             score = weir_plugin_null(WEIR_FLOAT);
    (void)time_ns;
    for (uint32_t q = 0; q < settings->n; q++) {
        x[q] = values[q].as.f;
    }
    if (self->is_grown) {
        score = weir_plugin_float(score_of(settings, self, x));
        for (int t = 0; t < TREES; t++) {
            learn(&self->trees[t], x);
        }
    } else {
        keep_first(settings, self, x);
    }
    self->n_seen++;
    if (self->n_seen == settings->window) {
        if (!self->is_grown) {
            learn_first(settings, self);
        }
        turn_window(self);
    }
    return call->host->emit(call, row, &score, 1);
}

static uint32_t
on_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, on_event);
}

/* ---- opening, state ---- */

static bool
open_anomaly(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    int64_t window = setup->params[0].is_null ? 250 : setup->params[0].as.i;
    if (window < 10 || window > 10000) {
        return call->host->fail(call, "a window has from 10 to 10000 events");
    }
    if (setup->n_inputs == 0 || setup->n_inputs > DIMENSIONS) {
        return call->host->fail(call,
            "the stream has %u numbers, from 1 to %d are needed", setup->n_inputs,
            DIMENSIONS);
    }
    struct settings *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return call->host->fail(call, "no memory");
    }
    self->window = (uint32_t)window;
    self->n      = setup->n_inputs;
    self->seed   = setup->params[1].is_null ? 1 : (uint64_t)setup->params[1].as.i;
    *out         = self;
    return true;
}

static void
free_forest(void *actor, void *state)
{
    struct forest *self = state;
    (void)actor;
    free(self->first);
    free(self);
}

static bool
new_forest(weir_plugin_call *call, void *actor, void **out)
{
    const struct settings *settings = actor;
    struct forest         *self     = calloc(1, sizeof *self);
    if (self != NULL) {
        self->first = calloc((size_t)settings->window * settings->n, sizeof(double));
    }
    if (self == NULL || self->first == NULL) {
        free(self);
        return call->host->fail(call, "no memory");
    }
    *out = self;
    return true;
}

/* What is saved: counts and ranges, and the first window or the masses; the trees are
 * grown anew from ranges and seed, the same as they were. */
static bool
save_forest(weir_plugin_call *call, void *actor, const void *state)
{
    const struct settings *settings = actor;
    const struct forest   *self     = state;
    uint32_t               head[]   = { self->is_grown, self->n_seen };
    call->host->write(call, head, sizeof head);
    call->host->write(call, self->low, sizeof self->low);
    call->host->write(call, self->high, sizeof self->high);
    if (!self->is_grown) {
        call->host->write(
            call, self->first, (size_t)self->n_seen * settings->n * sizeof(double));
    }
    for (int t = 0; self->is_grown && t < TREES; t++) {
        call->host->write(call, self->trees[t].past, sizeof self->trees[t].past);
        call->host->write(call, self->trees[t].now, sizeof self->trees[t].now);
    }
    return true;
}

/* Take `size` bytes from what is left; false if there are not as many. */
static bool
take(const char **at, size_t *left, void *to, size_t size)
{
    if (*left < size) {
        return false;
    }
    memcpy(to, *at, size);
    *at += size;
    *left -= size;
    return true;
}

static bool
read_forest(
    const struct settings *settings, struct forest *self, const char *at, size_t left)
{
    uint32_t head[2];
    if (!take(&at, &left, head, sizeof head) || head[0] > 1 || head[1] >= settings->window
        || !take(&at, &left, self->low, sizeof self->low)
        || !take(&at, &left, self->high, sizeof self->high)) {
        return false;
    }
    self->n_seen = head[1];
    if (head[0] == 0) {
        size_t size = (size_t)self->n_seen * settings->n * sizeof(double);
        return take(&at, &left, self->first, size) && left == 0;
    }
    grow(settings, self);
    for (int t = 0; t < TREES; t++) {
        struct tree *tree = &self->trees[t];
        if (!take(&at, &left, tree->past, sizeof tree->past)
            || !take(&at, &left, tree->now, sizeof tree->now)) {
            return false;
        }
    }
    return left == 0;
}

static bool
load_forest(
    weir_plugin_call *call, void *actor, const void *bytes, size_t size, void **out)
{
    void *self = NULL;
    if (!new_forest(call, actor, &self)) {
        return false;
    }
    if (!read_forest(actor, self, bytes, size)) {
        free_forest(actor, self);
        return call->host->fail(call, "it is of another window, or damaged");
    }
    *out = self;
    return true;
}

static const weir_plugin_field params[] = {
    { .name = "window", .type = WEIR_INT, .is_nullable = true },
    { .name = "seed", .type = WEIR_INT, .is_nullable = true },
};
static const weir_plugin_field outputs[] = {
    { .name = "score", .type = WEIR_FLOAT, .is_nullable = true },
};

static const weir_plugin_actor anomaly = {
    .size          = sizeof anomaly,
    .name          = "anomaly",
    .params        = params,
    .n_params      = 2,
    .outputs       = outputs,
    .n_outputs     = 1,
    .flags         = WEIR_PLUGIN_KEEPS_EVENT | WEIR_PLUGIN_TAKES_NUMBERS,
    .state_version = 1,
    .open          = open_anomaly,
    .close         = free,
    .state_new     = new_forest,
    .state_free    = free_forest,
    .on_rows       = on_rows,
    .state_save    = save_forest,
    .state_load    = load_forest,
};
static const weir_plugin_actor *const actors[] = { &anomaly };

WEIR_PLUGIN_DEFINE("anomaly", "1.0.0", actors, 1, NULL, 0)
