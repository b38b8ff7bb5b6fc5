/* weiri_intake: read, decode, stamp.
 *
 * Events are admitted to the clock in the order in which the input holds them, dead
 * records in their places among them, so that what a late or dead event is stamped with
 * does not depend on how the bytes were cut into reads and chunks.
 */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/assert.h"
#include "weiri/bytes.h"
#include "weiri/codec.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/rows_pack.h"

enum { ORDER_BITS = 48 }; /* a source's own sequence; its index is above */

enum { BUFFER_BYTES = WEIRI_RECORD_BYTES + WEIRI_READ_BYTES };

struct weiri_intake {
    weiri_intake_config config;
    weiri_clock         clock;
    weiri_intake_counts counts;
    weiri_reader       *reader;
    weiri_decoder      *decoder;
    char               *bytes; /* shape (BUFFER_BYTES,)                       */
    size_t              from;  /* bytes[from .. to) are not decoded yet        */
    size_t              to;
    bool                is_last; /* the reader has ended */
    bool                is_closed;
    bool                is_live; /* the tape has been played to its end    */
    uint32_t            n_idle;  /* idle marks at `n_read`                 */
    uint64_t            n_read;  /* position of bytes[to]                  */
    size_t      n_unkept;        /* bytes behind bytes[to] that are not on the tape yet */
    weir_chunk *chunk;           /* being decoded into                         */
    uint32_t    n_admitted;
    uint32_t    n_late_here; /* late rows of `chunk`                   */
    bool        is_in_order; /* rows of `chunk` that are not late      */
    int64_t     last_ns;     /* time of the last of those              */
    uint8_t     is_late[WEIRI_CHUNK_ROWS];
    weir_chunk *late;
    uint64_t    late_order;
    weir_chunk *dead;
    uint64_t    dead_order;
    weir_status failed;   /* by a callback, told by the pump          */
    uint32_t    stop_row; /* rows of `chunk` before the dead record at
                           * which the source stops                   */
    weir_error failure;
};

static uint64_t
first_order(const weiri_intake *self)
{
    return (uint64_t)self->config.index << ORDER_BITS;
}

static void
fail(weiri_intake *self, weir_status status, const char *what)
{
    if (self->failed == WEIR_OK) {
        self->failed =
            WEIR_FAIL(&self->failure, status, "%s: %s", self->config.path, what);
    }
}

/* ---- side outputs: late and dead events ---- */

/* Make room for one more row in a side chunk, handing a full one on. */
static bool
open_side(
    weiri_intake *self, weir_chunk **side, const weiri_stream *stream, weiri_merge *to)
{
    if (*side != NULL && (*side)->n_rows == (*side)->capacity
        && weiri_merge_push(to, side) != WEIR_OK) {
        fail(self, WEIR_EFULL, "too many late or dead events wait for the watermark");
        return false;
    }
    if (*side == NULL && weir_chunk_new(&stream->schema, stream->used, side) != WEIR_OK) {
        fail(self, WEIR_ENOMEM, weir_status_text(WEIR_ENOMEM));
        return false;
    }
    return true;
}

/* Store a row by `set`; if the heap is full, hand the chunk on and try once more. */
typedef weir_status (*set_row_fn)(weiri_intake *self, weir_chunk *to, const void *what);

static void
add_side_row(weiri_intake *self, weir_chunk **side, const weiri_stream *stream,
    weiri_merge *to, uint64_t *order, set_row_fn set, const void *what)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!open_side(self, side, stream, to)) {
            return;
        }
        weir_chunk *chunk     = *side;
        uint32_t    heap_used = chunk->heap_used;
        weir_status status    = set(self, chunk, what);
        if (status == WEIR_OK) {
            chunk->time[chunk->n_rows]  = self->clock.now_ns;
            chunk->order[chunk->n_rows] = first_order(self) + (*order)++;
            chunk->n_rows++;
            return;
        }
        chunk->heap_used = heap_used;
        if (status != WEIR_EFULL || weiri_merge_push(to, side) != WEIR_OK) {
            fail(self, status, weir_status_text(status));
            return;
        }
    }
}

