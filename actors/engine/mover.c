/* What nodes say of key groups that move, as rows of a stream between them; and what this
 * one has promised, in files:
 *
 *   FOLDER/moves      all promises (weiri/moves.h), before anything is done by them
 *   FOLDER/moved.N    the state of the N-th move that this node gave, until a checkpoint
 *                     is past it: what was said of it once has to be said again the same
 *
 * A checkpoint has, in the section cluster/moves, which moves the rules have followed,
 * how much was said, and what of others' states has come.
 */
#define _GNU_SOURCE
#include "mover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "weiri/cluster.h"
#include "weiri/fault.h"
#include "weiri/folder.h"

enum { ORDER_BITS = 48, PART_BITS = 20, FILE_MODE = 0640 };

#define STATE_BYTES (UINT64_C(1) << (PART_BITS + 16)) /* PART_BITS parts of 64 KiB */

static const weiri_seal SEAL = {
    .magic = "weirM", .not_ours = "it does not say what moves", .version = 1
};

/* The state of key groups on its way here. */
typedef struct arrival {
    uint32_t   from;
    uint64_t   number;
    weiri_pack bytes;
    bool       is_whole;
} arrival;

struct weiri_mover {
    weiri_moves      moves;
    weiri_merge     *words; /* of others, to be heard                          */
    weiri_rows_list  heard; /* scratch                                         */
    weiri_pack       file;  /* what FOLDER/moves has                           */
    uint64_t         n_told;   /* words that were given to the links           */
    uint64_t         n_parts;  /* and parts of the state that is said next     */
    weiri_pack       leaving;  /* that state, from its file                    */
    arrival         *arrivals; /* shape (n_arrivals,)                          */
    uint32_t         n_arrivals;
};

static weir_status
no_memory(weir_error *err)
{
    return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
}

const weiri_moves *
weiri_engine_moves(const weiri_engine *self)
{
    return self->mover != NULL ? &self->mover->moves : NULL;
}

weiri_merge *
weiri_engine_words(const weiri_engine *self)
{
    return self->mover->words;
}

/* ---- files ---- */

/* FOLDER/NAME[.NUMBER]; to be freed, NULL: no memory. */
static char *
path_of(const weiri_engine *self, const char *name, uint64_t number)
{
    size_t size = strlen(self->options.folder) + strlen(name) + 32;
    char  *out  = malloc(size);
    if (out != NULL && number == 0) {
        snprintf(out, size, "%s/%s", self->options.folder, name);
    } else if (out != NULL) {
        snprintf(out, size, "%s/%s.%llu", self->options.folder, name,
            (unsigned long long)number);
    }
    return out;
}

static weir_status
write_all(int fd, const weiri_pack *pack)
{
    for (size_t at = 0; at < pack->size;) {
        ssize_t n = write(fd, pack->bytes + at, pack->size - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return WEIR_EIO;
        }
        at += (size_t)n;
    }
    return fsync(fd) == 0 ? WEIR_OK : WEIR_EIO;
}

/* The file has all of it, on the medium, or is as it was. */
static weir_status
put_file(const char *path, const weiri_pack *pack, weir_error *err)
{
    size_t size = strlen(path) + sizeof ".new";
    char  *next = malloc(size);
    if (next == NULL || pack->is_out_of_memory) {
        free(next);
        return no_memory(err);
    }
    snprintf(next, size, "%s.new", path);
    int         fd     = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    weir_status status = fd >= 0 ? write_all(fd, pack) : WEIR_EIO;
    int         code   = errno;
    if (fd >= 0 && close(fd) != 0 && status == WEIR_OK) {
        status = WEIR_EIO;
        code   = errno;
    }
    if (status == WEIR_OK && rename(next, path) != 0) {
        status = WEIR_EIO;
        code   = errno;
    }
    free(next);
    return status == WEIR_OK ? weiri_sync_folder_of(path, err)
                             : WEIR_FAIL_OS(err, code, "cannot write '%s'", path);
}

