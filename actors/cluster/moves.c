#include "weiri/moves.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/cluster.h"

/* ---- sets ---- */

void
weiri_groups_pack(const weiri_groups *self, uint8_t out[WEIRI_WORD_GROUPS])
{
    memset(out, 0, WEIRI_WORD_GROUPS);
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if (weiri_groups_has(self, g)) {
            out[g / 8] = (uint8_t)(out[g / 8] | 1U << g % 8);
        }
    }
}

void
weiri_groups_unpack(weiri_groups *self, const uint8_t in[WEIRI_WORD_GROUPS])
{
    *self = (weiri_groups){ .bits = { 0 } };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if ((in[g / 8] >> g % 8 & 1) != 0) {
            weiri_groups_add(self, g);
        }
    }
}

uint32_t
weiri_groups_count(const weiri_groups *self)
{
    uint32_t n = 0;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        n += weiri_groups_has(self, g);
    }
    return n;
}

static uint64_t
bit(uint32_t member)
{
    return UINT64_C(1) << member;
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- making and ending ---- */

weir_status
weiri_moves_init(
    weiri_moves *self, uint32_t n_members, uint32_t member, const uint16_t *owners)
{
    *self       = (weiri_moves){ .n_members = n_members, .self = member };
    self->moves = calloc(WEIRI_MOVES, sizeof *self->moves);
    /* of each move at most BEGIN, CUT or VOID and STATE, or READY; and HELLO */
    self->said = calloc(3 * WEIRI_MOVES + 1, sizeof *self->said);
    memcpy(self->owners, owners, sizeof self->owners);
    if (self->moves == NULL || self->said == NULL) {
        weiri_moves_fini(self);
        return WEIR_ENOMEM;
    }
    return WEIR_OK;
}

void
weiri_moves_fini(weiri_moves *self)
{
    free(self->moves);
    free(self->said);
    *self = (weiri_moves){ 0 };
}

/* ---- who has what ---- */

static uint64_t
targets_of(const weiri_move *move, uint64_t before, int64_t time_ns, bool is_derived)
{
    if (is_derived) {
        return move->is_cut && time_ns >= move->cut_ns ? bit(move->to) : before;
    }
    uint64_t out = time_ns < move->only_ns ? before : 0;
    return time_ns >= move->both_ns && time_ns < move->back_ns ? out | bit(move->to)
                                                               : out;
}

uint64_t
weiri_moves_targets(
    const weiri_moves *self, uint32_t group, int64_t time_ns, bool is_derived)
{
    uint64_t out = bit(self->owners[group]);
    for (uint32_t i = 0; i < self->n; i++) {
        if (weiri_groups_has(&self->moves[i].groups, group)) {
            out = targets_of(&self->moves[i], out, time_ns, is_derived);
        }
    }
    return out;
}

uint32_t
weiri_moves_owner(const weiri_moves *self, uint32_t group)
{
    uint32_t owner = self->owners[group];
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_move *move = &self->moves[i];
        owner = move->is_cut && weiri_groups_has(&move->groups, group) ? move->to : owner;
    }
    return owner;
}

void
weiri_moves_mine(const weiri_moves *self, weiri_groups *out)
{
    *out = (weiri_groups){ .bits = { 0 } };
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        uint32_t owner = self->owners[g];
        for (uint32_t i = 0; i < self->n; i++) {
            const weiri_move *move = &self->moves[i];
            if (move->is_applied && weiri_groups_has(&move->groups, g)) {
                owner = move->to;
            }
        }
        if (owner == self->self) {
            weiri_groups_add(out, g);
        }
    }
}

static bool
has_part(const weiri_moves *self, const weiri_move *move)
{
    return move->from == self->self || move->to == self->self;
}

static bool
is_open(const weiri_move *move)
{
    return !move->is_cut && !move->is_void;
}

int64_t
weiri_moves_limit(const weiri_moves *self)
{
    int64_t limit = INT64_MAX;
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_move *move = &self->moves[i];
        int64_t           of   = INT64_MAX;
        if (is_open(move)) {
            of = move->both_ns;
        } else if (move->is_cut && has_part(self, move) && !move->is_applied) {
            of = move->cut_ns;
        }
        limit = of < limit ? of : limit;
    }
    return limit;
}

