/* weiri_intake: read, decode, stamp.
 *
 * Events are admitted to the clock in the order in which the input holds them, dead
 * records in their places among them, so that what a late or dead event is stamped with
 * does not depend on how the bytes were cut into reads and chunks.
 */
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inside.h"
#include "weiri/assert.h"
#include "weiri/timetext.h"

enum { ORDER_BITS = 48 }; /* a source's own sequence; its index is above */

enum { BUFFER_BYTES = WEIRI_RECORD_BYTES + WEIRI_TAPE_BYTES };

uint64_t
weiri_intake_first_order(const weiri_intake *self)
{
    return (uint64_t)self->config.place << ORDER_BITS;
}

void
weiri_intake_fail(weiri_intake *self, weir_status status, const char *what)
{
    if (self->failed == WEIR_OK) {
        self->failed =
            WEIR_FAIL(&self->failure, status, "%s: %s", self->config.path, what);
    }
}

/* ---- admission to the clock ---- */

static void
admit_one(weiri_intake *self, uint32_t row)
{
    weir_chunk *chunk    = self->chunk;
    bool        in_order = true;
    bool        is_first = self->clock.newest_ns == INT64_MIN;
    if (weiri_clock_admit(
            &self->clock, &chunk->time[row], 1, &self->is_late[row], &in_order)
        > 0) {
        self->n_late_here++;
        weiri_intake_add_late(self, row);
        return;
    }
    if (is_first) {
        weiri_intake_stamp_early_dead(self, self->clock.now_ns);
    }
    self->is_in_order = self->is_in_order && chunk->time[row] >= self->last_ns;
    self->last_ns     = chunk->time[row];
}

/* Admit the decoded rows up to `n_rows`: in one go where none is late, else one by one,
 * for a late event is stamped with the clock as it stood. */
void
weiri_intake_admit(weiri_intake *self, uint32_t n_rows)
{
    uint32_t first = self->n_admitted;
    if (first == n_rows) {
        return;
    }
    self->n_admitted = n_rows;
    bool is_moves    = self->config.source->is_moves;
    for (uint32_t i = first; (self->config.source->is_timeless || is_moves) && i < n_rows;
         i++) {
        self->chunk->time[i] = INT64_MIN;
    }
    if (is_moves) {
        return; /* words of nodes: they neither move the clock nor come late */
    }
    if (self->clock.newest_ns == INT64_MIN) {
        admit_one(self, first++);
    }
    const int64_t *time     = self->chunk->time;
    weiri_clock    before   = self->clock;
    bool           in_order = true;
    if (first == n_rows) {
        return;
    }
    uint32_t n_late = weiri_clock_admit(
        &self->clock, &time[first], n_rows - first, &self->is_late[first], &in_order);
    if (n_late == 0) {
        self->is_in_order = self->is_in_order && in_order && time[first] >= self->last_ns;
        self->last_ns     = time[n_rows - 1];
        return;
    }
    self->clock = before;
    for (uint32_t row = first; row < n_rows; row++) {
        admit_one(self, row);
    }
}

/* What a link says of time stands between its rows, as a silence on a tape does. */
static void
on_mark(void *context, int64_t watermark_ns)
{
    weiri_intake *self = context;
    weiri_intake_admit(self, self->chunk->n_rows);
    self->has_moved = self->has_moved || watermark_ns > self->clock.now_ns;
    weiri_clock_advance(&self->clock, watermark_ns);
}

static void
on_end(void *context, int64_t newest_ns)
{
    weiri_intake *self = context;
    weiri_intake_admit(self, self->chunk->n_rows);
    if (newest_ns > self->clock.newest_ns) {
        self->clock.newest_ns = newest_ns;
    }
    self->is_last = true;
}

