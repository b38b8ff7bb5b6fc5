/* A table's file that is looked at again and again.
 *
 * The source's clock stands at the moment of the next look, a multiple of the period in
 * event time, so that it is the one that holds time back when the other sources have come
 * past that moment: the look is an input like any other. Where other sources' time jumps
 * over many such moments, one look at the first of them stands for all.
 *
 * What a look brings are the differences: rows that are new or say something else, and
 * rows that are gone. The file counts as a whole; if any of it cannot be read, nothing
 * does, and the rows of before stay.
 *
 * On the tape a look is a mark with its moment. What the file held comes before the mark:
 * its bytes, and their number in eight more, so that what a crash cut short is passed
 * over.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inside.h"
#include "weiri/fault.h"
#include "weiri/rows_pack.h"
#include "weiri/timetext.h"

enum {
    SIZE_BYTES    = 8,
    TAPE_PAUSE_NS = 100000000 /* each look waits for the medium: so seldom on the clock */
};

/* What a file held. */
struct text {
    char  *bytes;
    size_t size;
    size_t room;
};

struct weiri_refresh {
    weiri_table_rows rows; /* as the file had them when it was last good */
    weiri_file_stamp stamp;
    bool             is_begun;   /* the first look has been                            */
    bool             is_decided; /* the clock stands at the moment of the next look    */
    int64_t          looked_ns;  /* moment of the last look                            */
    int64_t          free_ns;    /* on the clock: not before this                      */
    bool             is_live;    /* the tape has been played to its end, or is none    */
    bool             is_played;  /* likewise, and the file itself is not looked at     */
    uint64_t         position;   /* on the tape                                        */
    uint64_t         done;       /* likewise: what is before it has been used          */
    uint32_t         n_marks;    /* played at this position                            */
    struct text      next;       /* what the tape has for the next look                */
    bool             has_next;   /* with `next`: else nothing had changed              */
    uint64_t         gone_order;
    bool             is_bad;  /* it could not be read when last looked at       */
    bool             is_dead; /* a record of the text that is decoded is dead   */
    weir_error       wrong;   /* the first of them                              */
};

static int64_t
wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * WEIRI_NS_PER_S + now.tv_nsec;
}

/* ---- text ---- */

static void
text_fini(struct text *self)
{
    free(self->bytes);
    *self = (struct text){ 0 };
}

static weir_status
text_make_room(struct text *self, size_t more)
{
    if (self->room - self->size >= more) {
        return WEIR_OK;
    }
    size_t room = 2 * self->room > self->size + more ? 2 * self->room : self->size + more;
    char  *grown = realloc(self->bytes, room);
    if (grown == NULL) {
        return WEIR_ENOMEM;
    }
    self->bytes = grown;
    self->room  = room;
    return WEIR_OK;
}

/* All that the file holds, unpacked. */
static weir_status
read_file(const char *path, struct text *out, weir_error *err)
{
    weiri_reader *reader = NULL;
    weir_status   status = weiri_reader_open(path, &reader, err);
    if (status == WEIR_OK && !weiri_reader_is_regular(reader)) {
        status = WEIR_FAIL(err, WEIR_EINVAL, "'%s' is not a regular file", path);
    }
    while (status == WEIR_OK) {
        size_t n = 0;
        if (out->size > WEIRI_REFRESH_BYTES) {
            status = WEIR_FAIL(err, WEIR_EFULL, "'%s' has more than %d bytes", path,
                (int)WEIRI_REFRESH_BYTES);
        } else if (text_make_room(out, WEIRI_READ_BYTES) != WEIR_OK) {
            status = WEIR_FAIL(err, WEIR_ENOMEM, "'%s'", path);
        } else {
            status = weiri_reader_read(
                reader, out->bytes + out->size, WEIRI_READ_BYTES, -1, &n, err);
        }
        out->size += n;
        status = status == WEIR_EAGAIN ? WEIR_OK : status;
    }
    weiri_reader_close(&reader);
    return status == WEIR_EOF ? WEIR_OK : status;
}

