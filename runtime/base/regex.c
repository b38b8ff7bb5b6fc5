/* Compiling regular expressions: by recursive descent straight into code, pieces of which
 * are moved and copied, since their jumps are relative. */
#include <stdlib.h>
#include <string.h>

#include "regex_code.h"

enum { UTF8_LAST = 0x10FFFF, REPEAT_MOST = 1000, NO_END = -1 };

typedef struct compiler {
    weiri_regex *regex;
    const char  *text;
    size_t       size;
    size_t       at;
    uint32_t     depth;
    size_t       code_room;
    bool         is_caseless;
    weir_status  status;
    weir_error  *err;
} compiler;

static bool
fail(compiler *self, size_t at, const char *what)
{
    if (self->status == WEIR_OK) {
        size_t n = 1;
        for (size_t i = 0; i < at && i < self->size; i++) {
            n += ((unsigned char)self->text[i] & 0xC0) != 0x80 ? 1 : 0;
        }
        self->status = WEIR_FAIL(self->err, WEIR_EINVAL, "at character %zu: %s", n, what);
    }
    return false;
}

static bool
fail_memory(compiler *self)
{
    if (self->status == WEIR_OK) {
        self->status = WEIR_FAIL(self->err, WEIR_ENOMEM, "pattern: out of memory");
    }
    return false;
}

static bool
is_at(const compiler *self, const char *what)
{
    size_t n = strlen(what);
    return self->size - self->at >= n && memcmp(self->text + self->at, what, n) == 0;
}

static bool
take(compiler *self, const char *what)
{
    bool is_there = is_at(self, what);
    self->at += is_there ? strlen(what) : 0;
    return is_there;
}

/* Room for n more steps at the end. */
static bool
reserve(compiler *self, size_t n)
{
    weiri_regex *regex = self->regex;
    if (regex->n_code + n > WEIRI_REGEX_CODE) {
        return fail(
            self, self->at, "the pattern is too large, its repetitions counted out");
    }
    if (regex->n_code + n > self->code_room) {
        size_t      room = 2 * self->code_room + n + 32;
        regex_step *code = realloc(regex->code, room * sizeof *code);
        if (code == NULL) {
            return fail_memory(self);
        }
        regex->code     = code;
        self->code_room = room;
    }
    return true;
}

static bool
push(compiler *self, regex_step step)
{
    if (!reserve(self, 1)) {
        return false;
    }
    self->regex->code[self->regex->n_code++] = step;
    return true;
}

static bool
insert(compiler *self, uint32_t at, regex_step step)
{
    weiri_regex *regex = self->regex;
    if (!reserve(self, 1)) {
        return false;
    }
    memmove(regex->code + at + 1, regex->code + at,
        (regex->n_code - at) * sizeof *regex->code);
    regex->code[at] = step;
    regex->n_code++;
    return true;
}

static bool
copy(compiler *self, uint32_t from, uint32_t n)
{
    if (!reserve(self, n)) {
        return false;
    }
    regex_step *code = self->regex->code;
    memcpy(code + self->regex->n_code, code + from, n * sizeof *code);
    self->regex->n_code += n;
    return true;
}

static regex_step
split(int32_t first, int32_t second, bool is_lazy)
{
    return (regex_step){ .op = REGEX_SPLIT,
        .first               = is_lazy ? second : first,
        .second              = is_lazy ? first : second };
}

/* One code point of the pattern, which was found to be UTF-8. */
static uint32_t
next_point(compiler *self)
{
    const unsigned char *p     = (const unsigned char *)self->text + self->at;
    uint32_t             n     = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t             point = n == 1   ? p[0]
                                 : n == 2 ? p[0] & 0x1FU
                                 : n == 3 ? p[0] & 0xFU
                                          : p[0] & 7U;
    for (uint32_t i = 1; i < n; i++) {
        point = point << 6 | (p[i] & 0x3FU);
    }
    self->at += n;
    return point;
}

static bool
class_add(compiler *self, regex_class *it, uint32_t low, uint32_t high)
{
    regex_range *ranges = realloc(it->ranges, (it->n + 1) * sizeof *ranges);
    if (ranges == NULL) {
        return fail_memory(self);
    }
    it->ranges          = ranges;
    it->ranges[it->n++] = (regex_range){ low, high };
    return true;
}