/* errors  WEIR_ENOENT  it is not there */
static weir_status
get_file(const char *path, weiri_pack *out, weir_error *err)
{
    struct stat about;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "'%s' is missing", path);
    }
    bool  is    = fd >= 0 && fstat(fd, &about) == 0;
    char *bytes = is ? malloc((size_t)about.st_size + 1) : NULL;
    for (off_t at = 0; bytes != NULL && is && at < about.st_size;) {
        ssize_t n = read(fd, bytes + at, (size_t)(about.st_size - at));
        is        = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? n : 0;
    }
    int code = errno;
    if (bytes != NULL && is) {
        weiri_pack_bytes(out, bytes, (size_t)about.st_size);
    }
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return is ? WEIR_OK : WEIR_FAIL_OS(err, code, "cannot read '%s'", path);
}

/* What was promised is on the medium, before anybody goes by it. */
static weir_status
keep(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover = self->mover;
    weiri_pack   now   = { 0 };
    if (self->options.folder == NULL) {
        return WEIR_OK;
    }
    weiri_pack_open(&now, &SEAL);
    weiri_pack_number(&now, mover->moves.n_members);
    weiri_moves_pack(&mover->moves, &now);
    if (!weiri_pack_close(&now, 0, true)) {
        weiri_pack_fini(&now);
        return no_memory(err);
    }
    if (now.size == mover->file.size
        && memcmp(now.bytes, mover->file.bytes, now.size) == 0) {
        weiri_pack_fini(&now);
        return WEIR_OK;
    }
    char       *path   = path_of(self, "moves", 0);
    weir_status status = path != NULL ? put_file(path, &now, err) : no_memory(err);
    free(path);
    weiri_pack_fini(&mover->file);
    mover->file = now;
    return status;
}

/* ---- making ---- */

static weir_status
read_promises(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover = self->mover;
    if (self->options.folder == NULL) {
        return WEIR_OK;
    }
    char *path = path_of(self, "moves", 0);
    if (path == NULL) {
        return no_memory(err);
    }
    weir_status status = get_file(path, &mover->file, err);
    if (status == WEIR_ENOENT) {
        free(path);
        return WEIR_OK;
    }
    weiri_unpack in = { .at = mover->file.bytes,
        .end                = mover->file.bytes + mover->file.size };
    if (status == WEIR_OK) {
        const char *wrong = weiri_unpack_open(&in, &SEAL);
        if (wrong == NULL && weiri_unpack_number(&in) != mover->moves.n_members) {
            wrong = "it is of another cluster";
        }
        if (wrong == NULL) {
            weiri_moves_unpack(&mover->moves, &in);
            wrong = in.wrong;
        }
        status = wrong == NULL ? WEIR_OK : WEIR_FAIL(err, WEIR_EDATA, "'%s': %s", path, wrong);
    }
    free(path);
    return status;
}

static arrival *
find_arrival(const weiri_mover *self, uint32_t from, uint64_t number)
{
    for (uint32_t i = 0; i < self->n_arrivals; i++) {
        if (self->arrivals[i].from == from && self->arrivals[i].number == number) {
            return &self->arrivals[i];
        }
    }
    return NULL;
}

