/* What nodes say to each other of key groups that move, as rows of a stream. */
#include "mover_inside.h"

#include <stdlib.h>

#include "weiri/assert.h"

enum { ORDER_BITS = 48, PART_BITS = 20 };

#define STATE_BYTES (UINT64_C(1) << (PART_BITS + 16)) /* that many parts of 64 KiB */

/* ---- states on their way here ---- */

weiri_arrival *
weiri_mover_arrival(const weiri_mover *self, uint32_t from, uint64_t number)
{
    for (uint32_t i = 0; i < self->n_arrivals; i++) {
        if (self->arrivals[i].from == from && self->arrivals[i].number == number) {
            return &self->arrivals[i];
        }
    }
    return NULL;
}

/* NULL: no memory. */
weiri_arrival *
weiri_mover_need_arrival(weiri_mover *self, uint32_t from, uint64_t number)
{
    weiri_arrival *of = weiri_mover_arrival(self, from, number);
    if (of != NULL) {
        return of;
    }
    weiri_arrival *grown =
        realloc(self->arrivals, (self->n_arrivals + (size_t)1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    self->arrivals = grown;
    of             = &grown[self->n_arrivals++];
    *of            = (weiri_arrival){ .from = from, .number = number };
    return of;
}

void
weiri_mover_drop_arrival(weiri_mover *self, weiri_arrival *of)
{
    weiri_pack_fini(&of->bytes);
    *of = self->arrivals[--self->n_arrivals];
}

/* ---- saying ---- */

/* The least clock of what this node reads itself. */
static int64_t
own_clock(const weiri_engine *self)
{
    int64_t clock_ns = INT64_MAX;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        if (source->numbered != NULL || source->is_timeless) {
            continue;
        }
        int64_t of = weiri_intake_clock(self->intakes[i])->now_ns;
        clock_ns   = of < clock_ns ? of : clock_ns;
    }
    return clock_ns;
}

static weir_status
write_word(
    weiri_engine *self, weiri_giver *giver, const weiri_word *word, weir_error *err)
{
    static const char  DIGITS[] = "0123456789abcdef";
    const weir_schema *schema   = &giver->given->numbered->schema;
    weiri_mover       *mover    = self->mover;
    weir_chunk        *chunk    = NULL;
    weir_status        status   = weiri_chunk_new_small(schema, NULL, 8, &chunk);
    char              *text     = malloc(2 * word->size + 1);
    uint64_t           order    = (uint64_t)self->plan->cluster->self << ORDER_BITS
                     | mover->n_told << PART_BITS | mover->n_parts;
    if (status != WEIR_OK || text == NULL) {
        weir_chunk_drop(&chunk);
        free(text);
        return weiri_mover_no_memory(err);
    }
    for (size_t i = 0; i < word->size; i++) {
        text[2 * i]     = DIGITS[word->bytes[i] >> 4];
        text[2 * i + 1] = DIGITS[word->bytes[i] & 15];
    }
    const int64_t numbers[] = { 0, word->kind, word->from, (int64_t)word->number,
        word->to, word->when };
    for (uint32_t f = 0; f < sizeof numbers / sizeof numbers[0]; f++) {
        chunk->columns[f].as.i[0] = numbers[f];
    }
    const weir_value bytes = {
        .type = WEIR_STRING, .size = (uint32_t)(2 * word->size), .as.s = text
    };
    status = weir_chunk_set(chunk, 0, schema->n_fields - 2, &bytes);
    chunk->columns[schema->n_fields - 1].as.i[0] = (int64_t)order;
    chunk->time[0]                               = 0;
    chunk->order[0]                              = order;
    chunk->n_rows                                = 1;
    free(text);
    bool is_for_one = word->kind == WEIRI_WORD_PART || word->kind == WEIRI_WORD_STATE;
    for (uint32_t m = 0; status == WEIR_OK && m < self->plan->cluster->n_members; m++) {
        if (giver->outlets[m] == NULL || (is_for_one && m != word->to)) {
            continue;
        }
        status =
            weiri_rows_list_add(&giver->to[m], (weir_rows){ .chunk = chunk, .n = 1 });
        if (status == WEIR_OK) {
            status = weiri_outlet_write(giver->outlets[m], &giver->to[m], err);
        }
        if (status == WEIR_OK) {
            status = weiri_outlet_advance(giver->outlets[m], giver->watermark_ns, err);
        }
        weiri_rows_list_clear(&giver->to[m]);
    }
    weir_chunk_drop(&chunk);
    return status;
}

static weir_status
open_leaving(weiri_engine *self, const weiri_said *said, weir_error *err)
{
    weiri_mover *mover = self->mover;
    if (mover->leaving.size > 0) {
        return WEIR_OK;
    }
    return weiri_mover_get_state(self, said->number, &mover->leaving, err);
}

/* As many parts as there is room for; `is_done`: that was the last of them. */
static weir_status
give_parts(weiri_engine *self, weiri_giver *giver, const weiri_move *move,
    const weiri_said *said, bool *is_done, weir_error *err)
{
    weiri_mover *mover  = self->mover;
    weir_status  status = open_leaving(self, said, err);
    while (status == WEIR_OK && mover->n_parts * WEIRI_MOVE_PART < mover->leaving.size) {
        if (weiri_outlet_is_full(giver->outlets[move->to])) {
            return WEIR_OK;
        }
        size_t     at   = mover->n_parts * WEIRI_MOVE_PART;
        size_t     left = mover->leaving.size - at;
        weiri_word word = { .kind = WEIRI_WORD_PART,
            .from                 = move->from,
            .number               = move->number,
            .to                   = move->to,
            .when                 = (int64_t)mover->n_parts,
            .bytes                = mover->leaving.bytes + at,
            .size                 = left < WEIRI_MOVE_PART ? left : WEIRI_MOVE_PART };
        status          = write_word(self, giver, &word, err);
        mover->n_parts++;
    }
    *is_done = status == WEIR_OK;
    return status;
}

static weir_status
give_word(weiri_engine *self, weiri_giver *giver, bool *is_said, weir_error *err)
{
    weiri_mover      *mover = self->mover;
    const weiri_said *said  = weiri_mover_next_word(mover);
    const weiri_move *move  = weiri_moves_find(&mover->moves, said->from, said->number);
    uint8_t           groups[WEIRI_WORD_GROUPS];
    weiri_word        word = { .kind = said->kind,
               .from                 = said->from,
               .number               = said->number,
               .to                   = move != NULL ? move->to : 0,
               .when                 = said->when };
    *is_said               = true;
    weiri_assert(move != NULL
                 || (said->kind != WEIRI_WORD_BEGIN && said->kind != WEIRI_WORD_STATE));
    if (said->kind == WEIRI_WORD_BEGIN) {
        weiri_groups_pack(&move->groups, groups);
        word.bytes = groups;
        word.size  = sizeof groups;
    } else if (said->kind == WEIRI_WORD_STATE) {
        weir_status status = give_parts(self, giver, move, said, is_said, err);
        if (status != WEIR_OK || !*is_said) {
            return status;
        }
        word.when = (int64_t)mover->leaving.size;
    }
    weir_status status = write_word(self, giver, &word, err);
    weiri_pack_fini(&mover->leaving);
    mover->n_parts = 0;
    mover->n_told++;
    return status;
}

static weir_status
advance(weiri_engine *self, weiri_giver *giver, int64_t watermark_ns, bool is_end,
    weir_error *err)
{
    weir_status status = WEIR_OK;
    for (uint32_t m = 0; status == WEIR_OK && m < self->plan->cluster->n_members; m++) {
        if (giver->outlets[m] == NULL) {
            continue;
        }
        status = is_end ? weiri_outlet_end(giver->outlets[m], INT64_MIN, err)
                        : weiri_outlet_advance(giver->outlets[m], watermark_ns, err);
    }
    giver->is_ended     = is_end;
    giver->watermark_ns = watermark_ns;
    return status;
}

weir_status
weiri_engine_give_words(weiri_engine *self, weiri_giver *giver, weir_error *err)
{
    weiri_mover *mover   = self->mover;
    weir_status  status  = WEIR_OK;
    bool         is_said = true;
    while (status == WEIR_OK && is_said && mover->n_told < weiri_mover_n_words(mover)) {
        status = give_word(self, giver, &is_said, err);
    }
    if (status != WEIR_OK || giver->is_ended) {
        return status;
    }
    int64_t clock_ns = own_clock(self);
    int64_t hold_ns  = weiri_moves_hold(&mover->moves);
    if (!is_said) { /* whoever takes the state waits at the cut */
        const weiri_said *said = weiri_mover_next_word(mover);
        int64_t           cut_ns =
            weiri_moves_find(&mover->moves, said->from, said->number)->cut_ns;
        hold_ns = cut_ns < hold_ns ? cut_ns : hold_ns;
    }
    clock_ns = hold_ns < clock_ns ? hold_ns : clock_ns;
    return clock_ns > giver->watermark_ns
               ? advance(self, giver, clock_ns, clock_ns == INT64_MAX, err)
               : WEIR_OK;
}

/* ---- hearing ---- */

static int
digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_word(const weir_chunk *chunk, uint32_t row, weiri_word *out, weiri_pack *bytes)
{
    const weir_value text = weir_chunk_get(chunk, row, 6);
    bytes->size           = 0;
    *out = (weiri_word){ .kind = (weiri_word_kind)chunk->columns[1].as.i[row],
        .from                  = (uint32_t)chunk->columns[2].as.i[row],
        .number                = (uint64_t)chunk->columns[3].as.i[row],
        .to                    = (uint32_t)chunk->columns[4].as.i[row],
        .when                  = chunk->columns[5].as.i[row] };
    for (uint32_t i = 0; i + 1 < text.size; i += 2) {
        int high = digit(text.as.s[i]);
        int low  = digit(text.as.s[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        uint8_t value = (uint8_t)(high << 4 | low);
        weiri_pack_bytes(bytes, &value, 1);
    }
    out->bytes = bytes->bytes;
    out->size  = bytes->size;
    return text.size % 2 == 0 && !bytes->is_out_of_memory;
}

static weir_status
take_part(weiri_mover *self, uint32_t member, const weiri_word *word, weir_error *err)
{
    const weiri_move *move = weiri_moves_find(&self->moves, word->from, word->number);
    if (member != word->from || move == NULL || move->to != self->moves.self
        || !move->is_cut || move->is_applied) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "the state of key groups that do not come here");
    }
    weiri_arrival *of = weiri_mover_need_arrival(self, word->from, word->number);
    if (of == NULL) {
        return weiri_mover_no_memory(err);
    }
    if (word->kind == WEIRI_WORD_STATE) {
        of->is_whole = true;
        return of->bytes.size == (uint64_t)word->when
                   ? WEIR_OK
                   : WEIR_FAIL(err, WEIR_EDATA, "the state of key groups is not whole");
    }
    if (of->bytes.size + word->size > STATE_BYTES
        || of->bytes.size != (uint64_t)word->when * WEIRI_MOVE_PART) {
        return WEIR_FAIL(err, WEIR_EDATA, "a part of a state that is not the next");
    }
    weiri_pack_bytes(&of->bytes, word->bytes, word->size);
    return of->bytes.is_out_of_memory ? weiri_mover_no_memory(err) : WEIR_OK;
}

static weir_status
take_word(weiri_engine *self, const weir_chunk *chunk, uint32_t row, weiri_pack *bytes,
    weir_error *err)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    weiri_word                word;
    uint64_t                  member = chunk->order[row] >> ORDER_BITS;
    weir_status               status = WEIR_OK;
    if (member >= cluster->n_members || !read_word(chunk, row, &word, bytes)) {
        return WEIR_FAIL(err, WEIR_EDATA, "what was said of a move cannot be read");
    }
    if (word.kind == WEIRI_WORD_PART || word.kind == WEIRI_WORD_STATE) {
        status = take_part(self->mover, (uint32_t)member, &word, err);
    } else {
        status = weiri_moves_take(
            &self->mover->moves, (uint32_t)member, &word, weiri_mover_floor(self), err);
    }
    return status == WEIR_OK
               ? status
               : WEIR_CONTEXT(err, status, "node '%s'", cluster->members[member]);
}

weir_status
weiri_mover_hear(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover  = self->mover;
    weiri_pack   bytes  = { 0 };
    weir_status  status = weiri_merge_release(mover->words, INT64_MAX, &mover->heard);
    if (status != WEIR_OK) {
        return weiri_mover_no_memory(err);
    }
    for (uint32_t i = 0; i < mover->heard.n; i++) {
        const weir_rows rows = mover->heard.items[i];
        for (uint32_t k = 0; k < rows.n && status == WEIR_OK; k++) {
            status = take_word(self, rows.chunk, rows.first + k, &bytes, err);
        }
    }
    weiri_rows_list_clear(&mover->heard);
    weiri_pack_fini(&bytes);
    return status;
}
