/* A home: what the shares of a derived stream's rules emit is put together.
 *
 * The events that the shares of a rule emit in a turn are merged by (time, what led to
 * them) and get the orders that the rule would have given them on one shard; then they
 * are pushed to the merge of the stream as if it had.
 */
#include <stdlib.h>
#include <string.h>

#include "node.h"

/* Where the walk stands in what one share of a rule has emitted. */
typedef struct walk {
    const weiri_chunks *chunks;
    uint32_t            chunk;
    uint32_t            row;
} walk;

typedef struct home {
    weiri_flow_node node;
    uint32_t        stream;
    uint64_t       *orders;  /* of the next event of each rule, shape (plan->n_rules,) */
    weiri_emitted **emitted; /* scratch, shape (room,)     */
    size_t          room;
    walk           *walks; /* scratch, shape (n_shards,) */
    weiri_rows_list rows;
} home;

/* ---- putting together ---- */

static const weir_chunk *
chunk_of(const walk *self)
{
    return self->chunks->items[self->chunk];
}

static bool
is_before(const walk *a, const walk *b)
{
    const weir_chunk *x = chunk_of(a);
    const weir_chunk *y = chunk_of(b);
    return x->time[a->row] != y->time[b->row] ? x->time[a->row] < y->time[b->row]
                                              : x->order[a->row] < y->order[b->row];
}

static walk *
first_of(walk *walks, uint32_t n)
{
    walk *first = NULL;
    for (uint32_t i = 0; i < n; i++) {
        bool is_left = walks[i].chunk < walks[i].chunks->n;
        if (is_left && (first == NULL || is_before(&walks[i], first))) {
            first = &walks[i];
        }
    }
    return first;
}

/* What led to an event is read before its order stands in the same place. */
static void
number(walk *walks, uint32_t n, uint64_t *order)
{
    for (walk *at = first_of(walks, n); at != NULL; at = first_of(walks, n)) {
        weir_chunk *chunk     = at->chunks->items[at->chunk];
        chunk->order[at->row] = (*order)++;
        if (++at->row == chunk->n_rows) {
            at->row = 0;
            at->chunk++;
        }
    }
}

static weir_status
push(home *self, weiri_chunks *chunks)
{
    weiri_merge *merge  = self->node.flow->streams.merges[self->stream];
    weir_status  status = WEIR_OK;
    for (uint32_t i = 0; i < chunks->n && status == WEIR_OK; i++) {
        status = weiri_merge_push(merge, &chunks->items[i]);
    }
    return status;
}

/* What the shares of one rule have emitted. A join, which is not split, has given its
 * events their orders. */
static weir_status
join(home *self, weiri_emitted **emitted, uint32_t n)
{
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < n; i++) {
        self->walks[i] = (walk){ .chunks = &emitted[i]->chunks };
    }
    if (self->node.flow->plan->rules[emitted[0]->rule].join == NULL) {
        number(self->walks, n, &self->orders[emitted[0]->rule]);
    }
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = push(self, &emitted[i]->chunks);
    }
    return status;
}

/* ---- a turn ---- */

static int
compare_rules(const void *a, const void *b)
{
    const weiri_emitted *const *x = a;
    const weiri_emitted *const *y = b;
    return ((*x)->rule > (*y)->rule) - ((*x)->rule < (*y)->rule);
}

static weir_status
list(home *self, weiri_parcel *const *parcels, size_t *n)
{
    *n = 0;
    for (uint32_t i = 0; i < self->node.n_inputs; i++) {
        *n += parcels[i]->n_emitted;
    }
    if (*n > self->room) {
        weiri_emitted **emitted = realloc(self->emitted, *n * sizeof(void *));
        if (emitted == NULL) {
            return WEIR_ENOMEM;
        }
        self->emitted = emitted;
        self->room    = *n;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < self->node.n_inputs; i++) {
        for (uint32_t k = 0; k < parcels[i]->n_emitted; k++) {
            self->emitted[at++] = &parcels[i]->emitted[k];
        }
    }
    if (*n > 1) {
        qsort(self->emitted, *n, sizeof(void *), compare_rules);
    }
    return WEIR_OK;
}

static weir_status
join_all(home *self, weiri_parcel *const *parcels)
{
    size_t      n      = 0;
    weir_status status = list(self, parcels, &n);
    for (size_t first = 0; first < n && status == WEIR_OK;) {
        size_t end = first + 1;
        while (end < n && self->emitted[end]->rule == self->emitted[first]->rule) {
            end++;
        }
        status = join(self, &self->emitted[first], (uint32_t)(end - first));
        first  = end;
    }
    return status;
}

static weir_status
work(weiri_flow_node *node, weiri_parcel *const *parcels, const weiri_flow_port *port,
    weir_error *err)
{
    home             *self   = (home *)node;
    const weiri_turn *turn   = &parcels[0]->turn;
    const weiri_flow *flow   = node->flow;
    weir_status       status = join_all(self, parcels);
    if (status == WEIR_OK) {
        status = weiri_merge_release(
            flow->streams.merges[self->stream], turn->watermark_ns, &self->rows);
    }
    if (status == WEIR_OK) {
        status =
            weiri_flow_send_rows(port, turn, &flow->readers[self->stream], &self->rows);
    }
    weiri_rows_list_clear(&self->rows);
    return status == WEIR_OK ? status
                             : WEIR_FAIL(err, status, "stream '%s': %s",
                                 flow->plan->streams[self->stream].schema.name,
                                 status == WEIR_EFULL ? "too many events wait"
                                                      : weir_status_text(status));
}

static void
destroy(weiri_flow_node *node)
{
    home *self = (home *)node;
    weiri_rows_list_fini(&self->rows);
    free(self->orders);
    free(self->emitted);
    free(self->walks);
    free(self);
}

static const weiri_flow_ops OPS = { .work = work, .destroy = destroy };

void
weiri_home_go_on(weiri_flow_node *node, uint32_t rule, uint32_t stream, uint64_t n)
{
    home *self = (home *)node;
    if (node->ops == &OPS && self->stream == stream) {
        self->orders[rule] = weiri_rule_first_order(rule) + n;
    }
}

weir_status
weiri_home_new(const weiri_flow *flow, uint32_t stream, weiri_flow_node **out)
{
    uint32_t n_rules = flow->plan->n_rules;
    home    *self    = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out         = &self->node;
    self->node   = (weiri_flow_node){ .ops = &OPS, .flow = flow };
    self->stream = stream;
    self->orders = calloc(n_rules, sizeof *self->orders);
    self->walks  = calloc(flow->n_shards, sizeof *self->walks);
    if (self->orders == NULL || self->walks == NULL) {
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < n_rules; i++) {
        self->orders[i] = weiri_rule_first_order(i);
    }
    return WEIR_OK;
}