/* NULL: no memory. */
static arrival *
need_arrival(weiri_mover *self, uint32_t from, uint64_t number)
{
    arrival *of = find_arrival(self, from, number);
    if (of != NULL) {
        return of;
    }
    arrival *grown =
        realloc(self->arrivals, (self->n_arrivals + (size_t)1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    self->arrivals = grown;
    of             = &grown[self->n_arrivals++];
    *of            = (arrival){ .from = from, .number = number };
    return of;
}

static void
drop_arrival(weiri_mover *self, arrival *of)
{
    weiri_pack_fini(&of->bytes);
    *of = self->arrivals[--self->n_arrivals];
}

static weir_status
read_arrivals(weiri_mover *self, weiri_unpack *in)
{
    for (uint64_t n = weiri_unpack_number(in); n > 0 && in->wrong == NULL; n--) {
        uint32_t       from   = (uint32_t)weiri_unpack_number(in);
        uint64_t       number = weiri_unpack_number(in);
        bool           whole  = weiri_unpack_below(in, 2, "it is no flag") != 0;
        uint64_t       size   = weiri_unpack_number(in);
        const uint8_t *bytes  = weiri_unpack_bytes(in, (size_t)size);
        arrival       *of     = bytes != NULL ? need_arrival(self, from, number) : NULL;
        if (of == NULL) {
            return in->wrong != NULL ? WEIR_OK : WEIR_ENOMEM;
        }
        weiri_pack_bytes(&of->bytes, bytes, (size_t)size);
        of->is_whole = whole;
    }
    return WEIR_OK;
}

/* What the rules had followed, and what was said and heard, when the state was kept. */
static weir_status
read_section(weiri_engine *self, weir_error *err)
{
    weiri_mover         *mover   = self->mover;
    const weiri_restore *restore = self->options.restore;
    weiri_unpack         in      = { 0 };
    if (restore == NULL
        || !weiri_sections_find(restore->sections, "cluster", "moves", &in)) {
        return WEIR_OK;
    }
    mover->n_told  = weiri_unpack_number(&in);
    mover->n_parts = weiri_unpack_number(&in);
    for (uint64_t n = weiri_unpack_number(&in); n > 0 && in.wrong == NULL; n--) {
        uint32_t    from = (uint32_t)weiri_unpack_number(&in);
        weiri_move *move = weiri_moves_find(&mover->moves, from, weiri_unpack_number(&in));
        if (move != NULL) { /* else a checkpoint was past it already */
            move->is_applied = true;
        }
    }
    weir_status status = read_arrivals(mover, &in);
    if (status == WEIR_OK && in.wrong == NULL) {
        status = weiri_merge_load(mover->words, &in,
            &self->plan->streams[self->plan->cluster->moves].schema, NULL);
    }
    if (mover->n_told < mover->moves.n_dropped
        || mover->n_told > mover->moves.n_dropped + mover->moves.n_said) {
        weiri_unpack_fail(&in, "it is of another time than the file 'moves' beside it");
    }
    return status == WEIR_OK && in.wrong == NULL
               ? WEIR_OK
               : WEIR_FAIL(err, status != WEIR_OK ? status : WEIR_EDATA,
                   "what is known of moves: %s",
                   in.wrong != NULL ? in.wrong : weir_status_text(status));
}

static weir_status
greet(weiri_engine *self, weir_error *err)
{
    int64_t life = 0;
    while (getrandom(&life, sizeof life, 0) < 0) {
        if (errno != EINTR) {
            return WEIR_FAIL_OS(err, errno, "no random number can be had");
        }
    }
    weiri_moves_hello(&self->mover->moves, life, self->options.folder != NULL);
    return keep(self, err);
}

weir_status
weiri_engine_make_mover(weiri_engine *self, weir_error *err)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    weiri_groups              mine;
    if (cluster == NULL) {
        return WEIR_OK;
    }
    self->mover = calloc(1, sizeof *self->mover);
    if (self->mover == NULL
        || weiri_moves_init(
               &self->mover->moves, cluster->n_members, cluster->self, cluster->owners)
               != WEIR_OK
        || weiri_merge_new(WEIRI_REORDER_ROWS, &self->mover->words) != WEIR_OK) {
        return no_memory(err);
    }
    weir_status status = read_promises(self, err);
    if (status == WEIR_OK) {
        status = read_section(self, err);
    }
    if (status == WEIR_OK) {
        status = greet(self, err);
    }
    if (status == WEIR_OK && self->flow != NULL) {
        weiri_moves_mine(&self->mover->moves, &mine);
        weiri_flow_set_groups(self->flow, &mine);
    }
    return status;
}

void
weiri_engine_close_mover(weiri_engine *self)
{
    weiri_mover *mover = self->mover;
    self->mover        = NULL;
    if (mover == NULL) {
        return;
    }
    while (mover->n_arrivals > 0) {
        drop_arrival(mover, &mover->arrivals[0]);
    }
    free(mover->arrivals);
    weiri_moves_fini(&mover->moves);
    weiri_merge_destroy(&mover->words);
    weiri_rows_list_fini(&mover->heard);
    weiri_pack_fini(&mover->file);
    weiri_pack_fini(&mover->leaving);
    free(mover);
}

/* ---- how far this node is ---- */

/* Behind the last event that sources of this node have delivered of a stream. */
static int64_t
end_of(const weiri_engine *self, uint32_t stream)
{
    int64_t newest_ns = INT64_MIN;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        if (source->stream == stream && source->numbered == NULL) {
            int64_t of = weiri_intake_clock(self->intakes[i])->newest_ns;
            newest_ns  = of > newest_ns ? of : newest_ns;
        }
    }
    return newest_ns != INT64_MIN ? newest_ns + 1 : newest_ns;
}

