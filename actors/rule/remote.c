/* An actor in a process of its own, as the heart of a rule.
 *
 * Events go to it in requests, some of which are on their way at once; answers come in
 * order, and a turn ends when the last has come, so that what is given does not depend on
 * how fast the process is. Of a request that has no answer when the process fails nothing
 * has been given, and it is sent again.
 */

#include <stdlib.h>
#include <string.h>

#include "../remote/link.h"
#include "plugin_host.h"

/* Some events that go together. */
typedef struct piece {
    weiri_pack request;
    uint32_t   first; /* in the list of rows of the turn */
    uint32_t   n;
} piece;

typedef struct remote_host {
    weiri_plugin_tally      tally; /* the first */
    weiri_host_frame        frame;
    const weiri_actor_plan *plan;
    weiri_remote           *remote;
    weiri_program          *inputs; /* NULL: there are none */
    weiri_program          *keys;   /* likewise             */
    weir_value             *row;    /* shape (n_fields of the emit,): scratch */
    uint32_t                n_kept;
    weir_rows               fed;   /* that are being worked off     */
    const weir_chunk       *chunk; /* of these                      */
    uint32_t               *rows; /* shape (WEIRI_CHUNK_ROWS,): of it, those with a key */
    piece                  *pieces;
    uint32_t                n_pieces;
    uint32_t                room;
    weiri_encoder          *encoder;
    int64_t                 next_timer;
    int64_t                 last_ns;  /* time of what was given last            */
    uint64_t                last_led; /* and of which key's timer it was, if of any */
    uint32_t                careful;  /* pieces before it go one at a time */
} remote_host;

/* ---- requests ---- */

static bool
stops(const remote_host *self)
{
    return self->plan->on_error != WEIRI_ON_ERROR_SKIP;
}

static bool
write_key(remote_host *self, uint32_t row, weiri_pack *key)
{
    key->size = 0;
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        weir_value value = weiri_program_eval(self->keys, i, self->chunk, row, NULL);
        if (value.is_null) {
            return false;
        }
        weiri_key_value_pack(&value, key);
    }
    return true;
}

/* The position of a row of the chunk in the rule's input. */
static uint64_t
position_of(const remote_host *self, uint32_t row)
{
    return weiri_plugin_position(
        &self->frame, self->fed, row - self->fed.first, self->tally.position);
}

/* ["rows", stop at the first failure, [[time, key, number, value, …], …]] */
static void
write_rows(remote_host *self, uint32_t first, uint32_t n, weiri_pack *out)
{
    weiri_pack key = { 0 };
    weiri_message_array(out, 3);
    weiri_message_word(out, "rows");
    weiri_message_bool(out, stops(self));
    weiri_message_array(out, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = self->rows[first + i];
        weiri_message_array(out, WEIRI_REMOTE_HEAD + self->plan->n_inputs);
        weiri_message_int(out, self->chunk->time[row]);
        if (self->plan->n_keys > 0 && write_key(self, row, &key)) {
            weiri_message_bytes(out, key.bytes, key.size);
            weiri_message_int(out, (int64_t)position_of(self, row));
        } else {
            weiri_message_nil(out);
            weiri_message_nil(out);
        }
        for (uint32_t j = 0; j < self->plan->n_inputs; j++) {
            weir_value value =
                weiri_program_eval(self->inputs, j, self->chunk, row, NULL);
            value.type = self->plan->inputs[j].type;
            weiri_message_value(out, &value);
        }
    }
    out->is_out_of_memory = out->is_out_of_memory || key.is_out_of_memory;
    weiri_pack_fini(&key);
}

