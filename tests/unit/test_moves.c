/* Key groups that move between nodes: what each sends where, says and works off, whatever
 * order things happen in and whoever is killed. */
#include "weir_test.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/moves.h"

enum { NODES = 3, GROUPS = 6, ROWS = 60, WORDS = 400 };

typedef struct row {
    int64_t  time;
    uint32_t group;
    uint64_t to; /* whom it was sent to, the first time; 0: not yet */
    uint64_t by; /* who has worked it off                           */
} row;

/* What a checkpoint has. */
typedef struct kept {
    uint32_t n_given;
    int64_t  watermark;
    uint64_t n_told;
    uint32_t n_heard[NODES];
    bool     is_ended;
    uint32_t n_applied;
    uint32_t from[WEIRI_MOVES];
    uint64_t number[WEIRI_MOVES];
} kept;

typedef struct node {
    weiri_moves moves;
    weiri_pack  file; /* what is on the medium of that             */
    kept        now;
    kept        checkpoint;
    row         rows[ROWS];  /* its input                           */
    uint32_t    n_sent;      /* rows that the others have, whatever is given again */
    weiri_said  said[WORDS]; /* words that the others have         */
    weiri_word  words[WORDS];
    uint8_t     groups[WORDS][WEIRI_WORD_GROUPS];
    uint32_t    n_words;
    bool        has_ended; /* the others know                      */
} node;

typedef struct plant {
    node     nodes[NODES];
    uint64_t random;
    uint32_t n_cut;
    uint32_t n_void;
} plant;

static uint32_t
draw(plant *self, uint32_t below)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (uint32_t)(self->random >> 11) % below;
}

static uint64_t
bit(uint32_t i)
{
    return UINT64_C(1) << i;
}

/* ---- a node ---- */

static void
keep(node *self)
{
    weiri_pack_fini(&self->file);
    weiri_moves_pack(&self->moves, &self->file);
}

static int64_t
clock_of(const node *self, uint32_t n_given)
{
    return n_given == ROWS ? INT64_MAX : self->rows[n_given].time;
}

static int64_t
floor_of(const node *self)
{
    int64_t given = self->now.n_given == ROWS ? self->rows[ROWS - 1].time + 1
                                              : clock_of(self, self->now.n_given);
    return given > self->now.watermark ? given : self->now.watermark;
}

static bool
has_caught_up(const node *self)
{
    return self->now.n_given >= self->n_sent && self->now.n_told >= self->n_words;
}

static void
give_row(node *self, uint32_t i)
{
    row     *of = &self->rows[self->now.n_given++];
    uint64_t to = weiri_moves_targets(&self->moves, of->group, of->time, false) & ~bit(i);
    if (self->now.n_given <= self->n_sent) {
        assert_true(to == of->to); /* it is numbered as it was */
    } else {
        of->to       = to;
        self->n_sent = self->now.n_given;
    }
}

/* All of one time. */
static void
give(node *self, uint32_t i)
{
    int64_t time = clock_of(self, self->now.n_given);
    while (self->now.n_given < ROWS && clock_of(self, self->now.n_given) == time) {
        give_row(self, i);
    }
}

static void
tell(node *self)
{
    const weiri_moves *moves = &self->moves;
    if (self->now.n_told == moves->n_dropped + moves->n_said) {
        bool is_giving = weiri_moves_hold(moves) != INT64_MAX;
        self->now.is_ended =
            self->now.is_ended || (self->now.n_given == ROWS && !is_giving);
        self->has_ended = self->has_ended || self->now.is_ended;
        return;
    }
    weiri_said        said = moves->said[self->now.n_told - moves->n_dropped];
    const weiri_move *move = weiri_moves_find(moves, said.from, said.number);
    uint32_t          at   = (uint32_t)self->now.n_told++;
    if (at < self->n_words) { /* it was said before, in these words */
        assert_memory_equal(&said, &self->said[at], sizeof said);
        return;
    }
    assert_true(at < WORDS);
    self->said[at]  = said;
    self->words[at] = (weiri_word){ .kind = said.kind,
        .from                             = said.from,
        .number                           = said.number,
        .to                               = move != NULL ? move->to : 0,
        .when                             = said.when };
    if (said.kind == WEIRI_WORD_BEGIN) {
        weiri_groups_pack(&move->groups, self->groups[at]);
        self->words[at].bytes = self->groups[at];
        self->words[at].size  = WEIRI_WORD_GROUPS;
    }
    self->n_words++;
}

static void
hear(plant *world, node *self, uint32_t from)
{
    const node *other = &world->nodes[from];
    uint32_t   *n     = &self->now.n_heard[from];
    weir_error  err   = { 0 };
    if (other == self || *n == other->n_words || !has_caught_up(self)) {
        return;
    }
    self->moves.is_ended   = self->now.is_ended || self->has_ended;
    const weiri_word *word = &other->words[(*n)++];
    if (word->kind != WEIRI_WORD_STATE
        && weiri_moves_take(&self->moves, from, word, floor_of(self), &err) != WEIR_OK) {
        fail_msg("%s", err.text);
    }
    keep(self);
}