static void
on_dead(void *context, const weiri_dead_record *record)
{
    weiri_intake *self = context;
    if (self->failed != WEIR_OK) {
        return; /* the run ends at an earlier record */
    }
    self->counts.n_dead++;
    weiri_intake_admit(self, self->chunk->n_rows);
    if (self->counts.first_dead == NULL) {
        (void)WEIR_FAIL(&self->first_dead, WEIR_EDATA, "%s: line %llu, byte %llu: %s",
            self->config.path, (unsigned long long)record->line,
            (unsigned long long)record->position, record->reason);
        self->counts.first_dead = self->first_dead.text;
    }
    if (self->config.source->on_error == WEIRI_ON_ERROR_STOP && self->failed == WEIR_OK) {
        self->stop_row = self->chunk->n_rows;
        self->failed   = WEIR_EDATA;
        self->failure  = self->first_dead;
    }
    weiri_intake_add_dead(self, record);
}

/* ---- handing chunks on ---- */

struct sort_key {
    int64_t  time_ns;
    uint32_t row;
};

static int
compare_keys(const void *a, const void *b)
{
    const struct sort_key *x = a;
    const struct sort_key *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return x->row < y->row ? -1 : 1;
}

/* Replace the chunk by one that holds its rows that are not late, sorted by time. */
static weir_status
sort_chunk(weiri_intake *self)
{
    struct sort_key keys[WEIRI_CHUNK_ROWS];
    uint32_t        n = 0;
    for (uint32_t i = 0; i < self->chunk->n_rows; i++) {
        if (!self->is_late[i]) {
            keys[n++] = (struct sort_key){ .time_ns = self->chunk->time[i], .row = i };
        }
    }
    qsort(keys, n, sizeof keys[0], compare_keys);

    weir_chunk *sorted = NULL;
    weir_status status = weir_chunk_new(self->chunk->schema, self->config.used, &sorted);
    for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
        status = weir_chunk_append(sorted, self->chunk, keys[i].row);
    }
    weir_chunk_drop(&self->chunk);
    self->chunk = sorted;
    return status;
}

static void
stamp_order(weiri_intake *self)
{
    weir_chunk         *chunk    = self->chunk;
    uint64_t            order    = weiri_intake_first_order(self) + self->counts.n_events;
    const weiri_stream *numbered = self->config.source->numbered;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        chunk->order[i] = order + i;
    }
    if (numbered != NULL) { /* whoever took them in has given them their orders */
        memcpy(chunk->order, chunk->columns[numbered->schema.n_fields - 1].as.i,
            chunk->n_rows * sizeof *chunk->order);
    }
    self->counts.n_events += chunk->n_rows;
    self->counts.n_late += self->n_late_here;
}

static weir_status
hand_on_side(weir_chunk **side, weiri_merge *to)
{
    return *side != NULL ? weiri_merge_push(to, side) : WEIR_OK;
}

/* For other nodes, by reference. */
static weir_status
give(weiri_intake *self)
{
    /* It is not filled any more. */
    const weir_chunk *shared = weir_chunk_ref(self->chunk);
    weir_chunk       *chunk  = (weir_chunk *)(uintptr_t)shared;
    weir_status       status = weiri_merge_push(self->config.given_to, &chunk);
    weir_chunk_drop(&chunk);
    return status;
}

/* Everything that was taken in goes to the streams; the next chunk is a new one. */
static weir_status
hand_on(weiri_intake *self, weir_error *err)
{
    weiri_intake_admit(self, self->chunk->n_rows);
    stamp_order(self);
    weir_status status = WEIR_OK;
    if (self->failed != WEIR_OK && self->failed != WEIR_EDATA) {
        *err = self->failure;
        return self->failed;
    }
    if (self->n_late_here > 0 || !self->is_in_order) {
        status = sort_chunk(self);
    }
    if (status == WEIR_OK && self->config.source->numbered != NULL) {
        self->chunk->schema = self->config.to_schema;
    }
    if (status == WEIR_OK && self->config.given_to != NULL) {
        status = give(self);
    }
    if (status == WEIR_OK) {
        status = weiri_merge_push(self->config.to, &self->chunk);
    }
    if (status == WEIR_OK && self->clock.newest_ns != INT64_MIN) {
        status = hand_on_side(&self->late, self->config.late_to);
    }
    if (status == WEIR_OK && self->clock.newest_ns != INT64_MIN) {
        status = hand_on_side(&self->dead, self->config.dead_to);
    }
    if (status == WEIR_EFULL) {
        return WEIR_FAIL(err, status,
            "%s: more than %d events wait for the watermark; is the lateness too long, "
            "or another source silent without `idle`?",
            self->config.path, (int)WEIRI_REORDER_ROWS);
    }
    return status == WEIR_OK ? status : WEIR_FAIL(err, status, "%s", self->config.path);
}