/* ---- decoding ---- */

static void
on_dead(void *context, const weiri_dead_record *record)
{
    weiri_intake  *intake = context;
    weiri_refresh *self   = intake->refresh;
    intake->counts.n_dead += !self->is_begun;
    if (!self->is_dead) {
        self->is_dead = true;
        (void)WEIR_FAIL(&self->wrong, WEIR_EDATA, "%s: line %llu, byte %llu: %s",
            intake->config.path, (unsigned long long)record->line,
            (unsigned long long)record->position, record->reason);
    }
}

static weir_status
decode_chunks(weiri_intake *intake, weiri_decoder *decoder, const struct text *text,
    weiri_table_rows *out, weir_error *err)
{
    size_t      at     = 0;
    weir_status status = WEIR_EFULL; /* of a chunk: there is more to come */
    while (status == WEIR_EFULL) {
        weir_chunk *chunk = NULL;
        size_t      n     = 0;
        status =
            weir_chunk_new(&intake->config.stream->schema, intake->config.used, &chunk);
        if (status != WEIR_OK) {
            return WEIR_FAIL(err, status, "%s", intake->config.path);
        }
        status = weiri_decoder_decode(
            decoder, text->bytes + at, text->size - at, true, chunk, &n, err);
        at += n;
        bool        is_stuck = status == WEIR_EFULL && chunk->n_rows == 0;
        weir_status added    = weiri_table_rows_add(out, &chunk);
        weir_chunk_drop(&chunk);
        if (added != WEIR_OK || is_stuck) {
            return WEIR_FAIL(err, added != WEIR_OK ? added : WEIR_EFULL,
                "%s: more than %d rows, or a row larger than a chunk",
                intake->config.path, (int)WEIRI_JOIN_ROWS);
        }
    }
    return status == WEIR_OK ? status
                             : WEIR_CONTEXT(err, status, "%s", intake->config.path);
}

static weir_status
decode(
    weiri_intake *intake, const struct text *text, weiri_table_rows *out, weir_error *err)
{
    const weiri_decoder_config config = {
        .schema     = &intake->config.stream->schema,
        .used       = intake->config.used,
        .format     = intake->config.format,
        .has_header = intake->config.source->has_header,
        .delimiter  = intake->config.delimiter,
        .lines      = intake->config.source->lines,
        .on_dead    = on_dead,
        .context    = intake,
    };
    weiri_decoder *decoder   = NULL;
    intake->refresh->is_dead = false;
    weir_status status       = weiri_decoder_new(&config, &decoder, err);
    if (status == WEIR_OK) {
        status = decode_chunks(intake, decoder, text, out, err);
    }
    weiri_decoder_destroy(&decoder);
    return status == WEIR_OK && weiri_table_rows_index(out) != WEIR_OK
               ? WEIR_FAIL(err, WEIR_ENOMEM, "%s", intake->config.path)
               : status;
}

/* ---- what has changed ---- */

/* Rows on their way to a stream. */
struct outgoing {
    weiri_merge *to;
    weir_chunk  *chunk;
    uint64_t    *order;
    uint64_t     first_order;
    int64_t      time_ns;
};

static weir_status
give_row(struct outgoing *self, const weir_chunk *from, uint32_t row)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        weir_status status = WEIR_OK;
        if (self->chunk == NULL) {
            status = weir_chunk_new(from->schema, NULL, &self->chunk);
        }
        if (status == WEIR_OK) {
            status = weir_chunk_append(self->chunk, from, row);
        }
        if (status == WEIR_OK) {
            uint32_t at            = self->chunk->n_rows - 1;
            self->chunk->time[at]  = self->time_ns;
            self->chunk->order[at] = self->first_order + (*self->order)++;
            return WEIR_OK;
        }
        if (status != WEIR_EFULL || attempt > 0) {
            return status;
        }
        status = weiri_merge_push(self->to, &self->chunk);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_EFULL;
}