static bool
class_has(const regex_class *it, uint32_t point)
{
    for (uint32_t i = 0; i < it->n; i++) {
        if (point >= it->ranges[i].low && point <= it->ranges[i].high) {
            return true;
        }
    }
    return false;
}

/* \d \w \s and their opposites, into a class. */
static bool
class_add_kind(compiler *self, regex_class *it, char kind)
{
    static const regex_range DIGIT[] = { { '0', '9' } };
    static const regex_range WORD[]  = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' },
         { 'a', 'z' } };
    static const regex_range SPACE[] = { { '\t', '\r' }, { ' ', ' ' } };
    bool                     is_not  = kind < 'a';
    char                     of      = (char)(is_not ? kind + ('a' - 'A') : kind);
    const regex_range       *ranges  = of == 'd' ? DIGIT : of == 'w' ? WORD : SPACE;
    size_t                   n       = of == 'd' ? 1 : of == 'w' ? 4 : 2;
    uint32_t                 from    = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_not && !class_add(self, it, ranges[i].low, ranges[i].high)) {
            return false;
        }
        if (is_not && ranges[i].low > from
            && !class_add(self, it, from, ranges[i].low - 1)) {
            return false;
        }
        from = ranges[i].high + 1;
    }
    return !is_not || class_add(self, it, from, UTF8_LAST);
}

static bool
is_kind(char c)
{
    return c != '\0' && strchr("dwsDWS", c) != NULL;
}

/* What stands behind a backslash and is one character. */
static bool
read_escape(compiler *self, uint32_t *point)
{
    static const char NAMES[]  = "tnrfv0";
    static const char VALUES[] = "\t\n\r\f\v";
    size_t            begin    = self->at - 1;
    if (self->at == self->size) {
        return fail(self, begin, "nothing stands behind the last \\");
    }
    char        c     = self->text[self->at];
    const char *named = strchr(NAMES, c);
    bool        is_alnum =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c == 'x' && self->size - self->at >= 3) {
        char  digits[3] = { self->text[self->at + 1], self->text[self->at + 2] };
        char *end       = NULL;
        *point          = (uint32_t)strtoul(digits, &end, 16);
        if (end == digits + 2 && *point < 0x80) {
            self->at += 3;
            return true;
        }
    }
    if (c >= '1' && c <= '9') {
        return fail(self, begin, "a pattern cannot refer back to what a group took");
    }
    if (is_alnum && (named == NULL || c == '\0')) {
        return fail(self, begin,
            "there is no such escape; known are \\d \\w \\s \\b, their "
            "opposites \\D \\W \\S \\B, and \\t \\n \\r \\xFF");
    }
    if (is_alnum) {
        *point = (unsigned char)VALUES[named - NAMES];
        self->at++;
        return true;
    }
    *point = next_point(self);
    return true;
}

/* One end of a range in brackets; false: there is none, or it is a kind, which is added.
 */
static bool
read_member(compiler *self, regex_class *it, uint32_t *point, bool *is_point)
{
    *is_point = true;
    if (self->text[self->at] != '\\') {
        *point = next_point(self);
        return true;
    }
    self->at++;
    if (self->at < self->size && is_kind(self->text[self->at])) {
        *is_point = false;
        return class_add_kind(self, it, self->text[self->at++]);
    }
    return read_escape(self, point);
}

static bool
read_range(compiler *self, regex_class *it)
{
    uint32_t low      = 0;
    uint32_t high     = 0;
    bool     is_point = false;
    size_t   begin    = self->at;
    if (is_at(self, "[:")) {
        return fail(self, begin, "write \\d, \\w, \\s or a-z for names like [:alpha:]");
    }
    if (!read_member(self, it, &low, &is_point)) {
        return false;
    }
    high = low;
    if (is_point && is_at(self, "-") && self->at + 1 < self->size
        && self->text[self->at + 1] != ']') {
        self->at++;
        if (!read_member(self, it, &high, &is_point)) {
            return false;
        }
        if (!is_point || high < low) {
            return fail(self, begin, "this range ends before it begins");
        }
    }
    return !is_point || class_add(self, it, low, high);
}

