/* Unified diffs: lines that begin or end both texts are set aside, the rest is compared
 * by the greedy algorithm, whose trace says which lines are kept. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { CONTEXT = 3, EDITS = 2000 };

struct lines {
    const char **begins; /* shape (n + 1,): the last is the text's end */
    size_t       n;
};

struct diff {
    struct lines old;
    struct lines new;
    bool *is_gone; /* shape (old.n + 1,) */
    bool *is_new;  /* shape (new.n + 1,) */
};

static bool
split(const char *text, struct lines *out)
{
    size_t n = 0;
    for (const char *at = text; *at != '\0'; n++) {
        const char *end = strchr(at, '\n');
        at              = end == NULL ? at + strlen(at) : end + 1;
    }
    out->begins = malloc((n + 1) * sizeof *out->begins);
    out->n      = n;
    if (out->begins == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *end = strchr(text, '\n');
        out->begins[i]  = text;
        text            = end == NULL ? text + strlen(text) : end + 1;
    }
    out->begins[n] = text;
    return true;
}

static size_t
size_of(const struct lines *lines, size_t i)
{
    return (size_t)(lines->begins[i + 1] - lines->begins[i]);
}

static bool
is_same(const struct diff *self, size_t i, size_t k)
{
    size_t size = size_of(&self->old, i);
    return size == size_of(&self->new, k)
           && memcmp(self->old.begins[i], self->new.begins[k], size) == 0;
}

/* ---- which lines are kept ---- */

/* The middle of both texts: what is neither a common beginning nor a common end. */
struct middle {
    size_t first;
    long   n_old;
    long   n_new;
};

static struct middle
middle_of(const struct diff *self)
{
    size_t first = 0;
    size_t last  = 0;
    size_t least = self->old.n < self->new.n ? self->old.n : self->new.n;
    while (first < least && is_same(self, first, first)) {
        first++;
    }
    while (last < least - first
           && is_same(self, self->old.n - 1 - last, self->new.n - 1 - last)) {
        last++;
    }
    return (struct middle){ .first = first,
        .n_old                     = (long)(self->old.n - first - last),
        .n_new                     = (long)(self->new.n - first - last) };
}

/* The trace: for 0, 1, 2 … edits, the furthest old line on each diagonal that so many can
 * reach: -edits, -edits + 2, … edits. Rows of a triangle. */
static size_t
row_at(long edits)
{
    return (size_t)edits * ((size_t)edits + 1) / 2;
}

/* The last edit on the way to diagonal k: down is a new line, right an old one gone. */
static bool
came_down(const long *trace, long edits, long k)
{
    const long *row = trace + row_at(edits - 1);
    return k == -edits || (k != edits && row[(k + edits) / 2 - 1] < row[(k + edits) / 2]);
}

/* The old line after that edit. */
static long
furthest(const long *trace, long edits, long k)
{
    const long *row = trace + row_at(edits - 1);
    return came_down(trace, edits, k) ? row[(k + edits) / 2]
                                      : row[(k + edits) / 2 - 1] + 1;
}

/* The number of edits, -1 if there are more than EDITS. */
static long
search(const struct diff *self, const struct middle *middle, long *trace)
{
    for (long edits = 0; edits <= EDITS; edits++) {
        for (long k = -edits; k <= edits; k += 2) {
            long x = edits == 0 ? 0 : furthest(trace, edits, k);
            while (x < middle->n_old && x - k < middle->n_new && x - k >= 0
                   && is_same(self, middle->first + (size_t)x,
                       middle->first + (size_t)(x - k))) {
                x++;
            }
            trace[row_at(edits) + (size_t)((k + edits) / 2)] = x;
            if (x >= middle->n_old && x - k >= middle->n_new) {
                return edits;
            }
        }
    }
    return -1;
}

static void
mark_all(struct diff *self, const struct middle *middle)
{
    memset(self->is_gone + middle->first, true, (size_t)middle->n_old);
    memset(self->is_new + middle->first, true, (size_t)middle->n_new);
}

static void
walk_back(struct diff *self, const struct middle *middle, const long *trace, long edits)
{
    long x = middle->n_old;
    long y = middle->n_new;
    for (; edits > 0; edits--) {
        long k        = x - y;
        long x_before = furthest(trace, edits, k);
        if (came_down(trace, edits, k)) {
            self->is_new[middle->first + (size_t)(x_before - k - 1)] = true;
            x                                                        = x_before;
            y                                                        = x_before - k - 1;
        } else {
            self->is_gone[middle->first + (size_t)(x_before - 1)] = true;
            x                                                     = x_before - 1;
            y                                                     = x_before - k;
        }
    }
}