static uint64_t
find_ended(const plant *world, const node *self)
{
    uint64_t ended = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        const node *other = &world->nodes[i];
        if (other != self && other->has_ended && self->now.n_heard[i] == other->n_words) {
            ended |= bit(i);
        }
    }
    return ended;
}

static void
decide(const plant *world, node *self)
{
    if (has_caught_up(self)) {
        weiri_moves_decide(&self->moves, find_ended(world, self), floor_of(self));
        keep(self);
    }
}

static bool
has_arrived(const plant *world, const node *self, const weiri_move *move)
{
    const node *other = &world->nodes[move->from];
    for (uint32_t i = 0; i < self->now.n_heard[move->from]; i++) {
        if (other->words[i].kind == WEIRI_WORD_STATE
            && other->words[i].number == move->number) {
            return true;
        }
    }
    return false;
}

static void
apply(const plant *world, node *self, uint32_t i)
{
    weiri_move *move = weiri_moves_due(&self->moves, self->now.watermark, NULL);
    while (move != NULL && move->to == i && !has_arrived(world, self, move)) {
        move = weiri_moves_due(&self->moves, self->now.watermark, move);
    }
    if (move == NULL) {
        return;
    }
    assert_true(move->cut_ns == self->now.watermark);
    if (move->from == i) {
        weiri_moves_save(&self->moves, move);
        keep(self);
    }
    move->is_applied = true;
}

/* Work off what is before the clocks of all, as far as may be. */
static void
work(plant *world, node *self, uint32_t i)
{
    weiri_groups mine;
    int64_t      to = weiri_moves_limit(&self->moves);
    for (uint32_t n = 0; n < NODES; n++) {
        const node *other = &world->nodes[n];
        int64_t     of    = clock_of(other, n == i ? self->now.n_given : other->n_sent);
        to                = of < to ? of : to;
    }
    weiri_moves_mine(&self->moves, &mine);
    for (uint32_t n = 0; n < NODES && to > self->now.watermark; n++) {
        for (uint32_t k = 0; k < ROWS; k++) {
            row *of = &world->nodes[n].rows[k];
            if (of->time >= self->now.watermark && of->time < to
                && weiri_groups_has(&mine, of->group)) {
                assert_true(n == i || (of->to & bit(i)) != 0); /* it has come */
                assert_true((of->by & ~bit(i)) == 0);          /* to nobody else */
                of->by |= bit(i);
            }
        }
    }
    self->now.watermark = to > self->now.watermark ? to : self->now.watermark;
}

/* ---- what happens to it ---- */

static void
checkpoint(node *self, bool is_whole)
{
    int64_t clock = clock_of(self, self->now.n_given);
    weiri_moves_note(&self->moves,
        clock < self->now.watermark ? clock : self->now.watermark, self->now.n_told);
    if (!is_whole) {
        return; /* it was never written */
    }
    self->now.n_applied = 0;
    for (uint32_t i = 0; i < self->moves.n; i++) {
        if (self->moves.moves[i].is_applied) {
            self->now.from[self->now.n_applied]     = self->moves.moves[i].from;
            self->now.number[self->now.n_applied++] = self->moves.moves[i].number;
        }
    }
    self->checkpoint = self->now;
    weiri_moves_pass(&self->moves);
    weiri_moves_forget(&self->moves);
    keep(self);
}

static void
crash(plant *world, node *self, uint32_t i)
{
    static const uint16_t NOBODY[WEIRI_KEY_GROUPS] = { 0 };
    weiri_unpack          in                       = { .at = self->file.bytes,
                                       .end                = self->file.bytes + self->file.size };
    weiri_moves_fini(&self->moves);
    assert_ok(weiri_moves_init(&self->moves, NODES, i, NOBODY));
    weiri_moves_unpack(&self->moves, &in);
    assert_null(in.wrong);
    assert_ptr_equal(in.at, in.end);
    self->now = self->checkpoint;
    for (uint32_t k = 0; k < self->now.n_applied; k++) {
        weiri_move *move =
            weiri_moves_find(&self->moves, self->now.from[k], self->now.number[k]);
        if (move != NULL) {
            move->is_applied = true;
        }
    }
    for (uint32_t n = 0; n < NODES; n++) {
        for (uint32_t k = 0; k < ROWS; k++) {
            row *of = &world->nodes[n].rows[k];
            of->by &= of->time >= self->now.watermark ? ~bit(i) : UINT64_MAX;
        }
    }
}

