/* What nodes say of key groups that move, as rows of a stream between them; and what this
 * one has promised, in files:
 *
 *   FOLDER/moves      all promises (weiri/moves.h), before anything is done by them
 *   FOLDER/moved.N    the state of the N-th move that this node gave, until a checkpoint
 *                     is past it: what was said of it once has to be said again the same
 *
 * A checkpoint has, in the section cluster/moves, which moves the rules have followed,
 * how much was said, and what of others' states has come.
 */
#include "mover_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "weiri/fault.h"

const weiri_moves *
weiri_engine_moves(const weiri_engine *self)
{
    return self->mover != NULL ? &self->mover->moves : NULL;
}

weiri_merge *
weiri_engine_words(const weiri_engine *self)
{
    return self->mover->words;
}

/* ---- making ---- */

static weir_status
read_arrivals(weiri_mover *self, weiri_unpack *in)
{
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        uint32_t       from   = (uint32_t)weiri_unpack_number(in);
        uint64_t       number = weiri_unpack_number(in);
        bool           whole  = weiri_unpack_below(in, 2, "it is no flag") != 0;
        uint64_t       size   = weiri_unpack_number(in);
        const uint8_t *bytes  = weiri_unpack_bytes(in, (size_t)size);
        weiri_arrival *of =
            bytes != NULL ? weiri_mover_need_arrival(self, from, number) : NULL;
        if (of == NULL) {
            return in->wrong != NULL ? WEIR_OK : WEIR_ENOMEM;
        }
        weiri_pack_bytes(&of->bytes, bytes, (size_t)size);
        of->is_whole = whole;
    }
    return WEIR_OK;
}

/* What the rules had followed, and what was said and heard, when the state was kept. */
static weir_status
read_section(weiri_engine *self, weir_error *err)
{
    weiri_mover         *mover   = self->mover;
    const weiri_restore *restore = self->options.restore;
    weiri_unpack         in      = { 0 };
    if (restore == NULL
        || !weiri_sections_find(restore->sections, "cluster", "moves", &in)) {
        return WEIR_OK;
    }
    mover->n_told  = weiri_unpack_number(&in);
    mover->n_parts = weiri_unpack_number(&in);
    for (uint64_t n = weiri_unpack_number(&in); n > 0 && in.wrong == NULL; n--) {
        uint32_t    from = (uint32_t)weiri_unpack_number(&in);
        weiri_move *move =
            weiri_moves_find(&mover->moves, from, weiri_unpack_number(&in));
        if (move != NULL) { /* else a checkpoint was past it already */
            move->is_applied = true;
        }
    }
    weir_status status = read_arrivals(mover, &in);
    if (status == WEIR_OK && in.wrong == NULL) {
        status = weiri_merge_load(mover->words, &in,
            &self->plan->streams[self->plan->cluster->moves].schema, NULL);
    }
    if (mover->n_told < mover->moves.n_dropped
        || mover->n_told > mover->moves.n_dropped + mover->moves.n_said) {
        weiri_unpack_fail(&in, "it is of another time than the file 'moves' beside it");
    }
    return status == WEIR_OK && in.wrong == NULL
               ? WEIR_OK
               : WEIR_FAIL(err, status != WEIR_OK ? status : WEIR_EDATA,
                   "what is known of moves: %s",
                   in.wrong != NULL ? in.wrong : weir_status_text(status));
}

static weir_status
greet(weiri_engine *self, weir_error *err)
{
    int64_t life = 0;
    while (getrandom(&life, sizeof life, 0) < 0) {
        if (errno != EINTR) {
            return WEIR_FAIL_OS(err, errno, "no random number can be had");
        }
    }
    weiri_moves_hello(&self->mover->moves, life, self->options.folder != NULL);
    return weiri_mover_keep(self, err);
}

weir_status
weiri_engine_make_mover(weiri_engine *self, weir_error *err)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    weiri_groups              mine;
    if (cluster == NULL) {
        return WEIR_OK;
    }
    self->mover = calloc(1, sizeof *self->mover);
    if (self->mover == NULL
        || weiri_moves_init(
               &self->mover->moves, cluster->n_members, cluster->self, cluster->owners)
               != WEIR_OK
        || weiri_merge_new(WEIRI_REORDER_ROWS, &self->mover->words) != WEIR_OK) {
        return weiri_mover_no_memory(err);
    }
    weir_status status = weiri_mover_recall(self, err);
    if (status == WEIR_OK) {
        status = read_section(self, err);
    }
    if (status == WEIR_OK) {
        status = greet(self, err);
    }
    if (status == WEIR_OK && self->flow != NULL) {
        weiri_moves_mine(&self->mover->moves, &mine);
        weiri_flow_set_groups(self->flow, &mine);
    }
    return status;
}

