/* weiri_live: a page of a running node that others may look at.
 *
 * A file that is mapped by the node and by whoever looks: the node writes its counts into
 * it a few times a second, and, while somebody taps, a sample of its events. It answers
 * nobody, waits for nobody and takes no lock: a look costs it nothing, and a page says
 * what it said last even of a node that waits, or has gone.
 *
 * Readers and writer are on one machine, of one build.
 */
#ifndef WEIRI_LIVE_H
#define WEIRI_LIVE_H

#include "weiri/engine.h"

enum {
    WEIRI_LIVE_TEXT  = 1 << 18, /* bytes of counts                        */
    WEIRI_LIVE_RING  = 1 << 20, /* bytes of sampled events                */
    WEIRI_LIVE_NAME  = 256,     /* of a stream or rule that is tapped     */
    WEIRI_LIVE_KEY   = 1024,
    WEIRI_LIVE_WHERE = 4096,
    WEIRI_LIVE_LINE  = 1 << 16 /* of one sampled event; longer ones are passed over */
};

/* What a line of a tap is. */
typedef enum weiri_live_kind {
    WEIRI_LIVE_EVENT,   /* "TIME STREAM {json}"                       */
    WEIRI_LIVE_PARTIAL, /* what became of a partial match, for people */
    WEIRI_LIVE_NOTE,    /* what was left out                          */
    WEIRI_LIVE_REFUSED  /* the wish cannot be answered, and why       */
} weiri_live_kind;

/* What somebody who taps wants to see. Texts that are "" ask for nothing.
 *
 * Of a rule: what it emits; with a key, what it reads of that key. Partial matches are
 * those of the key, from the moment of the wish on; without a key of one after another.
 */
typedef struct weiri_tap_wish {
    char     stream[WEIRI_LIVE_NAME];
    char     rule[WEIRI_LIVE_NAME];
    char     key[WEIRI_LIVE_KEY];     /* of the rule, as weiri_key_text */
    char     where[WEIRI_LIVE_WHERE]; /* a condition of the language */
    bool     has_key;
    bool     is_partial;
    uint32_t rate; /* lines a second */
} weiri_tap_wish;

/* ---- the node's side ---- */

typedef struct weiri_live weiri_live;

/* Make the page, replacing what is there.
 *
 *   errors  WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_live_new(
    const char *path, const weiri_plan *plan, weiri_live **out, weir_error *err);

/* The page stays, and says that the node has gone. */
void
weiri_live_destroy(weiri_live **self_p);

/* Between two turns: write the counts, if the last time was long enough ago or `is_now`.
 */
void
weiri_live_tell(weiri_live *self, const weiri_engine *engine, bool is_now);

/* weiri_engine_options.passed: rows for whoever taps, as many as were asked for, in at
 * most a fiftieth of the time. `context` is the page; never fails. */
weir_status
weiri_live_passed(
    void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err);

/* ---- whoever looks ---- */

typedef struct weiri_view weiri_view;

/* errors  WEIR_ENOENT  there is no such file
 *         WEIR_EDATA   it is no page of this build; WEIR_EIO, WEIR_ENOMEM */
WEIR_MUST_CHECK weir_status
weiri_view_open(const char *path, weiri_view **out, weir_error *err);

void
weiri_view_close(weiri_view **self_p);

/* The counts as they were written last: a JSON object a line.
 *
 *   text    shape (WEIRI_LIVE_TEXT,)
 *   size    0: none yet
 *   returns whether the node is still there
 */
bool
weiri_view_read(const weiri_view *self, char *text, size_t *size);

/* Ask for what a wish says for the next second; ask again to go on. One tap at a time:
 * the last one asked. */
void
weiri_view_tap(weiri_view *self, const weiri_tap_wish *wish);

/* The next line, with a newline at its end; 0 if there is none yet.
 *
 *   line    shape (WEIRI_LIVE_LINE,)
 *   n_lost  bytes that were overwritten before they were read
 */
size_t
weiri_view_next(weiri_view *self, char *line, weiri_live_kind *kind, uint64_t *n_lost);

#endif