/* A class with its bits set goes into the program. */
static bool
finish_class(compiler *self, regex_class *it)
{
    weiri_regex *regex = self->regex;
    for (uint32_t c = 0; c < 128; c++) {
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool has       = class_has(it, c)
                   || (self->is_caseless && is_letter && class_has(it, c ^ 0x20U));
        uint64_t bit = UINT64_C(1) << (c % 64);
        it->ascii[c / 64] |= has != it->is_negated ? bit : 0;
    }
    regex_class *classes =
        realloc(regex->classes, (regex->n_classes + 1) * sizeof *classes);
    if (classes == NULL) {
        free(it->ranges);
        return fail_memory(self);
    }
    regex->classes                     = classes;
    regex->classes[regex->n_classes++] = *it;
    return push(self, (regex_step){ .op = REGEX_CLASS, .arg = regex->n_classes - 1 });
}

static bool
parse_brackets(compiler *self)
{
    regex_class it    = { 0 };
    size_t      begin = self->at++;
    it.is_negated     = take(self, "^");
    bool is_first     = true;
    while (self->at < self->size && (is_first || self->text[self->at] != ']')) {
        is_first = false;
        if (!read_range(self, &it)) {
            free(it.ranges);
            return false;
        }
    }
    if (!take(self, "]")) {
        free(it.ranges);
        return fail(self, begin, "this [ has no ]");
    }
    return finish_class(self, &it);
}

static bool
push_kind(compiler *self, char kind)
{
    regex_class it = { 0 };
    if (!class_add_kind(self, &it, kind)) {
        free(it.ranges);
        return false;
    }
    return finish_class(self, &it);
}

static bool
push_any(compiler *self)
{
    regex_class it = { .is_negated = true };
    if (!class_add(self, &it, '\n', '\n')) {
        return false;
    }
    return finish_class(self, &it);
}

/* The bytes of one character. */
static bool
push_point(compiler *self, uint32_t point)
{
    bool is_letter = (point >= 'A' && point <= 'Z') || (point >= 'a' && point <= 'z');
    if (self->is_caseless && is_letter) {
        regex_class it = { 0 };
        return class_add(self, &it, point, point) && finish_class(self, &it);
    }
    uint32_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint32_t HEADS[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = point >> (6 * (n - 1 - i));
        uint32_t byte = n == 1 ? point : i == 0 ? HEADS[n] | bits : 0x80 | (bits & 0x3F);
        if (!push(self, (regex_step){ .op = REGEX_BYTE, .arg = byte })) {
            return false;
        }
    }
    return true;
}

static bool
is_name(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || (!is_first && c >= '0' && c <= '9');
}

/* The group of a name: an earlier one, or a new one. */
static bool
name_group(compiler *self, const char *name, size_t size, uint32_t *group)
{
    weiri_regex *regex = self->regex;
    for (uint32_t i = 1; i < regex->n_groups; i++) {
        if (regex->names[i] != NULL && strlen(regex->names[i]) == size
            && memcmp(regex->names[i], name, size) == 0) {
            *group = i;
            return true;
        }
    }
    if (regex->n_groups == WEIRI_REGEX_GROUPS) {
        return fail(
            self, self->at, "more groups than a pattern can have; (?:...) is none");
    }
    *group = regex->n_groups++;
    if (size > 0 && (regex->names[*group] = calloc(size + 1, 1)) == NULL) {
        return fail_memory(self);
    }
    if (size > 0) {
        memcpy(regex->names[*group], name, size);
    }
    return true;
}

static bool
read_group_name(compiler *self, uint32_t *group)
{
    size_t begin = self->at;
    while (self->at < self->size && is_name(self->text[self->at], self->at == begin)) {
        self->at++;
    }
    size_t end = self->at;
    if (end == begin || !take(self, ">")) {
        return fail(self, end,
            "the name of a group is of letters, digits and _, and ends "
            "with >");
    }
    return name_group(self, self->text + begin, end - begin, group);
}

static bool
parse_either(compiler *self);