static weir_status
give_rest(struct outgoing *self, weir_status status)
{
    if (status == WEIR_OK && self->chunk != NULL) {
        status = weiri_merge_push(self->to, &self->chunk);
    }
    weir_chunk_drop(&self->chunk);
    return status;
}

/* Rows of `these` that are not in `others` with the same key, or, for puts, with the same
 * values. */
static weir_status
give_difference(struct outgoing *out, const weiri_table_rows *these,
    const weiri_table_rows *others, bool is_put)
{
    weir_status status = WEIR_OK;
    for (uint32_t c = 0; c < these->n_chunks && status == WEIR_OK; c++) {
        const weir_chunk *chunk = these->chunks[c];
        for (uint32_t row = 0; row < chunk->n_rows && status == WEIR_OK; row++) {
            const weir_chunk *in      = NULL;
            uint32_t          at      = 0;
            bool              is_last = weiri_table_rows_find(these, chunk, row, &in, &at)
                           && in == chunk && at == row;
            bool is_there = is_last && weiri_table_rows_find(others, chunk, row, &in, &at)
                            && (!is_put || weiri_table_rows_are_same(in, at, chunk, row));
            if (is_last && !is_there) {
                status = give_row(out, chunk, row);
            }
        }
    }
    return give_rest(out, status);
}

/* The table is as `now` says from `time_ns` on. */
static weir_status
give_changes(
    weiri_intake *intake, const weiri_table_rows *now, int64_t time_ns, weir_error *err)
{
    weiri_refresh  *self   = intake->refresh;
    struct outgoing gone   = { .to = intake->config.gone_to,
          .order                   = &self->gone_order,
          .first_order             = weiri_intake_first_order(intake),
          .time_ns                 = time_ns };
    struct outgoing put    = { .to = intake->config.to,
           .order                  = &intake->counts.n_events,
           .first_order            = weiri_intake_first_order(intake),
           .time_ns                = time_ns };
    weir_status     status = give_difference(&gone, &self->rows, now, false);
    if (status == WEIR_OK) {
        status = give_difference(&put, now, &self->rows, true);
    }
    return status == WEIR_OK ? status : WEIR_FAIL(err, status, "%s", intake->config.path);
}

/* ---- the tape ---- */

/* What is read again is on the tape: the file may be gone, or say something else by now.
 */
static bool
is_taped_alone(const weiri_intake *intake)
{
    return intake->config.extent != NULL && intake->config.extent->is_taped;
}

/* What was kept of the next look: a mark, and before it what the file held, if it had
 * changed. errors  WEIR_EOF  nothing is kept */
static weir_status
play_next(weiri_intake *intake, int64_t *at_ns, weir_error *err)
{
    weiri_refresh    *self = intake->refresh;
    const weiri_tape *tape = intake->config.tape;
    struct text      *text = &self->next;
    text->size             = 0;
    self->has_next         = false;
    for (;;) {
        size_t n = 0;
        if (text->size > WEIRI_REFRESH_BYTES + tape->most
            || text_make_room(text, tape->most) != WEIR_OK) {
            return WEIR_FAIL(err, WEIR_ENOMEM, "%s", intake->config.path);
        }
        weir_status status =
            tape->play(tape->context, intake->config.index, self->position, self->n_marks,
                text->bytes + text->size, tape->most, &n, at_ns, err);
        if (status == WEIR_OK) {
            self->position += n;
            self->n_marks = 0;
            text->size += n;
            continue;
        }
        if (status != WEIR_EAGAIN) {
            return status;
        }
        self->n_marks++;
        if (!self->is_begun || *at_ns > self->looked_ns) {
            break;
        }
        text->size = 0; /* it was seen before the state was kept */
    }
    if (text->size == 0) {
        return WEIR_OK;
    }
    uint64_t size = 0;
    for (size_t i = 0; i < SIZE_BYTES && text->size >= SIZE_BYTES; i++) {
        unsigned char byte = (unsigned char)text->bytes[text->size - SIZE_BYTES + i];
        size |= (uint64_t)byte << 8 * i;
    }
    if (text->size < SIZE_BYTES || size > text->size - SIZE_BYTES) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "%s: the journal is damaged", intake->config.path);
    }
    memmove(text->bytes, text->bytes + text->size - SIZE_BYTES - size, (size_t)size);
    text->size     = (size_t)size;
    self->has_next = true;
    return WEIR_OK;
}

