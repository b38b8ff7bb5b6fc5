/* weiri_sender: a backlog of frames, of which those before `sent` are on their way.
 *
 * The window bounds what is on its way, the backlog what waits at all. Whatever is heard
 * moves two numbers: `kept`, before which frames are freed, and `sent`, from which frames
 * go out. Going back to an earlier `sent` is all that a loss, a new connection, or a
 * receiver that was restarted asks for.
 */
#include "sender.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/columns.h"

enum {
    SMALL_FRAME  = 16 << 10, /* several go into one message         */
    MESSAGE_SIZE = 64 << 10, /* of small frames                     */
};

static void
tell(const weiri_sender *self, weiri_link_news news, const char *what)
{
    weiri_link_tell(&self->config.port, news, "%s to %s: %s", self->config.schema->name,
        self->config.peer, what);
}

static weiri_frame
head(const weiri_sender *self, weiri_frame_kind kind, uint64_t sequence)
{
    return (weiri_frame){ .kind = (uint8_t)kind,
        .stream                 = (uint32_t)self->id,
        .link                   = (uint32_t)(self->id >> 32),
        .sequence               = sequence,
        .watermark_ns           = INT64_MIN,
        .epoch                  = self->config.epoch };
}

/* ---- making and ending ---- */

weir_status
weiri_sender_set_origins(weiri_sender *self, const char *const *names, uint32_t n)
{
    char   **copies = calloc(n + (size_t)1, sizeof *copies);
    uint32_t made   = 0;
    if (copies != NULL) {
        copies[made] = strdup(self->config.self);
        made += copies[made] != NULL;
        for (uint32_t i = 0; i < n && made == i + 1; i++) {
            copies[made] = strdup(names[i]);
            made += copies[made] != NULL;
        }
    }
    bool is_whole = copies != NULL && made == n + 1;
    for (uint32_t i = 0; !is_whole && i < made; i++) {
        free(copies[i]);
    }
    if (!is_whole) {
        free(copies);
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < self->n_origins; i++) {
        free(self->origins[i]);
    }
    free(self->origins);
    self->origins     = copies;
    self->n_origins   = made;
    self->wants_hello = true;
    return WEIR_OK;
}

