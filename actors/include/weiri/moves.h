/* weiri_moves: which node of a cluster has which key groups while some of them move.
 *
 * A state machine of one node: no clock, no socket, no file, no thread. What the nodes
 * say to each other are words; each node says its own to all others, who get them in
 * order, each once.
 *
 *   from              each other node            to
 *   BEGIN     ->      sends events of the groups that it has not sent yet to both
 *             <-      READY, the time from which on it does, and its own stands still
 *   the cut is the latest of these times
 *   CUT       ->      sends no more to `from`, as soon as it is past the cut
 *   works off all before the cut
 *   PART … STATE                         ->      works off all before the cut, takes the
 *                                                 state, and goes on
 *
 * Between two nodes' times of an event there is no agreement, but an event's own time is
 * the same everywhere. So the cut is a moment in event time; those who get events of
 * groups that are not theirs, before it or after, leave them out. A node that has come to
 * the end of its inputs says nothing any more: the move is then VOID, and no group moves.
 *
 * Everything that a node has promised follows from its words and from the times in its
 * list of moves, which are to be on the medium (weiri_moves_pack) before a word is said
 * or a row goes by them. Then a node that is killed says the same again, and sends each
 * row to whom it had sent it, at whatever place it goes on.
 */
#ifndef WEIRI_MOVES_H
#define WEIRI_MOVES_H

#include "weir/error.h"
#include "weiri/keyed.h"
#include "weiri/pack.h"

enum {
    WEIRI_MOVES = 256,            /* that are remembered at once: until a checkpoint
                                   * is past them                                  */
    WEIRI_MOVE_PART   = 64 << 10, /* bytes of state in a word                      */
    WEIRI_WORD_GROUPS = WEIRI_KEY_GROUPS / 8 /* bytes of a set of key groups       */
};

/* The fields of a word in a row, before its order. */
#define WEIRI_WORD_FIELDS(X)                                                             \
    X(at, WEIR_TIME)                                                                     \
    X(kind, WEIR_INT)                                                                    \
    X(from, WEIR_INT)                                                                    \
    X(number, WEIR_INT)                                                                  \
    X(to, WEIR_INT)                                                                      \
    X(when, WEIR_INT)                                                                    \
    X(bytes, WEIR_STRING)

typedef enum weiri_word_kind {
    WEIRI_WORD_HELLO, /* the first of a node that begins anew; `when`: a random number, so
                       * that it is known again; `number`: 1 if it keeps a state   */
    WEIRI_WORD_BEGIN, /* `bytes`: the key groups                                  */
    WEIRI_WORD_READY, /* `when`: from then on both get the groups' events         */
    WEIRI_WORD_CUT,   /* `when`: from then on they are `to`'s                     */
    WEIRI_WORD_VOID,  /* they stay where they are                                 */
    WEIRI_WORD_PART,  /* `bytes`: of the state, in order; to `to` alone           */
    WEIRI_WORD_STATE, /* that was all; `when`: how many bytes                     */
    WEIRI_WORDS
} weiri_word_kind;

/* What a node says of a move, which is known by who gives and his number for it. */
typedef struct weiri_word {
    weiri_word_kind kind;
    uint32_t        from;
    uint64_t        number;
    uint32_t        to;
    int64_t         when;
    const uint8_t  *bytes; /* shape (size,), borrowed */
    size_t          size;
} weiri_word;

typedef struct weiri_move {
    uint32_t     from;
    uint32_t     to;
    uint64_t     number; /* among those of `from`, from 1                          */
    weiri_groups groups;
    int64_t      both_ns; /* this node sends events from here on to `to`, too ...  */
    int64_t      only_ns; /* ... and from here on not to `from` any more; INT64_MAX: it
                           * does                                                  */
    int64_t  back_ns;     /* VOID: from here on not to `to` any more; else INT64_MAX */
    int64_t  cut_ns;
    bool     is_cut;
    bool     is_void;
    bool     is_saved;   /* of `from`: the state at the cut is on the medium     */
    uint64_t heard;      /* of `from`: a bit for each node that is ready         */
    int64_t  latest_ns;  /* of `from`: the latest time that they said            */
    bool     is_applied; /* `from` and `to`: what this node does follows the move */
    bool     is_old;     /* the last checkpoint that was begun is past it       */
    bool     is_past;    /* so is the last one that is on the medium            */
} weiri_move;

/* A word that this node says; what it consists of is the move's. */
typedef struct weiri_said {
    weiri_word_kind kind;
    uint32_t        from;
    uint64_t        number;
    int64_t         when;
} weiri_said;

