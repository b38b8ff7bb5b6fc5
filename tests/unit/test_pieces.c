/* Where the bytes of a section are cut for a checkpoint. */
#include "durable/pieces.h"

#include <stdlib.h>

#include "int_keys.h"

enum { MOST = 4096, KEYS = 6000, MILLION = 1000000 };

typedef struct cut {
    weiri_pack   bytes;
    weiri_piece *pieces; /* shape (n,) */
    size_t       n;
} cut;

static cut
cut_bytes(weiri_pack bytes)
{
    cut          out  = { .bytes = bytes };
    size_t       room = 0;
    weiri_pieces self;
    weiri_piece  piece;
    weiri_pieces_init(&self, bytes.bytes, bytes.size, MOST);
    while (weiri_pieces_next(&self, &piece)) {
        if (out.n == room) {
            room       = 2 * room + 64;
            out.pieces = realloc(out.pieces, room * sizeof piece);
            assert_non_null(out.pieces);
        }
        out.pieces[out.n++] = piece;
    }
    weiri_pieces_fini(&self);
    return out;
}

static void
drop(cut *self)
{
    weiri_pack_fini(&self->bytes);
    free(self->pieces);
}

/* Keys 0 … n - 1, each with some bytes; `changed` has others, so many. */
static cut
cut_keys(int64_t n, int64_t changed, size_t size)
{
    enum { SIZE = 20 };
    weiri_keyed keyed = { 0 };
    weiri_pack_number(&keyed.head, 7);
    weiri_keyed_add_type(&keyed, 0, WEIR_INT);
    weiri_keyed_end_head(&keyed);
    for (int64_t i = 0; i < n; i++) {
        bool is_other = i == changed;
        add_int_key(&keyed, i, 0, is_other ? size : SIZE, is_other ? 'x' : 'a');
    }
    return cut_bytes(finish_keys(&keyed));
}

/* All bytes in order, and numbers that leave room for all that a long piece needs. */
static void
assert_whole(const cut *self)
{
    size_t at = 0;
    for (size_t i = 0; i < self->n; i++) {
        const weiri_piece *piece = &self->pieces[i];
        assert_int_equal(piece->first, at);
        assert_true(piece->end > piece->first);
        if (i > 0) {
            const weiri_piece *before = piece - 1;
            size_t             size   = before->end - before->first;
            assert_true(piece->number >= before->number + (size + MOST - 1) / MOST);
        }
        at = piece->end;
    }
    assert_int_equal(at, self->bytes.size);
}

/* Each piece but the first and the last begins with a key, and fits, or has one place. */
static void
assert_between_keys(const cut *self)
{
    weiri_keyed_reader from;
    weiri_keyed_entry  entry;
    size_t             at       = 1; /* piece */
    size_t             n_places = 0; /* in the piece before */
    uint32_t           last     = 0;
    assert_true(weiri_keyed_open(&from, self->bytes.bytes, self->bytes.size));
    while (weiri_keyed_next(&from, NULL, &entry)) {
        size_t first = (size_t)(entry.first - self->bytes.bytes);
        if (at + 1 < self->n && first >= self->pieces[at].first) {
            assert_int_equal(first, self->pieces[at].first);
            at++;
            n_places = 0;
        }
        n_places += n_places == 0 || entry.place != last;
        last                     = entry.place;
        const weiri_piece *piece = &self->pieces[at - 1];
        assert_true(piece->end - piece->first <= MOST || n_places == 1);
    }
    assert_null(from.in.wrong);
    assert_int_equal(at + 1, self->n);
}

/* How many pieces of `b` a store that has those of `a` does not have. */
static size_t
count_written(const cut *a, const cut *b)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < b->n; i++) {
        const weiri_piece *piece = &b->pieces[i];
        size_t             size  = piece->end - piece->first;
        while (k < a->n && a->pieces[k].number < piece->number) {
            k++;
        }
        bool is_there = k < a->n && a->pieces[k].number == piece->number
                        && a->pieces[k].end - a->pieces[k].first == size
                        && memcmp(a->bytes.bytes + a->pieces[k].first,
                               b->bytes.bytes + piece->first, size)
                               == 0;
        n += !is_there;
    }
    return n;
}

/* ---- */

static void
nothing_has_no_piece_and_no_keys_have_one(void **state)
{
    (void)state;
    cut none = cut_bytes((weiri_pack){ 0 });
    assert_int_equal(none.n, 0);
    cut empty = cut_keys(0, -1, 0);
    assert_int_equal(empty.n, 1);
    assert_int_equal(empty.pieces[0].number, 0);
    assert_whole(&empty);
    drop(&none);
    drop(&empty);
}