/* This node's watermark, and that of what it has given of its sources. */
static int64_t
floor_of(const weiri_engine *self)
{
    int64_t floor_ns = self->watermark_ns;
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        int64_t            of    = giver->merge == NULL ? INT64_MIN
                                   : giver->is_ended    ? end_of(self, giver->given->stream)
                                                        : giver->watermark_ns;
        floor_ns                 = of > floor_ns ? of : floor_ns;
    }
    return floor_ns;
}

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

/* What was given before a crash has been given again: only what nobody has is promised.
 */
static bool
has_caught_up(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        for (uint32_t m = 0; m < self->plan->cluster->n_members; m++) {
            if (giver->outlets[m] != NULL && !giver->given->is_derived
                && !giver->is_ended
                && !weiri_outlet_has_caught_up(giver->outlets[m])) {
                return false;
            }
        }
    }
    return true;
}

static const weiri_giver *
giver_of_words(const weiri_engine *self)
{
    for (uint32_t i = 0; i < self->n_givers; i++) {
        if (self->givers[i].given->is_moves) {
            return &self->givers[i];
        }
    }
    return NULL;
}

/* A bit for each member that has said its last word. */
static uint64_t
find_ended(const weiri_engine *self)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    uint64_t                  ended   = 0;
    if (weiri_merge_waiting(self->mover->words) > 0) {
        return 0;
    }
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        if (!source->is_moves
            || weiri_intake_clock(self->intakes[i])->now_ns != INT64_MAX) {
            continue;
        }
        for (uint32_t m = 0; m < cluster->n_members; m++) {
            if (strcmp(cluster->members[m], source->path) == 0) {
                ended |= UINT64_C(1) << m;
            }
        }
    }
    return ended;
}

static uint64_t
n_words(const weiri_mover *self)
{
    return self->moves.n_dropped + self->moves.n_said;
}

static const weiri_said *
next_word(const weiri_mover *self)
{
    return &self->moves.said[self->n_told - self->moves.n_dropped];
}

int64_t
weiri_engine_limit(const weiri_engine *self, int64_t watermark_ns)
{
    int64_t limit = self->mover != NULL ? weiri_moves_limit(&self->mover->moves) : INT64_MAX;
    return watermark_ns < limit ? watermark_ns : limit;
}

bool
weiri_engine_is_listening(const weiri_engine *self)
{
    return self->mover != NULL
           && (weiri_moves_limit(&self->mover->moves) != INT64_MAX
               || weiri_moves_is_busy(&self->mover->moves));
}

bool
weiri_engine_is_moving(const weiri_engine *self)
{
    const weiri_giver *giver = self->mover != NULL ? giver_of_words(self) : NULL;
    return giver != NULL
           && (weiri_moves_is_busy(&self->mover->moves)
               || (!giver->is_ended && self->mover->n_told < n_words(self->mover))
               || weiri_merge_waiting(self->mover->words) > 0);
}

/* ---- saying ---- */