void
weiri_engine_close_mover(weiri_engine *self)
{
    weiri_mover *mover = self->mover;
    self->mover        = NULL;
    if (mover == NULL) {
        return;
    }
    while (mover->n_arrivals > 0) {
        weiri_mover_drop_arrival(mover, &mover->arrivals[0]);
    }
    free(mover->arrivals);
    weiri_moves_fini(&mover->moves);
    weiri_merge_destroy(&mover->words);
    weiri_rows_list_fini(&mover->heard);
    weiri_pack_fini(&mover->file);
    weiri_pack_fini(&mover->leaving);
    free(mover);
}

/* ---- how far this node is ---- */

/* Behind the last event that sources of this node have delivered of a stream. */
static int64_t
end_of(const weiri_engine *self, uint32_t stream)
{
    int64_t newest_ns = INT64_MIN;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        if (source->stream == stream && source->numbered == NULL) {
            int64_t of = weiri_intake_clock(self->intakes[i])->newest_ns;
            newest_ns  = of > newest_ns ? of : newest_ns;
        }
    }
    return newest_ns != INT64_MIN ? newest_ns + 1 : newest_ns;
}

int64_t
weiri_mover_floor(const weiri_engine *self)
{
    int64_t floor_ns = self->watermark_ns;
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        int64_t            of    = giver->merge == NULL ? INT64_MIN
                                   : giver->is_ended ? end_of(self, giver->given->stream)
                                                     : giver->watermark_ns;
        floor_ns                 = of > floor_ns ? of : floor_ns;
    }
    return floor_ns;
}

static const weiri_giver *
giver_of_words(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        if (self->givers[i].given->is_moves) {
            return &self->givers[i];
        }
    }
    return NULL;
}

static bool
is_any(const weiri_engine *self, const weiri_giver *giver, weiri_link_standing standing)
{
    for (uint32_t m = 0; m < self->plan->cluster->n_members; m++) {
        if (giver->outlets[m] != NULL
            && weiri_outlet_standing(giver->outlets[m]) == standing) {
            return true;
        }
    }
    return false;
}

/* Whether some of what this node has read is to be given again. */
static bool
has_to_repeat(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        if (giver->merge != NULL && !giver->is_ended
            && is_any(self, giver, WEIRI_LINK_BEHIND)) {
            return true;
        }
    }
    return false;
}

/* What was given before a crash has been given again: only what nobody has is promised.
 */
static bool
has_caught_up(const weiri_engine *self)
{
    const weiri_giver *words = giver_of_words(self);
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        if (!giver->given->is_derived && !giver->is_ended
            && is_any(self, giver, WEIRI_LINK_APART)) {
            return false;
        }
    }
    return !has_to_repeat(self)
           && (self->mover->n_told == weiri_mover_n_words(self->mover)
               || !is_any(self, words, WEIRI_LINK_BEHIND));
}

/* Whether this node has said its last word, also where it will say so again only when it
 * is as far as it was: others have more of it than all its words. */
static bool
has_said_all(const weiri_engine *self)
{
    const weiri_giver *words = giver_of_words(self);
    return words->is_ended
           || (self->mover->n_told == weiri_mover_n_words(self->mover)
               && is_any(self, words, WEIRI_LINK_BEHIND));
}

bool
weiri_engine_is_behind(const weiri_engine *self)
{
    return weiri_merge_waiting(self->mover->words) > 0 && has_to_repeat(self);
}

/* A bit for each member that has said its last word. */
static uint64_t
find_ended(const weiri_engine *self)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    uint64_t                  ended   = 0;
    if (weiri_merge_waiting(self->mover->words) > 0) {
        return 0;
    }
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        if (!source->is_moves
            || weiri_intake_clock(self->intakes[i])->now_ns != INT64_MAX) {
            continue;
        }
        for (uint32_t m = 0; m < cluster->n_members; m++) {
            if (strcmp(cluster->members[m], source->path) == 0) {
                ended |= UINT64_C(1) << m;
            }
        }
    }
    return ended;
}

uint64_t
weiri_mover_n_words(const weiri_mover *self)
{
    return self->moves.n_dropped + self->moves.n_said;
}

const weiri_said *
weiri_mover_next_word(const weiri_mover *self)
{
    return &self->moves.said[self->n_told - self->moves.n_dropped];
}

