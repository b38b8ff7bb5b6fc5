/* weiri_receiver: frames in the order of their rows, from the network to whoever takes
 * them in, and how far that has come.
 *
 * Three numbers: rows before `place.next` have been received, those before `taken` are
 * with whoever takes them in, those before `kept` have been kept and can be acknowledged.
 * A frame is looked at to its last byte before it is put in the queue, for what is
 * acknowledged cannot be refused any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backlog.h"
#include "message.h"
#include "weiri/columns.h"

struct weiri_receiver {
    weiri_receiver_config config;
    uint64_t              id;
    weiri_link_counts     counts;
    weiri_link_place      place; /* behind the last frame of the queue */
    bool                  is_begun;
    bool                  is_open;  /* a HELLO has been answered since the beginning   */
    weiri_link_parting    parting;  /* as the sender has said                          */
    weiri_link_parting    released; /* of that, what is durable                        */
    bool                  said_free;
    weiri_backlog         queue;
    uint64_t              taken;
    size_t                taken_bytes; /* of frames that are taken and not kept         */
    uint64_t              kept;
    uint64_t              said;         /* `kept` as it was last acknowledged          */
    int64_t               watermark_ns; /* that is in the queue, or was                 */
    bool                  is_missing;   /* a gap was asked for, at `place.next`         */
    uint64_t              refused;      /* the epoch that was last refused, and told    */
    bool                  was_refused;
    char                  refusal[WEIRI_LINK_TEXT]; /* why, while was_refused        */
    int64_t               said_reset_ns;
    weiri_frame           hello; /* that came before the beginning               */
    bool                  has_hello;
    weiri_pack            hello_bytes;
    char                 *origins[WEIRI_LINK_ORIGINS];
    uint32_t              n_origins;
};

/* ---- making and ending ---- */

weir_status
weiri_receiver_new(
    const weiri_receiver_config *config, weiri_receiver **out, weir_error *err)
{
    weiri_receiver *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->schema->name);
    }
    self->config        = *config;
    self->id            = weiri_link_id(config->schema->name);
    self->watermark_ns  = INT64_MIN;
    self->said_reset_ns = INT64_MIN / 2;
    if (self->config.window_bytes == 0) {
        self->config.window_bytes = WEIRI_LINK_WINDOW;
    }
    *out = self;
    return WEIR_OK;
}

static void
forget_origins(weiri_receiver *self)
{
    for (uint32_t i = 0; i < self->n_origins; i++) {
        free(self->origins[i]);
    }
    self->n_origins = 0;
}

void
weiri_receiver_destroy(weiri_receiver **self_p)
{
    weiri_receiver *self = *self_p;
    *self_p              = NULL;
    if (self != NULL) {
        forget_origins(self);
        weiri_backlog_fini(&self->queue);
        weiri_pack_fini(&self->hello_bytes);
        free(self);
    }
}

const char *const *
weiri_receiver_origins(const weiri_receiver *self, uint32_t *n)
{
    *n = self->n_origins;
    return (const char *const *)self->origins;
}

const char *
weiri_receiver_stream(const weiri_receiver *self)
{
    return self->config.schema->name;
}

weiri_link_counts
weiri_receiver_get_counts(const weiri_receiver *self)
{
    weiri_link_counts counts = self->counts;
    counts.n_kept            = self->kept;
    counts.n_bytes           = self->queue.size + self->taken_bytes;
    counts.n_credit          = counts.n_bytes < self->config.window_bytes
                                   ? self->config.window_bytes - counts.n_bytes
                                   : 0;
    counts.is_open           = self->is_open;
    counts.watermark_ns      = self->watermark_ns;
    return counts;
}

weiri_link_farewell
weiri_receiver_farewell(const weiri_receiver *self)
{
    return (weiri_link_farewell){
        .parting    = self->parting,
        .is_there   = self->is_open,
        .is_lasting = weiri_link_is_lasting(self->place.epoch),
    };
}

void
weiri_receiver_release(weiri_receiver *self, weiri_link_parting parting)
{
    self->released = parting > self->released ? parting : self->released;
}

static void
settle(weiri_receiver *self, weiri_link_parting parting)
{
    self->parting = parting > self->parting ? parting : self->parting;
}

/* The sender is told that it is not waited for any more. */
static bool
is_free(const weiri_receiver *self)
{
    weiri_link_parting sure = self->config.is_lasting ? self->released : self->parting;
    return sure >= WEIRI_LINK_SETTLED;
}

