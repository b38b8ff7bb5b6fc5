/* The door to PCRE2. Patterns are interpreted: its compiler to machine code counts other
 * limits, and is not on every machine. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>
#include <string.h>

#include "weiri/numtext.h"
#include "weiri/regex.h"

enum { MESSAGE = 256 };

struct weiri_regex {
    pcre2_code *code;
    bool        is_anchored; /* a match can only begin where the text does */
    uint32_t    heap;        /* KiB: WEIRI_REGEX_DEPTH choices have room   */
    uint32_t    n_numbers;   /* groups as PCRE2 counts them                */
    uint32_t    n_groups;
    uint32_t    group_of[WEIRI_REGEX_GROUPS]; /* shape (n_numbers,): ours  */
    const char *names[WEIRI_REGEX_GROUPS];    /* shape (n_groups,): in code */
};

struct weiri_regex_memory {
    pcre2_match_data    *match;
    pcre2_match_context *limits;
};

/* What PCRE2 would else decide when it is built. NULL: out of memory. */
static pcre2_compile_context *
settings_new(void)
{
    pcre2_compile_context *settings = pcre2_compile_context_create(NULL);
    if (settings != NULL) {
        pcre2_set_newline(settings, PCRE2_NEWLINE_LF);
        pcre2_set_bsr(settings, PCRE2_BSR_UNICODE);
        pcre2_set_parens_nest_limit(settings, WEIRI_REGEX_NESTED);
    }
    return settings;
}

static weir_status
out_of_memory(weir_error *err)
{
    return WEIR_FAIL(err, WEIR_ENOMEM, "pattern: out of memory");
}