static weir_status
set_late_row(weiri_intake *self, weir_chunk *to, const void *what)
{
    uint32_t row         = *(const uint32_t *)what;
    int32_t  time_field  = self->chunk->schema->time_field;
    uint32_t original_at = self->chunk->schema->n_fields; /* the field after those */
    for (uint32_t i = 0; i < original_at; i++) {
        weir_value value = weir_chunk_get(self->chunk, row, i);
        if ((int32_t)i == time_field) {
            value = (weir_value){ .type = WEIR_TIME, .as.i = self->clock.now_ns };
        }
        weir_status status = weir_chunk_set(to, to->n_rows, i, &value);
        if (status != WEIR_OK) {
            return status;
        }
    }
    weir_value original = { .type = WEIR_TIME, .as.i = self->chunk->time[row] };
    return weir_chunk_set(to, to->n_rows, original_at, &original);
}

static void
add_late(weiri_intake *self, uint32_t row)
{
    if (self->config.late != NULL) {
        add_side_row(self, &self->late, self->config.late, self->config.late_to,
            &self->late_order, set_late_row, &row);
    }
}

/* RFC 4648 base64; `out` has room for 4 * ceil(size / 3). Returns the size. */
static uint32_t
encode_base64(const char *bytes, size_t size, char *out)
{
    static const char DIGITS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { PADDING = 64 };
    char *end = out;
    for (size_t i = 0; i < size; i += 3) {
        size_t   left  = size - i;
        uint32_t group = (uint32_t)(unsigned char)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(unsigned char)bytes[i + 2] : 0;
        *end++ = DIGITS[group >> 18];
        *end++ = DIGITS[group >> 12 & 63];
        *end++ = DIGITS[left > 1 ? group >> 6 & 63 : PADDING];
        *end++ = DIGITS[left > 2 ? group & 63 : PADDING];
    }
    return (uint32_t)(end - out);
}

static weir_value
text_value(const char *text, size_t size)
{
    return (weir_value){ .type = WEIR_STRING, .as.s = text, .size = (uint32_t)size };
}

/* The record's bytes as they are, or as base64 made in `scratch`, which the caller frees.
 */
static weir_status
raw_value(const weiri_dead_record *record, bool is_text, char **scratch, weir_value *out)
{
    if (is_text) {
        *out = text_value(record->raw, record->size);
        return WEIR_OK;
    }
    *scratch = malloc((record->size + 2) / 3 * 4 + 1);
    if (*scratch == NULL) {
        return WEIR_ENOMEM;
    }
    *out = text_value(*scratch, encode_base64(record->raw, record->size, *scratch));
    return WEIR_OK;
}

static weir_status
set_dead_row(weiri_intake *self, weir_chunk *to, const void *what)
{
    const weiri_dead_record *record   = what;
    bool                     is_text  = weiri_utf8_is_valid(record->raw, record->size);
    const char              *encoding = is_text ? "utf-8" : "base64";
    const char              *path     = self->config.path;
    const char              *source   = strcmp(path, "-") == 0 ? "stdin" : path;
    char                    *scratch  = NULL;
    weir_value               raw      = { 0 };
    weir_status              status   = raw_value(record, is_text, &scratch, &raw);
    if (status != WEIR_OK) {
        return status;
    }
    enum {
#define X(name, text, type) FIELD_##name,
        WEIRI_DEAD_FIELD_LIST(X)
#undef X
            N_FIELDS
    };
    const weir_value values[N_FIELDS] = {
        [FIELD_AT]       = { .type = WEIR_TIME, .as.i = self->clock.now_ns },
        [FIELD_SOURCE]   = text_value(source, strlen(source)),
        [FIELD_POSITION] = { .type = WEIR_INT, .as.i = (int64_t)record->position },
        [FIELD_LINE]     = { .type = WEIR_INT, .as.i = (int64_t)record->line },
        [FIELD_REASON]   = text_value(record->reason, strlen(record->reason)),
        [FIELD_RAW]      = raw,
        [FIELD_ENCODING] = text_value(encoding, strlen(encoding)),
    };
    for (uint32_t i = 0; i < N_FIELDS && status == WEIR_OK; i++) {
        status = weir_chunk_set(to, to->n_rows, i, &values[i]);
    }
    free(scratch);
    return status;
}

