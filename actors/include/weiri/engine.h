/* weiri_engine: a plan at work. Sources, rules and sinks, driven turn by turn.
 *
 * A turn takes in one chunk from the source that holds time back, releases what is before
 * the new watermark, runs every rule over it in the order of the rule graph, and writes.
 * What comes out depends on what the sources deliver and on nothing else.
 */
#ifndef WEIRI_ENGINE_H
#define WEIRI_ENGINE_H

#include "weiri/graph.h"
#include "weiri/histogram.h"
#include "weiri/links.h"
#include "weiri/moves.h"
#include "weiri/tape.h"

typedef struct weiri_engine weiri_engine;

/* Read a source from somewhere else than its rule file says. */
typedef struct weiri_redirect {
    const char *stream; /* NULL: the only stream that has sources         */
    const char *path;   /* "-": standard input                            */
} weiri_redirect;

/* Whoever keeps the state of an engine on several shards, on the thread of
 * weiri_engine_run. */
typedef struct weiri_engine_keeper {
    /* Whether the engine is to come to rest before the next turn. */
    bool (*wants_rest)(void *context);
    /* Before each turn.
     *
     *   is_at_rest  all turns are done and written, the engine can be saved
     *   last        WEIR_OK; WEIR_ENOSPC: the turn before could not be had, `err` says
     * why, and will be tried again errors      WEIR_EOF: stop; others end the run
     */
    weir_status (*between)(void *context, weiri_engine *engine, bool is_at_rest,
        weir_status last, weir_error *err);
    void *context;
} weiri_engine_keeper;

typedef struct weiri_engine_options {
    const weiri_redirect *redirects;
    size_t                n_redirects;
    weiri_format          stdout_format; /* AUTO: as the sinks say, else JSON Lines  */
    bool (*should_stop)(void *context);  /* asked once a turn; NULL: never           */
    /* Asked while an output waits for somebody to take it, on any thread: whether the run
     * is to end, however much is left to write. NULL: never */
    bool (*is_stopping)(void *context);
    void (*on_turn)(void *context); /* of weiri_engine_run: told each turn; NULL: not */
    void *context;
    /* Told after each pass what every stream gave, before it is given back, and that all
     * deadlines before a time have fired. NULL: nobody. A failure ends the run.
     *
     * On several shards: on another thread than the caller's, always the same.
     *
     *   rows  shape (plan->n_streams,), borrowed for the call
     */
    weir_status (*passed)(
        void *context, const weiri_rows_list *rows, int64_t deadline_ns, weir_error *err);
    void                *passed_context;
    const weiri_restore *restore; /* go on from here; NULL: from the start        */
    const weiri_tape    *tape;    /* for inputs that cannot be read again; NULL: none */
    const weiri_extent  *extents; /* shape (plan->n_sources,): how much of each source is
                                   * read  again; NULL: sources are read as they come */
    uint32_t n_shards; /* threads for the rules beside the caller's; 0, 1: on the
                        * caller's, which is driven turn by turn; else by
                        * weiri_engine_run. What is written is the same */
    weiri_links               *links;  /* to other nodes; NULL: there are none          */
    const weiri_engine_keeper *keeper; /* of weiri_engine_run; NULL: nobody         */
    size_t backlog_bytes; /* of each way to a node of the cluster; 0: the default */
    const uint64_t *seed; /* of weiri_engine_run: without threads, in an order that
                           * follows from this number; NULL: on threads */
    /* What the state says of the rules that it is of, as its section "engine/rules";
     * NULL: nothing */
    const weiri_pack *rules;
    /* In a cluster: the folder where it is durable what this node has promised of key
     * groups that move; NULL: none does. Made by the caller */
    const char *folder;
} weiri_engine_options;

typedef struct weiri_engine_counts {
    uint64_t    n_events; /* taken in by all sources, late ones included */
    uint64_t    n_bytes;
    uint64_t    n_late;
    uint64_t    n_dead;
    uint64_t    n_matches; /* of all rules                                */
    uint64_t    n_dropped; /* partial or complete matches, by a bound     */
    uint64_t    n_faults;  /* arithmetic that gave null                   */
    uint64_t    n_failed;  /* times that an actor of a plugin failed      */
    uint64_t    n_null_keys;
    const char *first_dead; /* of a source of this run: where and why, as long as the
                             * engine lives; NULL: none */
    bool is_running; /* rules are at work on other threads: matches and drops are as they
                      * said last, faults, failures and keys are not known      */
} weiri_engine_counts;