static bool
parse_group(compiler *self)
{
    size_t   begin = self->at++;
    uint32_t group = 0;
    bool     is_ok = true;
    if (++self->depth > WEIRI_REGEX_DEPTH) {
        return fail(self, begin, "too many parentheses within each other");
    }
    if (is_at(self, "?=") || is_at(self, "?!") || is_at(self, "?<=")
        || is_at(self, "?<!")) {
        return fail(self, begin, "a pattern cannot look ahead or behind");
    }
    bool is_group = true;
    if (take(self, "?<") || take(self, "?P<")) {
        is_ok = read_group_name(self, &group);
    } else if (take(self, "?:")) {
        is_group = false;
    } else if (is_at(self, "?")) {
        return fail(self, begin,
            "after (? stands :, or a name as in (?<name>...); (?i) "
            "stands at the beginning");
    } else {
        is_ok = name_group(self, "", 0, &group);
    }
    if (!is_ok
        || (is_group && !push(self, (regex_step){ .op = REGEX_SAVE, .arg = 2 * group }))
        || !parse_either(self)) {
        return false;
    }
    self->depth--;
    if (!take(self, ")")) {
        return fail(self, begin, "this ( has no )");
    }
    return !is_group
           || push(self, (regex_step){ .op = REGEX_SAVE, .arg = 2 * group + 1 });
}

static bool
parse_escape(compiler *self)
{
    uint32_t point = 0;
    self->at++;
    if (take(self, "b")) {
        return push(self, (regex_step){ .op = REGEX_EDGE });
    }
    if (take(self, "B")) {
        return push(self, (regex_step){ .op = REGEX_NO_EDGE });
    }
    if (self->at < self->size && is_kind(self->text[self->at])) {
        return push_kind(self, self->text[self->at++]);
    }
    return read_escape(self, &point) && push_point(self, point);
}

static bool
parse_atom(compiler *self)
{
    switch (self->text[self->at]) {
    case '(': return parse_group(self);
    case '[': return parse_brackets(self);
    case '.': self->at++; return push_any(self);
    case '^': self->at++; return push(self, (regex_step){ .op = REGEX_BEGIN });
    case '$': self->at++; return push(self, (regex_step){ .op = REGEX_END });
    case '\\': return parse_escape(self);
    case '*':
    case '+':
    case '?':
        return fail(self, self->at, "nothing stands before this that could be repeated");
    default: return push_point(self, next_point(self));
    }
}

static bool
read_number(compiler *self, int32_t *out)
{
    size_t begin = self->at;
    *out         = 0;
    while (self->at < self->size && self->text[self->at] >= '0'
           && self->text[self->at] <= '9' && *out <= REPEAT_MOST) {
        *out = 10 * *out + (self->text[self->at++] - '0');
    }
    return self->at > begin;
}

/* {n}, {n,} or {n,m}. Without a number behind it { is a character like others. */
static bool
read_counts(compiler *self, int32_t *least, int32_t *most)
{
    size_t begin = self->at;
    if (!take(self, "{") || !read_number(self, least)) {
        self->at = begin;
        return false;
    }
    *most = *least;
    if (take(self, ",") && !read_number(self, most)) {
        *most = NO_END;
    }
    if (!take(self, "}")) {
        self->at = begin;
        return false;
    }
    return true;
}

static bool
star(compiler *self, uint32_t from, bool is_lazy)
{
    int32_t n = (int32_t)(self->regex->n_code - from);
    return insert(self, from, split(1, n + 2, is_lazy))
           && push(self, (regex_step){ .op = REGEX_JUMP, .first = -(n + 1) });
}

static bool
plus(compiler *self, uint32_t from, bool is_lazy)
{
    int32_t n = (int32_t)(self->regex->n_code - from);
    return push(self, split(-n, 1, is_lazy));
}

/* least … most of the code from `from` on, counted out. */
static bool
repeat(compiler *self, uint32_t from, int32_t least, int32_t most, bool is_lazy)
{
    uint32_t n = self->regex->n_code - from;
    if (least == 0 && most == NO_END) {
        return star(self, from, is_lazy);
    }
    for (int32_t i = 1; i < least; i++) {
        if (!copy(self, from, n)) {
            return false;
        }
    }
    if (most == NO_END) {
        return plus(self, self->regex->n_code - n, is_lazy);
    }
    if (least == 0) {
        self->regex->n_code = from; /* what is copied still stands behind the end */
    }
    for (int32_t left = most - least; left > 0; left--) {
        int32_t  past = left * ((int32_t)n + 1);
        uint32_t here = self->regex->n_code;
        if (!reserve(self, n + 1)) {
            return false;
        }
        regex_step *code = self->regex->code;
        memmove(code + here + 1, code + from + (least == 0 && here > from ? 1 : 0),
            n * sizeof *code);
        code[here] = split(1, past, is_lazy);
        self->regex->n_code += n + 1;
    }
    return true;
}

