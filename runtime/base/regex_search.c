/* Searching: the ways through the pattern are tried in its order, and one that led
 * nowhere from a place of the text is not gone a second time. Between two choices there
 * is only one way, so choices alone are marked. */
#include <stdlib.h>
#include <string.h>

#include "regex_code.h"

enum { JOBS_FIRST = 256, RESTORES = 1U << 31 };

/* What is left to try: the program from `step` on, at `at`; or, with RESTORES, to put a
 * place of a group back. */
typedef struct job {
    uint32_t step;
    uint32_t at;
} job;

typedef struct search {
    const weiri_regex   *regex;
    weiri_regex_scratch *scratch;
    const char          *text;
    uint32_t             size;
    size_t               n_jobs;
    weir_status          status;
    uint32_t             places[2 * WEIRI_REGEX_GROUPS]; /* UINT32_MAX: none */
} search;

static bool
push(search *self, uint32_t step, uint32_t at)
{
    weiri_regex_scratch *scratch = self->scratch;
    if (self->n_jobs == scratch->n_jobs) {
        size_t n = scratch->n_jobs == 0 ? JOBS_FIRST : 2 * scratch->n_jobs;
        job   *jobs =
            n <= WEIRI_REGEX_MARKS / 8 ? realloc(scratch->jobs, n * sizeof *jobs) : NULL;
        if (jobs == NULL) {
            self->status = n <= WEIRI_REGEX_MARKS / 8 ? WEIR_ENOMEM : WEIR_EFULL;
            return false;
        }
        scratch->jobs   = jobs;
        scratch->n_jobs = n;
    }
    ((job *)scratch->jobs)[self->n_jobs++] = (job){ step, at };
    return true;
}

static bool
is_word(const search *self, uint32_t at)
{
    char c = self->text[at];
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || c == '_';
}

static bool
is_edge(const search *self, uint32_t at)
{
    bool before = at > 0 && is_word(self, at - 1);
    bool after  = at < self->size && is_word(self, at);
    return before != after;
}

/* The bytes of the character at `at` if the class has it, else 0. */
static uint32_t
class_takes(const search *self, const regex_class *it, uint32_t at)
{
    const unsigned char *p = (const unsigned char *)self->text + at;
    if (at == self->size) {
        return 0;
    }
    if (p[0] < 0x80) {
        return (uint32_t)(it->ascii[p[0] / 64] >> (p[0] % 64) & 1U);
    }
    uint32_t n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (self->size - at < n) {
        return 0;
    }
    uint32_t point = n == 2 ? p[0] & 0x1FU : n == 3 ? p[0] & 0xFU : p[0] & 7U;
    for (uint32_t i = 1; i < n; i++) {
        point = point << 6 | (p[i] & 0x3FU);
    }
    bool has = false;
    for (uint32_t i = 0; i < it->n && !has; i++) {
        has = point >= it->ranges[i].low && point <= it->ranges[i].high;
    }
    return has != it->is_negated ? n : 0;
}

static bool
mark(search *self, uint32_t choice, uint32_t at)
{
    size_t    i      = (size_t)choice * (self->size + (size_t)1) + at;
    uint64_t *word   = &self->scratch->marks[i / 64];
    uint64_t  bit    = UINT64_C(1) << (i % 64);
    bool      is_new = (*word & bit) == 0;
    *word |= bit;
    return is_new;
}

/* Go on from a step until it matches, or leads nowhere. */
static bool
follow(search *self, uint32_t step, uint32_t at)
{
    const regex_step *code = self->regex->code;
    for (;;) {
        const regex_step *it = &code[step];
        uint32_t          n  = 0;
        switch (it->op) {
        case REGEX_BYTE:
            if (at == self->size || (unsigned char)self->text[at] != it->arg) {
                return false;
            }
            at++;
            step++;
            break;
        case REGEX_CLASS:
            n = class_takes(self, &self->regex->classes[it->arg], at);
            if (n == 0) {
                return false;
            }
            at += n;
            step++;
            break;
        case REGEX_SPLIT:
            if (!mark(self, it->arg, at)
                || !push(self, (uint32_t)((int32_t)step + it->second), at)) {
                return false;
            }
            step = (uint32_t)((int32_t)step + it->first);
            break;
        case REGEX_JUMP: step = (uint32_t)((int32_t)step + it->first); break;
        case REGEX_SAVE:
            if (!push(self, it->arg | RESTORES, self->places[it->arg])) {
                return false;
            }
            self->places[it->arg] = at;
            step++;
            break;
        case REGEX_BEGIN:
        case REGEX_END:
        case REGEX_EDGE:
        case REGEX_NO_EDGE:
            if (it->op == REGEX_BEGIN ? at != 0
                : it->op == REGEX_END ? at != self->size
                                      : is_edge(self, at) != (it->op == REGEX_EDGE)) {
                return false;
            }
            step++;
            break;
        case REGEX_MATCH: return true;
        }
    }
}