int64_t
weiri_moves_hold(const weiri_moves *self)
{
    int64_t hold = INT64_MAX;
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_move *move = &self->moves[i];
        if (move->from != self->self || move->is_void || move->is_applied) {
            continue;
        }
        int64_t of = move->is_cut ? move->cut_ns : move->both_ns;
        hold       = of < hold ? of : hold;
    }
    return hold;
}

bool
weiri_moves_is_busy(const weiri_moves *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_move *move = &self->moves[i];
        if (has_part(self, move) && !move->is_void && !move->is_applied) {
            return true;
        }
    }
    return false;
}

static bool
is_waiting(const weiri_moves *self, const weiri_move *move)
{
    return move->is_cut && has_part(self, move) && !move->is_applied;
}

/* Whether an earlier move of some of its key groups is not done. */
static bool
is_behind(const weiri_moves *self, const weiri_move *move)
{
    for (const weiri_move *other = self->moves; other < move; other++) {
        uint64_t shared = 0;
        for (uint32_t w = 0; w < WEIRI_KEY_GROUPS / 64; w++) {
            shared |= other->groups.bits[w] & move->groups.bits[w];
        }
        if (shared != 0 && is_waiting(self, other)) {
            return true;
        }
    }
    return false;
}

weiri_move *
weiri_moves_due(const weiri_moves *self, int64_t watermark_ns, const weiri_move *after)
{
    for (uint32_t i = after != NULL ? (uint32_t)(after - self->moves) + 1 : 0;
         i < self->n; i++) {
        weiri_move *move = &self->moves[i];
        if (is_waiting(self, move) && move->cut_ns <= watermark_ns
            && !is_behind(self, move)) {
            return move;
        }
    }
    return NULL;
}

weiri_move *
weiri_moves_find(const weiri_moves *self, uint32_t from, uint64_t number)
{
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->moves[i].from == from && self->moves[i].number == number) {
            return &self->moves[i];
        }
    }
    return NULL;
}

/* ---- steps ---- */

/* There is room: see weiri_moves_init. */
static void
say(weiri_moves *self, weiri_word_kind kind, const weiri_move *move, int64_t when)
{
    weiri_assert(self->n_said < 3 * WEIRI_MOVES + 1);
    self->said[self->n_said++] = (weiri_said){ .kind = kind,
        .from                                        = move != NULL ? move->from : 0,
        .number                                      = move != NULL ? move->number : 0,
        .when                                        = when };
}

void
weiri_moves_hello(weiri_moves *self, int64_t life, bool has_state)
{
    if ((self->greeted & bit(self->self)) == 0) {
        self->greeted |= bit(self->self);
        self->kept |= has_state ? bit(self->self) : 0;
        self->lives[self->self] = life;
        say(self, WEIRI_WORD_HELLO, NULL, life);
        self->said[self->n_said - 1].number = has_state;
    }
}

static uint64_t
all_members(const weiri_moves *self)
{
    return self->n_members < 64 ? bit(self->n_members) - 1 : UINT64_MAX;
}

static weiri_move *
add(weiri_moves *self, uint32_t from, uint32_t to, uint64_t number,
    const weiri_groups *groups, int64_t floor_ns)
{
    weiri_move *move = &self->moves[self->n++];
    *move            = (weiri_move){ .from = from,
                   .to                     = to,
                   .number                 = number,
                   .groups                 = *groups,
                   .both_ns                = floor_ns,
                   .only_ns                = INT64_MAX,
                   .back_ns                = INT64_MAX,
                   .latest_ns              = floor_ns };
    return move;
}

/* Whether a group is on its way already, to this node or from it. */
static bool
is_moving(const weiri_moves *self, uint32_t group)
{
    for (uint32_t i = 0; i < self->n; i++) {
        const weiri_move *move = &self->moves[i];
        if (weiri_groups_has(&move->groups, group) && has_part(self, move)
            && !move->is_void && !move->is_applied) {
            return true;
        }
    }
    return false;
}