/* Put `n` pieces before piece `at`, which is taken out if `is_instead`. */
static weir_status
make_room(remote_host *self, uint32_t at, uint32_t n, bool is_instead)
{
    uint32_t need = self->n_pieces + n;
    while (need > self->room) {
        uint32_t room   = self->room == 0 ? 8 : 2 * self->room;
        piece   *pieces = realloc(self->pieces, room * sizeof *pieces);
        if (pieces == NULL) {
            return WEIR_ENOMEM;
        }
        self->pieces = pieces;
        self->room   = room;
    }
    uint32_t behind = at + (is_instead ? 1 : 0);
    if (is_instead) {
        weiri_pack_fini(&self->pieces[at].request);
    }
    memmove(&self->pieces[at + n], &self->pieces[behind],
        (self->n_pieces - behind) * sizeof(piece));
    memset(&self->pieces[at], 0, n * sizeof(piece));
    self->n_pieces += n - (is_instead ? 1 : 0);
    return WEIR_OK;
}

static void
fill_piece(remote_host *self, uint32_t at, uint32_t first, uint32_t n)
{
    piece *it = &self->pieces[at];
    it->first = first;
    it->n     = n;
    write_rows(self, first, n, &it->request);
}

static void
drop_pieces(remote_host *self)
{
    while (self->n_pieces > 0) {
        weiri_pack_fini(&self->pieces[--self->n_pieces].request);
    }
}

/* ---- answers ---- */

/* What an answer is about: rows of the chunk, or timers before a time. */
typedef struct about {
    uint32_t first;
    uint32_t n;
    int64_t  before_ns; /* of timers alone */
} about;

/* What an event or a failure is of: a row of the chunk, or a timer. */
typedef struct item {
    uint32_t row; /* in the chunk; WEIRI_REMOTE_NONE: a timer */
    int64_t  at_ns;
    uint64_t position; /* of the row, or of the event with which the timer's key began */
} item;

static weir_status
give(remote_host *self, const item *of, const weir_value *outputs)
{
    const weir_schema *schema = self->frame.emitted->schema;
    weiri_plugin_trigger(&self->frame, of->position, of->row == WEIRI_REMOTE_NONE);
    for (uint32_t i = 0; i < self->n_kept; i++) {
        self->row[i] = weir_chunk_get(self->chunk, of->row, i);
    }
    for (uint32_t i = self->n_kept; i < schema->n_fields; i++) {
        self->row[i] = outputs[i - self->n_kept];
    }
    return weiri_collector_add(self->frame.emitted, of->at_ns, self->row);
}

/* The beginning of an item that has `n` values: an array that says, of a row, its number
 * in the request and its time; of a timer nil, its time and the number with which its key
 * began. */
static item
read_item(
    remote_host *self, weiri_message *in, const about *of, uint32_t n, uint32_t *last)
{
    item     it     = { .row = WEIRI_REMOTE_NONE };
    uint32_t length = weiri_message_read_array(in, 2 + n, 3 + n);
    bool     is_row = !weiri_message_take_nil(in);
    int64_t  row    = is_row ? weiri_message_read_int(in) : 0;
    it.at_ns        = weiri_message_read_int(in);
    if (in->wrong == NULL && length != (is_row ? 2 : 3) + n) {
        weiri_message_fail(in, "an array has another length");
    }
    if (is_row) {
        if (in->wrong == NULL && (row < *last || row >= of->n)) {
            weiri_message_fail(in, "it gives an event for a row that is not at hand");
        }
        if (in->wrong == NULL) {
            *last       = (uint32_t)row;
            it.row      = self->rows[of->first + *last];
            it.position = position_of(self, it.row);
        }
    } else if (self->plan->n_keys > 0) {
        int64_t number = weiri_message_read_int(in);
        if (in->wrong == NULL && number < 0) {
            weiri_message_fail(in, "it gives an event for a key that began with none");
        }
        it.position = in->wrong == NULL ? (uint64_t)number : 0;
    } else if (!weiri_message_take_nil(in)) {
        weiri_message_fail(in, "it says of which key a timer is, and has no keys");
    }
    return it;
}

/* What was given last: what is given next is not before it. */
typedef struct given {
    int64_t  at_ns;
    uint64_t led; /* of a timer: with which event its key began; else 0 */
} given;