static weir_status
write_word(weiri_engine *self, weiri_giver *giver, const weiri_word *word, weir_error *err)
{
    static const char DIGITS[] = "0123456789abcdef";
    const weir_schema *schema  = &giver->given->numbered->schema;
    weiri_mover       *mover   = self->mover;
    weir_chunk        *chunk   = NULL;
    weir_status        status  = weiri_chunk_new_small(schema, NULL, 8, &chunk);
    char              *text    = malloc(2 * word->size + 1);
    uint64_t order = (uint64_t)self->plan->cluster->self << ORDER_BITS
                     | mover->n_told << PART_BITS | mover->n_parts;
    if (status != WEIR_OK || text == NULL) {
        weir_chunk_drop(&chunk);
        free(text);
        return no_memory(err);
    }
    for (size_t i = 0; i < word->size; i++) {
        text[2 * i]     = DIGITS[word->bytes[i] >> 4];
        text[2 * i + 1] = DIGITS[word->bytes[i] & 15];
    }
    const int64_t numbers[] = { 0, word->kind, word->from, (int64_t)word->number, word->to,
        word->when };
    for (uint32_t f = 0; f < sizeof numbers / sizeof numbers[0]; f++) {
        chunk->columns[f].as.i[0] = numbers[f];
    }
    const weir_value bytes = { .type = WEIR_STRING,
        .size                        = (uint32_t)(2 * word->size),
        .as.s                        = text };
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
        status = weiri_rows_list_add(
            &giver->to[m], (weir_rows){ .chunk = chunk, .n = 1 });
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
    char       *path   = path_of(self, "moved", said->number);
    weir_status status = path != NULL ? get_file(path, &mover->leaving, err) : no_memory(err);
    free(path);
    return status == WEIR_OK && mover->leaving.is_out_of_memory ? no_memory(err) : status;
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
        status                = write_word(self, giver, &word, err);
        mover->n_parts++;
    }
    *is_done = status == WEIR_OK;
    return status;
}

static weir_status
give_word(weiri_engine *self, weiri_giver *giver, bool *is_said, weir_error *err)
{
    weiri_mover      *mover = self->mover;
    const weiri_said *said  = next_word(mover);
    const weiri_move *move  = weiri_moves_find(&mover->moves, said->from, said->number);
    uint8_t           groups[WEIRI_WORD_GROUPS];
    weiri_word        word = { .kind = said->kind,
               .from                 = said->from,
               .number               = said->number,
               .to                   = move != NULL ? move->to : 0,
               .when                 = said->when };
    *is_said               = true;
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
    while (status == WEIR_OK && is_said && mover->n_told < n_words(mover)) {
        status = give_word(self, giver, &is_said, err);
    }
    if (status != WEIR_OK || giver->is_ended) {
        return status;
    }
    int64_t clock_ns = own_clock(self);
    int64_t hold_ns  = weiri_moves_hold(&mover->moves);
    if (!is_said) { /* whoever takes the state waits at the cut */
        const weiri_said *said = next_word(mover);
        int64_t cut_ns = weiri_moves_find(&mover->moves, said->from, said->number)->cut_ns;
        hold_ns        = cut_ns < hold_ns ? cut_ns : hold_ns;
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
    *out                  = (weiri_word){ .kind = (weiri_word_kind)chunk->columns[1].as.i[row],
                         .from   = (uint32_t)chunk->columns[2].as.i[row],
                         .number = (uint64_t)chunk->columns[3].as.i[row],
                         .to     = (uint32_t)chunk->columns[4].as.i[row],
                         .when   = chunk->columns[5].as.i[row] };
    for (uint32_t i = 0; i + 1 < text.size; i += 2) {
        int     high  = digit(text.as.s[i]);
        int     low   = digit(text.as.s[i + 1]);
        uint8_t value = (uint8_t)(high << 4 | low);
        if (high < 0 || low < 0) {
            return false;
        }
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
        return WEIR_FAIL(err, WEIR_EDATA, "the state of key groups that do not come here");
    }
    arrival *of = need_arrival(self, word->from, word->number);
    if (of == NULL) {
        return no_memory(err);
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
    return of->bytes.is_out_of_memory ? no_memory(err) : WEIR_OK;
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
            &self->mover->moves, (uint32_t)member, &word, floor_of(self), err);
    }
    return status == WEIR_OK
               ? status
               : WEIR_CONTEXT(err, status, "node '%s'", cluster->members[member]);
}