static weir_status
check_begin(
    const weiri_moves *self, uint32_t to, const weiri_groups *groups, weir_error *err)
{
    weiri_groups mine;
    weiri_moves_mine(self, &mine);
    if (to >= self->n_members || to == self->self) {
        return WEIR_FAIL(err, WEIR_EINVAL, "key groups move to another node");
    }
    if (self->is_ended) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the node has come to the end of its inputs");
    }
    if (self->greeted != all_members(self)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "some node of the cluster has not been heard of yet: try again when all run");
    }
    if (self->kept != all_members(self)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "key groups move between nodes that keep a state, so that none is lost: give "
            "every node of the cluster a `state`");
    }
    if (weiri_groups_count(groups) == 0) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "of these key groups the node has none that could move");
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if (!weiri_groups_has(groups, g)) {
            continue;
        }
        if (is_moving(self, g)) {
            return WEIR_FAIL(err, WEIR_EINVAL, "key group %u is moving already", g);
        }
        if (!weiri_groups_has(&mine, g)) {
            return WEIR_FAIL(err, WEIR_EINVAL, "the node does not have key group %u", g);
        }
    }
    return self->n < WEIRI_MOVES
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EINVAL,
                   "%d moves wait for a checkpoint of this node: try again after it",
                   (int)WEIRI_MOVES);
}

weir_status
weiri_moves_begin(weiri_moves *self, uint32_t to, const weiri_groups *groups,
    int64_t floor_ns, weir_error *err)
{
    weir_status status = check_begin(self, to, groups, err);
    if (status != WEIR_OK) {
        return status;
    }
    weiri_move *move = add(self, self->self, to, ++self->last, groups, floor_ns);
    move->heard      = bit(self->self);
    say(self, WEIRI_WORD_BEGIN, move, 0);
    return WEIR_OK;
}

static weir_status
take_begin(weiri_moves *self, uint32_t member, const weiri_word *word, int64_t floor_ns,
    weir_error *err)
{
    weiri_groups groups;
    if (word->from != member || word->to >= self->n_members || word->to == member
        || word->size != WEIRI_WORD_GROUPS) {
        return WEIR_FAIL(err, WEIR_EDATA, "a move that cannot be");
    }
    if (self->n == WEIRI_MOVES) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "more than %d moves before a checkpoint", (int)WEIRI_MOVES);
    }
    weiri_groups_unpack(&groups, word->bytes);
    const weiri_move *move = add(self, member, word->to, word->number, &groups, floor_ns);
    if (!self->is_ended) {
        say(self, WEIRI_WORD_READY, move, floor_ns);
    }
    return WEIR_OK;
}

static void
cut(weiri_moves *self, weiri_move *move, int64_t cut_ns, int64_t floor_ns)
{
    move->is_cut  = true;
    move->cut_ns  = cut_ns;
    move->only_ns = later(cut_ns, floor_ns);
    self->version++;
}

static void
give_up(weiri_move *move, int64_t floor_ns)
{
    move->is_void = true;
    move->back_ns = later(move->both_ns, floor_ns);
}

/* One that has lost its state does not know what it has promised, nor what it has. */
static weir_status
take_hello(weiri_moves *self, uint32_t member, const weiri_word *word, weir_error *err)
{
    bool is_known = (self->greeted & bit(member)) != 0;
    if (is_known && self->lives[member] == word->when) {
        return WEIR_OK;
    }
    if (is_known && (self->version > 0 || self->n > 0)) {
        return WEIR_FAIL(err, WEIR_EDATA,
            "it has begun with a new state, and key groups have moved before (placement "
            "%llu): give it back its state, or begin all nodes with new ones",
            (unsigned long long)self->version);
    }
    self->greeted |= bit(member);
    self->kept = word->number != 0 ? self->kept | bit(member) : self->kept & ~bit(member);
    self->lives[member] = word->when;
    return WEIR_OK;
}