/* Open all sources and sinks. `plan` and what `options` points to outlive the engine.
 *
 *   errors  WEIR_ENOENT  a source's file is missing
 *           WEIR_EINVAL  a redirect names no stream, or one that another names;
 *                        two sinks cannot share a file; a sink's file is compressed by
 *                        its name, holds the rules or is read by a source;
 *                        a format is neither said nor told by the file's name
 *                        the state to go on from was kept with other shards
 *           WEIR_EDATA   it cannot be used
 *           WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_engine_new(const weiri_plan *plan, const weiri_engine_options *options,
    weiri_engine **out, weir_error *err);

void
weiri_engine_destroy(weiri_engine **self_p);

/* Put an engine of another plan in the place of one that is at rest between two turns.
 * Rules that are in both go on with what they remember, new ones begin empty. Sources and
 * sinks that are in both are handed over open: no byte is read twice, lost or written
 * again. A source that is new begins at the watermark: what is before it is late.
 *
 *   self_p   the new engine on WEIR_OK, and after an error the old one, as it was
 *   plan     outlives the new engine; the old one's is not needed any more
 *   options  of the new engine, with as many shards; of `restore` the sections are
 *            not looked at: they are those of the old one
 *   errors   WEIR_EDATA   a rule has changed so that what it remembers cannot be used
 *            WEIR_EINVAL  a source has another place now; a CSV file would get other
 *                         columns; and as of weiri_engine_new
 *            WEIR_ENOENT, WEIR_EIO, WEIR_ENOMEM
 *   cost     that of a save and a load of all that the rules remember
 */
WEIR_MUST_CHECK weir_status
weiri_engine_replace(weiri_engine **self_p, const weiri_plan *plan,
    const weiri_engine_options *options, weir_error *err);

/* Tell `restore->told` what would become of each rule if an engine of this plan went on
 * from these sections.
 *
 *   n_shards  that kept them
 *   errors    WEIR_EDATA  they are damaged; WEIR_EINVAL, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_engine_try(const weiri_plan *plan, uint32_t n_shards, const weiri_restore *restore,
    weir_error *err);

/* The same of the state of an engine at rest, which goes on as if nobody had asked. */
WEIR_MUST_CHECK weir_status
weiri_engine_try_replace(weiri_engine *self, const weiri_plan *plan,
    const weiri_restore *restore, weir_error *err);

/* One turn.
 *
 *   errors  WEIR_EOF     all inputs have ended, or all that extents have was read, or
 *                        should_stop said so: call end
 *           WEIR_ECLOSED the reader of an output has gone
 *           WEIR_EDATA   an input cannot be read on
 *           WEIR_ENOSPC  the tape is full: the turn can be tried again
 *           WEIR_EIO, WEIR_EFULL, WEIR_ENOMEM
 *           After any other error other than WEIR_EOF only counts, end, close and destroy
 * may be called.
 */
WEIR_MUST_CHECK weir_status
weiri_engine_turn(weiri_engine *self, weir_error *err);

/* End of input: time stops at the last event, and what is complete is written. Nothing to
 * do if it has been called, or the state that was loaded had ended. */
WEIR_MUST_CHECK weir_status
weiri_engine_end(weiri_engine *self, weir_error *err);

/* On several shards: all turns until the inputs have ended, or should_stop says so, and
 * the end; with a keeper the end is left out after a stop or a failure.
 *
 *   errors  as weiri_engine_turn, but for WEIR_EOF: what came before has been written
 * where an input cannot be read on
 */
WEIR_MUST_CHECK weir_status
weiri_engine_run(weiri_engine *self, weir_error *err);

/* What somebody may have to act upon while the run goes on: the last of it, and how often
 * there was some. NULL: nothing yet. */
const char *
weiri_engine_notice(const weiri_engine *self, uint64_t *n_notices);

/* Whether all inputs have been read to their ends, if a turn gave WEIR_EOF; else it was
 * told to stop. */
bool
weiri_engine_is_at_end(const weiri_engine *self);

/* What other nodes are still needed for, or need this one for, when all inputs have ended
 * (weiri_link_parting). Counts of links. */
typedef struct weiri_farewell {
    uint32_t n_unkept;    /* not all that was sent is acknowledged                 */
    uint32_t n_unsettled; /* of which the sender, if it is killed, would ask again */
    uint32_t n_bound;     /* whose receiver may still wait for this node           */
    uint32_t n_there;     /* and is there to say that it does not                  */
    uint32_t n_unsaid;    /* whose receiver is there, and not told that it was heard  */
    uint32_t n_staying;   /* whose sender has not said that it has heard the last word */
    bool     has_news;    /* that no state has yet: only then is it told             */
} weiri_farewell;

/* Moments on the clock, ns. All those of a node that begins to wait: now. */
typedef struct weiri_patience {
    int64_t there_ns; /* somebody was there whose last word is waited for */
    int64_t bound_ns; /* somebody's last word was waited for              */
} weiri_patience;

/* Whether a node at its end has to stay: until all that it sent is kept, and those whose
 * events it has know so for good, for as long as it takes; then for the last word of
 * those who are there, and of those who are away for WEIRI_LINK_AWAY_MS; until who is
 * there is told that it was heard; then
 * WEIRI_WIRE_LINGER_MS until its own is heard. */