static bool
compare(struct diff *self)
{
    struct middle middle = middle_of(self);
    long         *trace  = malloc(row_at(EDITS + 1) * sizeof *trace);
    if (trace == NULL) {
        return false;
    }
    long edits = search(self, &middle, trace);
    if (edits < 0) {
        mark_all(self, &middle);
    } else {
        walk_back(self, &middle, trace, edits);
    }
    free(trace);
    return true;
}

/* ---- printing ---- */

static void
print_line(FILE *stream, char sign, const struct lines *lines, size_t i)
{
    size_t size = size_of(lines, i);
    fputc(sign, stream);
    fwrite(lines->begins[i], 1, size, stream);
    if (size == 0 || lines->begins[i][size - 1] != '\n') {
        fputs("\n\\ No newline at end of file\n", stream);
    }
}

/* Lines i .. and k .. up to the end of a run of changes that have no more than twice the
 * context between them. */
struct hunk {
    size_t old;
    size_t new;
    size_t n_old;
    size_t n_new;
};

static bool
is_changed(const struct diff *self, size_t i, size_t k)
{
    return (i < self->old.n && self->is_gone[i]) || (k < self->new.n && self->is_new[k]);
}

static struct hunk
hunk_at(const struct diff *self, size_t i, size_t k)
{
    size_t      lead  = i < CONTEXT ? i : CONTEXT;
    struct hunk hunk  = { .old = i - lead, .new = k - lead };
    size_t      quiet = 0;
    while ((i < self->old.n || k < self->new.n) && quiet <= CONTEXT + (size_t)CONTEXT) {
        quiet                   = is_changed(self, i, k) ? 0 : quiet + 1;
        bool               gone = i < self->old.n && self->is_gone[i];
        bool new                = !gone &&k < self->new.n && self->is_new[k];
        i += !new;
        k += !gone;
    }
    size_t extra = quiet > CONTEXT ? quiet - CONTEXT : 0;
    hunk.n_old   = i - extra - hunk.old;
    hunk.n_new   = k - extra - hunk.new;
    return hunk;
}

static void
print_hunk(FILE *stream, const struct diff *self, const struct hunk *hunk)
{
    size_t i = hunk->old;
    size_t k = hunk->new;
    fprintf(stream, "@@ -%zu,%zu +%zu,%zu @@\n", i + (hunk->n_old > 0), hunk->n_old,
        k + (hunk->n_new > 0), hunk->n_new);
    while (i < hunk->old + hunk->n_old || k < hunk->new + hunk->n_new) {
        if (i < self->old.n && self->is_gone[i]) {
            print_line(stream, '-', &self->old, i++);
        } else if (k < self->new.n && self->is_new[k]) {
            print_line(stream, '+', &self->new, k++);
        } else {
            print_line(stream, ' ', &self->old, i++);
            k++;
        }
    }
}

static void
print(FILE *stream, const struct diff *self, const char *name)
{
    size_t i     = 0;
    size_t k     = 0;
    bool   begun = false;
    while (i < self->old.n || k < self->new.n) {
        if (!is_changed(self, i, k)) {
            i++;
            k++;
            continue;
        }
        if (!begun) {
            fprintf(stream, "--- %s\n+++ %s\n", name, name);
        }
        begun            = true;
        struct hunk hunk = hunk_at(self, i, k);
        print_hunk(stream, self, &hunk);
        i = hunk.old + hunk.n_old;
        k = hunk.new + hunk.n_new;
    }
}

weir_status
text_print_diff(FILE *stream, const char *name, const char *old, const char *new)
{
    struct diff self   = { .is_gone = NULL };
    weir_status status = WEIR_ENOMEM;
    if (split(old, &self.old) && split(new, &self.new)) {
        self.is_gone = calloc(self.old.n + 1, 1);
        self.is_new  = calloc(self.new.n + 1, 1);
        if (self.is_gone != NULL && self.is_new != NULL && compare(&self)) {
            print(stream, &self, name);
            status = WEIR_OK;
        }
    }
    free(self.old.begins);
    free(self.new.begins);
    free(self.is_gone);
    free(self.is_new);
    return status;
}