int64_t
weiri_engine_limit(const weiri_engine *self, int64_t watermark_ns)
{
    int64_t limit =
        self->mover != NULL ? weiri_moves_limit(&self->mover->moves) : INT64_MAX;
    return watermark_ns < limit ? watermark_ns : limit;
}

bool
weiri_engine_is_listening(const weiri_engine *self)
{
    return self->mover != NULL
           && (weiri_merge_waiting(self->mover->words) > 0
               || weiri_moves_limit(&self->mover->moves) != INT64_MAX
               || weiri_moves_is_busy(&self->mover->moves));
}

bool
weiri_engine_is_moving(const weiri_engine *self)
{
    const weiri_giver *giver = self->mover != NULL ? giver_of_words(self) : NULL;
    return giver != NULL
           && (weiri_moves_is_busy(&self->mover->moves)
               || (!giver->is_ended
                   && self->mover->n_told < weiri_mover_n_words(self->mover))
               || weiri_merge_waiting(self->mover->words) > 0);
}

/* ---- giving and taking ---- */

/* Save the groups' state, once, and have them no more. */
static weir_status
give_groups(weiri_engine *self, weiri_move *move, weir_error *err)
{
    weiri_sections sections = { 0 };
    weiri_pack     bytes    = { 0 };
    weir_status    status   = WEIR_OK;
    if (!move->is_saved) {
        status = weiri_flow_save_groups(self->flow, &move->groups, &sections, err);
        if (status == WEIR_OK) {
            weiri_sections_pack(&sections, &bytes);
            status = weiri_mover_put_state(self, move->number, &bytes, err);
        }
        weiri_fault_point("move.saved");
        if (status == WEIR_OK) {
            weiri_moves_save(&self->mover->moves, move);
            status = weiri_mover_keep(self, err);
        }
    }
    weiri_sections_fini(&sections);
    weiri_pack_fini(&bytes);
    weiri_fault_point("move.given");
    return status == WEIR_OK ? weiri_flow_forget_groups(self->flow, &move->groups, err)
                             : status;
}

static weir_status
take_groups(
    weiri_engine *self, const weiri_move *move, weiri_arrival *of, weir_error *err)
{
    weiri_sections sections = { 0 };
    weir_status    status =
        weiri_sections_unpack(&sections, of->bytes.bytes, of->bytes.size, err);
    if (status != WEIR_OK) {
        return WEIR_CONTEXT(err, status, "the state of key groups from node '%s'",
            self->plan->cluster->members[move->from]);
    }
    for (uint32_t shard = 0; shard < self->options.n_shards && status == WEIR_OK;
         shard++) {
        weiri_groups some = { .bits = { 0 } };
        for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
            if (weiri_groups_has(&move->groups, g)
                && weiri_flow_shard_of(self->flow, g) == shard) {
                weiri_groups_add(&some, g);
            }
        }
        status = weiri_flow_load_groups(self->flow, &some, shard, &sections, err);
    }
    weiri_sections_fini(&sections);
    weiri_mover_drop_arrival(self->mover, of);
    weiri_fault_point("move.taken");
    return status;
}

/* What is to be given, or taken, and can be; NULL: nothing. */
static weiri_move *
find_due(const weiri_engine *self)
{
    const weiri_moves *moves = &self->mover->moves;
    weiri_move        *move  = weiri_moves_due(moves, self->watermark_ns, NULL);
    while (move != NULL && move->from != moves->self) {
        const weiri_arrival *of =
            weiri_mover_arrival(self->mover, move->from, move->number);
        if (of != NULL && of->is_whole) {
            break;
        }
        move = weiri_moves_due(moves, self->watermark_ns, move);
    }
    return move;
}

static bool
has_to_decide(const weiri_engine *self)
{
    const weiri_moves *moves = &self->mover->moves;
    uint64_t           ended = 0;
    bool               is    = false;
    for (uint32_t i = 0; i < moves->n; i++) {
        const weiri_move *move = &moves->moves[i];
        if (move->from == moves->self && !move->is_cut && !move->is_void) {
            ended = ended != 0 ? ended : find_ended(self);
            is    = is || (ended & ~move->heard) != 0;
        }
    }
    return is;
}

/* Files of states that nobody will ask for again. */
static void
drop_files(const weiri_engine *self, const weiri_move *old, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (old[i].from == self->mover->moves.self && old[i].is_saved) {
            weiri_mover_drop_state(self, old[i].number);
        }
    }
}

static bool
has_to_forget(const weiri_mover *self)
{
    return self->moves.n > 0 && self->moves.moves[0].is_past;
}

