#include "parts.h"

#include <stdlib.h>

#include "../flow/scatter.h"
#include "../flow/split.h"

struct weiri_parts {
    const weiri_given *given;
    uint32_t           n_members;
    uint64_t           others;   /* a bit for each member but this one       */
    weiri_scatter    **scatters; /* shape (given->n_routes,)                 */
    weir_chunk       **open;     /* being filled, shape (n_members,)         */
    uint64_t           wanted[WEIRI_CHUNK_ROWS]; /* of a range's rows: by whom */
    uint16_t           groups[WEIRI_CHUNK_ROWS];
    uint16_t           picks[WEIRI_CHUNK_ROWS]; /* rows of a range for a member    */
};

static weir_status
make_scatters(weiri_parts *self, const weiri_plan *plan)
{
    const weiri_given *given  = self->given;
    weir_status        status = WEIR_OK;
    for (uint32_t r = 0; r < given->n_routes && status == WEIR_OK; r++) {
        uint32_t                 n_keys = 0;
        const weiri_expr *const *keys =
            weiri_split_keys(given->routes[r], given->stream, &n_keys);
        status = weiri_scatter_new(keys, n_keys, plan->streams[given->stream].used,
            plan->cluster->owners, self->n_members, &self->scatters[r]);
    }
    return status;
}

weir_status
weiri_parts_new(const weiri_plan *plan, const weiri_given *given, weiri_parts **out)
{
    weiri_parts *self = calloc(1, sizeof *self);
    uint32_t     n    = plan->cluster->n_members;
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    self->given     = given;
    self->n_members = n;
    self->others    = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    self->others &= ~(UINT64_C(1) << plan->cluster->self);
    self->scatters     = calloc(given->n_routes + (size_t)1, sizeof(void *));
    self->open         = calloc(n, sizeof(void *));
    weir_status status = self->scatters != NULL && self->open != NULL
                             ? make_scatters(self, plan)
                             : WEIR_ENOMEM;
    if (status != WEIR_OK) {
        weiri_parts_destroy(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_parts_destroy(weiri_parts **self_p)
{
    weiri_parts *self = *self_p;
    *self_p           = NULL;
    if (self == NULL) {
        return;
    }
    for (uint32_t r = 0; self->scatters != NULL && r < self->given->n_routes; r++) {
        weiri_scatter_destroy(&self->scatters[r]);
    }
    for (uint32_t m = 0; self->open != NULL && m < self->n_members; m++) {
        weir_chunk_drop(&self->open[m]);
    }
    free(self->scatters);
    free(self->open);
    free(self);
}

static void
find_wanted(weiri_parts *self, weir_rows rows, const weiri_moves *moves)
{
    const int64_t *time = rows.chunk->time + rows.first;
    for (uint32_t i = 0; i < rows.n; i++) {
        self->wanted[i] = self->given->all;
    }
    for (uint32_t r = 0; r < self->given->n_routes; r++) {
        weiri_scatter_groups(self->scatters[r], rows, self->groups);
        for (uint32_t i = 0; i < rows.n; i++) {
            self->wanted[i] |= weiri_moves_targets(
                moves, self->groups[i], time[i], self->given->is_derived);
        }
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        self->wanted[i] &= self->others;
    }
}

static weir_status
hand_on(weir_chunk **open, weiri_rows_list *to)
{
    weir_status status = WEIR_OK;
    if (*open != NULL && (*open)->n_rows > 0) {
        status =
            weiri_rows_list_add(to, (weir_rows){ .chunk = *open, .n = (*open)->n_rows });
    }
    weir_chunk_drop(open);
    return status;
}

/* Times and orders of rows that were copied; the order is a field, too. */
static void
stamp(weir_chunk *to, const weir_chunk *from, const uint16_t *picks, uint32_t n)
{
    uint32_t at    = to->n_rows;
    int64_t *field = to->columns[to->schema->n_fields - 1].as.i;
    for (uint32_t i = 0; i < n; i++) {
        to->time[at + i]  = from->time[picks[i]];
        to->order[at + i] = from->order[picks[i]];
        field[at + i]     = (int64_t)from->order[picks[i]];
    }
    to->n_rows += n;
}

static weir_status
copy_rows(weiri_parts *self, uint32_t member, const weir_chunk *from, uint32_t n_picks,
    weiri_rows_list *to)
{
    weir_chunk **open   = &self->open[member];
    weir_status  status = WEIR_OK;
    for (uint32_t done = 0; done < n_picks && status == WEIR_OK;) {
        if (*open == NULL) {
            status = weir_chunk_new(&self->given->numbered->schema, NULL, open);
        }
        if (status != WEIR_OK) {
            break;
        }
        const uint16_t *picks = self->picks + done;
        uint32_t        room  = (*open)->capacity - (*open)->n_rows;
        uint32_t        want  = n_picks - done < room ? n_picks - done : room;
        uint32_t        n     = want;
        status                = weiri_scatter_copy(*open, from, picks, &n);
        if (status != WEIR_OK) {
            break;
        }
        stamp(*open, from, picks, n);
        done += n;
        if (n < want || (*open)->n_rows == (*open)->capacity) {
            status = hand_on(open, to);
        }
    }
    return status;
}

static uint32_t
pick(weiri_parts *self, uint32_t member, weir_rows rows)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows.n; i++) {
        self->picks[n] = (uint16_t)(rows.first + i);
        n += (self->wanted[i] >> member & 1) != 0;
    }
    return n;
}

static weir_status
split_range(weiri_parts *self, weir_rows rows, bool is_last, const weiri_moves *moves,
    weiri_rows_list *to)
{
    weir_status status = WEIR_OK;
    find_wanted(self, rows, moves);
    if (is_last) {
        self->wanted[rows.n - 1] = self->others;
    }
    for (uint32_t m = 0; m < self->n_members && status == WEIR_OK; m++) {
        if ((self->others >> m & 1) != 0) {
            status = copy_rows(self, m, rows.chunk, pick(self, m, rows), &to[m]);
        }
    }
    return status;
}

weir_status
weiri_parts_split(weiri_parts *self, const weiri_rows_list *rows, bool is_end,
    const weiri_moves *moves, weiri_rows_list *to)
{
    weir_status status = WEIR_OK;
    for (uint32_t k = 0; k < rows->n && status == WEIR_OK; k++) {
        status = split_range(self, rows->items[k], is_end && k + 1 == rows->n, moves, to);
    }
    for (uint32_t m = 0; m < self->n_members; m++) {
        weir_status handed = hand_on(&self->open[m], &to[m]);
        status             = status == WEIR_OK ? handed : status;
    }
    return status;
}
