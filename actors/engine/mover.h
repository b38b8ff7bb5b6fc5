/* Key groups that move between the nodes of a cluster: what an engine has of that. */
#ifndef WEIRI_ENGINE_MOVER_H
#define WEIRI_ENGINE_MOVER_H

#include "given.h"
#include "weiri/moves.h"

typedef struct weiri_mover weiri_mover;

/* When the flow has been made and nothing else: it is told what key groups it has.
 * Nothing to do without a cluster.
 *
 *   errors  WEIR_EDATA  what was kept is damaged; WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_engine_make_mover(weiri_engine *self, weir_error *err);

void
weiri_engine_close_mover(weiri_engine *self);

/* Where go what other nodes say. */
weiri_merge *
weiri_engine_words(const weiri_engine *self);

/* Say what is to be said, as far as there is room, and how far this node is; on the
 * thread that takes in. */
WEIR_MUST_CHECK weir_status
weiri_engine_give_words(weiri_engine *self, weiri_giver *giver, weir_error *err);

/* The watermark that the next turn may have, of the one that sources would let it have.
 */
int64_t
weiri_engine_limit(const weiri_engine *self, int64_t watermark_ns);

/* Whether weiri_engine_step_moves has something to do. */
bool
weiri_engine_has_step(const weiri_engine *self);

/* At rest: hear what other nodes say, give and take. */
WEIR_MUST_CHECK weir_status
weiri_engine_step_moves(weiri_engine *self, weir_error *err);

/* Whether words are waited for, so that they are to be heard soon. */
bool
weiri_engine_is_listening(const weiri_engine *self);

/* Whether words wait until this node has given again what it had given before a crash.
 */
bool
weiri_engine_is_behind(const weiri_engine *self);

/* Whether this node has to go on, though its inputs have ended. */
bool
weiri_engine_is_moving(const weiri_engine *self);

/* A checkpoint begins. */
void
weiri_engine_note_moves(weiri_engine *self);

/* It is on the medium. */
void
weiri_engine_pass_moves(weiri_engine *self);

/* errors  WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_engine_save_mover(const weiri_engine *self, weiri_sections *out);

#endif