/* Times never go back; timers of one time are in the order of their keys. */
static given
check_order(const remote_host *self, weiri_message *in, const about *of, const item *it,
    given last)
{
    bool    is_timer = it->row == WEIRI_REMOTE_NONE;
    int64_t at_ns    = it->at_ns;
    int64_t least    = self->next_timer; /* one that is set later is later than its row */
    int64_t before   = of->before_ns;
    given   next     = { .at_ns = at_ns, .led = is_timer ? it->position : 0 };
    if (of->n > 0) {
        int64_t first = self->chunk->time[self->rows[of->first]];
        least         = first < least ? first : least;
        before        = self->chunk->time[self->rows[of->first + of->n - 1]];
    }
    bool is_right = at_ns >= last.at_ns
                    && (is_timer ? at_ns >= least && at_ns < before
                                 : at_ns == self->chunk->time[it->row]);
    if (!is_right) {
        weiri_message_fail(in, "it gives an event at a time that cannot be");
    } else if (at_ns == last.at_ns && next.led < last.led) {
        weiri_message_fail(in,
            "of timers of one time it does not give that first whose key began first");
    }
    return next;
}

/* [[row, time, value, …], [nil, time, number, value, …], …] */
static weir_status
read_events(remote_host *self, weiri_message *in, const about *of, bool is_given)
{
    enum { MOST = 1 << 20 };
    const weir_plugin_actor *actor   = self->plan->actor;
    weir_value              *outputs = self->row + self->frame.emitted->schema->n_fields;
    weir_status              status  = WEIR_OK;
    uint32_t                 last    = 0;
    given                    before  = { self->last_ns, self->last_led };
    uint32_t                 n       = weiri_message_read_array(in, 0, MOST);
    for (uint32_t i = 0; i < n && in->wrong == NULL && status == WEIR_OK; i++) {
        item it = read_item(self, in, of, actor->n_outputs, &last);
        if (it.row == WEIRI_REMOTE_NONE && self->n_kept > 0) {
            weiri_message_fail(in, "it gives an event with a timer, and adds to events");
        }
        if (in->wrong == NULL) {
            before = check_order(self, in, of, &it, before);
        }
        for (uint32_t j = 0; j < actor->n_outputs; j++) {
            outputs[j] = weiri_message_read_value(
                in, (weir_type)actor->outputs[j].type, actor->outputs[j].is_nullable);
        }
        if (is_given && in->wrong == NULL) {
            status         = give(self, &it, outputs);
            self->last_ns  = before.at_ns;
            self->last_led = before.led;
        }
    }
    return status;
}

/* An event, or a timer, failed. */
static weir_status
bury(remote_host *self, const item *of, const char *reason)
{
    bool      is_row = of->row != WEIRI_REMOTE_NONE;
    weir_rows event  = {
         .chunk = is_row ? self->chunk : NULL, .first = is_row ? of->row : 0, .n = is_row
    };
    weiri_plugin_trigger(&self->frame, of->position, !is_row);
    return weiri_plugin_bury(&self->frame, &self->encoder,
        is_row ? self->chunk->time[of->row] : of->at_ns, reason, event);
}

/* [[row, time, reason], [nil, time, number, reason], …]; reason: of the last one. */
static weir_status
read_failures(remote_host *self, weiri_message *in, const about *of, bool is_given,
    char reason[WEIRI_PLUGIN_REASON])
{
    weir_status status = WEIR_OK;
    uint32_t    last   = 0;
    uint32_t    n      = weiri_message_read_array(in, 0, 1 << 20);
    for (uint32_t i = 0; i < n && in->wrong == NULL && status == WEIR_OK; i++) {
        uint32_t    size = 0;
        item        it   = read_item(self, in, of, 1, &last);
        const char *text = weiri_message_read_text(in, WEIRI_PLUGIN_REASON - 1, &size);
        if (in->wrong == NULL) {
            memcpy(reason, text, size);
            reason[size] = 0;
        }
        if (is_given && in->wrong == NULL && !stops(self)) {
            status = bury(self, &it, reason);
            self->tally.n_failed++;
        }
    }
    return status;
}

/* ["result", taken, events, failures, next timer]; gone over once before anything is
 * given. *taken: how many rows were. */