static weir_status
forget(weiri_engine *self, weir_error *err)
{
    weiri_moves *moves = &self->mover->moves;
    uint32_t     n     = moves->n;
    weiri_move  *old   = malloc(n * sizeof *old);
    if (old == NULL) {
        return weiri_mover_no_memory(err);
    }
    memcpy(old, moves->moves, n * sizeof *old);
    weiri_moves_forget(moves);
    weir_status status = weiri_mover_keep(self, err);
    if (status == WEIR_OK) {
        drop_files(self, old, n - moves->n);
    }
    free(old);
    return status;
}

bool
weiri_engine_has_step(const weiri_engine *self)
{
    if (self->mover == NULL) {
        return false;
    }
    return find_due(self) != NULL || has_to_forget(self->mover)
           || ((weiri_merge_waiting(self->mover->words) > 0 || has_to_decide(self))
               && has_caught_up(self));
}

weir_status
weiri_engine_step_moves(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover  = self->mover;
    weir_status  status = has_to_forget(mover) ? forget(self, err) : WEIR_OK;
    if (status == WEIR_OK && has_caught_up(self)) {
        mover->moves.is_ended = has_said_all(self);
        status                = weiri_mover_hear(self, err);
        if (status == WEIR_OK) {
            weiri_moves_decide(&mover->moves, find_ended(self), weiri_mover_floor(self));
            status = weiri_mover_keep(self, err);
        }
        weiri_fault_point("move.promised");
    }
    weiri_move *move = NULL;
    while (status == WEIR_OK && (move = find_due(self)) != NULL) {
        status           = move->from == mover->moves.self
                               ? give_groups(self, move, err)
                               : take_groups(self, move,
                                   weiri_mover_arrival(mover, move->from, move->number), err);
        move->is_applied = true;
    }
    return status;
}

weir_status
weiri_engine_move(
    weiri_engine *self, uint32_t to, const weiri_groups *groups, weir_error *err)
{
    weiri_mover *mover = self->mover;
    if (mover == NULL || self->flow == NULL || giver_of_words(self) == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the node is in no cluster of several nodes");
    }
    if (!has_caught_up(self)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "not all nodes of the cluster are connected, or this one works off what it "
            "had before its start: try again");
    }
    mover->moves.is_ended = has_said_all(self);
    weir_status status =
        weiri_moves_begin(&mover->moves, to, groups, weiri_mover_floor(self), err);
    if (status == WEIR_OK) {
        status = weiri_mover_keep(self, err);
        weiri_fault_point("move.begun");
    }
    return status;
}

/* ---- state ---- */

void
weiri_engine_note_moves(weiri_engine *self)
{
    if (self->mover == NULL) {
        return;
    }
    int64_t least_ns = self->watermark_ns;
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        if (!giver->given->is_moves && !giver->is_ended
            && giver->watermark_ns < least_ns) {
            least_ns = giver->watermark_ns;
        }
    }
    weiri_moves_note(&self->mover->moves, least_ns, self->mover->n_told);
}

void
weiri_engine_pass_moves(weiri_engine *self)
{
    if (self->mover != NULL) {
        weiri_moves_pass(&self->mover->moves);
    }
}

weir_status
weiri_engine_save_mover(const weiri_engine *self, weiri_sections *out)
{
    const weiri_mover *mover = self->mover;
    weiri_pack        *pack =
        mover != NULL ? weiri_sections_begin(out, "cluster", "moves") : NULL;
    uint64_t n = 0;
    if (mover == NULL || pack == NULL) {
        return mover == NULL ? WEIR_OK : WEIR_ENOMEM;
    }
    weiri_pack_number(pack, mover->n_told);
    weiri_pack_number(pack, mover->n_parts);
    for (uint32_t i = 0; i < mover->moves.n; i++) {
        n += mover->moves.moves[i].is_applied;
    }
    weiri_pack_number(pack, n);
    for (uint32_t i = 0; i < mover->moves.n; i++) {
        if (mover->moves.moves[i].is_applied) {
            weiri_pack_number(pack, mover->moves.moves[i].from);
            weiri_pack_number(pack, mover->moves.moves[i].number);
        }
    }
    weiri_pack_number(pack, mover->n_arrivals);
    for (uint32_t i = 0; i < mover->n_arrivals; i++) {
        const weiri_arrival *of = &mover->arrivals[i];
        weiri_pack_number(pack, of->from);
        weiri_pack_number(pack, of->number);
        weiri_pack_number(pack, of->is_whole);
        weiri_pack_number(pack, of->bytes.size);
        weiri_pack_bytes(pack, of->bytes.bytes, of->bytes.size);
    }
    weiri_merge_save(mover->words, pack);
    return pack->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}