static weir_status
fail(weir_error *err, const char *text, size_t at, int code)
{
    PCRE2_UCHAR message[MESSAGE] = "";
    size_t      n                = 1;
    for (size_t i = 0; i < at; i++) {
        n += ((unsigned char)text[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    pcre2_get_error_message(code, message, sizeof message);
    return WEIR_FAIL(err, WEIR_EINVAL, "at character %zu: %s", n, (const char *)message);
}

static weir_status
compile(weiri_regex *self, const char *text, size_t size, weir_error *err)
{
    pcre2_compile_context *settings = settings_new();
    int                    code     = 0;
    PCRE2_SIZE             at       = 0;
    if (settings == NULL) {
        return out_of_memory(err);
    }
    self->code = pcre2_compile((PCRE2_SPTR)text, size,
        PCRE2_UTF | PCRE2_DUPNAMES | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY
            | PCRE2_NEVER_BACKSLASH_C,
        &code, &at, settings);
    pcre2_compile_context_free(settings);
    if (self->code != NULL) {
        return WEIR_OK;
    }
    return code == PCRE2_ERROR_HEAP_FAILED ? out_of_memory(err)
                                           : fail(err, text, at, code);
}

/* The names by PCRE2's numbers of groups. Its table has entries of one size: a number in
 * two bytes, the name, a zero. */
static void
read_names(const weiri_regex *self, const char *names[WEIRI_REGEX_GROUPS])
{
    uint32_t   n_names = 0;
    uint32_t   width   = 0;
    PCRE2_SPTR table   = NULL;
    pcre2_pattern_info(self->code, PCRE2_INFO_NAMECOUNT, &n_names);
    pcre2_pattern_info(self->code, PCRE2_INFO_NAMEENTRYSIZE, &width);
    pcre2_pattern_info(self->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < n_names; i++, table += width) {
        names[(uint32_t)table[0] << 8 | table[1]] = (const char *)table + 2;
    }
}

/* Our groups: those of one name are one. */
static void
number_groups(weiri_regex *self)
{
    const char *names[WEIRI_REGEX_GROUPS] = { NULL };
    read_names(self, names);
    for (uint32_t i = 0; i < self->n_numbers; i++) {
        uint32_t group = 0;
        while (group < self->n_groups
               && (names[i] == NULL || self->names[group] == NULL
                   || strcmp(names[i], self->names[group]) != 0)) {
            group++;
        }
        if (group == self->n_groups) {
            self->names[self->n_groups++] = names[i];
        }
        self->group_of[i] = group;
    }
}

static weir_status
take_stock(weiri_regex *self, weir_error *err)
{
    uint32_t options  = 0;
    uint32_t captures = 0;
    size_t   frame    = 0;
    pcre2_pattern_info(self->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    if (captures >= WEIRI_REGEX_GROUPS) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "%u groups, and a pattern can have %d; (?:...) is none", captures,
            WEIRI_REGEX_GROUPS - 1);
    }
    pcre2_pattern_info(self->code, PCRE2_INFO_ALLOPTIONS, &options);
    pcre2_pattern_info(self->code, PCRE2_INFO_FRAMESIZE, &frame);
    self->is_anchored = (options & PCRE2_ANCHORED) != 0;
    self->heap        = (uint32_t)(frame * (WEIRI_REGEX_DEPTH + 2) / 1024 + 1);
    self->n_numbers   = captures + 1;
    number_groups(self);
    return WEIR_OK;
}

weir_status
weiri_regex_new(const char *text, size_t size, weiri_regex **out, weir_error *err)
{
    if (size > WEIRI_REGEX_TEXT) {
        return WEIR_FAIL(err, WEIR_EINVAL, "longer than the %d bytes a pattern may have",
            WEIRI_REGEX_TEXT);
    }
    weiri_regex *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return out_of_memory(err);
    }
    weir_status status = compile(self, text, size, err);
    if (status == WEIR_OK) {
        status = take_stock(self, err);
    }
    if (status != WEIR_OK) {
        weiri_regex_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_regex_destroy(weiri_regex **self_p)
{
    weiri_regex *self = *self_p;
    if (self != NULL) {
        pcre2_code_free(self->code);
        free(self);
        *self_p = NULL;
    }
}

uint32_t
weiri_regex_n_groups(const weiri_regex *self)
{
    return self->n_groups;
}

const char *
weiri_regex_group_name(const weiri_regex *self, uint32_t group)
{
    return self->names[group];
}

void
weiri_regex_scratch_fini(weiri_regex_scratch *self)
{
    if (self->memory != NULL) {
        pcre2_match_data_free(self->memory->match);
        pcre2_match_context_free(self->memory->limits);
        free(self->memory);
    }
    *self = (weiri_regex_scratch){ 0 };
}

static weir_status
prepare(weiri_regex_scratch *self)
{
    if (self->memory != NULL) {
        return WEIR_OK;
    }
    self->memory = calloc(1, sizeof *self->memory);
    if (self->memory == NULL) {
        return WEIR_ENOMEM;
    }
    self->memory->match  = pcre2_match_data_create(WEIRI_REGEX_GROUPS, NULL);
    self->memory->limits = pcre2_match_context_create(NULL);
    if (self->memory->match == NULL || self->memory->limits == NULL) {
        weiri_regex_scratch_fini(self);
        return WEIR_ENOMEM;
    }
    pcre2_set_depth_limit(self->memory->limits, WEIRI_REGEX_DEPTH);
    return WEIR_OK;
}

/* PCRE2 counts choices from each place anew where a match may begin, and between two of
 * them it may read the text to its end. */
static void
set_limits(
    const weiri_regex *self, const struct weiri_regex_memory *memory, uint64_t size)
{
    uint64_t n_begins = self->is_anchored ? 1 : size + 1;
    uint64_t reading  = size < WEIRI_REGEX_SHORT ? WEIRI_REGEX_SHORT : size;
    pcre2_set_match_limit(
        memory->limits, (uint32_t)(WEIRI_REGEX_BYTES / n_begins / reading));
    pcre2_set_heap_limit(memory->limits, self->heap);
}

static void
read_parts(const weiri_regex *self, const struct weiri_regex_memory *memory,
    const char *text, weiri_regex_part *parts)
{
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(memory->match);
    memset(parts, 0, self->n_groups * sizeof *parts);
    for (uint32_t i = 0; i < self->n_numbers; i++) {
        PCRE2_SIZE begin = places[2 * (size_t)i];
        PCRE2_SIZE end   = places[2 * (size_t)i + 1];
        if (begin != PCRE2_UNSET && begin <= end) {
            parts[self->group_of[i]] = (weiri_regex_part){ text + begin, end - begin };
        }
    }
}

weir_status
weiri_regex_search(const weiri_regex *self, weiri_regex_scratch *scratch,
    const char *text, size_t size, weiri_regex_part *parts, bool *found)
{
    *found             = false;
    weir_status status = prepare(scratch);
    if (status != WEIR_OK) {
        return status;
    }
    if (!weiri_utf8_is_valid(text, size)) {
        return WEIR_EINVAL;
    }
    set_limits(self, scratch->memory, size);
    int n = pcre2_match(self->code, (PCRE2_SPTR)text, size, 0, PCRE2_NO_UTF_CHECK,
        scratch->memory->match, scratch->memory->limits);
    if (n == PCRE2_ERROR_NOMATCH) {
        return WEIR_OK;
    }
    if (n < 0) { /* one of the limits, or a recursion without end */
        return n == PCRE2_ERROR_NOMEMORY ? WEIR_ENOMEM : WEIR_EFULL;
    }
    *found = true;
    read_parts(self, scratch->memory, text, parts);
    return WEIR_OK;
}