static weir_status
read_result(remote_host *self, const weiri_message *answer, uint32_t n_left,
    const about *of, uint32_t *taken, char reason[WEIRI_PLUGIN_REASON], weir_error *err)
{
    weir_status status = WEIR_OK;
    reason[0]          = 0;
    for (int pass = 0; pass < 2 && status == WEIR_OK; pass++) {
        weiri_message in = *answer;
        if (n_left != 4) {
            weiri_message_fail(&in, "its result has not five parts");
        }
        int64_t n = weiri_message_read_int(&in);
        status    = read_events(self, &in, of, pass > 0);
        if (status == WEIR_OK) {
            status = read_failures(self, &in, of, pass > 0, reason);
        }
        int64_t next = INT64_MAX;
        if (!weiri_message_take_nil(&in)) {
            next = weiri_message_read_int(&in);
        }
        weiri_message_end(&in);
        bool is_short = n < (int64_t)of->n;
        if (in.wrong == NULL
            && (n < 0 || n > (int64_t)of->n || (is_short && !stops(self))
                || (is_short && reason[0] == 0))) {
            weiri_message_fail(&in, "it took more or fewer events than it was given");
        }
        if (in.wrong != NULL) {
            return WEIR_FAIL(
                err, WEIR_EDATA, "it sent what cannot be read: %s", in.wrong);
        }
        *taken           = (uint32_t)n;
        self->next_timer = pass > 0 ? next : self->next_timer;
    }
    return status;
}

/* ---- failures ---- */

static weir_status
is_over(remote_host *self, weir_error *err)
{
    char why[sizeof err->text];
    memcpy(why, err->text, sizeof why);
    return self->plan->on_error == WEIRI_ON_ERROR_STOP
               ? WEIR_FAIL(err, WEIR_EDATA,
                   "%s (with 'on error restart' or 'skip' it goes on)", why)
               : WEIR_FAIL(err, WEIR_EDATA, "failed again after %d restarts: %s",
                   WEIRI_REMOTE_RESTARTS, why);
}

/* The process failed, piece `at` and so many in all being on their way; none: it had not
 * begun. *next: the piece to go on with. Who is to be blamed is only known of one event
 * that was alone on its way. */
static weir_status
survive(remote_host *self, uint32_t at, uint32_t n_sent, uint32_t *next, weir_error *err)
{
    bool         is_started = n_sent > 0;
    const piece *it         = &self->pieces[at];
    bool         skips      = self->plan->on_error == WEIRI_ON_ERROR_SKIP && is_started;
    weir_status  status     = WEIR_OK;
    self->tally.n_failed++;
    self->tally.n_in_a_row++;
    *next = at;
    if (self->plan->on_error == WEIRI_ON_ERROR_STOP
        || (!skips && self->tally.n_in_a_row > WEIRI_REMOTE_RESTARTS)) {
        return is_over(self, err);
    }
    weiri_remote_restart(self->remote);
    self->careful = at + n_sent;
    if (skips && it->n == 1 && n_sent > 1) {
        return WEIR_OK; /* the same, alone */
    }
    if (skips && it->n == 1) {
        const item of          = { .row = self->rows[it->first],
                     .position          = position_of(self, self->rows[it->first]) };
        status                 = bury(self, &of, err->text);
        *next                  = at + 1;
        self->tally.n_in_a_row = 0;
    } else if (skips) { /* one by one, to find the one */
        uint32_t first = it->first;
        uint32_t n     = it->n;
        status         = make_room(self, at, n, true);
        self->careful  = at + n + (n_sent - 1);
        for (uint32_t i = 0; i < n && status == WEIR_OK; i++) {
            fill_piece(self, at + i, first + i, 1);
        }
    }
    return status;
}

/* An event failed where that is the end of the request: those before it are taken, it and
 * the others are offered again to a new process. */