weir_status
weiri_moves_take(weiri_moves *self, uint32_t member, const weiri_word *word,
    int64_t floor_ns, weir_error *err)
{
    weiri_move *move = weiri_moves_find(self, word->from, word->number);
    if (word->kind == WEIRI_WORD_HELLO) {
        return take_hello(self, member, word, err);
    }
    if (word->kind == WEIRI_WORD_BEGIN) {
        return move != NULL ? WEIR_OK : take_begin(self, member, word, floor_ns, err);
    }
    if (move == NULL) {
        return WEIR_OK; /* of long ago */
    }
    if (word->kind == WEIRI_WORD_READY && move->from == self->self) {
        if ((move->heard & bit(member)) == 0 && is_open(move)) {
            move->heard |= bit(member);
            move->latest_ns = later(move->latest_ns, word->when);
        }
    } else if (word->kind == WEIRI_WORD_CUT && is_open(move) && member == move->from) {
        if (word->when < move->both_ns) {
            return WEIR_FAIL(
                err, WEIR_EDATA, "a cut before the time that this node had said");
        }
        cut(self, move, word->when, floor_ns);
    } else if (word->kind == WEIRI_WORD_VOID && is_open(move) && member == move->from) {
        give_up(move, floor_ns);
    }
    return WEIR_OK;
}

void
weiri_moves_decide(weiri_moves *self, uint64_t ended, int64_t floor_ns)
{
    for (uint32_t i = 0; i < self->n; i++) {
        weiri_move *move = &self->moves[i];
        if (move->from != self->self || !is_open(move)) {
            continue;
        }
        if (move->heard == all_members(self)) {
            int64_t cut_ns = later(move->latest_ns, move->both_ns);
            cut(self, move, cut_ns, floor_ns);
            say(self, WEIRI_WORD_CUT, move, cut_ns);
        } else if ((ended & ~move->heard) != 0) {
            give_up(move, floor_ns);
            say(self, WEIRI_WORD_VOID, move, 0);
        }
    }
}

void
weiri_moves_save(weiri_moves *self, weiri_move *move)
{
    if (!move->is_saved) {
        move->is_saved = true;
        say(self, WEIRI_WORD_STATE, move, 0);
    }
}

/* ---- forgetting ---- */

static bool
is_past(const weiri_moves *self, const weiri_move *move, int64_t watermark_ns)
{
    if (move->is_void) {
        return move->back_ns <= watermark_ns;
    }
    return move->is_cut && move->only_ns <= watermark_ns
           && (!has_part(self, move) || move->is_applied);
}

/* Words of a move that were not told yet keep it. */
static bool
has_words(const weiri_moves *self, const weiri_move *move, uint64_t n_told)
{
    for (uint64_t i = n_told - self->n_dropped; i < self->n_said; i++) {
        if (self->said[i].from == move->from && self->said[i].number == move->number) {
            return true;
        }
    }
    return false;
}

void
weiri_moves_note(weiri_moves *self, int64_t watermark_ns, uint64_t n_told)
{
    for (uint32_t i = 0; i < self->n; i++) {
        weiri_move *move = &self->moves[i];
        move->is_old =
            is_past(self, move, watermark_ns) && !has_words(self, move, n_told);
    }
}

static void
forget_first(weiri_moves *self)
{
    const weiri_move move = self->moves[0];
    uint32_t         n    = 0;
    for (uint32_t g = 0; move.is_cut && g < WEIRI_KEY_GROUPS; g++) {
        if (weiri_groups_has(&move.groups, g)) {
            self->owners[g] = (uint16_t)move.to;
        }
    }
    self->n--;
    memmove(self->moves, self->moves + 1, self->n * sizeof *self->moves);
    while (n < self->n_said
           && weiri_moves_find(self, self->said[n].from, self->said[n].number) == NULL) {
        n++;
    }
    self->n_said -= n;
    self->n_dropped += n;
    memmove(self->said, self->said + n, self->n_said * sizeof *self->said);
}

void
weiri_moves_pass(weiri_moves *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        self->moves[i].is_past = self->moves[i].is_old;
    }
}

void
weiri_moves_forget(weiri_moves *self)
{
    while (self->n > 0 && self->moves[0].is_past) {
        forget_first(self);
    }
}

/* ---- bytes ---- */

