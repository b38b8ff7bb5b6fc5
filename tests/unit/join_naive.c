#include "join_naive.h"

#include <stddef.h>

bool
naive_is_before(const naive_join *join, const naive_row *a, const naive_row *b)
{
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns;
    }
    if (a->side != b->side && join->is_right_first) {
        return a->side == 1;
    }
    if (join->ranks[a->side] != join->ranks[b->side]) {
        return join->ranks[a->side] < join->ranks[b->side];
    }
    return a->order != b->order ? a->order < b->order : a->side < b->side;
}

static void
sort(const naive_join *join, naive_row *rows, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t k = i; k > 0 && naive_is_before(join, &rows[k], &rows[k - 1]);
             k--) {
            naive_row row = rows[k];
            rows[k]       = rows[k - 1];
            rows[k - 1]   = row;
        }
    }
}

static bool
are_near(const naive_join *join, int64_t earlier_ns, int64_t later_ns)
{
    return join->within_ns < 0
           || (uint64_t)later_ns - (uint64_t)earlier_ns <= (uint64_t)join->within_ns;
}

static bool
has_key(const naive_join *join, const naive_row *row)
{
    for (uint32_t i = 0; i < join->n_keys; i++) {
        if (row->nulls[i]) {
            return false;
        }
    }
    return row->has_where;
}

static bool
are_equal(const naive_join *join, const naive_row *a, const naive_row *b)
{
    for (uint32_t i = 0; i < join->n_keys; i++) {
        if (a->keys[i] != b->keys[i]) {
            return false;
        }
    }
    return has_key(join, a) && has_key(join, b);
}

static bool
is_pair(const naive_join *join, const naive_row *earlier, const naive_row *later)
{
    const naive_row *left  = earlier->side == 0 ? earlier : later;
    const naive_row *right = earlier->side == 0 ? later : earlier;
    return earlier->side != later->side
           && are_near(join, earlier->time_ns, later->time_ns)
           && are_equal(join, left, right) && (!join->has_where || left->x <= right->x);
}

static bool
has_partner(const naive_join *join, const naive_row *rows, uint32_t n, uint32_t i)
{
    for (uint32_t k = 0; k < n; k++) {
        if (k != i && is_pair(join, &rows[k < i ? k : i], &rows[k < i ? i : k])) {
            return true;
        }
    }
    return false;
}

/* Left rows without partner whose time is up between two moments: deadlines in
 * [from, to). */
static uint32_t
give_alone(const naive_join *join, const naive_row *rows, uint32_t n, bool has_from,
    int64_t from, int64_t to, naive_pair *out)
{
    uint32_t n_out = 0;
    for (uint32_t i = 0; i < n; i++) {
        const naive_row *row = &rows[i];
        int64_t          end = row->time_ns > INT64_MAX - join->within_ns
                                   ? INT64_MAX
                                   : row->time_ns + join->within_ns;
        if (row->side == 0 && (!has_from || end >= from) && end < to
            && !has_partner(join, rows, n, i)) {
            out[n_out++] = (naive_pair){ end, row->index, NAIVE_ALONE };
        }
    }
    return n_out;
}

static uint32_t
run_interval(const naive_join *join, const naive_row *rows, uint32_t n, naive_pair *out)
{
    uint32_t n_out = 0;
    for (uint32_t i = 0; i < n; i++) {
        const naive_row *now = &rows[i];
        if (join->is_left && (i == 0 || rows[i - 1].time_ns < now->time_ns)) {
            n_out += give_alone(join, rows, n, i > 0, i > 0 ? rows[i - 1].time_ns : 0,
                now->time_ns, out + n_out);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (is_pair(join, &rows[k], now)) {
                const naive_row *left  = now->side == 0 ? now : &rows[k];
                const naive_row *right = now->side == 0 ? &rows[k] : now;
                out[n_out++] = (naive_pair){ now->time_ns, left->index, right->index };
            }
        }
    }
    if (join->is_left) {
        n_out += give_alone(join, rows, n, n > 0, n > 0 ? rows[n - 1].time_ns : 0,
            join->end_ns, out + n_out);
    }
    return n_out;
}

/* The latest right row of the key before row i; NULL: none, or it was removed. */
static const naive_row *
latest(const naive_join *join, const naive_row *rows, uint32_t i)
{
    for (uint32_t k = i; k-- > 0;) {
        if (rows[k].side == 1 && rows[k].change == 2) {
            return NULL;
        }
        if (rows[k].side == 1 && are_equal(join, &rows[i], &rows[k])) {
            bool is_there =
                rows[k].change == 0 && are_near(join, rows[k].time_ns, rows[i].time_ns);
            return is_there ? &rows[k] : NULL;
        }
    }
    return NULL;
}

static uint32_t
run_asof(const naive_join *join, const naive_row *rows, uint32_t n, naive_pair *out)
{
    uint32_t n_out = 0;
    for (uint32_t i = 0; i < n; i++) {
        const naive_row *right = rows[i].side == 0 ? latest(join, rows, i) : NULL;
        if (rows[i].side == 0 && (right != NULL || join->is_left)) {
            out[n_out++] = (naive_pair){ rows[i].time_ns, rows[i].index,
                right != NULL ? right->index : NAIVE_ALONE };
        }
    }
    return n_out;
}

uint32_t
naive_run(const naive_join *join, naive_row *rows, uint32_t n, naive_pair *out)
{
    sort(join, rows, n);
    return join->is_asof ? run_asof(join, rows, n, out)
                         : run_interval(join, rows, n, out);
}