/* ---- speaking ---- */

static bool
send_frame(weiri_receiver *self, weiri_frame_kind kind, uint64_t epoch,
    const weiri_pack *payload, bool is_missing)
{
    weiri_pack        message = { 0 };
    const weiri_frame frame   = { .kind = (uint8_t)kind,
          .stream                       = (uint32_t)self->id,
          .link                         = (uint32_t)(self->id >> 32),
          .sequence                     = self->place.next,
          .n_parts                      = (is_missing ? WEIRI_LINK_MISSES : 0u)
                     | (is_free(self) ? WEIRI_LINK_IS_FREE : 0u),
          .epoch = epoch };
    weiri_link_message(frame, payload, &message);
    bool is_sent =
        !message.is_out_of_memory
        && self->config.port.send(self->config.port.context, message.bytes, message.size);
    weiri_pack_fini(&message);
    return is_sent;
}

static void
say_place(weiri_receiver *self, weiri_frame_kind kind, bool is_missing)
{
    weiri_pack payload = { 0 };
    weiri_pack_number(&payload, self->kept);
    weiri_pack_number(&payload, self->config.window_bytes);
    if (send_frame(self, kind, self->place.epoch, &payload, is_missing)) {
        self->said      = self->kept;
        self->said_free = is_free(self);
    }
    weiri_pack_fini(&payload);
}

static void
refuse(weiri_receiver *self, uint64_t epoch, const char *why)
{
    weiri_pack payload = { 0 };
    if (!self->was_refused || self->refused != epoch) {
        weiri_link_tell(&self->config.port, WEIRI_LINK_REFUSED, "%s from %s: refused: %s",
            self->config.schema->name, self->config.peer, why);
    }
    self->was_refused = true;
    self->refused     = epoch;
    weiri_link_show(why, strlen(why), self->refusal, sizeof self->refusal);
    weiri_pack_text(&payload, why, strlen(why));
    (void)send_frame(self, WEIRI_FRAME_REFUSE, epoch, &payload, false);
    weiri_pack_fini(&payload);
}

static void
say_reset(weiri_receiver *self, uint64_t epoch, int64_t now_ns)
{
    if (now_ns - self->said_reset_ns >= self->config.timing.retry_ns / 2
        && send_frame(self, WEIRI_FRAME_RESET, epoch, NULL, false)) {
        self->said_reset_ns = now_ns;
    }
}

/* ---- hello ---- */

