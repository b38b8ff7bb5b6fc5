/* Lines of text, of which a pattern takes the fields: a record is a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "decoder_ops.h"
#include "weiri/limits.h"
#include "weiri/numtext.h"
#include "weiri/regex.h"
#include "weiri/timetext.h"

enum { NO_GROUP = -1, TIME_TEXT = 128 };

static const int64_t HALF_YEAR_NS = INT64_C(183) * 86400 * 1000000000;

typedef struct lines_decoder {
    const weir_schema  *schema;
    weiri_regex        *pattern;
    weiri_regex_scratch scratch;
    weiri_regex_part   *parts;  /* shape (n_groups,)                                  */
    int32_t            *groups; /* shape (schema->n_fields,): of each field, or none  */
    char               *form;   /* of times that say no year: "%Y " and theirs; NULL  */
    int32_t             year;   /* of the latest time, if form is not NULL            */
    int64_t             latest_ns;
    bool                has_latest;
    size_t              n_searched;    /* bytes at the front that hold no line feed    */
    bool                is_discarding; /* inside a line that was too long              */
} lines_decoder;

static void
decode_lines_destroy(void *state)
{
    lines_decoder *self = state;
    if (self != NULL) {
        weiri_regex_destroy(&self->pattern);
        weiri_regex_scratch_fini(&self->scratch);
        free(self->parts);
        free(self->groups);
        free(self->form);
        free(self);
    }
}

static const char *
name_of(const weir_field *field)
{
    return field->from != NULL ? field->from : field->name;
}

static void
find_groups(lines_decoder *self)
{
    for (uint32_t f = 0; f < self->schema->n_fields; f++) {
        self->groups[f] = NO_GROUP;
        for (uint32_t g = 1; g < weiri_regex_n_groups(self->pattern); g++) {
            const char *name = weiri_regex_group_name(self->pattern, g);
            if (name != NULL && strcmp(name, name_of(&self->schema->fields[f])) == 0) {
                self->groups[f] = (int32_t)g;
            }
        }
    }
}

static weir_status
set_year(lines_decoder *self, int32_t year)
{
    if (year == 0 || self->schema->time_field < 0) {
        return WEIR_OK;
    }
    const char *form = self->schema->fields[self->schema->time_field].pattern;
    size_t      size = strlen(form) + sizeof "%Y ";
    self->form       = malloc(size);
    if (self->form == NULL) {
        return WEIR_ENOMEM;
    }
    snprintf(self->form, size, "%%Y %s", form);
    self->year = year;
    return WEIR_OK;
}

static weir_status
decode_lines_create(const weiri_decoder_config *config, void **state, weir_error *err)
{
    const char    *pattern = config->lines.pattern;
    lines_decoder *self    = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "decoder of lines: out of memory");
    }
    self->schema       = config->schema;
    weir_status status = weiri_regex_new(pattern, strlen(pattern), &self->pattern, err);
    if (status == WEIR_OK) {
        self->parts  = calloc(weiri_regex_n_groups(self->pattern), sizeof *self->parts);
        self->groups = calloc(config->schema->n_fields + 1, sizeof *self->groups);
        if (self->parts == NULL || self->groups == NULL
            || set_year(self, config->lines.year) != WEIR_OK) {
            status = WEIR_FAIL(err, WEIR_ENOMEM, "decoder of lines: out of memory");
        }
    }
    if (status != WEIR_OK) {
        decode_lines_destroy(self);
        return status;
    }
    find_groups(self);
    *state = self;
    return WEIR_OK;
}

/* A time of the year `year`, if it says none itself. */
static bool
time_in_year(const lines_decoder *self, int32_t year, weiri_regex_part part, int64_t *ns)
{
    char text[TIME_TEXT];
    if (part.size > sizeof text - sizeof "2147483647 ") {
        return false;
    }
    int n = snprintf(text, sizeof text, "%04d %.*s", year, (int)part.size, part.text);
    return weiri_time_parse_pattern(text, (size_t)n, self->form, ns);
}

/* A time without a year is of the year that puts it within half a year of the latest time
 * before it; so the year goes on at its end, and what is a little late is not a year
 * early. */