/* What was played in part goes with the position where it began. */
static weir_status
record_text(weiri_intake *intake, struct text *text, weir_error *err)
{
    weiri_refresh    *self   = intake->refresh;
    const weiri_tape *tape   = intake->config.tape;
    size_t            size   = text->size;
    weir_status       status = text_make_room(text, SIZE_BYTES);
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "%s", intake->config.path);
    }
    for (size_t i = 0; i < SIZE_BYTES; i++) {
        text->bytes[size + i] = (char)(size >> 8 * i);
    }
    for (size_t at = 0; at < size + SIZE_BYTES && status == WEIR_OK;) {
        size_t left = size + SIZE_BYTES - at;
        size_t n    = left < tape->most ? left : tape->most;
        status      = tape->record(tape->context, intake->config.index, self->position,
                 text->bytes + at, n, err);
        if (status == WEIR_OK) {
            self->position += n;
            self->n_marks = 0;
            at += n;
        }
    }
    return status;
}

/* Keep a look before it is used; of a file that has not changed, no more than its moment.
 */
static weir_status
record_look(weiri_intake *intake, struct text *text, int64_t at_ns, weir_error *err)
{
    weiri_refresh    *self = intake->refresh;
    const weiri_tape *tape = intake->config.tape;
    if (tape == NULL) {
        return WEIR_OK;
    }
    self->free_ns      = wall_ns() + TAPE_PAUSE_NS;
    weir_status status = text != NULL ? record_text(intake, text, err) : WEIR_OK;
    if (status == WEIR_OK) {
        status = tape->record_idle(
            tape->context, intake->config.index, self->position, at_ns, err);
    }
    self->n_marks += status == WEIR_OK;
    weiri_fault_point("refresh.taped");
    return status;
}

/* ---- a look ---- */

/* The rows of before stay; that is said when it begins to be so. */
static void
note_bad(weiri_intake *intake, const char *why)
{
    weiri_refresh *self = intake->refresh;
    if (!self->is_bad) {
        intake->counts.n_notices++;
        (void)WEIR_FAIL(&intake->notice, WEIR_EDATA,
            "table '%s' keeps the rows it has: %s", intake->config.stream->schema.name,
            why);
        intake->counts.notice = intake->notice.text;
    }
    self->is_bad = true;
}

/* What the text says from a moment on. It was good when it was put on the tape. */
static weir_status
take_text(
    weiri_intake *intake, struct text *text, int64_t at_ns, bool is_live, weir_error *err)
{
    weiri_refresh   *self     = intake->refresh;
    weiri_table_rows now      = { .schema = &intake->config.stream->schema,
             .keys                        = intake->config.source->keys,
             .n_keys                      = intake->config.source->n_keys };
    bool             is_first = !self->is_begun;
    weir_status      status   = decode(intake, text, &now, err);
    if (status == WEIR_OK && self->is_dead) {
        status = WEIR_EDATA;
        *err   = self->wrong;
    }
    bool stops = intake->config.source->on_error == WEIRI_ON_ERROR_STOP;
    if (status == WEIR_EDATA && self->is_dead && is_first && !stops) {
        status                    = WEIR_OK; /* as of any source: the others count */
        intake->first_dead        = self->wrong;
        intake->counts.first_dead = intake->first_dead.text;
    }
    if (status == WEIR_OK && is_live) {
        status = record_look(intake, text, at_ns, err);
    }
    if (status == WEIR_OK) {
        status = give_changes(intake, &now, at_ns, err);
    }
    if (status == WEIR_OK) {
        weiri_table_rows before = self->rows;
        self->rows              = now;
        now                     = before;
        self->is_bad            = false;
    }
    weiri_table_rows_fini(&now);
    return status;
}