static bool
parse_repeated(compiler *self)
{
    uint32_t from  = self->regex->n_code;
    int32_t  least = 0;
    int32_t  most  = 0;
    if (!parse_atom(self)) {
        return false;
    }
    size_t begin = self->at;
    if (take(self, "*")) {
        most = NO_END;
    } else if (take(self, "+")) {
        least = 1;
        most  = NO_END;
    } else if (take(self, "?")) {
        most = 1;
    } else if (!read_counts(self, &least, &most)) {
        return true;
    }
    if (least > REPEAT_MOST || most > REPEAT_MOST || (most != NO_END && most < least)) {
        return fail(self, begin, "{n,m} is of numbers up to 1000, the lesser first");
    }
    bool is_lazy = take(self, "?");
    if (is_at(self, "*") || is_at(self, "+") || is_at(self, "?")) {
        return fail(self, self->at, "nothing stands before this that could be repeated");
    }
    return repeat(self, from, least, most, is_lazy);
}

static bool
parse_row(compiler *self)
{
    while (self->at < self->size && !is_at(self, "|") && !is_at(self, ")")) {
        if (!parse_repeated(self)) {
            return false;
        }
    }
    return true;
}

static bool
parse_either(compiler *self)
{
    uint32_t from = self->regex->n_code;
    uint32_t ends =
        UINT32_MAX; /* a jump to the end, which holds where the one before is */
    for (;;) {
        if (!parse_row(self)) {
            return false;
        }
        if (!take(self, "|")) {
            break;
        }
        int32_t n = (int32_t)(self->regex->n_code - from);
        if (!insert(self, from, split(1, n + 2, false))
            || !push(self, (regex_step){ .op = REGEX_JUMP, .arg = ends })) {
            return false;
        }
        ends = self->regex->n_code - 1;
        from = self->regex->n_code;
    }
    while (ends != UINT32_MAX) {
        regex_step *jump = &self->regex->code[ends];
        jump->first      = (int32_t)(self->regex->n_code - ends);
        ends             = jump->arg;
    }
    return true;
}

/* Whether each way to a match goes by the text's beginning first. */
static bool
is_anchored(const weiri_regex *regex)
{
    uint32_t i = 0;
    while (i < regex->n_code && regex->code[i].op == REGEX_SAVE) {
        i++;
    }
    return i < regex->n_code && regex->code[i].op == REGEX_BEGIN;
}

static bool
compile(compiler *self)
{
    self->is_caseless = take(self, "(?i)");
    if (!push(self, (regex_step){ .op = REGEX_SAVE, .arg = 0 }) || !parse_either(self)) {
        return false;
    }
    if (self->at < self->size) {
        return fail(self, self->at, "this ) has no (");
    }
    if (!push(self, (regex_step){ .op = REGEX_SAVE, .arg = 1 })
        || !push(self, (regex_step){ .op = REGEX_MATCH })) {
        return false;
    }
    weiri_regex *regex = self->regex;
    for (uint32_t i = 0; i < regex->n_code; i++) {
        if (regex->code[i].op == REGEX_SPLIT) {
            regex->code[i].arg = regex->n_marks++;
        }
    }
    regex->is_anchored = is_anchored(regex);
    return true;
}

weir_status
weiri_regex_new(const char *text, size_t size, weiri_regex **out, weir_error *err)
{
    compiler self = { .text = text, .size = size, .err = err };
    if (size > WEIRI_REGEX_TEXT) {
        return WEIR_FAIL(err, WEIR_EINVAL, "longer than the %d bytes a pattern may have",
            WEIRI_REGEX_TEXT);
    }
    self.regex = calloc(1, sizeof *self.regex);
    if (self.regex == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "pattern: out of memory");
    }
    self.regex->n_groups = 1;
    if (!compile(&self)) {
        weiri_regex_destroy(&self.regex);
        return self.status;
    }
    *out = self.regex;
    return WEIR_OK;
}

void
weiri_regex_destroy(weiri_regex **self_p)
{
    weiri_regex *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n_classes; i++) {
        free(self->classes[i].ranges);
    }
    for (uint32_t i = 0; i < WEIRI_REGEX_GROUPS; i++) {
        free(self->names[i]);
    }
    free(self->classes);
    free(self->code);
    free(self);
    *self_p = NULL;
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