static bool
match_from(search *self, uint32_t begin)
{
    self->n_jobs = 0;
    if (follow(self, 0, begin)) {
        return true;
    }
    while (self->n_jobs > 0 && self->status == WEIR_OK) {
        job next = ((job *)self->scratch->jobs)[--self->n_jobs];
        if ((next.step & RESTORES) != 0) {
            self->places[next.step & ~(uint32_t)RESTORES] = next.at;
        } else if (follow(self, next.step, next.at)) {
            return true;
        }
    }
    return false;
}

static weir_status
begin_search(search *self)
{
    uint64_t n_marks = (uint64_t)self->regex->n_marks * (self->size + UINT64_C(1));
    size_t   n_words = (size_t)(n_marks / 64 + 1);
    if (n_marks > WEIRI_REGEX_MARKS) {
        return WEIR_EFULL;
    }
    if (n_words > self->scratch->n_words) {
        uint64_t *marks = realloc(self->scratch->marks, n_words * sizeof *marks);
        if (marks == NULL) {
            return WEIR_ENOMEM;
        }
        self->scratch->marks   = marks;
        self->scratch->n_words = n_words;
    }
    memset(self->scratch->marks, 0, n_words * sizeof *self->scratch->marks);
    memset(self->places, 0xFF, sizeof self->places);
    return WEIR_OK;
}

/* The next place after `at` where a match may begin. */
static uint32_t
next_begin(const search *self, uint32_t at)
{
    const regex_step *code = self->regex->code;
    const regex_step *it   = code;
    while (it->op == REGEX_SAVE) {
        it++;
    }
    for (at++; at < self->size; at++) {
        unsigned char c = (unsigned char)self->text[at];
        if (it->op == REGEX_BYTE && c != it->arg) {
            const char *next =
                memchr(self->text + at, (int)it->arg, (size_t)self->size - at);
            return next != NULL ? (uint32_t)(next - self->text) : self->size + 1;
        }
        if ((c & 0xC0) != 0x80) {
            return at;
        }
    }
    return at;
}

weir_status
weiri_regex_search(const weiri_regex *self, weiri_regex_scratch *scratch,
    const char *text, size_t size, weiri_regex_part *parts, bool *found)
{
    *found = false;
    if (size >= WEIRI_REGEX_MARKS) {
        return WEIR_EFULL;
    }
    search it = {
        .regex = self, .scratch = scratch, .text = text, .size = (uint32_t)size
    };
    weir_status status = begin_search(&it);
    if (status != WEIR_OK) {
        return status;
    }
    for (uint32_t at = 0; !*found && at <= it.size && it.status == WEIR_OK;
         at          = self->is_anchored ? it.size + 1 : next_begin(&it, at)) {
        *found = match_from(&it, at);
    }
    for (uint32_t i = 0; *found && i < self->n_groups; i++) {
        uint32_t begin = it.places[2 * i];
        uint32_t end   = it.places[2 * i + 1];
        bool     has   = begin != UINT32_MAX && end != UINT32_MAX && begin <= end;
        parts[i]       = (weiri_regex_part){ has ? text + begin : NULL,
            has ? (size_t)(end - begin) : 0 };
    }
    return it.status;
}

void
weiri_regex_scratch_fini(weiri_regex_scratch *self)
{
    free(self->marks);
    free(self->jobs);
    *self = (weiri_regex_scratch){ 0 };
}