typedef struct weiri_moves {
    uint32_t    n_members;
    uint32_t    self;
    uint16_t    owners[WEIRI_KEY_GROUPS]; /* before the moves of the list          */
    uint64_t    version;                  /* how many moves were cut, ever         */
    uint64_t    last;                     /* number of this node's last move       */
    bool        is_ended;  /* this node has said its last word                    */
    uint64_t    greeted;   /* a bit for each member that has said HELLO ...       */
    uint64_t    kept;      /* ... and keeps a state                               */
    int64_t     lives[64]; /* what it said then                                  */
    weiri_move *moves;     /* shape (n,), in the order of BEGIN     */
    uint32_t    n;
    weiri_said *said; /* shape (n_said,)                       */
    uint32_t    n_said;
    uint64_t    n_dropped; /* words before those of `said`, which are in a checkpoint */
} weiri_moves;

/* owners: shape (WEIRI_KEY_GROUPS,), members. errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_moves_init(
    weiri_moves *self, uint32_t n_members, uint32_t member, const uint16_t *owners);

void
weiri_moves_fini(weiri_moves *self);

/* ---- who has what ---- */

/* The members that an event of a key group is to be sent to by this node, a bit each.
 *
 *   is_derived  it is of a rule: sent when all before the node's watermark is done, so
 *               that the cut is known before anything after it
 *   cost        O(moves in the list)
 */
uint64_t
weiri_moves_targets(
    const weiri_moves *self, uint32_t group, int64_t time_ns, bool is_derived);

/* Who has a key group when all moves that were cut are done. */
uint32_t
weiri_moves_owner(const weiri_moves *self, uint32_t group);

/* The key groups whose events this node works off now. */
void
weiri_moves_mine(const weiri_moves *self, weiri_groups *out);

/* How far this node may go: to what it said that it is ready with, until there is a cut;
 * to the cut, until it has given or taken the groups. INT64_MAX: anywhere. */
int64_t
weiri_moves_limit(const weiri_moves *self);

/* The clock that this node may tell the others, so that they do not run ahead of it. */
int64_t
weiri_moves_hold(const weiri_moves *self);

/* Whether a move is under way that this node has a part in. */
bool
weiri_moves_is_busy(const weiri_moves *self);

/* A move that this node is to give or take now, all before the watermark being done. What
 * is taken is to be complete: the caller knows that, and asks for the next one.
 *
 *   after    NULL: the first
 *   returns  NULL: no other
 */
weiri_move *
weiri_moves_due(const weiri_moves *self, int64_t watermark_ns, const weiri_move *after);

weiri_move *
weiri_moves_find(const weiri_moves *self, uint32_t from, uint64_t number);

/* ---- steps ----
 *
 *   floor_ns  this node's watermark, and that of all that it has given to others of its
 *             sources: it has sent nothing of that time or later
 *
 * After each the list is to be kept before anything is done that follows from it. */

/* A node that begins anew says so; one that goes on has done it. life: random */
void
weiri_moves_hello(weiri_moves *self, int64_t life, bool has_state);

/* Begin to give key groups to another node.
 *
 *   errors  WEIR_EINVAL  `err` says why not; unchanged
 */
WEIR_MUST_CHECK weir_status
weiri_moves_begin(weiri_moves *self, uint32_t to, const weiri_groups *groups,
    int64_t floor_ns, weir_error *err);

/* What another node says; not PART and STATE, which change nothing here. A word that is
 * known already changes nothing.
 *
 *   errors  WEIR_EDATA  it cannot be: `err` says why
 */
WEIR_MUST_CHECK weir_status
weiri_moves_take(weiri_moves *self, uint32_t member, const weiri_word *word,
    int64_t floor_ns, weir_error *err);

/* Cut the moves of this node that all are ready for, and give up those that somebody will
 * not be ready for any more.
 *
 *   ended  a bit for each member that has said its last word, all of which were taken
 */
void
weiri_moves_decide(weiri_moves *self, uint64_t ended, int64_t floor_ns);

/* The state of a move of this node is on the medium: it is to be said. */
void
weiri_moves_save(weiri_moves *self, weiri_move *move);

/* Note which moves a checkpoint is past that is begun now.
 *
 *   watermark_ns  the least of this node's and of all that it gives
 *   n_told        words that were given to the links
 */
void
weiri_moves_note(weiri_moves *self, int64_t watermark_ns, uint64_t n_told);

/* That checkpoint is on the medium. */
void
weiri_moves_pass(weiri_moves *self);

/* Forget moves that it is past, the first ones, and their words. */
void
weiri_moves_forget(weiri_moves *self);

/* ---- bytes ---- */

/* All but what a checkpoint has: is_applied, and what was told. */
void
weiri_moves_pack(const weiri_moves *self, weiri_pack *out);

/* Into one that was made for the same node. Not trusted: what is wrong is noted in `in`.
 */
void
weiri_moves_unpack(weiri_moves *self, weiri_unpack *in);

void
weiri_groups_pack(const weiri_groups *self, uint8_t out[WEIRI_WORD_GROUPS]);

void
weiri_groups_unpack(weiri_groups *self, const uint8_t in[WEIRI_WORD_GROUPS]);

uint32_t
weiri_groups_count(const weiri_groups *self);

#endif