static bool
read_yearless(lines_decoder *self, weiri_regex_part part, int64_t *ns)
{
    int32_t year    = self->year;
    bool    is_time = time_in_year(self, year, part, ns);
    if (!self->has_latest) {
        return is_time;
    }
    if (!is_time || self->latest_ns - *ns > HALF_YEAR_NS) {
        year++; /* no such day this year: the 29th of February may come in the next */
    } else if (*ns - self->latest_ns > HALF_YEAR_NS) {
        year--;
    } else {
        return true;
    }
    return time_in_year(self, year, part, ns);
}

static void
note_time(lines_decoder *self, int64_t ns)
{
    if (!self->has_latest || ns > self->latest_ns) {
        self->latest_ns  = ns;
        self->has_latest = true;
        char    text[64] = "";
        int32_t year     = self->year;
        /* The year of `ns`: it is this one, or the next. */
        snprintf(text, sizeof text, "%04d", year + 1);
        int64_t next = 0;
        if (weiri_time_parse_pattern(text, strlen(text), "%Y", &next) && ns >= next) {
            self->year = year + 1;
        }
    }
}

/* A value of a type that is not string. False, with the reason, if the text says none. */
static bool
read_value(lines_decoder *self, weiri_decode *decode, uint32_t f, weiri_regex_part part,
    weir_value *value)
{
    const weir_field *field = &self->schema->fields[f];
    bool is_yearless = self->form != NULL && (int32_t)f == self->schema->time_field;
    bool is_fine     = false;
    if (is_yearless) {
        value->type = WEIR_TIME;
        is_fine     = read_yearless(self, part, &value->as.i);
    } else {
        is_fine = weiri_cell_from_text(field, part.text, part.size, value);
    }
    if (!is_fine) {
        weiri_decode_reason_value(decode, field, part.text, part.size);
    }
    return is_fine;
}

/* One field of the row. False: the line is dead, its reason is said, or `status` is not
 * OK. */
static bool
read_field(lines_decoder *self, weiri_decode *decode, weir_chunk *chunk, uint32_t f,
    weir_status *status)
{
    const weir_field *field   = &self->schema->fields[f];
    bool              is_time = (int32_t)f == self->schema->time_field;
    weiri_regex_part  part    = { 0 };
    if (self->groups[f] != NO_GROUP) {
        part = self->parts[self->groups[f]];
    }
    bool       is_text = field->type == WEIR_STRING;
    bool       is_none = part.text == NULL || (part.size == 0 && field->is_nullable);
    weir_value value   = { .type = field->type, .is_null = is_none };
    if (is_none && (!field->is_nullable || is_time)) {
        weiri_decode_reason_missing(decode, field);
        return false;
    }
    if (!is_none && is_text) {
        value.as.s = part.text;
        value.size = (uint32_t)part.size;
    } else if (!is_none && !read_value(self, decode, f, part, &value)) {
        return false;
    }
    *status = weir_chunk_set(chunk, chunk->n_rows, f, &value);
    if (is_time) {
        chunk->time[chunk->n_rows] = value.as.i;
    }
    return *status == WEIR_OK;
}

/* Whether the pattern was found in the line; if not, why. */
static bool
search(lines_decoder *self, weiri_decode *decode, const char *line, size_t size,
    weir_status *status)
{
    bool        found = false;
    const char *why   = "the pattern does not fit this line";
    *status           = weiri_regex_search(
                  self->pattern, &self->scratch, line, size, self->parts, &found);
    if (*status == WEIR_EINVAL) {
        why     = "not UTF-8";
        *status = WEIR_OK;
    } else if (*status == WEIR_EFULL) {
        why     = "the pattern takes too many steps on this line";
        *status = WEIR_OK;
    }
    if (!found) {
        weiri_decode_reason(decode, "%s", why);
    }
    return found;
}