static int64_t
monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

static weir_status
begin_chunk(weiri_intake *self, weir_error *err)
{
    self->read_ns     = self->from < self->to ? self->last_read_ns : 0;
    self->n_admitted  = 0;
    self->n_late_here = 0;
    self->is_in_order = true;
    self->has_moved   = false;
    self->last_ns     = INT64_MIN;
    if (self->chunk != NULL) {
        return WEIR_OK;
    }
    weir_status status =
        weir_chunk_new(&self->config.stream->schema, self->config.used, &self->chunk);
    return status == WEIR_OK ? status : WEIR_FAIL(err, status, "%s", self->config.path);
}

bool
weiri_intake_is_playing(const weiri_intake *self)
{
    return self->config.tape != NULL && self->refresh == NULL && !self->is_live
           && !self->is_closed;
}

/* ---- reading and decoding ---- */

static weir_status
read_live(weiri_intake *self, size_t room, int64_t wait_ns, size_t *n, weir_error *err)
{
    weir_status status = WEIR_EOF;
    if (self->config.tape != NULL && !self->is_live) {
        status = weiri_intake_play(self, room, n, err);
        if (status == WEIR_EOF) {
            weiri_intake_go_live(self);
        }
    }
    return status == WEIR_EOF ? weiri_intake_read_live(self, room, wait_ns, n, err)
                              : status;
}

static weir_status
read_more(weiri_intake *self, int64_t wait_ns, weir_error *err)
{
    if (self->from > 0) {
        memmove(self->bytes, self->bytes + self->from, self->to - self->from);
        self->to -= self->from;
        self->from = 0;
    }
    size_t room = BUFFER_BYTES - self->to;
    size_t most = self->config.tape != NULL ? self->config.tape->most : WEIRI_READ_BYTES;
    if (weiri_reader_is_link(self->reader) && most < WEIRI_RECORD_BYTES) {
        most = WEIRI_RECORD_BYTES; /* frames are not cut */
    }
    size_t n = 0;
    if (room > most) {
        room = most;
    }
    weir_status status = self->config.extent != NULL
                             ? weiri_intake_read_again(self, room, &n, err)
                             : read_live(self, room, wait_ns, &n, err);
    if (status == WEIR_EOF) {
        self->is_last = true;
        return WEIR_OK;
    }
    if (n > 0) {
        self->last_read_ns = monotonic_ns();
        self->read_ns      = self->read_ns != 0 ? self->read_ns : self->last_read_ns;
    }
    self->to += n;
    self->n_read += n;
    self->counts.n_bytes += n;
    return status;
}

/* Decode what the buffer holds; WEIR_EFULL when the chunk is full. */
static weir_status
decode(weiri_intake *self, weir_error *err)
{
    size_t      consumed = 0;
    weir_status status   = weiri_decoder_decode(self->decoder, self->bytes + self->from,
          self->to - self->from, self->is_last, self->chunk, &consumed, err);
    self->from += consumed;
    if (self->failed != WEIR_OK) {
        *err = self->failure;
        return self->failed;
    }
    if (status != WEIR_OK && status != WEIR_EFULL) {
        return WEIR_CONTEXT(err, status, "%s", self->config.path);
    }
    return status;
}