static void
one_key_is_a_piece_between_head_and_end(void **state)
{
    (void)state;
    cut one = cut_keys(1, -1, 0);
    assert_int_equal(one.n, 3);
    assert_whole(&one);
    assert_between_keys(&one);
    drop(&one);
}

static void
pieces_are_cut_between_keys(void **state)
{
    (void)state;
    static const int64_t NUMBERS[] = { 2, 3, 100, KEYS, MILLION };
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        cut self = cut_keys(NUMBERS[i], -1, 0);
        assert_whole(&self);
        assert_between_keys(&self);
        assert_true(self.n <= 3 + 4 * self.bytes.size / MOST); /* and not into crumbs */
        drop(&self);
    }
}

static void
a_key_that_changes_is_written_with_its_piece_alone(void **state)
{
    (void)state;
    enum { SIZE = 20, STEP = 389 };
    cut before = cut_keys(KEYS, -1, 0);
    assert_true(before.n > 40);
    for (int64_t i = 0; i < KEYS; i += STEP) {
        cut after = cut_keys(KEYS, i, SIZE);
        assert_int_equal(after.n, before.n);
        assert_int_equal(count_written(&before, &after), 2); /* and the checksum */
        drop(&after);
    }
    drop(&before);
}

/* The size of its key group stands before the first key of it. */
static void
a_key_that_grows_or_shrinks_leaves_the_pieces_of_others_alone(void **state)
{
    (void)state;
    enum { STEP = 389 };
    static const size_t SIZES[] = { 0, 19, 21, 500, MOST, 3 * MOST };
    cut                 before  = cut_keys(KEYS, -1, 0);
    for (int64_t i = 0; i < KEYS; i += STEP) {
        for (size_t s = 0; s < sizeof SIZES / sizeof SIZES[0]; s++) {
            cut after = cut_keys(KEYS, i, SIZES[s]);
            assert_whole(&after);
            size_t n = count_written(&before, &after);
            /* one that does not fit has halves cut off it until it is alone */
            assert_in_range(n, 2, SIZES[s] < MOST / 2 ? 5 : 3 + 32);
            drop(&after);
        }
    }
    drop(&before);
}

static void
keys_that_come_and_go_leave_the_pieces_of_others_alone(void **state)
{
    (void)state;
    cut few  = cut_keys(KEYS, -1, 0);
    cut more = cut_keys(KEYS + 1, -1, 0);
    assert_in_range(count_written(&few, &more), 2, 5);
    assert_in_range(count_written(&more, &few), 2, 5);
    drop(&few);
    drop(&more);
}

static void
what_is_kept_of_one_key_in_two_parts_stays_together(void **state)
{
    (void)state;
    weiri_keyed keyed = { 0 };
    for (int64_t i = 0; i < 3; i++) {
        add_int_key(&keyed, i, 1, 2 * MOST, 'b');
        add_int_key(&keyed, i, 0, MOST, 'a');
    }
    cut self = cut_bytes(finish_keys(&keyed));
    assert_int_equal(self.n, 3 + 2);
    assert_whole(&self);
    assert_between_keys(&self);
    drop(&self);
}

static void
what_is_no_state_by_key_is_one_piece(void **state)
{
    (void)state;
    cut        good  = cut_keys(KEYS, -1, 0);
    weiri_pack bytes = { 0 };
    weiri_pack_bytes(&bytes, good.bytes.bytes, good.bytes.size);
    bytes.bytes[bytes.size / 2] ^= 1;
    cut damaged = cut_bytes(bytes);
    assert_int_equal(damaged.n, 1);
    assert_int_equal(damaged.pieces[0].number, 0);
    assert_whole(&damaged);
    drop(&good);
    free(damaged.pieces);
    weiri_pack_fini(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_no_piece_and_no_keys_have_one),
        cmocka_unit_test(one_key_is_a_piece_between_head_and_end),
        cmocka_unit_test(pieces_are_cut_between_keys),
        cmocka_unit_test(a_key_that_changes_is_written_with_its_piece_alone),
        cmocka_unit_test(a_key_that_grows_or_shrinks_leaves_the_pieces_of_others_alone),
        cmocka_unit_test(keys_that_come_and_go_leave_the_pieces_of_others_alone),
        cmocka_unit_test(what_is_kept_of_one_key_in_two_parts_stays_together),
        cmocka_unit_test(what_is_no_state_by_key_is_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