bool
weiri_farewell_waits(const weiri_farewell *self, weiri_patience *times, int64_t now_ns);

weiri_farewell
weiri_engine_farewell(const weiri_engine *self);

/* Whether a node that has sent its last waits for a state of this one, to leave. */
bool
weiri_engine_has_news(const weiri_engine *self);

/* Note how far links have parted: the state that is flushed and saved next has that. */
void
weiri_engine_note(weiri_engine *self);

/* A state with what was noted last is on the medium: other nodes can be told. */
void
weiri_engine_release(weiri_engine *self);

/* Close the outputs. errors  of writing what was buffered: WEIR_ECLOSED, WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_engine_close(weiri_engine *self, weir_error *err);

weiri_engine_counts
weiri_engine_get_counts(const weiri_engine *self);

/* ---- key groups that move between nodes of a cluster ---- */

/* Begin to give key groups of this node to another, at rest between two turns; what is
 * promised is durable then, and will be done, or given up by all, whoever is killed.
 *
 *   errors  WEIR_EINVAL  it cannot be: `err` says why
 *           WEIR_EIO, WEIR_ENOMEM: the run is to end
 */
WEIR_MUST_CHECK weir_status
weiri_engine_move(
    weiri_engine *self, uint32_t to, const weiri_groups *groups, weir_error *err);

/* Who has what, and what moves; NULL: it is in no cluster. */
const weiri_moves *
weiri_engine_moves(const weiri_engine *self);

/* ---- what is to be seen of it; between two turns ---- */

/* INT64_MIN before the first event. */
int64_t
weiri_engine_watermark(const weiri_engine *self);

/* How long events took from the reading of their bytes until what they led to was
 * written; those that wait for time to go on (`lateness`, other sources) are counted with
 * the turn that took them in. */
const weiri_histogram *
weiri_engine_latency(const weiri_engine *self);

enum { WEIRI_SIGHT_WAITS = 16 };

/* One shard of a run with several, as it said last. Shard 0 reads and opens turns. */
typedef struct weiri_shard_sight {
    uint64_t n_events;  /* rows of parcels that its nodes were given           */
    uint64_t n_waiting; /* rows in its mailboxes                               */
    uint64_t n_stalls;  /* times that its work stood still for want of credit  */
    uint32_t n_waits;
    struct {
        uint32_t level;    /* it takes nothing from levels below this one ...   */
        uint32_t on_shard; /* ... until this shard has worked off some of it    */
        uint64_t n_events; /* that wait to go there                             */
    } waits[WEIRI_SIGHT_WAITS];
} weiri_shard_sight;

/* False: the run has no such shard, or none at all. */
bool
weiri_engine_shard(const weiri_engine *self, uint32_t shard, weiri_shard_sight *out);

typedef struct weiri_source_sight {
    uint64_t n_events;
    uint64_t n_bytes;
    uint64_t n_late;
    uint64_t n_dead;
    int64_t  clock_ns; /* INT64_MIN: no event yet, INT64_MAX: at its end */
} weiri_source_sight;

weiri_source_sight
weiri_engine_source(const weiri_engine *self, uint32_t source);

/* False while the rules are at work on other threads: nothing is known of them. */
bool
weiri_engine_rule(const weiri_engine *self, uint32_t rule, weiri_rule_sight *out);

/* ---- state; between two turns, on several shards at rest ---- */

/* Hand the system all that was written. */
WEIR_MUST_CHECK weir_status
weiri_engine_flush(weiri_engine *self, weir_error *err);

/* A state with this source at this position is on the medium. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_engine_acknowledge(
    weiri_engine *self, uint32_t source, uint64_t position, weir_error *err);

/* Put on the medium what the system has of the output files. errors  WEIR_EIO */
WEIR_MUST_CHECK weir_status
weiri_engine_sync(const weiri_engine *self, weir_error *err);

/* Everything that what is written later depends on. After a flush.
 *
 *   errors  WEIR_EINVAL  a rule's state cannot be saved; WEIR_EIO, WEIR_ENOMEM
 */
WEIR_MUST_CHECK weir_status
weiri_engine_save(const weiri_engine *self, weiri_sections *out, weir_error *err);

/* The name of a source's section: its stream, and its place among the stream's sources.
 */
void
weiri_engine_source_name(
    const weiri_plan *plan, uint32_t source, char out[WEIRI_SECTION_NAME]);

/* Whether a source can be read again, and is not on a tape. */
bool
weiri_engine_is_regular(const weiri_engine *self, uint32_t source);

/* How many (unpacked) bytes of a source were decoded. */
uint64_t
weiri_engine_position(const weiri_engine *self, uint32_t source);

#endif