static void
begin_move(plant *world, node *self)
{
    weiri_groups mine;
    weiri_groups some = { .bits = { 0 } };
    weir_error   err  = { 0 };
    weiri_moves_mine(&self->moves, &mine);
    for (uint32_t g = 0; g < GROUPS; g++) {
        if (weiri_groups_has(&mine, g) && draw(world, 2) == 0) {
            weiri_groups_add(&some, g);
        }
    }
    self->moves.is_ended = self->now.is_ended || self->has_ended;
    if (has_caught_up(self)) {
        weir_status status = weiri_moves_begin(
            &self->moves, draw(world, NODES), &some, floor_of(self), &err);
        assert_true(status == WEIR_OK || status == WEIR_EINVAL);
        keep(self);
    }
}

static void
step(plant *world, uint32_t accidents)
{
    uint32_t i    = draw(world, NODES);
    node    *self = &world->nodes[i];
    switch (draw(world, 9)) {
    case 0:
        if (draw(world, 4) == 0) {
            begin_move(world, self);
        }
        break;
    case 1: checkpoint(self, draw(world, 3) > 0); break;
    case 2:
        if (draw(world, 100) < accidents) {
            crash(world, self, i);
        }
        break;
    case 3: give(self, i); break;
    case 4: tell(self); break;
    case 5: work(world, self, i); break;
    case 6: apply(world, self, i); break;
    case 7: decide(world, self); break;
    default: hear(world, self, draw(world, NODES)); break;
    }
}

static bool
is_done(const plant *world)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (world->nodes[i].now.watermark != INT64_MAX
            || world->nodes[i].now.n_told < world->nodes[i].n_words) {
            return false;
        }
    }
    return true;
}

static void
setup_world(plant *world, uint64_t seed)
{
    static uint16_t owners[WEIRI_KEY_GROUPS];
    *world = (plant){ .random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        owners[g] = (uint16_t)(g % NODES);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        node   *self = &world->nodes[i];
        int64_t time = 0;
        assert_ok(weiri_moves_init(&self->moves, NODES, i, owners));
        weiri_moves_hello(&self->moves, 100 + i, true);
        self->now.watermark = INT64_MIN;
        self->checkpoint    = self->now;
        keep(self);
        for (uint32_t k = 0; k < ROWS; k++) {
            time += draw(world, 3);
            self->rows[k] = (row){ .time = time, .group = draw(world, GROUPS) };
        }
    }
}

static void
end_world(plant *world)
{
    for (uint32_t i = 0; i < NODES; i++) {
        weiri_moves_fini(&world->nodes[i].moves);
        weiri_pack_fini(&world->nodes[i].file);
    }
}

/* How many moves were done. */
static uint64_t
play(uint64_t seed, uint32_t accidents)
{
    plant   *world = malloc(sizeof *world);
    uint64_t n     = 0;
    setup_world(world, seed);
    for (uint32_t k = 0; k < 200000 && !is_done(world); k++) {
        step(world, k < 20000 ? accidents : 0);
    }
    if (!is_done(world)) {
        fail_msg("seed %llu: they wait for each other", (unsigned long long)seed);
    }
    n = world->nodes[0].moves.version;
    for (uint32_t i = 0; i < NODES; i++) {
        const node *self = &world->nodes[i];
        assert_true(self->moves.version == n);
        for (uint32_t g = 0; g < GROUPS; g++) {
            assert_int_equal(weiri_moves_owner(&self->moves, g),
                weiri_moves_owner(&world->nodes[0].moves, g));
        }
        for (uint32_t k = 0; k < ROWS; k++) {
            assert_true(self->rows[k].by != 0
                        && (self->rows[k].by & (self->rows[k].by - 1)) == 0);
        }
    }
    end_world(world);
    free(world);
    return n;
}

static void
each_event_is_worked_off_once_by_who_has_its_key(void **state)
{
    (void)state;
    uint64_t n = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        n += play(seed, 0);
    }
    assert_true(n > 60);
}

static void
nobody_repeats_or_forgets_a_promise_after_being_killed(void **state)
{
    (void)state;
    uint64_t n = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        n += play(seed, 20);
    }
    assert_true(n > 60);
}

/* ---- what is refused ---- */

static void
init_alone(weiri_moves *moves)
{
    static const uint16_t owners[WEIRI_KEY_GROUPS] = { 0 };
    assert_ok(weiri_moves_init(moves, 2, 0, owners));
    weiri_moves_hello(moves, 1, true);
}

static void
greet(weiri_moves *moves, int64_t life, bool has_state)
{
    const weiri_word hello = {
        .kind = WEIRI_WORD_HELLO, .number = has_state, .when = life
    };
    assert_ok(weiri_moves_take(moves, 1, &hello, 0, NULL));
}