static weir_status
offer_rest(
    remote_host *self, uint32_t at, uint32_t taken, const char *reason, weir_error *err)
{
    piece       it     = self->pieces[at];
    weir_status status = WEIR_OK;
    weiri_pack  done   = { 0 };
    (void)WEIR_FAIL(err, WEIR_EDATA, "%s", reason);
    self->tally.n_failed++;
    self->tally.n_in_a_row = taken > 0 ? 1 : self->tally.n_in_a_row + 1;
    if (self->plan->on_error == WEIRI_ON_ERROR_STOP
        || self->tally.n_in_a_row > WEIRI_REMOTE_RESTARTS) {
        return is_over(self, err);
    }
    weir_error ignored  = { .status = WEIR_OK };
    bool       has_told = weiri_remote_settle(self->remote, &ignored) == WEIR_OK;
    weiri_remote_restart(self->remote);
    if (taken > 0 && !has_told) {
        write_rows(self, it.first, taken, &done);
        status = weiri_remote_keep(self->remote, &done, err);
        weiri_pack_fini(&done);
    }
    if (status == WEIR_OK) {
        status = make_room(self, at, 1, true);
    }
    if (status == WEIR_OK) {
        fill_piece(self, at, it.first + taken, it.n - taken);
    }
    return status;
}

/* ---- events ---- */

/* Have one answer read, and the request kept. *is_ok false: the process failed. */
static weir_status
take_answer(remote_host *self, uint32_t at, bool *is_again, weir_error *err)
{
    const piece  *it     = &self->pieces[at];
    const about   of     = { .first = it->first, .n = it->n };
    uint32_t      n_left = 0;
    uint32_t      taken  = 0;
    char          reason[WEIRI_PLUGIN_REASON];
    weiri_message in;
    weir_status status = weiri_remote_receive(self->remote, "result", &in, &n_left, err);
    *is_again          = false;
    if (status == WEIR_OK) {
        status = read_result(self, &in, n_left, &of, &taken, reason, err);
    }
    if (status == WEIR_OK && taken < it->n) {
        *is_again = true;
        return offer_rest(self, at, taken, reason, err) == WEIR_OK ? WEIR_OK
                                                                   : WEIR_EINVAL;
    }
    if (status == WEIR_OK) {
        self->tally.n_in_a_row = 0;
        status                 = weiri_remote_keep(self->remote, &it->request, err);
        status = status == WEIR_EDATA ? WEIR_EINVAL : status; /* it was given */
    }
    return status;
}

static weir_status
work_off(remote_host *self, weir_error *err)
{
    uint32_t window   = self->plan->on_error == WEIRI_ON_ERROR_RESTART
                            ? 1 /* what follows a failure is not to be seen before it */
                            : WEIRI_REMOTE_WINDOW;
    uint32_t sent     = 0;
    uint32_t received = 0;
    while (received < self->n_pieces) {
        weir_status status   = WEIR_OK;
        bool        is_again = false;
        while (status == WEIR_OK && sent < self->n_pieces
               && sent - received < (received < self->careful ? 1 : window)
               && (sent == received || !weiri_remote_is_due(self->remote))) {
            status = weiri_remote_send(
                self->remote, &self->pieces[sent].request, self->pieces[sent].n, err);
            sent += status == WEIR_OK;
        }
        if (status == WEIR_OK) {
            status = take_answer(self, received, &is_again, err);
        }
        if (status == WEIR_EDATA) {
            status   = survive(self, received, sent - received, &received, err);
            sent     = received;
            is_again = true;
        }
        if (status != WEIR_OK) {
            return status == WEIR_EINVAL ? WEIR_EDATA : status;
        }
        sent     = is_again ? received : sent;
        received = is_again ? received : received + 1;
    }
    return WEIR_OK;
}

static weir_status
cut(remote_host *self, uint32_t n_rows)
{
    weir_status status = WEIR_OK;
    drop_pieces(self);
    self->careful = 0;
    for (uint32_t first = 0; first < n_rows && status == WEIR_OK;) {
        uint32_t n =
            n_rows - first < WEIRI_REMOTE_ROWS ? n_rows - first : WEIRI_REMOTE_ROWS;
        status = make_room(self, self->n_pieces, 1, false);
        if (status == WEIR_OK) {
            fill_piece(self, self->n_pieces - 1, first, n);
        }
        first += n;
    }
    return status;
}