static weir_status
hear(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover  = self->mover;
    weiri_pack   bytes  = { 0 };
    weir_status  status = weiri_merge_release(mover->words, INT64_MAX, &mover->heard);
    if (status != WEIR_OK) {
        return no_memory(err);
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

/* ---- giving and taking ---- */

/* Save the groups' state, once, and have them no more. */
static weir_status
give_groups(weiri_engine *self, weiri_move *move, weir_error *err)
{
    weiri_sections sections = { 0 };
    weiri_pack     bytes    = { 0 };
    weir_status    status   = WEIR_OK;
    if (!move->is_saved) {
        status = weiri_flow_save_groups(self->flow, &move->groups, &sections, err);
        if (status == WEIR_OK) {
            weiri_sections_pack(&sections, &bytes);
            char *path = path_of(self, "moved", move->number);
            status     = path != NULL ? put_file(path, &bytes, err) : no_memory(err);
            free(path);
        }
        weiri_fault_point("move.saved");
        if (status == WEIR_OK) {
            weiri_moves_save(&self->mover->moves, move);
            status = keep(self, err);
        }
    }
    weiri_sections_fini(&sections);
    weiri_pack_fini(&bytes);
    weiri_fault_point("move.given");
    return status == WEIR_OK ? weiri_flow_forget_groups(self->flow, &move->groups, err)
                             : status;
}

static weir_status
take_groups(weiri_engine *self, const weiri_move *move, arrival *of, weir_error *err)
{
    weiri_sections sections = { 0 };
    weir_status    status =
        weiri_sections_unpack(&sections, of->bytes.bytes, of->bytes.size, err);
    if (status != WEIR_OK) {
        return WEIR_CONTEXT(err, status, "the state of key groups from node '%s'",
            self->plan->cluster->members[move->from]);
    }
    for (uint32_t shard = 0; shard < self->options.n_shards && status == WEIR_OK;
         shard++) {
        weiri_groups some = { .bits = { 0 } };
        for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
            if (weiri_groups_has(&move->groups, g)
                && weiri_flow_shard_of(self->flow, g) == shard) {
                weiri_groups_add(&some, g);
            }
        }
        status = weiri_flow_load_groups(self->flow, &some, shard, &sections, err);
    }
    weiri_sections_fini(&sections);
    drop_arrival(self->mover, of);
    weiri_fault_point("move.taken");
    return status;
}

/* What is to be given, or taken, and can be; NULL: nothing. */
static weiri_move *
find_due(const weiri_engine *self)
{
    weiri_move *move = weiri_moves_due(&self->mover->moves, self->watermark_ns);
    if (move == NULL || move->from == self->mover->moves.self) {
        return move;
    }
    const arrival *of = find_arrival(self->mover, move->from, move->number);
    return of != NULL && of->is_whole ? move : NULL;
}

static bool
has_to_decide(const weiri_engine *self)
{
    const weiri_moves *moves = &self->mover->moves;
    uint64_t           ended = 0;
    bool               is    = false;
    for (uint32_t i = 0; i < moves->n; i++) {
        const weiri_move *move = &moves->moves[i];
        if (move->from == moves->self && !move->is_cut && !move->is_void) {
            ended = ended != 0 ? ended : find_ended(self);
            is    = is || (ended & ~move->heard) != 0;
        }
    }
    return is;
}

/* Files of states that nobody will ask for again. */
static void
drop_files(const weiri_engine *self, const weiri_move *old, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char *path = old[i].from == self->mover->moves.self && old[i].is_saved
                         ? path_of(self, "moved", old[i].number)
                         : NULL;
        if (path != NULL) {
            (void)unlink(path);
        }
        free(path);
    }
}

static bool
has_to_forget(const weiri_mover *self)
{
    return self->moves.n > 0 && self->moves.moves[0].is_past;
}

static weir_status
forget(weiri_engine *self, weir_error *err)
{
    weiri_moves *moves = &self->mover->moves;
    uint32_t     n     = moves->n;
    weiri_move  *old   = malloc(n * sizeof *old);
    if (old == NULL) {
        return no_memory(err);
    }
    memcpy(old, moves->moves, n * sizeof *old);
    weiri_moves_forget(moves);
    weir_status status = keep(self, err);
    if (status == WEIR_OK) {
        drop_files(self, old, n - moves->n);
    }
    free(old);
    return status;
}