static void
expect_refusal(weiri_moves *moves, uint32_t to, uint32_t group, const char *why)
{
    weir_error   err  = { 0 };
    weiri_groups some = { .bits = { 0 } };
    weiri_groups_add(&some, group);
    assert_int_equal(weiri_moves_begin(moves, to, &some, 0, &err), WEIR_EINVAL);
    assert_non_null(strstr(err.text, why));
}

static void
a_move_begins_when_all_have_been_heard_of_and_keep_a_state(void **state)
{
    (void)state;
    weiri_moves moves;
    init_alone(&moves);
    expect_refusal(&moves, 1, 5, "has not been heard of");
    greet(&moves, 7, false);
    expect_refusal(&moves, 1, 5, "every node of the cluster a `state`");
    greet(&moves, 8, true);
    expect_refusal(&moves, 0, 5, "to another node");
    weir_error   err = { 0 };
    weiri_groups all;
    weiri_moves_mine(&moves, &all);
    assert_ok(weiri_moves_begin(&moves, 1, &all, 0, &err));
    expect_refusal(&moves, 1, 5, "key group 5 is moving already");
    weiri_moves_fini(&moves);
}

static void
a_node_that_has_lost_its_state_is_not_believed_when_key_groups_have_moved(void **state)
{
    (void)state;
    weiri_moves moves;
    weir_error  err = { 0 };
    init_alone(&moves);
    greet(&moves, 7, true);
    greet(&moves, 8, true); /* nothing has moved yet */
    moves.version          = 1;
    const weiri_word again = { .kind = WEIRI_WORD_HELLO, .number = 1, .when = 9 };
    greet(&moves, 8, true); /* the same one, read again */
    assert_int_equal(weiri_moves_take(&moves, 1, &again, 0, &err), WEIR_EDATA);
    assert_non_null(strstr(err.text, "begun with a new state"));
    weiri_moves_fini(&moves);
}

static void
a_move_that_somebody_cannot_follow_any_more_is_void_for_all(void **state)
{
    (void)state;
    weiri_moves  moves;
    weiri_groups some = { .bits = { 0 } };
    weir_error   err  = { 0 };
    init_alone(&moves);
    greet(&moves, 7, true);
    weiri_groups_add(&some, 5);
    assert_ok(weiri_moves_begin(&moves, 1, &some, 10, &err));
    assert_true(weiri_moves_targets(&moves, 5, 9, false) == bit(0));
    assert_true(weiri_moves_targets(&moves, 5, 10, false) == (bit(0) | bit(1)));
    weiri_moves_decide(&moves, bit(1), 20);
    assert_true(moves.moves[0].is_void);
    assert_true(weiri_moves_targets(&moves, 5, 19, false) == (bit(0) | bit(1)));
    assert_true(weiri_moves_targets(&moves, 5, 20, false) == bit(0));
    assert_int_equal(weiri_moves_owner(&moves, 5), 0);
    assert_true(weiri_moves_limit(&moves) == INT64_MAX);
    weiri_moves_fini(&moves);
}

/* Of each prefix, and with each byte another, something is read or refused; nothing
 * else. */
static void
damaged_promises_are_refused_or_read(void **state)
{
    (void)state;
    static const uint16_t owners[WEIRI_KEY_GROUPS] = { 0 };
    weiri_moves           moves;
    weiri_pack            pack = { 0 };
    weiri_groups          all;
    init_alone(&moves);
    greet(&moves, 7, true);
    weiri_moves_mine(&moves, &all);
    assert_ok(weiri_moves_begin(&moves, 1, &all, 0, NULL));
    weiri_moves_pack(&moves, &pack);
    for (size_t i = 0; i < pack.size; i++) {
        weiri_moves  other;
        weiri_unpack in = { .at = pack.bytes, .end = pack.bytes + i };
        assert_ok(weiri_moves_init(&other, 2, 0, owners));
        weiri_moves_unpack(&other, &in);
        assert_non_null(in.wrong);
        pack.bytes[i] ^= 0xFF;
        in = (weiri_unpack){ .at = pack.bytes, .end = pack.bytes + pack.size };
        weiri_moves_unpack(&other, &in);
        assert_true(other.n <= WEIRI_MOVES);
        pack.bytes[i] ^= 0xFF;
        weiri_moves_fini(&other);
    }
    weiri_pack_fini(&pack);
    weiri_moves_fini(&moves);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_worked_off_once_by_who_has_its_key),
        cmocka_unit_test(nobody_repeats_or_forgets_a_promise_after_being_killed),
        cmocka_unit_test(a_move_begins_when_all_have_been_heard_of_and_keep_a_state),
        cmocka_unit_test(
            a_node_that_has_lost_its_state_is_not_believed_when_key_groups_have_moved),
        cmocka_unit_test(a_move_that_somebody_cannot_follow_any_more_is_void_for_all),
        cmocka_unit_test(damaged_promises_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