/* Dead records that came before the first event get the time of that event. */
static void
stamp_early_dead(weiri_intake *self, int64_t time_ns)
{
    weir_chunk *dead = self->dead;
    for (uint32_t i = 0; dead != NULL && i < dead->n_rows; i++) {
        if (dead->time[i] == INT64_MIN) {
            weir_value at      = { .type = WEIR_TIME, .as.i = time_ns };
            dead->time[i]      = time_ns;
            weir_status status = weir_chunk_set(dead, i, 0, &at);
            weiri_assert(status == WEIR_OK); /* a time needs no room */
        }
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
        add_late(self, row);
        return;
    }
    if (is_first) {
        stamp_early_dead(self, self->clock.now_ns);
    }
    self->is_in_order = self->is_in_order && chunk->time[row] >= self->last_ns;
    self->last_ns     = chunk->time[row];
}

/* Admit the decoded rows up to `n_rows`: in one go where none is late, else one by one,
 * for a late event is stamped with the clock as it stood. */
static void
admit_up_to(weiri_intake *self, uint32_t n_rows)
{
    uint32_t first = self->n_admitted;
    if (first == n_rows) {
        return;
    }
    self->n_admitted = n_rows;
    for (uint32_t i = first; self->config.source->is_timeless && i < n_rows; i++) {
        self->chunk->time[i] = INT64_MIN;
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

static void
on_dead(void *context, const weiri_dead_record *record)
{
    weiri_intake *self = context;
    if (self->failed != WEIR_OK) {
        return; /* the run ends at an earlier record */
    }
    self->counts.n_dead++;
    admit_up_to(self, self->chunk->n_rows);
    if (self->config.source->on_error == WEIRI_ON_ERROR_STOP && self->failed == WEIR_OK) {
        self->stop_row = self->chunk->n_rows;
        self->failed =
            WEIR_FAIL(&self->failure, WEIR_EDATA, "%s: line %llu, byte %llu: %s",
                self->config.path, (unsigned long long)record->line,
                (unsigned long long)record->position, record->reason);
    }
    if (self->config.dead != NULL) {
        add_side_row(self, &self->dead, self->config.dead, self->config.dead_to,
            &self->dead_order, set_dead_row, record);
    }
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
    weir_chunk *chunk = self->chunk;
    uint64_t    order = first_order(self) + self->counts.n_events;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        chunk->order[i] = order + i;
    }
    self->counts.n_events += chunk->n_rows;
    self->counts.n_late += self->n_late_here;
}

static weir_status
hand_on_side(weir_chunk **side, weiri_merge *to)
{
    return *side != NULL ? weiri_merge_push(to, side) : WEIR_OK;
}

/* Everything that was taken in goes to the streams; the next chunk is a new one. */
static weir_status
hand_on(weiri_intake *self, weir_error *err)
{
    admit_up_to(self, self->chunk->n_rows);
    stamp_order(self);
    weir_status status = WEIR_OK;
    if (self->failed != WEIR_OK && self->failed != WEIR_EDATA) {
        *err = self->failure;
        return self->failed;
    }
    if (self->n_late_here > 0 || !self->is_in_order) {
        status = sort_chunk(self);
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

static weir_status
begin_chunk(weiri_intake *self, weir_error *err)
{
    self->n_admitted  = 0;
    self->n_late_here = 0;
    self->is_in_order = true;
    self->last_ns     = INT64_MIN;
    if (self->chunk != NULL) {
        return WEIR_OK;
    }
    weir_status status =
        weir_chunk_new(&self->config.stream->schema, self->config.used, &self->chunk);
    return status == WEIR_OK ? status : WEIR_FAIL(err, status, "%s", self->config.path);
}

/* ---- reading and decoding ---- */

/* The next bytes of the tape; an idle mark moves the clock. */
static weir_status
play(weiri_intake *self, size_t room, size_t *n, weir_error *err)
{
    const weiri_tape *tape   = self->config.tape;
    int64_t           to_ns  = 0;
    weir_status       status = tape->play(tape->context, self->config.index, self->n_read,
              self->n_idle, self->bytes + self->to, room, n, &to_ns, err);
    if (status != WEIR_EAGAIN) {
        self->n_idle = *n > 0 ? 0 : self->n_idle;
        return status;
    }
    self->n_idle++;
    admit_up_to(self, self->chunk->n_rows); /* they came before the silence */
    weiri_clock_advance(&self->clock, to_ns);
    return WEIR_OK;
}

/* Bytes from the input itself, on the tape before anybody sees them. After a failure of
 * the tape they wait, and the next call tries again. */
static weir_status
read_live(weiri_intake *self, size_t room, int64_t wait_ns, size_t *n, weir_error *err)
{
    const weiri_tape *tape   = self->config.tape;
    weir_status       status = WEIR_OK;
    if (self->n_unkept == 0) {
        status = weiri_reader_read(
            self->reader, self->bytes + self->to, room, wait_ns, &self->n_unkept, err);
    }
    if (status == WEIR_OK && tape != NULL) {
        status = tape->record(tape->context, self->config.index, self->n_read,
            self->bytes + self->to, self->n_unkept, err);
    }
    if (status == WEIR_OK) {
        *n             = self->n_unkept;
        self->n_unkept = 0;
        self->n_idle   = 0;
    }
    return status;
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
    size_t n    = 0;
    if (room > WEIRI_READ_BYTES) {
        room = WEIRI_READ_BYTES;
    }
    weir_status status = WEIR_EOF;
    if (self->config.tape != NULL && !self->is_live) {
        status        = play(self, room, &n, err);
        self->is_live = status == WEIR_EOF;
    }
    if (status == WEIR_EOF) {
        status = read_live(self, room, wait_ns, &n, err);
    }
    if (status == WEIR_EOF) {
        self->is_last = true;
        return WEIR_OK;
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
        bool have_some = self->chunk->n_rows > 0;
        status         = read_more(self, have_some ? 0 : wait_ns, err);
        if (status == WEIR_EAGAIN && have_some) {
            return WEIR_OK;
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
        stamp_early_dead(self, 0);
    }
    weir_status status = hand_on_side(&self->dead, self->config.dead_to);
    weiri_clock_close(&self->clock);
    self->is_closed = true;
    return status == WEIR_OK ? WEIR_EOF : WEIR_FAIL(err, status, "%s", self->config.path);
}

weir_status
weiri_intake_pump(weiri_intake *self, int64_t wait_ns, weir_error *err)
{
    if (self->is_closed) {
        return WEIR_EOF;
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
        .on_dead    = on_dead,
        .context    = self,
    };
    return weiri_decoder_new(&config, &self->decoder, err);
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
    weir_status status = weiri_reader_open(config->path, &self->reader, err);
    if (status == WEIR_OK && weiri_reader_is_regular(self->reader)) {
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
    weiri_reader_close(&self->reader);
    weiri_decoder_destroy(&self->decoder);
    weir_chunk_drop(&self->chunk);
    weir_chunk_drop(&self->late);
    weir_chunk_drop(&self->dead);
    free(self->bytes);
    free(self);
    *self_p = NULL;
}

weiri_clock *
weiri_intake_clock(weiri_intake *self)
{
    return &self->clock;
}

bool
weiri_intake_is_regular(const weiri_intake *self)
{
    return weiri_reader_is_regular(self->reader);
}

weiri_intake_counts
weiri_intake_get_counts(const weiri_intake *self)
{
    return self->counts;
}

/* ---- silence ---- */

weir_status
weiri_intake_idle(weiri_intake *self, int64_t to_ns, weir_error *err)
{
    const weiri_tape *tape   = self->config.tape;
    weir_status       status = WEIR_OK;
    if (tape != NULL && to_ns > self->clock.now_ns) {
        status = tape->record_idle(
            tape->context, self->config.index, self->n_read, to_ns, err);
    }
    if (status == WEIR_OK) {
        weiri_clock_advance(&self->clock, to_ns);
    }
    return status;
}

/* ---- state ---- */

uint64_t
weiri_intake_position(const weiri_intake *self)
{
    return weiri_decoder_position(self->decoder);
}

static void
save_side(const weir_chunk *side, weiri_pack *out)
{
    weiri_pack_number(out, side != NULL);
    if (side != NULL) {
        weiri_rows_pack((weir_rows){ .chunk = side, .n = side->n_rows }, out);
    }
}

weir_status
weiri_intake_save(const weiri_intake *self, weiri_pack *out, weir_error *err)
{
    weiri_file_mark mark   = { 0 };
    weir_status     status = WEIR_OK;
    if (weiri_intake_is_regular(self)) {
        status = weiri_reader_mark(self->reader, &mark, err);
    }
    weiri_pack_number(out, weiri_intake_is_regular(self));
    weiri_pack_number(out, weiri_intake_position(self));
    weiri_pack_number(out, mark.n_read);
    weiri_pack_fixed(out, mark.hash);
    weiri_pack_number(out, self->is_closed);
    weiri_pack_time(out, self->clock.newest_ns);
    weiri_pack_time(out, self->clock.now_ns);
    weiri_pack_number(out, self->counts.n_events);
    weiri_pack_number(out, self->counts.n_late);
    weiri_pack_number(out, self->counts.n_dead);
    weiri_pack_number(out, self->late_order);
    weiri_pack_number(out, self->dead_order);
    weiri_decoder_save(self->decoder, out);
    save_side(self->late, out);
    save_side(self->dead, out);
    return status;
}

static weir_status
load_side(const weiri_stream *stream, weiri_unpack *in, weir_chunk **out)
{
    if (weiri_unpack_below(in, 2, "it is no flag") == 0 || in->wrong != NULL) {
        return WEIR_OK;
    }
    if (stream == NULL) {
        weiri_unpack_fail(in, "late or dead events wait, and nobody reads them now");
        return WEIR_EDATA;
    }
    return weiri_rows_unpack(in, &stream->schema, stream->used, out);
}

static weir_status
load_input(weiri_intake *self, const weiri_file_mark *mark, weir_error *err)
{
    uint64_t position = weiri_decoder_position(self->decoder);
    self->n_read      = position;
    if (!weiri_intake_is_regular(self) || self->is_closed) {
        return WEIR_OK;
    }
    weir_status status = weiri_reader_check_mark(self->reader, mark, err);
    return status == WEIR_OK ? weiri_reader_skip(self->reader, position, err) : status;
}

/* The head of the state, which tells without a decoder. */
static void
load_head(
    weiri_unpack *in, weiri_intake_stand *out, weiri_file_mark *mark, int64_t *clock_ns)
{
    out->is_regular      = weiri_unpack_below(in, 2, "it is no flag") != 0;
    out->position        = weiri_unpack_number(in);
    mark->n_read         = weiri_unpack_number(in);
    mark->hash           = weiri_unpack_fixed(in);
    out->is_closed       = weiri_unpack_below(in, 2, "it is no flag") != 0;
    out->newest_ns       = weiri_unpack_time(in);
    *clock_ns            = weiri_unpack_time(in);
    out->counts.n_events = weiri_unpack_number(in);
    out->counts.n_late   = weiri_unpack_number(in);
    out->counts.n_dead   = weiri_unpack_number(in);
    out->counts.n_bytes  = out->position;
}

void
weiri_intake_peek(weiri_unpack *in, weiri_intake_stand *out)
{
    weiri_file_mark mark     = { 0 };
    int64_t         clock_ns = 0;
    load_head(in, out, &mark, &clock_ns);
}

weir_status
weiri_intake_load(weiri_intake *self, weiri_unpack *in, weir_error *err)
{
    weiri_file_mark    mark  = { 0 };
    weiri_intake_stand stand = { 0 };
    load_head(in, &stand, &mark, &self->clock.now_ns);
    if (in->wrong == NULL && stand.is_regular != weiri_intake_is_regular(self)) {
        weiri_unpack_fail(in, "the input was a file and is none now, or the other way");
    }
    self->is_closed       = stand.is_closed;
    self->clock.newest_ns = stand.newest_ns;
    self->counts          = stand.counts;
    self->late_order      = weiri_unpack_number(in);
    self->dead_order      = weiri_unpack_number(in);
    weiri_decoder_load(self->decoder, in);
    weir_status status = load_side(self->config.late, in, &self->late);
    if (status == WEIR_OK) {
        status = load_side(self->config.dead, in, &self->dead);
    }
    if (in->wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "%s: %s", self->config.path, in->wrong);
    }
    return status == WEIR_OK ? load_input(self, &mark, err)
                             : WEIR_FAIL(err, status, "%s", self->config.path);
}