bool
weiri_engine_has_step(const weiri_engine *self)
{
    if (self->mover == NULL) {
        return false;
    }
    return find_due(self) != NULL || has_to_forget(self->mover)
           || ((weiri_merge_waiting(self->mover->words) > 0 || has_to_decide(self))
               && has_caught_up(self));
}

weir_status
weiri_engine_step_moves(weiri_engine *self, weir_error *err)
{
    weiri_mover *mover  = self->mover;
    weir_status  status = has_to_forget(mover) ? forget(self, err) : WEIR_OK;
    if (status == WEIR_OK && has_caught_up(self)) {
        mover->moves.is_ended = giver_of_words(self)->is_ended;
        status                = hear(self, err);
        if (status == WEIR_OK) {
            weiri_moves_decide(&mover->moves, find_ended(self), floor_of(self));
            status = keep(self, err);
        }
        weiri_fault_point("move.promised");
    }
    weiri_move *move = NULL;
    while (status == WEIR_OK && (move = find_due(self)) != NULL) {
        status = move->from == mover->moves.self
                     ? give_groups(self, move, err)
                     : take_groups(self, move,
                         find_arrival(mover, move->from, move->number), err);
        move->is_applied = true;
    }
    return status;
}

weir_status
weiri_engine_move(
    weiri_engine *self, uint32_t to, const weiri_groups *groups, weir_error *err)
{
    weiri_mover *mover = self->mover;
    if (mover == NULL || self->flow == NULL || giver_of_words(self) == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the node is in no cluster of several nodes");
    }
    if (!has_caught_up(self)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "not all nodes of the cluster are connected, or this one works off what it "
            "had before its start: try again");
    }
    mover->moves.is_ended = giver_of_words(self)->is_ended;
    weir_status status =
        weiri_moves_begin(&mover->moves, to, groups, floor_of(self), err);
    if (status == WEIR_OK) {
        status = keep(self, err);
        weiri_fault_point("move.begun");
    }
    return status;
}

/* ---- state ---- */

void
weiri_engine_note_moves(weiri_engine *self)
{
    if (self->mover == NULL) {
        return;
    }
    int64_t least_ns = self->watermark_ns;
    for (uint32_t i = 0; i < self->n_givers; i++) {
        const weiri_giver *giver = &self->givers[i];
        if (!giver->given->is_moves && !giver->is_ended
            && giver->watermark_ns < least_ns) {
            least_ns = giver->watermark_ns;
        }
    }
    weiri_moves_note(&self->mover->moves, least_ns, self->mover->n_told);
}

void
weiri_engine_pass_moves(weiri_engine *self)
{
    if (self->mover != NULL) {
        weiri_moves_pass(&self->mover->moves);
    }
}

weir_status
weiri_engine_save_mover(const weiri_engine *self, weiri_sections *out)
{
    const weiri_mover *mover = self->mover;
    weiri_pack *pack = mover != NULL ? weiri_sections_begin(out, "cluster", "moves") : NULL;
    uint64_t    n    = 0;
    if (mover == NULL || pack == NULL) {
        return mover == NULL ? WEIR_OK : WEIR_ENOMEM;
    }
    weiri_pack_number(pack, mover->n_told);
    weiri_pack_number(pack, mover->n_parts);
    for (uint32_t i = 0; i < mover->moves.n; i++) {
        n += mover->moves.moves[i].is_applied;
    }
    weiri_pack_number(pack, n);
    for (uint32_t i = 0; i < mover->moves.n; i++) {
        if (mover->moves.moves[i].is_applied) {
            weiri_pack_number(pack, mover->moves.moves[i].from);
            weiri_pack_number(pack, mover->moves.moves[i].number);
        }
    }
    weiri_pack_number(pack, mover->n_arrivals);
    for (uint32_t i = 0; i < mover->n_arrivals; i++) {
        const arrival *of = &mover->arrivals[i];
        weiri_pack_number(pack, of->from);
        weiri_pack_number(pack, of->number);
        weiri_pack_number(pack, of->is_whole);
        weiri_pack_number(pack, of->bytes.size);
        weiri_pack_bytes(pack, of->bytes.bytes, of->bytes.size);
    }
    weiri_merge_save(mover->words, pack);
    return pack->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}