weir_status
weiri_sender_new(const weiri_sender_config *config, weiri_sender **out, weir_error *err)
{
    const weir_schema *schema = config->schema;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].type == WEIR_LIST) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "stream '%s': field '%s' is a list, which no node can read", schema->name,
                schema->fields[i].name);
        }
    }
    weiri_sender *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", schema->name);
    }
    self->config        = *config;
    self->id            = weiri_link_id(schema->name);
    self->watermark_ns  = INT64_MIN;
    self->told_mark_ns  = INT64_MIN;
    self->said_hello_ns = INT64_MIN;
    self->rewound_ns    = INT64_MIN / 2;
    if (self->config.backlog_bytes == 0) {
        self->config.backlog_bytes = WEIRI_LINK_BACKLOG;
    }
    if (weiri_sender_set_origins(self, NULL, 0) != WEIR_OK) {
        weiri_sender_destroy(&self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", schema->name);
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_sender_destroy(weiri_sender **self_p)
{
    weiri_sender *self = *self_p;
    *self_p            = NULL;
    if (self == NULL) {
        return;
    }
    weiri_sender_forget_settled(self);
    weiri_backlog_fini(&self->staged);
    weiri_backlog_fini(&self->backlog);
    weiri_pack_fini(&self->message);
    weiri_pack_fini(&self->columns);
    for (uint32_t i = 0; i < self->n_origins; i++) {
        free(self->origins[i]);
    }
    free(self->origins);
    free(self);
}

/* ---- giving rows ---- */

static weir_status
add_frame(weiri_sender *self, weiri_frame frame, const weiri_pack *payload)
{
    weiri_blob *blob = weiri_blob_make(frame, payload);
    if (blob == NULL || weiri_backlog_push(&self->staged, blob) != WEIR_OK) {
        weiri_blob_unref(&blob);
        return WEIR_ENOMEM;
    }
    self->next = blob->end;
    return WEIR_OK;
}

/* One frame of rows; those that no receiver would take are given up, one at a time. */
static weir_status
stage_frame(weiri_sender *self, weir_rows rows)
{
    weiri_pack *payload       = &self->columns;
    weir_status status        = WEIR_OK;
    payload->size             = 0;
    payload->is_out_of_memory = false;
    weiri_columns_write(rows, payload);
    const char *wrong = payload->is_out_of_memory ? NULL
                        : payload->size > WEIRI_RECORD_BYTES - WEIRI_FRAME_HEAD
                            ? "they are too large"
                            : weiri_columns_check(payload->bytes, payload->size,
                                self->config.schema, rows.n);
    if (wrong == NULL) {
        weiri_frame frame = head(self, WEIRI_FRAME_COLUMNS, self->next);
        frame.n_rows      = rows.n;
        frame.n_parts     = self->config.schema->n_fields;
        status            = add_frame(self, frame, payload);
    }
    if (wrong != NULL && rows.n > 1) {
        weir_rows one = { .chunk = rows.chunk, .n = 1 };
        for (uint32_t i = 0; i < rows.n && status == WEIR_OK; i++) {
            one.first = rows.first + i;
            status    = stage_frame(self, one);
        }
    } else if (wrong != NULL) {
        self->unfit = wrong;
        self->n_unfit++;
        self->next++;
    }
    return status;
}

weir_status
weiri_sender_stage(weiri_sender *self, weir_rows rows)
{
    weir_status status = WEIR_OK;
    while (rows.n > 0 && status == WEIR_OK) {
        size_t    size = 0;
        weir_rows some = rows;
        some.n         = weiri_columns_fit(rows, WEIRI_LINK_FRAME, &size);
        status         = stage_frame(self, some);
        rows.first += some.n;
        rows.n -= some.n;
    }
    return status;
}

/* Move `sent` to where it is, over frames that need not be sent. */
static void
pass_sent(weiri_sender *self)
{
    while (self->n_sent < self->backlog.n
           && weiri_backlog_at(&self->backlog, self->n_sent)->end <= self->sent) {
        self->flying_bytes += weiri_backlog_at(&self->backlog, self->n_sent++)->size;
    }
}

static void
drop_first(weiri_sender *self)
{
    weiri_blob *blob = weiri_backlog_pop(&self->backlog);
    if (self->n_sent > 0) {
        self->n_sent--;
        self->flying_bytes -= blob->size;
    }
    weiri_blob_unref(&blob);
}

/* Free what is kept, and what there is no room for; the newest frame stays. */
static void
trim(weiri_sender *self)
{
    while (
        self->backlog.n > 0 && weiri_backlog_at(&self->backlog, 0)->end <= self->kept) {
        drop_first(self);
    }
    while (self->config.is_dropping && self->backlog.n > 1
           && self->backlog.size > self->config.backlog_bytes) {
        uint32_t n = weiri_backlog_at(&self->backlog, 0)->n_rows;
        if (self->n_episode == 0) {
            tell(self, WEIRI_LINK_DROPPED,
                "the backlog is full: the oldest events are dropped");
        }
        self->counts.n_dropped += n;
        self->n_episode += n;
        drop_first(self);
    }
}

static void
tell_unfit(weiri_sender *self)
{
    if (self->n_unfit > 0) {
        self->counts.n_dropped += self->n_unfit;
        weiri_link_tell(&self->config.port, WEIRI_LINK_DROPPED,
            "%s to %s: %llu events cannot be sent: %s", self->config.schema->name,
            self->config.peer, (unsigned long long)self->n_unfit, self->unfit);
        self->n_unfit = 0;
    }
}

/* The last frame of a turn says how far time is behind it. */
static void
stamp_last(weiri_sender *self, int64_t watermark_ns)
{
    if (self->staged.n > 0) {
        weiri_blob *last = weiri_backlog_at(&self->staged, self->staged.n - 1);
        weiri_frame_stamp(last->bytes, watermark_ns);
    }
}

weir_status
weiri_sender_commit(weiri_sender *self, int64_t watermark_ns)
{
    if (watermark_ns == INT64_MAX) { /* that is said by the end alone */
        watermark_ns = self->watermark_ns;
    }
    self->watermark_ns =
        watermark_ns > self->watermark_ns ? watermark_ns : self->watermark_ns;
    tell_unfit(self);
    stamp_last(self, self->watermark_ns);
    while (self->staged.n > 0) {
        weiri_blob *blob = weiri_backlog_pop(&self->staged);
        self->counts.n_rows += blob->n_rows;
        if (blob->end <= self->kept) {
            weiri_blob_unref(&blob);
        } else if (weiri_backlog_push(&self->backlog, blob) != WEIR_OK) {
            weiri_blob_unref(&blob);
            return WEIR_ENOMEM;
        }
    }
    self->committed = self->next;
    trim(self);
    pass_sent(self);
    return WEIR_OK;
}

weir_status
weiri_sender_end(weiri_sender *self, int64_t newest_ns)
{
    if (self->is_ended) {
        return WEIR_OK;
    }
    weiri_frame frame  = head(self, WEIRI_FRAME_END, self->next);
    frame.watermark_ns = newest_ns;
    weir_status status = add_frame(self, frame, NULL);
    if (status != WEIR_OK) {
        return status;
    }
    self->is_ended   = true;
    weiri_blob *blob = weiri_backlog_pop(&self->staged);
    if (blob->end <= self->kept) {
        weiri_blob_unref(&blob);
        return WEIR_OK;
    }
    status = weiri_backlog_push(&self->backlog, blob);
    if (status != WEIR_OK) {
        weiri_blob_unref(&blob);
    }
    pass_sent(self);
    return status;
}

bool
weiri_sender_is_full(const weiri_sender *self)
{
    return !self->config.is_dropping && self->backlog.size >= self->config.backlog_bytes;
}

bool
weiri_sender_is_done(const weiri_sender *self)
{
    return self->kept >= self->next;
}

weiri_link_standing
weiri_sender_standing(const weiri_sender *self)
{
    if (!self->is_open) {
        return WEIRI_LINK_APART;
    }
    return self->sent <= self->next && self->kept <= self->next ? WEIRI_LINK_EVEN
                                                                : WEIRI_LINK_BEHIND;
}

/* Before its end a sender's rows may be staged at any time, by another thread. */
static weiri_link_parting
parting_of(const weiri_sender *self)
{
    return !self->is_ended || !weiri_sender_is_done(self) ? WEIRI_LINK_FLOWING
           : self->is_free                                ? WEIRI_LINK_PARTED
                                                          : WEIRI_LINK_SETTLED;
}

weiri_link_farewell
weiri_sender_farewell(const weiri_sender *self)
{
    weiri_link_parting parting = parting_of(self);
    return (weiri_link_farewell){
        .parting    = parting,
        .is_kept    = weiri_sender_is_done(self),
        .is_there   = self->is_open,
        .is_lasting = self->config.is_lasting,
        .is_unsaid =
            self->is_open && parting == WEIRI_LINK_PARTED && self->said < parting,
    };
}

void
weiri_sender_release(weiri_sender *self, weiri_link_parting parting)
{
    self->released = parting > self->released ? parting : self->released;
}

/* How far it can say that it is. */
static weiri_link_parting
sayable(const weiri_sender *self)
{
    weiri_link_parting is = parting_of(self);
    return self->config.is_lasting && self->released < is ? self->released : is;
}

const char *
weiri_sender_stream(const weiri_sender *self)
{
    return self->config.schema->name;
}

weiri_link_counts
weiri_sender_get_counts(const weiri_sender *self)
{
    weiri_link_counts counts = self->counts;
    counts.n_kept  = self->kept < self->committed ? self->kept : self->committed;
    counts.n_bytes = self->backlog.size;
    counts.n_credit =
        self->window > self->flying_bytes ? self->window - self->flying_bytes : 0;
    counts.is_open      = self->is_open;
    counts.watermark_ns = self->watermark_ns;
    return counts;
}

/* ---- hearing ---- */

static void
rewind_to(weiri_sender *self, uint64_t next)
{
    self->sent         = next;
    self->n_sent       = 0;
    self->flying_bytes = 0;
    self->gap_told     = 0;
    pass_sent(self);
}

/* Numbers that both WELCOME and ACK say. */
static bool
read_ack(weiri_sender *self, const weiri_frame *frame, const uint8_t *payload,
    uint64_t *kept, uint64_t *window)
{
    weiri_unpack in = { .at = payload, .end = payload + frame->size };
    *kept           = weiri_unpack_number(&in);
    *window         = weiri_unpack_number(&in);
    if (in.wrong != NULL || in.at != in.end || *kept > frame->sequence
        || frame->sequence > UINT64_MAX / 2) {
        self->counts.n_bad++;
        return false;
    }
    return true;
}

static void
on_ack(
    weiri_sender *self, const weiri_frame *frame, const uint8_t *payload, int64_t now_ns)
{
    uint64_t kept;
    uint64_t window;
    if (!read_ack(self, frame, payload, &kept, &window)) {
        return;
    }
    bool is_welcome = frame->kind == WEIRI_FRAME_WELCOME;
    bool is_missing = (frame->n_parts & WEIRI_LINK_MISSES) != 0;
    self->is_free =
        self->is_free || (self->is_ended && (frame->n_parts & WEIRI_LINK_IS_FREE) != 0);
    self->window = window;
    self->kept   = kept > self->kept ? kept : self->kept;
    trim(self);
    if (self->sent < self->kept) {
        self->sent = self->kept;
        pass_sent(self);
    }
    if (is_welcome && self->is_connected && !self->is_open && !self->is_barred) {
        self->is_open    = true;
        self->is_refused = false;
        self->n_episode  = 0;
        tell(self, WEIRI_LINK_OPENED, "open");
        self->said = WEIRI_LINK_FLOWING;
        rewind_to(self, frame->sequence);
    } else if (is_missing && frame->sequence < self->sent
               && now_ns - self->rewound_ns >= self->config.timing.retry_ns / 2) {
        self->rewound_ns = now_ns; /* it misses what comes next */
        self->counts.n_again++;
        rewind_to(self, frame->sequence);
    }
}

static void
close_refused(weiri_sender *self)
{
    if (!self->is_refused) {
        weiri_link_tell(&self->config.port, WEIRI_LINK_REFUSED, "%s to %s: refused: %s",
            self->config.schema->name, self->config.peer, self->refusal);
    }
    self->is_refused = true;
    self->is_open    = false;
}

static void
on_refuse(weiri_sender *self, const weiri_frame *frame, const uint8_t *payload)
{
    weiri_unpack in   = { .at = payload, .end = payload + frame->size };
    uint32_t     size = 0;
    const char  *why  = weiri_unpack_text(&in, &size);
    if (in.wrong != NULL) {
        self->counts.n_bad++;
        return;
    }
    weiri_link_show(why, size, self->refusal, sizeof self->refusal);
    close_refused(self);
}

void
weiri_sender_bar(weiri_sender *self, const char *why)
{
    if (!self->is_barred) {
        weiri_link_show(why, strlen(why), self->refusal, sizeof self->refusal);
        close_refused(self);
        self->is_barred = true;
    }
}

const char *
weiri_sender_refusal(const weiri_sender *self)
{
    return self->is_refused ? self->refusal : NULL;
}

void
weiri_sender_on_connection(weiri_sender *self, bool is_connected, int64_t now_ns)
{
    bool was_open       = self->is_open;
    self->is_connected  = is_connected;
    self->is_open       = false;
    self->is_refused    = self->is_refused && !self->is_barred;
    self->is_barred     = false;
    self->heard_ns      = now_ns;
    self->said_hello_ns = INT64_MIN;
    self->said          = WEIRI_LINK_FLOWING;
    if (was_open && !is_connected) {
        tell(self, WEIRI_LINK_LOST, "the connection is gone");
    }
}

void
weiri_sender_on_frame(
    weiri_sender *self, const weiri_frame *frame, const uint8_t *payload, int64_t now_ns)
{
    bool is_known = frame->kind == WEIRI_FRAME_WELCOME || frame->kind == WEIRI_FRAME_ACK
                    || frame->kind == WEIRI_FRAME_REFUSE
                    || frame->kind == WEIRI_FRAME_RESET;
    if (!is_known) {
        self->counts.n_bad++;
        return;
    }
    if (frame->epoch != self->config.epoch) {
        return; /* of an earlier life */
    }
    self->heard_ns = now_ns;
    if (frame->kind == WEIRI_FRAME_REFUSE) {
        on_refuse(self, frame, payload);
    } else if (frame->kind == WEIRI_FRAME_RESET) {
        self->is_open     = false;
        self->wants_hello = true;
    } else {
        on_ack(self, frame, payload, now_ns);
    }
}

/* ---- speaking ---- */

static bool
send_message(weiri_sender *self)
{
    bool is_sent = !self->message.is_out_of_memory
                   && self->config.port.send(self->config.port.context,
                       self->message.bytes, self->message.size);
    self->message.size             = 0;
    self->message.is_out_of_memory = false;
    return is_sent;
}

static bool
send_head(weiri_sender *self, weiri_frame frame, const weiri_pack *payload)
{
    self->message.size = 0;
    weiri_link_message(frame, payload, &self->message);
    return send_message(self);
}

/* The first row that can still be sent. */
static uint64_t
base(const weiri_sender *self)
{
    return self->backlog.n > 0 ? weiri_backlog_at(&self->backlog, 0)->first : self->kept;
}

static void
say_hello(weiri_sender *self, int64_t now_ns)
{
    weiri_pack payload = { 0 };
    weiri_link_hello_write(self->config.schema, (const char *const *)self->origins,
        self->n_origins, self->config.terms, self->config.n_terms, &payload);
    if (send_head(self, head(self, WEIRI_FRAME_HELLO, base(self)), &payload)) {
        self->said_hello_ns = now_ns;
        self->wants_hello   = false;
    }
    weiri_pack_fini(&payload);
}

/* What lies between what was sent and what can be. */
static bool
say_gap(weiri_sender *self, uint64_t to)
{
    weiri_pack payload = { 0 };
    weiri_pack_fixed(&payload, to);
    bool is_sent = send_head(self, head(self, WEIRI_FRAME_GAP, self->sent), &payload);
    weiri_pack_fini(&payload);
    if (is_sent) {
        self->sent = to;
    }
    return is_sent;
}

static bool
may_fly(const weiri_sender *self, size_t size)
{
    return self->flying_bytes == 0 || self->flying_bytes + size <= self->window;
}

/* Frames that go next, as one message. False: none does, or not now. */
static bool
send_frames(weiri_sender *self)
{
    uint32_t n  = 0;
    size_t   of = 0; /* their bytes */
    if (self->n_sent == self->backlog.n) {
        return false;
    }
    uint64_t first = weiri_backlog_at(&self->backlog, self->n_sent)->first;
    if (first > self->sent) {
        return say_gap(self, first);
    }
    const weiri_blob *blob = weiri_backlog_at(&self->backlog, self->n_sent);
    uint64_t          end  = blob->first;
    self->message.size     = 0;
    do {
        if (!may_fly(self, of + blob->size) || (n > 0 && blob->first != end)) {
            break;
        }
        weiri_pack_bytes(&self->message, blob->bytes, blob->size);
        end = blob->end;
        of += blob->size;
        n++;
        blob = self->n_sent + n < self->backlog.n
                   ? weiri_backlog_at(&self->backlog, self->n_sent + n)
                   : NULL;
    } while (
        blob != NULL && of + blob->size <= MESSAGE_SIZE && blob->size <= SMALL_FRAME);
    if (n == 0 || !send_message(self)) {
        return false;
    }
    self->n_sent += n;
    self->flying_bytes += of;
    self->sent = end;
    self->told_mark_ns =
        self->n_sent == self->backlog.n ? self->watermark_ns : self->told_mark_ns;
    return true;
}

static void
say_ping(weiri_sender *self, int64_t now_ns)
{
    weiri_frame        frame   = head(self, WEIRI_FRAME_PING, self->sent);
    bool               is_up   = self->n_sent == self->backlog.n;
    weiri_link_parting parting = sayable(self);
    frame.n_parts              = (parting >= WEIRI_LINK_SETTLED ? WEIRI_LINK_HAS_ALL : 0u)
                    | (parting == WEIRI_LINK_PARTED ? WEIRI_LINK_HAS_HEARD : 0u);
    if (is_up) { /* else time is behind rows that have not been sent */
        frame.watermark_ns = self->watermark_ns;
    }
    if (send_head(self, frame, NULL)) {
        self->said_ping_ns = now_ns;
        self->told_mark_ns = is_up ? self->watermark_ns : self->told_mark_ns;
        self->said         = parting;
    }
}

static int64_t
work_open(weiri_sender *self, int64_t now_ns)
{
    const weiri_link_timing *timing = &self->config.timing;
    if (self->wants_hello) { /* who the events come by has changed */
        say_hello(self, now_ns);
    }
    while (send_frames(self)) {
    }
    bool has_mark = self->n_sent == self->backlog.n
                    && self->watermark_ns > self->told_mark_ns && !self->is_ended;
    int64_t due_ns = self->said_ping_ns + (has_mark ? timing->mark_ns : timing->beat_ns);
    if (sayable(self) > self->said) {
        due_ns = now_ns; /* so that the receiver need not wait */
    }
    if (now_ns >= due_ns) {
        say_ping(self, now_ns);
        due_ns = now_ns + timing->beat_ns;
    }
    return due_ns;
}

int64_t
weiri_sender_work(weiri_sender *self, int64_t now_ns)
{
    const weiri_link_timing *timing = &self->config.timing;
    if (!self->is_connected || self->is_barred) {
        return INT64_MAX;
    }
    if (self->is_open && now_ns - self->heard_ns >= timing->silence_ns) {
        self->is_open = false;
        tell(self, WEIRI_LINK_LOST, "nothing is heard of it");
    }
    if (self->is_open) {
        return work_open(self, now_ns);
    }
    if (self->said_hello_ns == INT64_MIN || self->wants_hello
        || now_ns - self->said_hello_ns >= timing->retry_ns) {
        say_hello(self, now_ns);
    }
    return now_ns + timing->retry_ns;
}