/* Read one line. errors  WEIR_EFULL, WEIR_ENOMEM: the chunk is as it was */
static weir_status
read_line(lines_decoder *self, weiri_decode *decode, size_t offset, const char *line,
    size_t size, weir_chunk *chunk)
{
    uint32_t    heap_used = chunk->heap_used;
    weir_status status    = WEIR_OK;
    bool        is_row    = search(self, decode, line, size, &status);
    if (chunk->schema->time_field < 0) {
        chunk->time[chunk->n_rows] = 0;
    }
    for (uint32_t f = 0; is_row && f < self->schema->n_fields; f++) {
        is_row = read_field(self, decode, chunk, f, &status);
    }
    if (is_row) {
        if (self->form != NULL) {
            note_time(self, chunk->time[chunk->n_rows]);
        }
        chunk->n_rows++;
        return WEIR_OK;
    }
    weiri_decode_roll_back(chunk, heap_used);
    if (status == WEIR_OK) {
        weiri_decode_dead(decode, offset, line, size);
    }
    return status;
}

static void
dead_too_long(weiri_decode *decode, size_t offset, const char *line)
{
    weiri_decode_reason(
        decode, "longer than the %d bytes a record may have", WEIRI_RECORD_BYTES);
    weiri_decode_dead(decode, offset, line, WEIRI_RECORD_BYTES);
}

/* A line whose end is found, without it. */
static weir_status
take_line(lines_decoder *self, weiri_decode *decode, size_t offset, const char *line,
    size_t size, weir_chunk *chunk)
{
    size -= size > 0 && line[size - 1] == '\r' ? 1 : 0;
    if (self->is_discarding || size == 0) {
        self->is_discarding = false;
        return WEIR_OK;
    }
    if (size > WEIRI_RECORD_BYTES) {
        dead_too_long(decode, offset, line);
        return WEIR_OK;
    }
    return chunk->n_rows == chunk->capacity
               ? WEIR_EFULL
               : read_line(self, decode, offset, line, size, chunk);
}

/* NOLINTBEGIN(readability-function-size): the parameters of weiri_decoder_decode */
static weir_status
decode_lines(void *state, weiri_decode *decode, const char *bytes, size_t size,
    bool is_last, weir_chunk *chunk, size_t *consumed, weir_error *err)
{
    lines_decoder *self = state;
    size_t         at   = 0;
    *consumed           = 0;
    while (at < size) {
        size_t      from = at + self->n_searched;
        const char *feed = from < size ? memchr(bytes + from, '\n', size - from) : NULL;
        if (feed == NULL && !is_last) {
            break;
        }
        size_t      end    = feed != NULL ? (size_t)(feed - bytes) : size;
        weir_status status = take_line(self, decode, at, bytes + at, end - at, chunk);
        self->n_searched   = 0;
        if (status != WEIR_OK) {
            *consumed = at;
            return status == WEIR_EFULL
                       ? status
                       : WEIR_FAIL(err, status, "decoder of lines: out of memory");
        }
        decode->line++;
        at = feed != NULL ? end + 1 : size;
    }
    self->n_searched = size - at;
    if (size - at > WEIRI_RECORD_BYTES + 1) { /* more than a carriage return too many */
        if (!self->is_discarding) {
            dead_too_long(decode, at, bytes + at);
        }
        self->is_discarding = true;
        self->n_searched    = 0;
        at                  = size;
    }
    *consumed = at;
    return WEIR_OK;
}
/* NOLINTEND(readability-function-size) */

static void
decode_lines_save(const void *state, weiri_pack *out)
{
    const lines_decoder *self = state;
    weiri_pack_number(out, self->is_discarding);
    weiri_pack_number(out, self->has_latest);
    weiri_pack_number(out, self->has_latest ? (uint64_t)self->latest_ns : 0);
    weiri_pack_number(out, (uint64_t)(uint32_t)self->year);
}

static void
decode_lines_load(void *state, weiri_unpack *in)
{
    lines_decoder *self = state;
    self->is_discarding = weiri_unpack_below(in, 2, "it is no flag") != 0;
    self->has_latest    = weiri_unpack_below(in, 2, "it is no flag") != 0;
    self->latest_ns     = (int64_t)weiri_unpack_number(in);
    self->year = (int32_t)weiri_unpack_below(in, UINT64_C(1) << 31, "it is no year");
}

const weiri_decoder_ops WEIRI_DECODE_LINES = {
    .create  = decode_lines_create,
    .destroy = decode_lines_destroy,
    .decode  = decode_lines,
    .save    = decode_lines_save,
    .load    = decode_lines_load,
};