static bool
is_of_file(weir_status status)
{
    return status == WEIR_ENOENT || status == WEIR_EIO || status == WEIR_EDATA
           || status == WEIR_EFULL || status == WEIR_EINVAL;
}

/* A look at the file itself. */
static weir_status
look_live(weiri_intake *intake, int64_t at_ns, weir_error *err)
{
    weiri_refresh   *self   = intake->refresh;
    weiri_file_stamp stamp  = { 0 };
    struct text      text   = { 0 };
    weir_status      status = weiri_file_look(intake->config.path, &stamp, err);
    bool             is_same =
        status == WEIR_OK && self->is_begun && weiri_file_is_same(&self->stamp, &stamp);
    if (is_same) {
        return record_look(intake, NULL, at_ns, err);
    }
    if (status == WEIR_OK) {
        status = read_file(intake->config.path, &text, err);
    }
    bool is_read = status == WEIR_OK;
    if (is_read) {
        size_t n_bytes = text.size;
        status         = take_text(intake, &text, at_ns, true, err);
        intake->counts.n_bytes += status == WEIR_OK ? n_bytes : 0;
    }
    text_fini(&text);
    if (status == WEIR_OK || (self->is_begun && is_of_file(status))) {
        self->stamp = stamp;
    }
    if (status != WEIR_OK && self->is_begun && is_of_file(status)) {
        note_bad(intake, err->text);
        *err = (weir_error){ .status = WEIR_OK };
        return record_look(intake, NULL, at_ns, err);
    }
    return status;
}