/* Fill the chunk until it is full, the input ends, or no more has come yet. */
static weir_status
fill(weiri_intake *self, int64_t wait_ns, weir_error *err)
{
    for (;;) {
        weir_status status = decode(self, err);
        if (status != WEIR_OK || self->is_last) {
            return status;
        }
        bool have_some = self->chunk->n_rows > 0 || self->has_moved;
        status         = read_more(self, have_some ? 0 : wait_ns, err);
        if ((status == WEIR_EAGAIN || status == WEIR_ENOSPC) && have_some) {
            return WEIR_OK; /* handed on before anything is saved; the read is tried again
                             */
        }
        if (status != WEIR_OK) {
            return status;
        }
    }
}

static weir_status
close_input(weiri_intake *self, weir_error *err)
{
    if (self->clock.newest_ns == INT64_MIN) {
        weiri_intake_stamp_early_dead(self, 0);
    }
    weir_status status = hand_on_side(&self->dead, self->config.dead_to);
    weiri_clock_close(&self->clock);
    self->is_closed = true;
    if (weiri_reader_is_link(self->reader) && self->config.extent == NULL) {
        weiri_intake_go_live(self); /* the end is on the tape: its sender is to know */
    }
    return status == WEIR_OK ? WEIR_EOF : WEIR_FAIL(err, status, "%s", self->config.path);
}

weir_status
weiri_intake_pump(weiri_intake *self, int64_t wait_ns, weir_error *err)
{
    if (self->is_closed) {
        return WEIR_EOF;
    }
    if (self->refresh != NULL) {
        return weiri_refresh_pump(self, err);
    }
    weir_status status = begin_chunk(self, err);
    if (status != WEIR_OK) {
        return status;
    }
    status = fill(self, wait_ns, err);
    if (status == WEIR_EDATA) { /* what came before the place is good */
        weir_error ignored = { 0 };
        if (self->failed == WEIR_EDATA) {
            self->chunk->n_rows = self->stop_row;
        }
        weir_status handed = hand_on(self, &ignored);
        return handed == WEIR_OK ? status : handed;
    }
    if (status != WEIR_OK && status != WEIR_EFULL && status != WEIR_EAGAIN) {
        return status;
    }
    bool        is_full = status == WEIR_EFULL;
    bool        is_idle = status == WEIR_EAGAIN;
    weir_status handed  = hand_on(self, err);
    if (handed != WEIR_OK) {
        return handed;
    }
    if (is_idle) {
        return WEIR_EAGAIN;
    }
    return self->is_last && !is_full ? close_input(self, err) : WEIR_OK;
}

static weir_status
make_decoder(weiri_intake *self, weir_error *err)
{
    const weiri_decoder_config config = {
        .schema     = &self->config.stream->schema,
        .used       = self->config.used,
        .format     = self->config.format,
        .has_header = self->config.source->has_header,
        .delimiter  = self->config.delimiter,
        .lines      = self->config.source->lines,
        .codec      = &self->config.source->codec,
        .metrics    = self->config.metrics,
        .on_dead    = on_dead,
        .on_mark    = on_mark,
        .on_end     = on_end,
        .context    = self,
    };
    return weiri_decoder_new(&config, &self->decoder, err);
}

/* What is on the tape as a whole is not opened: it may be gone, or another's by now. */
static weir_status
open_input(weiri_intake *self, weir_error *err)
{
    const weiri_intake_config *config = &self->config;
    if (config->extent != NULL && config->extent->is_taped) {
        return WEIR_OK;
    }
    if (config->from != NULL) {
        self->reader = config->from->reader; /* lent, until it is inherited */
        return WEIR_OK;
    }
    if (config->link != NULL) {
        return weiri_reader_link(config->links, config->link, &self->reader, err);
    }
    if (config->wire != NULL) {
        return weiri_reader_connect(
            config->wires, config->wire, config->format, &self->reader, err);
    }
    if (config->source->endpoint == WEIRI_ENDPOINT_PLUGIN && !config->is_redirected) {
        return weiri_reader_plug(
            &config->source->connector, config->metrics, &self->reader, err);
    }
    return weiri_reader_open(config->path, &self->reader, err);
}