/* Whether the receiver's own name is among those by whom the events come. */
static bool
is_loop(const weiri_receiver *self, const weiri_link_hello *hello)
{
    size_t size = strlen(self->config.self);
    for (uint32_t i = 0; i < hello->n_origins; i++) {
        if (hello->origin_sizes[i] == size
            && memcmp(hello->origins[i], self->config.self, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Why a HELLO is to be refused, in `why`; false: it is welcome. */
static bool
is_unwelcome(const weiri_receiver *self, const weiri_frame *frame,
    const weiri_link_hello *hello, char why[WEIRI_LINK_TEXT])
{
    const char *name = self->config.schema->name;
    if (hello->wrong != NULL) {
        char ours[WEIRI_LINK_TEXT / 2];
        weiri_link_fields_text(self->config.schema, ours, sizeof ours);
        snprintf(why, WEIRI_LINK_TEXT,
            "stream '%s' has the fields (%.350s) at '%s' and (%.350s) at '%s'", name,
            hello->fields, self->config.peer, ours, self->config.self);
        return true;
    }
    char differs[WEIRI_LINK_TEXT / 2];
    if (!weiri_link_differ(hello, self->config.peer, self->config.terms,
            self->config.n_terms, self->config.self, differs, sizeof differs)) {
        snprintf(why, WEIRI_LINK_TEXT, "it is no hello");
        return true;
    }
    if (differs[0] != '\0') {
        snprintf(why, WEIRI_LINK_TEXT,
            "'%.60s' and '%.60s' do not have the same rules: %s", self->config.peer,
            self->config.self, differs);
        return true;
    }
    if (is_loop(self, hello)) {
        snprintf(why, WEIRI_LINK_TEXT,
            "the events of '%s' have come by '%s' already: nodes that read from each "
            "other in a loop would wait for each other for ever",
            name, self->config.self);
        return true;
    }
    if (weiri_link_place_is_fenced(&self->place, frame->epoch)) {
        snprintf(why, WEIRI_LINK_TEXT,
            "another '%s' has taken the place of this one: only one may run",
            self->config.peer);
        return true;
    }
    if (self->place.is_ended && frame->epoch != self->place.epoch) {
        snprintf(why, WEIRI_LINK_TEXT,
            "stream '%s' of '%s' has come to its end, and this is another one", name,
            self->config.peer);
        return true;
    }
    return false;
}

static void
keep_origins(weiri_receiver *self, const weiri_link_hello *hello)
{
    forget_origins(self);
    for (uint32_t i = 0; i < hello->n_origins; i++) {
        char *name = malloc(hello->origin_sizes[i] + (size_t)1);
        if (name == NULL) {
            return; /* it is only said to others, and will be said again */
        }
        weiri_link_show(
            hello->origins[i], hello->origin_sizes[i], name, hello->origin_sizes[i] + 1);
        self->origins[self->n_origins++] = name;
    }
}

static void
begin_epoch(weiri_receiver *self, const weiri_frame *frame)
{
    const char *name = self->config.schema->name;
    if (self->place.epoch != 0) {
        weiri_link_tell(&self->config.port, WEIRI_LINK_NEW,
            "%s from %s: the sender has begun anew, its events come from the first one "
            "on; what it was before is refused from now on",
            name, self->config.peer);
    } else if (frame->sequence > 0) {
        weiri_link_tell(&self->config.port, WEIRI_LINK_NEW,
            "%s from %s: joined at event %llu: those before it went to somebody else",
            name, self->config.peer, (unsigned long long)frame->sequence);
    }
    weiri_link_place_begin(&self->place, frame->epoch, frame->sequence);
    /* What waits of the one before says nothing of how far this one has come. */
    for (uint32_t i = 0; i < self->queue.n; i++) {
        weiri_backlog_at(&self->queue, i)->end = frame->sequence;
    }
    self->taken      = frame->sequence;
    self->kept       = frame->sequence;
    self->is_missing = false;
}

static void
on_hello(weiri_receiver *self, const weiri_frame *frame, const uint8_t *payload)
{
    weiri_unpack     in = { .at = payload, .end = payload + frame->size };
    weiri_link_hello hello;
    char             why[WEIRI_LINK_TEXT];
    weiri_link_hello_read(&hello, self->config.schema, &in);
    if (in.wrong != NULL || frame->epoch == 0 || frame->sequence > UINT64_MAX / 2) {
        self->counts.n_bad++;
        refuse(self, frame->epoch, in.wrong != NULL ? in.wrong : "it is no hello");
        return;
    }
    if (is_unwelcome(self, frame, &hello, why)) {
        if (self->place.is_ended && frame->epoch != self->place.epoch
            && !weiri_link_place_is_fenced(&self->place, frame->epoch)) {
            settle(self, WEIRI_LINK_PARTED); /* who sent it remembers nothing of it */
        }
        refuse(self, frame->epoch, why);
        return;
    }
    keep_origins(self, &hello);
    if (frame->epoch != self->place.epoch) {
        begin_epoch(self, frame);
    }
    if (!self->is_open) {
        weiri_link_tell(&self->config.port, WEIRI_LINK_OPENED, "%s from %s: open",
            self->config.schema->name, self->config.peer);
    }
    self->is_open     = true;
    self->was_refused = false;
    say_place(self, WEIRI_FRAME_WELCOME, false);
}

/* The decoder of what is on the tape finds the place; only then can be said what is
 * wanted. */
static void
remember_hello(weiri_receiver *self, const weiri_frame *frame, const uint8_t *payload)
{
    self->hello            = *frame;
    self->hello_bytes.size = 0;
    weiri_pack_bytes(&self->hello_bytes, payload, (size_t)frame->size);
    self->has_hello = !self->hello_bytes.is_out_of_memory;
}

void
weiri_receiver_begin(weiri_receiver *self, const weiri_link_place *place)
{
    self->place    = *place;
    self->taken    = place->next;
    self->kept     = place->next;
    self->is_begun = true;
    if (place->is_settled) {
        self->parting  = WEIRI_LINK_SETTLED;
        self->released = WEIRI_LINK_SETTLED;
    }
    if (self->has_hello) {
        on_hello(self, &self->hello, self->hello_bytes.bytes);
        self->has_hello = false;
    }
    weiri_pack_fini(&self->hello_bytes);
}

void
weiri_receiver_on_disconnection(weiri_receiver *self)
{
    self->is_open = false;
}

/* Rows are passed over without a word: after them the sender asks for an answer. */
void
weiri_receiver_bar(weiri_receiver *self, const weiri_frame *frame, const char *why)
{
    bool is_first = self->is_open;
    self->is_open = false;
    if (is_first || frame->kind == WEIRI_FRAME_HELLO || frame->kind == WEIRI_FRAME_PING) {
        refuse(self, frame->epoch, why);
    }
}

const char *
weiri_receiver_refusal(const weiri_receiver *self)
{
    return self->was_refused ? self->refusal : NULL;
}

/* ---- rows ---- */

static bool
queue_frame(weiri_receiver *self, const weiri_frame *frame, const uint8_t *payload)
{
    weiri_blob *blob = payload != NULL ? weiri_blob_new(payload - WEIRI_FRAME_HEAD,
                           WEIRI_FRAME_HEAD + (size_t)frame->size)
                                       : weiri_blob_make(*frame, NULL);
    if (blob == NULL || weiri_backlog_push(&self->queue, blob) != WEIR_OK) {
        weiri_blob_unref(&blob);
        return false;
    }
    return true;
}

/* The mark that waits behind all rows, or NULL: only a mark holds nothing, for nothing is
 * behind an end. */
static weiri_blob *
last_mark(const weiri_receiver *self)
{
    weiri_blob *last =
        self->queue.n > 0 ? weiri_backlog_at(&self->queue, self->queue.n - 1) : NULL;
    return last != NULL && last->size == WEIRI_FRAME_HEAD ? last : NULL;
}

/* Time that goes on without rows. One mark is enough, however long nobody takes it. */
static void
queue_mark(weiri_receiver *self, int64_t watermark_ns)
{
    weiri_blob       *last = last_mark(self);
    const weiri_frame mark = { .kind = WEIRI_FRAME_MARK,
        .stream                      = (uint32_t)self->id,
        .link                        = (uint32_t)(self->id >> 32),
        .sequence                    = self->place.next,
        .watermark_ns                = watermark_ns,
        .epoch                       = self->place.epoch };
    if (watermark_ns <= self->watermark_ns || watermark_ns == INT64_MAX
        || self->place.is_ended) {
        return;
    }
    if (last != NULL) {
        weiri_frame_stamp(last->bytes, watermark_ns);
        self->watermark_ns = watermark_ns;
    } else if (queue_frame(self, &mark, NULL)) {
        weiri_backlog_at(&self->queue, self->queue.n - 1)->end = self->place.next;
        self->watermark_ns                                     = watermark_ns;
    }
}

/* What is wrong with a frame by itself; NULL: nothing. */
static const char *
check(const weiri_receiver *self, const weiri_frame *frame, const uint8_t *payload)
{
    if (frame->kind == WEIRI_FRAME_COLUMNS) {
        return frame->watermark_ns == INT64_MAX
                   ? "a time that is none"
                   : weiri_columns_check(
                       payload, (size_t)frame->size, self->config.schema, frame->n_rows);
    }
    return frame->kind == WEIRI_FRAME_END && (frame->size > 0 || frame->n_rows > 0)
               ? "an end that holds something"
               : NULL;
}

static void
tell_gap(const weiri_receiver *self, uint64_t from)
{
    weiri_link_tell(&self->config.port, WEIRI_LINK_MISSING,
        "%s from %s: events %llu to %llu will not come: the sender dropped them",
        self->config.schema->name, self->config.peer, (unsigned long long)from,
        (unsigned long long)self->place.next - 1);
}

static void
on_bad(weiri_receiver *self, const weiri_frame *frame, const char *wrong)
{
    self->counts.n_bad++;
    if (self->counts.n_bad == 1) {
        weiri_link_tell(&self->config.port, WEIRI_LINK_BAD, "%s from %s: %s",
            self->config.schema->name, self->config.peer, wrong);
    }
    refuse(self, frame->epoch, wrong);
}

static void
accept(weiri_receiver *self, const weiri_frame *frame, const uint8_t *payload)
{
    weiri_link_place after  = self->place;
    uint64_t         before = self->place.next;
    uint32_t         skip   = 0;
    const char      *wrong  = check(self, frame, payload);
    wrong =
        wrong == NULL ? weiri_link_place_follow(&after, frame, payload, &skip) : wrong;
    if (wrong != NULL) {
        on_bad(self, frame, wrong);
        return;
    }
    if (after.next == before || !queue_frame(self, frame, payload)) {
        self->counts.n_again += after.next == before;
        return;
    }
    self->place                                            = after;
    self->is_missing                                       = false;
    weiri_backlog_at(&self->queue, self->queue.n - 1)->end = after.next;
    if (frame->kind == WEIRI_FRAME_COLUMNS) {
        self->counts.n_rows += after.next - before;
        if (frame->watermark_ns > self->watermark_ns) {
            self->watermark_ns = frame->watermark_ns;
        }
    } else if (frame->kind == WEIRI_FRAME_GAP) {
        self->counts.n_dropped += after.next - before;
        tell_gap(self, before);
    }
}

/* The frame that comes next, one that was seen, or one from behind a hole. */
static void
on_rows(weiri_receiver *self, const weiri_frame *frame, const uint8_t *payload)
{
    size_t waiting = self->queue.size + self->taken_bytes;
    if (frame->size + WEIRI_FRAME_HEAD > WEIRI_RECORD_BYTES) {
        on_bad(self, frame, "a frame that is too large");
    } else if (frame->sequence > self->place.next) {
        if (!self->is_missing) {
            say_place(self, WEIRI_FRAME_ACK, true);
        }
        self->is_missing = true;
    } else if (self->place.is_ended
               || (frame->kind == WEIRI_FRAME_END
                   && frame->sequence < self->place.next)) {
        self->counts.n_again++;
        say_place(self, WEIRI_FRAME_ACK, false);
    } else if (waiting > 0 && waiting + frame->size > self->config.window_bytes) {
        self->counts
            .n_again++; /* it is beyond what was granted, and is asked for later */
    } else {
        accept(self, frame, payload);
    }
}

static void
on_ping(weiri_receiver *self, const weiri_frame *frame)
{
    bool is_missing = frame->sequence > self->place.next;
    if (!is_missing) {
        queue_mark(self, frame->watermark_ns);
    }
    if (self->place.is_ended && (frame->n_parts & WEIRI_LINK_HAS_ALL) != 0) {
        settle(self, (frame->n_parts & WEIRI_LINK_HAS_HEARD) != 0 ? WEIRI_LINK_PARTED
                                                                  : WEIRI_LINK_SETTLED);
    }
    say_place(self, WEIRI_FRAME_ACK, is_missing);
}

void
weiri_receiver_on_frame(weiri_receiver *self, const weiri_frame *frame,
    const uint8_t *payload, int64_t now_ns)
{
    if (!self->is_begun) {
        if (frame->kind == WEIRI_FRAME_HELLO) {
            remember_hello(self, frame, payload);
        }
        return;
    }
    switch (frame->kind) {
    case WEIRI_FRAME_HELLO: on_hello(self, frame, payload); return;
    case WEIRI_FRAME_COLUMNS:
    case WEIRI_FRAME_GAP:
    case WEIRI_FRAME_END:
    case WEIRI_FRAME_PING: break;
    default: self->counts.n_bad++; return;
    }
    if (!self->is_open || frame->epoch != self->place.epoch) {
        say_reset(self, frame->epoch, now_ns); /* who is fenced will hear why */
    } else if (frame->kind == WEIRI_FRAME_PING) {
        on_ping(self, frame);
    } else {
        on_rows(self, frame, payload);
    }
}

/* ---- taking in ---- */

bool
weiri_receiver_has_frames(const weiri_receiver *self)
{
    return self->queue.n > 0;
}

size_t
weiri_receiver_take(weiri_receiver *self, uint8_t *bytes, size_t size)
{
    size_t n = 0;
    while (self->queue.n > 0 && weiri_backlog_at(&self->queue, 0)->size <= size - n) {
        weiri_blob *blob = weiri_backlog_pop(&self->queue);
        memcpy(bytes + n, blob->bytes, blob->size);
        n += blob->size;
        self->taken = blob->end;
        weiri_blob_unref(&blob);
    }
    self->taken_bytes += n;
    return n;
}

void
weiri_receiver_keep(weiri_receiver *self)
{
    self->kept        = self->taken;
    self->taken_bytes = 0;
}

int64_t
weiri_receiver_work(weiri_receiver *self, int64_t now_ns)
{
    bool is_new = self->kept != self->said || is_free(self) != self->said_free;
    if (self->is_open && is_new) {
        say_place(self, WEIRI_FRAME_ACK, false);
        is_new = self->kept != self->said || is_free(self) != self->said_free;
    }
    return self->is_open && is_new ? now_ns + self->config.timing.retry_ns : INT64_MAX;
}