weir_status
weiri_refresh_pump(weiri_intake *intake, weir_error *err)
{
    weiri_refresh *self   = intake->refresh;
    int64_t        at_ns  = intake->clock.now_ns;
    weir_status    status = WEIR_OK;
    if (!self->is_begun && !self->is_live) {
        int64_t kept_ns = 0;
        status          = play_next(intake, &kept_ns, err);
        if (status == WEIR_EOF && is_taped_alone(intake)) {
            return WEIR_FAIL(err, WEIR_EDATA,
                "%s: the journal has nothing of what the table held",
                intake->config.path);
        }
        self->is_live = status == WEIR_EOF;
        status        = status == WEIR_EOF ? WEIR_OK : status;
    }
    if (status == WEIR_OK && self->is_live) {
        status = look_live(intake, at_ns, err);
    } else if (status == WEIR_OK && self->has_next) {
        status = take_text(intake, &self->next, at_ns, false, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    self->is_begun       = true;
    self->looked_ns      = at_ns;
    self->done           = self->position;
    self->is_decided     = false;
    intake->clock.now_ns = INT64_MAX; /* it holds nothing back */
    return WEIR_OK;
}

/* The first multiple of the period after a time. */
static int64_t
moment_after(int64_t time_ns, int64_t period_ns)
{
    int64_t rest = time_ns % period_ns;
    rest += rest < 0 ? period_ns : 0;
    return time_ns - rest > INT64_MAX - period_ns ? INT64_MAX
                                                  : time_ns - rest + period_ns;
}

/* When the next look of the tape was. Behind the last the file itself is looked at. */
static weir_status
await_taped(weiri_intake *intake, weir_error *err)
{
    weiri_refresh *self   = intake->refresh;
    int64_t        at_ns  = 0;
    weir_status    status = play_next(intake, &at_ns, err);
    if (status == WEIR_OK) {
        intake->clock.now_ns = at_ns;
        self->is_decided     = true;
    }
    if (status == WEIR_EOF) {
        self->is_played = is_taped_alone(intake);
        self->is_live   = !self->is_played;
    }
    return status == WEIR_EOF ? WEIR_OK : status;
}

weir_status
weiri_intake_await(weiri_intake *intake, int64_t others_ns, int64_t newest_ns,
    bool is_playing, weir_error *err)
{
    weiri_refresh *self = intake->refresh;
    if (self == NULL || !self->is_begun || intake->is_closed || others_ns == INT64_MIN) {
        return WEIR_OK;
    }
    weir_status status = WEIR_OK;
    if (!self->is_decided && !self->is_live && !self->is_played) {
        status = await_taped(intake, err); /* at the end of the others, too */
    }
    bool is_end = others_ns == INT64_MAX;
    if (status == WEIR_OK && is_end
        && (!self->is_decided || intake->clock.now_ns > newest_ns)) {
        weiri_clock_close(&intake->clock);
        intake->is_closed = true;
        return WEIR_OK;
    }
    if (status != WEIR_OK || self->is_decided || self->is_played || is_playing
        || (intake->config.tape != NULL && wall_ns() < self->free_ns)) {
        return status;
    }
    int64_t after        = others_ns > self->looked_ns ? others_ns : self->looked_ns;
    intake->clock.now_ns = moment_after(after, intake->config.source->refresh_ns);
    self->is_decided     = true;
    return WEIR_OK;
}

/* ---- state ---- */

uint64_t
weiri_refresh_position(const weiri_intake *intake)
{
    return intake->refresh->done;
}

void
weiri_refresh_save(const weiri_intake *intake, weiri_pack *out)
{
    const weiri_refresh *self = intake->refresh;
    weiri_pack_number(out, self->is_begun);
    weiri_pack_time(out, self->looked_ns);
    weiri_pack_number(out, self->gone_order);
    weiri_pack_number(out, self->rows.n_chunks);
    for (uint32_t i = 0; i < self->rows.n_chunks; i++) {
        const weir_chunk *chunk = self->rows.chunks[i];
        weiri_rows_pack((weir_rows){ .chunk = chunk, .n = chunk->n_rows }, out);
    }
}

weir_status
weiri_refresh_load(weiri_intake *intake, weiri_unpack *in, uint64_t position)
{
    weiri_refresh *self  = intake->refresh;
    self->is_begun       = weiri_unpack_below(in, 2, "it is no flag") != 0;
    self->looked_ns      = weiri_unpack_time(in);
    self->gone_order     = weiri_unpack_number(in);
    uint64_t n_chunks    = weiri_unpack_number(in);
    self->position       = position;
    self->done           = position;
    intake->clock.now_ns = !intake->is_closed && !self->is_begun ? INT64_MIN : INT64_MAX;
    weir_status status   = WEIR_OK;
    for (uint64_t i = 0; i < n_chunks && status == WEIR_OK && in->wrong == NULL; i++) {
        weir_chunk *chunk = NULL;
        status            = weiri_rows_unpack(
                       in, &intake->config.stream->schema, intake->config.used, &chunk);
        if (status == WEIR_OK) {
            status = weiri_table_rows_add(&self->rows, &chunk);
        }
        weir_chunk_drop(&chunk);
    }
    return status == WEIR_OK && in->wrong == NULL ? weiri_table_rows_index(&self->rows)
                                                  : status;
}

/* ---- making ---- */

weir_status
weiri_refresh_new(weiri_intake *intake, weir_error *err)
{
    bool is_taped = is_taped_alone(intake);
    if (!is_taped && !weiri_reader_is_regular(intake->reader)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "'%s' is not a regular file: a table with 'refresh' is read from one",
            intake->config.path);
    }
    weiri_refresh *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", intake->config.path);
    }
    if (intake->config.extent != NULL && !is_taped) {
        intake->config.tape = NULL; /* what is read again is another file */
    }
    self->is_live     = intake->config.tape == NULL;
    self->rows.schema = &intake->config.stream->schema;
    self->rows.keys   = intake->config.source->keys;
    self->rows.n_keys = intake->config.source->n_keys;
    intake->refresh   = self;
    return WEIR_OK;
}

void
weiri_refresh_destroy(weiri_refresh **self_p)
{
    weiri_refresh *self = *self_p;
    *self_p             = NULL;
    if (self != NULL) {
        weiri_table_rows_fini(&self->rows);
        text_fini(&self->next);
        free(self);
    }
}