weir_status
weiri_intake_acknowledge(weiri_intake *self, uint64_t position, weir_error *err)
{
    return self->reader != NULL ? weiri_reader_acknowledge(self->reader, position, err)
                                : WEIR_OK;
}

weir_status
weiri_intake_new(const weiri_intake_config *config, weiri_intake **out, weir_error *err)
{
    weiri_intake *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->path);
    }
    self->config = *config;
    weiri_clock_init(&self->clock, config->source->lateness_ns);
    self->is_told      = config->tape != NULL;
    weir_status status = open_input(self, err);
    if (status == WEIR_OK && config->source->refresh_ns > 0) {
        status = weiri_refresh_new(self, err);
    } else if (status == WEIR_OK
               && (weiri_intake_is_regular(self) || weiri_intake_is_kept(self))) {
        self->config.tape = NULL; /* it can be read again */
    }
    if (status == WEIR_OK) {
        status = make_decoder(self, err);
    }
    if (status == WEIR_OK) {
        self->bytes = malloc(BUFFER_BYTES);
        status      = self->bytes != NULL ? WEIR_OK : WEIR_ENOMEM;
    }
    if (status != WEIR_OK) {
        weiri_intake_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_intake_destroy(weiri_intake **self_p)
{
    weiri_intake *self = *self_p;
    if (self == NULL) {
        return;
    }
    if (self->config.from == NULL) {
        weiri_reader_close(&self->reader);
    }
    weiri_decoder_destroy(&self->decoder);
    weir_chunk_drop(&self->chunk);
    weir_chunk_drop(&self->late);
    weir_chunk_drop(&self->dead);
    weiri_refresh_destroy(&self->refresh);
    free(self->bytes);
    free(self);
    *self_p = NULL;
}

void
weiri_intake_inherit(weiri_intake *self)
{
    weiri_intake *from  = self->config.from;
    char         *bytes = self->bytes;
    if (from == NULL) {
        return; /* it has an input of its own */
    }
    self->bytes          = from->bytes;
    self->from           = from->from;
    self->to             = from->to;
    self->is_last        = from->is_last;
    self->is_live        = from->is_live;
    self->is_begun       = from->is_begun;
    self->is_settled     = from->is_settled;
    self->n_idle         = from->n_idle;
    self->n_read         = from->n_read;
    self->n_unkept       = from->n_unkept;
    self->last_read_ns   = from->last_read_ns;
    self->counts.n_bytes = from->counts.n_bytes;
    self->first_dead     = from->first_dead;
    self->counts.first_dead =
        from->counts.first_dead != NULL ? self->first_dead.text : NULL;
    weiri_assert(self->n_read - (self->to - self->from) == weiri_intake_position(self));
    from->bytes       = bytes;
    from->reader      = NULL;
    self->config.from = NULL;
}

weiri_clock *
weiri_intake_clock(weiri_intake *self)
{
    return &self->clock;
}

int64_t
weiri_intake_read_ns(const weiri_intake *self)
{
    return self->read_ns;
}

uint64_t
weiri_intake_waiting(const weiri_intake *self)
{
    return weiri_merge_waiting(self->config.to);
}

bool
weiri_intake_is_refreshed(const weiri_intake *self)
{
    return self->refresh != NULL;
}

bool
weiri_intake_is_kept(const weiri_intake *self)
{
    return self->reader != NULL && weiri_reader_is_kept(self->reader);
}

bool
weiri_intake_is_regular(const weiri_intake *self)
{
    return self->refresh != NULL
           || (self->reader != NULL && weiri_reader_is_regular(self->reader));
}

bool
weiri_intake_is_over(const weiri_intake *self)
{
    return self->is_over;
}

weiri_intake_counts
weiri_intake_get_counts(const weiri_intake *self)
{
    return self->counts;
}
