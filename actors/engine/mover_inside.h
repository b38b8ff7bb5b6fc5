/* What a mover is made of: for the files of this folder that begin so. */
#ifndef WEIRI_ENGINE_MOVER_INSIDE_H
#define WEIRI_ENGINE_MOVER_INSIDE_H

#include "inside.h"
#include "mover.h"
#include "weiri/cluster.h"

/* The state of key groups on its way here. */
typedef struct weiri_arrival {
    uint32_t   from;
    uint64_t   number;
    weiri_pack bytes;
    bool       is_whole;
} weiri_arrival;

struct weiri_mover {
    weiri_moves     moves;
    weiri_merge    *words;    /* of others, to be heard                        */
    weiri_rows_list heard;    /* scratch                                       */
    weiri_pack      file;     /* what FOLDER/moves has                         */
    uint64_t        n_told;   /* words that were given to the links            */
    uint64_t        n_parts;  /* and parts of the state that is said next      */
    weiri_pack      leaving;  /* that state, from its file                     */
    weiri_arrival  *arrivals; /* shape (n_arrivals,)                          */
    uint32_t        n_arrivals;
};

static inline weir_status
weiri_mover_no_memory(weir_error *err)
{
    return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
}

/* This node's watermark, and that of what it has given of its sources. */
int64_t
weiri_mover_floor(const weiri_engine *self);

/* Words that this node has to say, ever. */
uint64_t
weiri_mover_n_words(const weiri_mover *self);

/* The one that is said next; there is one. */
const weiri_said *
weiri_mover_next_word(const weiri_mover *self);

/* ---- mover_files.c ---- */

/* What was promised is on the medium, before anybody goes by it. errors  WEIR_EIO,
 * WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_mover_keep(weiri_engine *self, weir_error *err);

/* Read it; nothing is there of a node that begins anew. errors  WEIR_EDATA, WEIR_EIO,
 * WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_mover_recall(weiri_engine *self, weir_error *err);

/* The state of a move of this node. errors  WEIR_ENOENT, WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_mover_put_state(
    weiri_engine *self, uint64_t number, const weiri_pack *bytes, weir_error *err);
WEIR_MUST_CHECK weir_status
weiri_mover_get_state(
    weiri_engine *self, uint64_t number, weiri_pack *out, weir_error *err);
void
weiri_mover_drop_state(const weiri_engine *self, uint64_t number);

/* ---- mover_words.c ---- */

/* NULL: there is none. */
weiri_arrival *
weiri_mover_arrival(const weiri_mover *self, uint32_t from, uint64_t number);

/* The same, made if there is none. NULL: no memory. */
weiri_arrival *
weiri_mover_need_arrival(weiri_mover *self, uint32_t from, uint64_t number);

void
weiri_mover_drop_arrival(weiri_mover *self, weiri_arrival *of);

/* Take in what the others have said. errors  WEIR_EDATA, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_mover_hear(weiri_engine *self, weir_error *err);

#endif