static void
pack_move(const weiri_move *move, weiri_pack *out)
{
    uint8_t groups[WEIRI_WORD_GROUPS];
    weiri_groups_pack(&move->groups, groups);
    weiri_pack_number(out, move->from);
    weiri_pack_number(out, move->to);
    weiri_pack_number(out, move->number);
    weiri_pack_bytes(out, groups, sizeof groups);
    weiri_pack_time(out, move->both_ns);
    weiri_pack_time(out, move->only_ns);
    weiri_pack_time(out, move->back_ns);
    weiri_pack_time(out, move->cut_ns);
    weiri_pack_number(out, move->is_cut);
    weiri_pack_number(out, move->is_void);
    weiri_pack_number(out, move->is_saved);
    weiri_pack_number(out, move->heard);
    weiri_pack_time(out, move->latest_ns);
}

void
weiri_moves_pack(const weiri_moves *self, weiri_pack *out)
{
    weiri_pack_number(out, self->version);
    weiri_pack_number(out, self->last);
    weiri_pack_number(out, self->greeted);
    weiri_pack_number(out, self->kept);
    for (uint32_t m = 0; m < self->n_members; m++) {
        weiri_pack_fixed(out, (uint64_t)self->lives[m]);
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        weiri_pack_number(out, self->owners[g]);
    }
    weiri_pack_number(out, self->n);
    for (uint32_t i = 0; i < self->n; i++) {
        pack_move(&self->moves[i], out);
    }
    weiri_pack_number(out, self->n_dropped);
    weiri_pack_number(out, self->n_said);
    for (uint32_t i = 0; i < self->n_said; i++) {
        weiri_pack_number(out, self->said[i].kind);
        weiri_pack_number(out, self->said[i].from);
        weiri_pack_number(out, self->said[i].number);
        weiri_pack_time(out, self->said[i].when);
    }
}

static bool
unpack_flag(weiri_unpack *in)
{
    return weiri_unpack_below(in, 2, "it is no flag") != 0;
}

static void
unpack_move(const weiri_moves *self, weiri_move *move, weiri_unpack *in)
{
    static const char NOBODY[] = "it is no node of the cluster";
    *move =
        (weiri_move){ .from = (uint32_t)weiri_unpack_below(in, self->n_members, NOBODY) };
    move->to              = (uint32_t)weiri_unpack_below(in, self->n_members, NOBODY);
    move->number          = weiri_unpack_number(in);
    const uint8_t *groups = weiri_unpack_bytes(in, WEIRI_WORD_GROUPS);
    if (groups != NULL) {
        weiri_groups_unpack(&move->groups, groups);
    }
    move->both_ns   = weiri_unpack_time(in);
    move->only_ns   = weiri_unpack_time(in);
    move->back_ns   = weiri_unpack_time(in);
    move->cut_ns    = weiri_unpack_time(in);
    move->is_cut    = unpack_flag(in);
    move->is_void   = unpack_flag(in);
    move->is_saved  = unpack_flag(in);
    move->heard     = weiri_unpack_number(in);
    move->latest_ns = weiri_unpack_time(in);
}

void
weiri_moves_unpack(weiri_moves *self, weiri_unpack *in)
{
    self->version = weiri_unpack_number(in);
    self->last    = weiri_unpack_number(in);
    self->greeted = weiri_unpack_number(in);
    self->kept    = weiri_unpack_number(in);
    for (uint32_t m = 0; m < self->n_members; m++) {
        self->lives[m] = (int64_t)weiri_unpack_fixed(in);
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        self->owners[g] = (uint16_t)weiri_unpack_below(
            in, self->n_members, "it is no node of the cluster");
    }
    self->n = (uint32_t)weiri_unpack_below(in, WEIRI_MOVES + 1, "too many moves");
    for (uint32_t i = 0; i < self->n; i++) {
        unpack_move(self, &self->moves[i], in);
    }
    self->n_dropped = weiri_unpack_number(in);
    self->n_said =
        (uint32_t)weiri_unpack_below(in, 3 * WEIRI_MOVES + 2, "too many words");
    for (uint32_t i = 0; i < self->n_said; i++) {
        weiri_said *said = &self->said[i];
        said->kind = (weiri_word_kind)weiri_unpack_below(in, WEIRI_WORDS, "no such word");
        said->from = (uint32_t)weiri_unpack_number(in);
        said->number = weiri_unpack_number(in);
        said->when   = weiri_unpack_time(in);
    }
}
