/* JSON Lines: a record is a line.
 *
 * Lines are read where they are. Only those so near the end of the bytes that a scan
 * could read past it, and a last line without line feed, are copied first, to a place
 * with room behind. So no line feed has to be looked for before a record is read: the one
 * behind the last line that is whole stops every scan.
 */
#include <stdlib.h>

#include "json_row.h"
#include "weiri/limits.h"

enum { COPY_FIRST = 4096 };

typedef struct json_decoder {
    json_row row;
    char    *copy; /* of a line, a line feed, and SCAN_PAD bytes */
    size_t   copy_size;
    size_t   n_searched;    /* bytes at the front of the next call without a line feed  */
    bool     is_discarding; /* inside a record that was too long                        */
    size_t   n_items;       /* of the record at the front that earlier calls have read */
} json_decoder;

/* The state of one decode call. */
typedef struct json_call {
    json_decoder *self;
    weiri_decode *decode;
    weir_chunk   *chunk;
    const char   *bytes;
    const char   *end;
    weir_error   *err;
} json_call;

static void
decode_json_destroy(void *state)
{
    json_decoder *self = state;
    if (self != NULL) {
        json_row_fini(&self->row);
        free(self->copy);
        free(self);
    }
}

static weir_status
decode_json_create(const weiri_decoder_config *config, void **state, weir_error *err)
{
    json_decoder *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "JSON decoder: out of memory");
    }
    weir_status status = json_row_init(&self->row, config->schema, err);
    if (status != WEIR_OK) {
        free(self);
        return status;
    }
    *state = self;
    return WEIR_OK;
}

static bool
is_too_long(const char *line, const char *line_end)
{
    size_t size = (size_t)(line_end - line);
    return size > WEIRI_RECORD_BYTES
           && !(size == WEIRI_RECORD_BYTES + 1 && line_end[-1] == '\r');
}

static void
dead_too_long(const json_call *call, const char *line)
{
    weiri_decode_reason(
        call->decode, "longer than the %d bytes a record may have", WEIRI_RECORD_BYTES);
    weiri_decode_dead(
        call->decode, (size_t)(line - call->bytes), line, WEIRI_RECORD_BYTES);
}

static void
dead_line(const json_call *call, const char *line, const char *text, const char *end)
{
    size_t size = (size_t)(end - text);
    size -= size > 0 && end[-1] == '\r' ? 1 : 0;
    weiri_decode_dead(call->decode, (size_t)(line - call->bytes), text, size);
}

static bool
is_full(const weir_chunk *chunk)
{
    return chunk->n_rows == chunk->capacity;
}

static weir_status
fail_memory(const json_call *call)
{
    return WEIR_FAIL(call->err, WEIR_ENOMEM, "JSON decoder: out of memory");
}

/* The items of a record from the one on that comes next. A chunk may be full between two.
 */
static weir_status
read_items(const json_call *call, const char *line, const char *p)
{
    json_decoder *self = call->self;
    for (size_t n = 0; json_row_has_item(&p); n++) {
        const char *item = p;
        size_t      size = 0;
        if (n < self->n_items) {
            p = json_row_skip_item(&self->row, p);
            continue;
        }
        json_outcome outcome = is_full(call->chunk) ? JSON_FULL
                                                    : json_row_read_item(&self->row,
                                                        call->decode, &p, &size);
        if (outcome == JSON_FULL || outcome == JSON_NOMEM) {
            self->n_items = n;
            return outcome == JSON_FULL ? WEIR_EFULL : fail_memory(call);
        }
        if (outcome == JSON_DEAD) {
            weiri_decode_dead(call->decode, (size_t)(line - call->bytes), item, size);
        }
    }
    self->n_items = 0;
    return WEIR_OK;
}

/* As read_line, where a record is a row for each item of an array. */
static weir_status
read_each(const json_call *call, const char *line, const char *text, const char *limit,
    const char **end)
{
    const char *items     = NULL;
    const char *after     = NULL;
    weir_status status    = WEIR_OK;
    uint32_t    heap_used = call->chunk->heap_used;
    *end                  = memchr(text, '\n', (size_t)(limit - text));
    if (is_too_long(text, *end)) {
        dead_too_long(call, line);
        call->decode->line++;
        return WEIR_OK;
    }
    switch (json_row_read_around(&call->self->row, call->decode, text, &after, &items)) {
    case JSON_ROW: status = read_items(call, line, items); break;
    case JSON_BLANK: break;
    case JSON_DEAD: dead_line(call, line, text, *end); break;
    case JSON_FULL: return WEIR_EFULL;
    case JSON_NOMEM: return fail_memory(call);
    }
    if (status == WEIR_OK) {
        call->decode->line++;
    } else if (call->chunk->n_rows == 0) {
        call->chunk->heap_used = heap_used;
    }
    return status;
}

/* Read the record of `line`, which stands at `text`: there, or a copy. A line feed comes
 * before `limit`; *end is set to it. That a record is too long is seen afterwards: to
 * look for its end first would cost more than it saves. */