static weir_status
feed_rows(remote_host *self, weir_rows rows, weir_error *err)
{
    weiri_pack  key = { 0 };
    uint32_t    n   = 0;
    weir_status status;
    self->fed   = rows;
    self->chunk = rows.chunk;
    for (uint32_t i = 0; i < rows.n; i++) {
        self->rows[n] = rows.first + i;
        bool has_key  = write_key(self, rows.first + i, &key);
        n += has_key;
        self->tally.n_null_keys += !has_key;
    }
    weiri_pack_fini(&key);
    status = cut(self, n);
    status = status == WEIR_OK ? work_off(self, err) : status;
    if (rows.n > 0) {
        self->tally.position = position_of(self, rows.first + rows.n - 1) + 1;
    }
    if (self->inputs != NULL) {
        weiri_program_forget(self->inputs);
    }
    if (self->keys != NULL) {
        weiri_program_forget(self->keys);
    }
    return status;
}

static weir_status
feed(void *context, const weiri_rows_list *const *inputs, weir_error *err)
{
    remote_host *self   = context;
    weir_status  status = WEIR_OK;
    for (uint32_t i = 0; i < inputs[0]->n && status == WEIR_OK; i++) {
        *self->frame.n_events += inputs[0]->items[i].n;
        status = feed_rows(self, inputs[0]->items[i], err);
    }
    return status;
}

/* ---- time ---- */

static weir_status
advance(void *context, int64_t watermark_ns, weir_error *err)
{
    remote_host *self   = context;
    const about  of     = { .before_ns = watermark_ns };
    weiri_pack   out    = { 0 };
    weir_status  status = WEIR_OK;
    if (self->next_timer >= watermark_ns) {
        return status;
    }
    weiri_message_array(&out, 2);
    weiri_message_word(&out, "advance");
    weiri_message_int(&out, watermark_ns);
    for (bool is_done = false; !is_done;) {
        uint32_t      n_left = 0;
        uint32_t      taken  = 0;
        char          reason[WEIRI_PLUGIN_REASON];
        weiri_message in;
        status = weiri_remote_send(self->remote, &out, 0, err);
        if (status == WEIR_OK) {
            status = weiri_remote_receive(self->remote, "result", &in, &n_left, err);
        }
        if (status == WEIR_OK) {
            status = read_result(self, &in, n_left, &of, &taken, reason, err);
        }
        is_done = status != WEIR_EDATA;
        if (status == WEIR_OK && reason[0] != 0 && stops(self)) {
            status  = WEIR_FAIL(err, WEIR_EDATA, "%s", reason);
            is_done = false;
        }
        if (status == WEIR_OK) {
            self->tally.n_in_a_row = 0;
            status                 = weiri_remote_keep(self->remote, &out, err);
        } else if (!is_done) {
            self->tally.n_failed++;
            bool is_end = self->plan->on_error == WEIRI_ON_ERROR_STOP
                          || ++self->tally.n_in_a_row > WEIRI_REMOTE_RESTARTS;
            is_done = is_end;
            status  = is_end ? is_over(self, err) : WEIR_OK;
            weiri_remote_restart(self->remote);
        }
    }
    weiri_pack_fini(&out);
    return status;
}

static int64_t
next_deadline(const void *context)
{
    return ((const remote_host *)context)->next_timer;
}

/* ---- state ---- */

/* In the head stand when the process wants to be told of the time next, and how far the
 * rule's input has been read. What it remembers is of each key, as an actor in this
 * process has it; of one without keys in the head, too. */
static weir_status
save(const void *context, weiri_keyed *out, weir_error *err)
{
    const remote_host *self = context;
    const char        *name = self->plan->actor->name;
    weiri_pack_text(&out->head, name, strlen(name));
    weiri_pack_number(&out->head, self->tally.position);
    weiri_pack_number(&out->head, self->next_timer != INT64_MAX);
    weiri_pack_time(&out->head, self->next_timer != INT64_MAX ? self->next_timer : 0);
    return weiri_remote_save(self->remote, out, err);
}

