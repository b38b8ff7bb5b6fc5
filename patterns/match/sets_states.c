/* Sets of states and their moves, made when they are first asked for. */
#include <stdlib.h>
#include <string.h>

#include "match/sets.h"

bool
weiri_sets_grow(
    weiri_executor *self, void *array_p, size_t *capacity, size_t n, size_t size)
{
    enum { FEWEST = 16 };
    void **array = array_p;
    size_t room  = *capacity < FEWEST ? FEWEST : *capacity;
    while (room < n) {
        room *= 2;
    }
    void *moved = realloc(*array, room * size);
    if (moved == NULL) {
        self->core->status = WEIR_ENOMEM;
        return false;
    }
    *array    = moved;
    *capacity = room;
    return true;
}

/* ---- sets ---- */

static uint64_t
hash_members(const uint32_t *members, uint32_t n)
{
    return weiri_hash_bytes(WEIRI_HASH_BEGIN, members, n * sizeof *members);
}

/* The bucket of a set with these members, or the free one for it. */
static uint32_t *
find_bucket(const weiri_sets *sets, const uint32_t *members, uint32_t n)
{
    uint64_t at = hash_members(members, n) & (sets->n_buckets - 1);
    for (;; at = (at + 1) & (sets->n_buckets - 1)) {
        uint32_t set = sets->buckets[at];
        if (set == WEIRI_NONE
            || (sets->sets[set].n == n
                && memcmp(&sets->members[sets->sets[set].first], members,
                       n * sizeof *members)
                       == 0)) {
            return &sets->buckets[at];
        }
    }
}

static bool
grow_buckets(weiri_executor *self)
{
    weiri_sets *sets    = &self->sets;
    uint32_t    n       = sets->n_buckets > 0 ? 2 * sets->n_buckets : 64;
    uint32_t   *buckets = malloc(n * sizeof *buckets);
    if (buckets == NULL) {
        self->core->status = WEIR_ENOMEM;
        return false;
    }
    memset(buckets, 0xFF, n * sizeof *buckets);
    free(sets->buckets);
    sets->buckets   = buckets;
    sets->n_buckets = n;
    for (uint32_t i = 0; i < sets->n; i++) {
        const weiri_set *set                                   = &sets->sets[i];
        *find_bucket(sets, &sets->members[set->first], set->n) = i;
    }
    return true;
}

uint32_t
weiri_sets_intern(weiri_executor *self, const uint32_t *members, uint32_t n)
{
    weiri_sets *sets = &self->sets;
    if (n == 0) {
        return WEIRI_NONE;
    }
    if (2 * (sets->n + 1) > sets->n_buckets && !grow_buckets(self)) {
        return WEIRI_SETS_LOST;
    }
    uint32_t *bucket = find_bucket(sets, members, n);
    if (*bucket != WEIRI_NONE) {
        return *bucket;
    }
    size_t capacity         = sets->capacity;
    size_t capacity_members = sets->capacity_members;
    if (sets->n == WEIRI_SETS_STATES || n > WEIRI_SETS_MEMBERS - sets->n_members
        || !weiri_sets_reserve(
            self, &sets->sets, &capacity, sets->n + (size_t)1, sizeof *sets->sets)
        || !weiri_sets_reserve(self, &sets->members, &capacity_members,
            sets->n_members + (size_t)n, sizeof *sets->members)) {
        return WEIRI_SETS_LOST;
    }
    sets->capacity         = (uint32_t)capacity;
    sets->capacity_members = (uint32_t)capacity_members;
    sets->sets[sets->n]    = (weiri_set){ .first = sets->n_members, .n = n };
    memcpy(&sets->members[sets->n_members], members, n * sizeof *members);
    sets->n_members += n;
    *bucket = sets->n;
    return sets->n++;
}

bool
weiri_sets_init(weiri_executor *self)
{
    static const uint32_t BEGIN = 0;
    return weiri_sets_intern(self, &BEGIN, 1) == 0;
}

void
weiri_sets_fini(weiri_executor *self)
{
    weiri_sets *sets = &self->sets;
    for (uint32_t i = 0; i < sets->n; i++) {
        for (uint32_t c = 0; c < sets->sets[i].n_rows; c++) {
            free(sets->sets[i].rows[c].moves);
        }
        free(sets->sets[i].rows);
    }
    free(sets->sets);
    free(sets->members);
    free(sets->buckets);
    free(self->found);
}

/* ---- moves ---- */

static const weiri_class *
class_at(const weiri_executor *self, uint32_t class)
{
    return class == WEIRI_CLASS_OTHER ? &self->other
                                      : weiri_classes_at(self->core->classes, class);
}

static weiri_formula
class_fact(void *context, uint32_t atom)
{
    const weiri_executor *self = context;
    return weiri_class_fits(self->fact_class, atom) ? WEIRI_TRUE : WEIRI_FALSE;
}

/* Conditions read their own event, so its class decides. */
static bool
holds(weiri_executor *self, weiri_formula formula)
{
    return weiri_formula_restrict(
               &self->core->automaton->conditions, formula, class_fact, self)
           == WEIRI_TRUE;
}

/* By step, then by target; what leads nowhere comes last of its step. */
static int
compare_moves(const void *a, const void *b)
{
    const weiri_set_move *x = a;
    const weiri_set_move *y = b;
    return x->step != y->step       ? (x->step < y->step ? -1 : 1)
           : x->target != y->target ? (x->target < y->target ? -1 : 1)
                                    : 0;
}