static weir_status
read_line(const json_call *call, const char *line, const char *text, const char *limit,
    const char **end)
{
    if (json_row_is_each(&call->self->row)) {
        return read_each(call, line, text, limit, end);
    }
    weir_chunk  *chunk     = call->chunk;
    uint32_t     heap_used = chunk->heap_used;
    json_outcome outcome   = json_row_read(&call->self->row, call->decode, text, end);
    if (outcome == JSON_NOMEM) {
        return fail_memory(call);
    }
    if (outcome == JSON_DEAD || outcome == JSON_FULL) {
        *end = memchr(text, '\n', (size_t)(limit - text));
    }
    bool is_long = is_too_long(text, *end);
    if (outcome == JSON_FULL && !is_long) {
        return WEIR_EFULL;
    }
    if (is_long) {
        if (outcome == JSON_ROW) {
            chunk->n_rows--;
            weiri_decode_roll_back(chunk, heap_used);
        }
        dead_too_long(call, line);
    } else if (outcome == JSON_DEAD) {
        dead_line(call, line, text, *end);
    }
    call->decode->line++;
    return WEIR_OK;
}

/* As read_line, for a line that ends at `line_end`, where no line feed need be. */
static weir_status
read_copy(const json_call *call, const char *line, const char *line_end)
{
    json_decoder *self = call->self;
    size_t        size = (size_t)(line_end - line);
    if (is_too_long(line, line_end)) {
        dead_too_long(call, line);
        call->decode->line++;
        return WEIR_OK;
    }
    if (self->copy_size < size + 1 + SCAN_PAD) {
        char *copy = realloc(self->copy, COPY_FIRST + 2 * size);
        if (copy == NULL) {
            return WEIR_FAIL(call->err, WEIR_ENOMEM, "JSON decoder: out of memory");
        }
        self->copy      = copy;
        self->copy_size = COPY_FIRST + 2 * size;
    }
    memcpy(self->copy, line, size);
    memset(self->copy + size, '\n', 1 + SCAN_PAD);
    const char *end = NULL;
    return read_line(call, line, self->copy, self->copy + size + 1, &end);
}

/* The end of the last line that can be read where it is; *p if there is none. */
static const char *
in_place_end(const json_call *call, const char *p)
{
    if (call->end - p <= SCAN_PAD) {
        return p;
    }
    const char *first = p + call->self->n_searched;
    const char *end   = call->end - SCAN_PAD;
    while (end > first && end[-1] != '\n') {
        end--;
    }
    return end > first ? end : p;
}

static weir_status
read_in_place(const json_call *call, const char **p)
{
    const char *stop = in_place_end(call, *p);
    while (*p < stop) {
        const char *end = NULL;
        if (is_full(call->chunk)) {
            return WEIR_EFULL;
        }
        weir_status status = read_line(call, *p, *p, call->end, &end);
        if (status != WEIR_OK) {
            return status;
        }
        *p = end + 1;
    }
    return WEIR_OK;
}

static weir_status
read_rest(const json_call *call, bool is_last, const char **p)
{
    json_decoder *self = call->self;
    while (*p < call->end) {
        const char *from = *p + self->n_searched;
        const char *feed = memchr(from, '\n', (size_t)(call->end - from));
        if (feed == NULL && !is_last) {
            break;
        }
        if (is_full(call->chunk)) {
            self->n_searched = 0;
            return WEIR_EFULL;
        }
        weir_status status = read_copy(call, *p, feed != NULL ? feed : call->end);
        self->n_searched   = 0;
        if (status != WEIR_OK) {
            return status;
        }
        *p = feed != NULL ? feed + 1 : call->end;
    }
    size_t n_left    = (size_t)(call->end - *p);
    self->n_searched = n_left;
    if (n_left > WEIRI_RECORD_BYTES + 1) { /* more than a carriage return too many */
        dead_too_long(call, *p);
        self->is_discarding = true;
        self->n_searched    = 0;
        *p                  = call->end;
    }
    return WEIR_OK;
}

/* The rest of a record that is dead already. */
static const char *
discard(const json_call *call)
{
    json_decoder *self = call->self;
    size_t        size = (size_t)(call->end - call->bytes);
    const char   *feed = size > 0 ? memchr(call->bytes, '\n', size) : NULL;
    if (feed == NULL) {
        return call->end;
    }
    self->is_discarding = false;
    call->decode->line++;
    return feed + 1;
}

/* NOLINTBEGIN(readability-function-size): the parameters of weiri_decoder_decode */
static weir_status
decode_json(void *state, weiri_decode *decode, const char *bytes, size_t size,
    bool is_last, weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    json_decoder *self = state;
    json_call     call = { .self = self,
            .decode              = decode,
            .chunk               = chunk,
            .bytes               = bytes,
            .end                 = bytes + size,
            .err                 = err };
    const char   *p    = self->is_discarding ? discard(&call) : bytes;
    json_row_bind(&self->row, chunk);
    weir_status status = read_in_place(&call, &p);
    if (p > bytes) {
        self->n_searched = 0;
    }
    if (status == WEIR_OK) {
        status = read_rest(&call, is_last, &p);
    }
    *consumed = (size_t)(p - bytes);
    return status;
}
/* NOLINTEND(readability-function-size) */

static void
decode_json_save(const void *state, weiri_pack *out)
{
    const json_decoder *self = state;
    weiri_pack_number(out, 2 * (uint64_t)self->n_items + self->is_discarding);
}

static void
decode_json_load(void *state, weiri_unpack *in)
{
    json_decoder *self = state;
    uint64_t      at   = weiri_unpack_below(
               in, 2 * (uint64_t)WEIRI_RECORD_BYTES, "a record has no such item");
    self->is_discarding = at % 2 != 0;
    self->n_items       = (size_t)(at / 2);
}

const weiri_decoder_ops WEIRI_DECODE_JSON = {
    .create  = decode_json_create,
    .destroy = decode_json_destroy,
    .decode  = decode_json,
    .save    = decode_json_save,
    .load    = decode_json_load,
};