/* Several parts have saved theirs: this one is told of the time when the first wants it.
 */
static void
load_head(remote_host *self, weiri_unpack *in)
{
    uint32_t    size = 0;
    const char *name = weiri_unpack_text(in, &size);
    if (in->wrong == NULL
        && (size != strlen(self->plan->actor->name)
            || memcmp(name, self->plan->actor->name, size) != 0)) {
        weiri_unpack_fail(in, "it is of another actor");
    }
    uint64_t position =
        weiri_unpack_below(in, WEIRI_TRIGGER_LATER, "it is of too many events");
    bool    is_timed = weiri_unpack_below(in, 2, "a timer is none") == 1;
    int64_t timer    = weiri_unpack_time(in);
    if (is_timed && timer < self->next_timer) {
        self->next_timer = timer;
    }
    self->tally.position =
        position > self->tally.position ? position : self->tally.position;
}

static weir_status
load(void *context, const weiri_keyed_load *how, weir_error *err)
{
    remote_host       *self    = context;
    weiri_keyed_reader from    = how->from;
    weiri_remote_load *loading = weiri_remote_load_begin(self->remote, how);
    weir_status        status  = loading != NULL ? WEIR_OK : WEIR_ENOMEM;
    weiri_keyed_head   head;
    while (status == WEIR_OK && weiri_keyed_next_head(&from, &head)) {
        load_head(self, &head.in);
        status = weiri_remote_load_head(loading, &head.in);
        if (head.in.wrong != NULL) {
            weiri_unpack_fail(&from.in, head.in.wrong);
        }
    }
    if (status == WEIR_OK && from.in.wrong == NULL) {
        status = weiri_remote_load_keys(loading, &from);
    }
    weiri_remote_load_end(&loading);
    if (status == WEIR_OK && from.in.wrong != NULL) {
        return WEIR_FAIL(
            err, WEIR_EDATA, "the state cannot be loaded: %s", from.in.wrong);
    }
    return status == WEIR_OK ? WEIR_OK
                             : WEIR_FAIL(err, status, "no memory for the state");
}

/* ---- making and ending ---- */

static weir_status
make(const weiri_host_frame *frame, void **out, weir_error *err)
{
    const weiri_query *query    = frame->rule->query;
    remote_host       *self     = calloc(1, sizeof *self);
    uint32_t           n_fields = query->emit->schema->n_fields;
    (void)err;
    if (self == NULL) {
        return WEIR_ENOMEM;
    }
    *out             = self;
    self->frame      = *frame;
    self->plan       = query->actor;
    self->n_kept     = n_fields - self->plan->actor->n_outputs;
    self->next_timer = INT64_MAX;
    self->last_ns    = INT64_MIN;
    self->rows       = calloc(WEIRI_CHUNK_ROWS, sizeof *self->rows);
    self->row =
        calloc(n_fields + (size_t)self->plan->actor->n_outputs + 1, sizeof *self->row);
    self->remote = weiri_remote_new(
        self->plan, frame->rule->name, frame->plan->metrics, self->plan->n_keys > 0);
    if (self->rows == NULL || self->row == NULL || self->remote == NULL) {
        return WEIR_ENOMEM;
    }
    return weiri_plugin_host_programs(self->plan, &self->inputs, &self->keys);
}

static void
destroy(void *context)
{
    remote_host *self = context;
    weiri_remote_destroy(&self->remote);
    weiri_program_destroy(&self->inputs);
    weiri_program_destroy(&self->keys);
    weiri_encoder_destroy(&self->encoder);
    drop_pieces(self);
    free(self->pieces);
    free(self->rows);
    free(self->row);
    free(self);
}

const weiri_host_ops weiri_remote_host_ops = { make, destroy, feed, advance,
    next_deadline, weiri_plugin_host_finish, weiri_plugin_host_count, save, load,
    weiri_plugin_host_save_counts, weiri_plugin_host_load_counts, NULL };