/* The moves of one state. */
static uint32_t
find_moves(weiri_executor *self, uint32_t state, uint32_t n, weiri_set_row *row)
{
    const weiri_state *from = &self->core->automaton->states[state];
    if (!weiri_sets_reserve(self, &self->found, &self->n_found, n + (size_t)from->n_arcs,
            sizeof *self->found)) {
        return n;
    }
    for (uint32_t i = 0; i < from->n_arcs; i++) {
        const weiri_arc *arc = &from->arcs[i];
        if (!holds(self, arc->when)) {
            continue;
        }
        if (arc->action == WEIRI_COMPLETE) {
            row->completes = true;
            continue;
        }
        self->found[n++] = (weiri_set_move){
            .step      = arc->action == WEIRI_TAKE ? arc->step : WEIRI_NONE,
            .target    = arc->target,
            .completes = arc->action == WEIRI_TAKE && holds(self, arc->completes),
        };
    }
    return n;
}

/* Moves first … of one step are one. */
static weiri_set_move
join_moves(weiri_executor *self, const weiri_set_move *moves, uint32_t n)
{
    weiri_set_move joined  = { .step = moves[0].step, .target = WEIRI_SETS_LOST };
    uint32_t      *targets = malloc(n * sizeof *targets);
    uint32_t       n_found = 0;
    for (uint32_t i = 0; i < n && targets != NULL; i++) {
        joined.completes |= moves[i].completes;
        if (moves[i].target != WEIRI_NONE
            && (n_found == 0 || targets[n_found - 1] != moves[i].target)) {
            targets[n_found++] = moves[i].target;
        }
    }
    if (targets == NULL) {
        self->core->status = WEIR_ENOMEM;
    } else {
        joined.target = weiri_sets_intern(self, targets, n_found);
    }
    free(targets);
    return joined;
}

static void
make_row(weiri_executor *self, uint32_t set, uint32_t class, weiri_set_row *row)
{
    uint32_t n       = 0;
    self->fact_class = class_at(self, class);
    free(row->moves);
    *row = (weiri_set_row){ .is_made = true };
    for (uint32_t i = 0; i < self->sets.sets[set].n; i++) {
        uint32_t first = self->sets.sets[set].first;
        n              = find_moves(self, self->sets.members[first + i], n, row);
    }
    row->moves = calloc(n + (size_t)1, sizeof *row->moves);
    if (row->moves == NULL || self->core->automaton->conditions.is_out_of_memory) {
        self->core->status = WEIR_ENOMEM;
        return;
    }
    if (n > 0) {
        qsort(self->found, n, sizeof *self->found, compare_moves);
    }
    for (uint32_t i = 0, to = 0; i < n; i = to) {
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): n were found
         */
        while (to < n && self->found[to].step == self->found[i].step) {
            to++;
        }
        weiri_set_move joined = join_moves(self, &self->found[i], to - i);
        if (joined.target != WEIRI_NONE || joined.completes) {
            row->moves[row->n_moves++] = joined;
        }
    }
    row->is_nothing = row->n_moves == 1 && !row->completes
                      && row->moves[0].step == WEIRI_NONE && row->moves[0].target == set;
}

static bool
reserve_rows(weiri_executor *self, weiri_set *set, uint32_t class)
{
    enum { FEWEST = 8 };
    uint32_t n = set->n_rows < FEWEST ? FEWEST : set->n_rows;
    while (n <= class) {
        n *= 2;
    }
    if (n == set->n_rows) {
        return true;
    }
    weiri_set_row *rows = realloc(set->rows, n * sizeof *rows);
    if (rows == NULL) {
        self->core->status = WEIR_ENOMEM;
        return false;
    }
    memset(&rows[set->n_rows], 0, (n - set->n_rows) * sizeof *rows);
    set->rows   = rows;
    set->n_rows = n;
    return true;
}

const weiri_set_row *
weiri_sets_make_row(weiri_executor *self, uint32_t set, uint32_t class)
{
    static const weiri_set_row DEAD = { .is_made = true };
    weiri_set                 *at   = &self->sets.sets[set];
    if (!reserve_rows(self, at, class)) {
        return &DEAD;
    }
    weiri_set_row *row = &at->rows[class]; /* stays where it is when sets are added */
    make_row(self, set, class, row);
    return row;
}

void
weiri_sets_set_other(weiri_executor *self, const weiri_class *class)
{
    self->other = *class;
    for (uint32_t i = 0; i < self->sets.n; i++) {
        if (self->sets.sets[i].n_rows > WEIRI_CLASS_OTHER) {
            self->sets.sets[i].rows[WEIRI_CLASS_OTHER].is_made = false;
        }
    }
}

static bool
is_nothing(weiri_executor *self, uint32_t state)
{
    const weiri_state *from  = &self->core->automaton->states[state];
    bool               stays = false;
    for (uint32_t i = 0; i < from->n_arcs; i++) {
        const weiri_arc *arc = &from->arcs[i];
        if (holds(self, arc->when)) {
            if (arc->action != WEIRI_IGNORE || arc->target != state) {
                return false;
            }
            stays = true;
        }
    }
    return stays;
}

unsigned
weiri_sets_use_of(weiri_executor *self, uint32_t class)
{
    const weiri_automaton *automaton = self->core->automaton;
    if (weiri_sets_row(self, 0, class)->n_moves > 0) {
        return WEIRI_CLASS_BEGINS | WEIRI_CLASS_MATTERS;
    }
    self->fact_class = class_at(self, class);
    for (uint32_t s = 1; s < automaton->n_states; s++) {
        if (!is_nothing(self, s)) {
            return WEIRI_CLASS_MATTERS;
        }
    }
    return 0;
}
