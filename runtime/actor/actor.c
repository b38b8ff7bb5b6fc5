/* What an actor can do. */
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "weiri/limits.h"

/* ---- who it is ---- */

static uint32_t
level_of(const weiri_actor *self)
{
    return address_level(self->cell->address);
}

weiri_address
weiri_actor_address(const weiri_actor *self)
{
    return self->cell->address;
}

uint32_t
weiri_actor_shard(const weiri_actor *self)
{
    return self->shard->index;
}

uint32_t
weiri_actor_n_shards(const weiri_actor *self)
{
    return self->shard->n_shards;
}

const void *
weiri_actor_key(const weiri_actor *self, uint32_t *size)
{
    *size = self->cell->key_size;
    return self->cell->key_size > 0 ? weiri_cell_key(self->cell) : NULL;
}

weiri_address
weiri_actor_resolve(weiri_actor *self, const char *name)
{
    weiri_address found = weiri_directory_find(&self->shard->names, name);
    return found != WEIRI_NOBODY ? found
                                 : weiri_directory_find(&self->shard->node->names, name);
}

/* ---- sending ---- */

static void
hand_over(weiri_actor *self, weiri_message *message)
{
    weiri_message copy = *message;
    copy.from          = self->cell->address;
    message->form      = WEIRI_FORM_INLINE;
    message->size      = 0;
    weiri_shard_route(self->shard, &copy);
}

/* What one callback may leave behind is bounded: more of it than a mailbox is refused. */
static weir_status
check_room(const weiri_queue *queue)
{
    return queue->n < WEIRI_MAILBOX_MESSAGES ? WEIR_OK : WEIR_EFULL;
}

static weir_status
make_room(weiri_queue *queue)
{
    weir_status status = check_room(queue);
    return status == WEIR_OK && queue->n == queue->capacity ? weiri_queue_grow(queue)
                                                            : status;
}

/* Something waits in it, and there is room for more. */
static bool
goes_on(const weiri_queue *queue)
{
    return queue->n > 0 && queue->n < queue->capacity
           && queue->n < WEIRI_MAILBOX_MESSAGES;
}

/* Where nothing waits that would have to be worked off before. */
static bool
is_next(const weiri_shard *self, uint32_t level)
{
    return self->handed < 0 && (int32_t)level > weiri_level_set_deepest(&self->ready);
}

/* A field of a message as it lies in its word of eight bytes. */
#define IN_WORD(name, value)                                                             \
    ((uint64_t)(value) << 8                                                              \
                              * (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__               \
                                      ? offsetof(weiri_message, name) % 8                \
                                      : 8 - offsetof(weiri_message, name) % 8            \
                                            - sizeof((weiri_message *)NULL)->name))

/* What lies between the addresses and the payload: read by fields, for they may just have
 * been written so, as weiri_queue_read explains; written by words, for a processor writes
 * no more than one or two things a cycle. */
static inline void
copy_head(weiri_message *place, const weiri_message *message, uint8_t flags)
{
    const uint64_t words[2] = {
        IN_WORD(kind, message->kind) | IN_WORD(id, message->id),
        IN_WORD(n_rows, message->n_rows) | IN_WORD(size, message->size)
            | IN_WORD(form, message->form) | IN_WORD(flags, flags),
    };
    memcpy((uint8_t *)place + offsetof(weiri_message, kind), words, sizeof words);
}

/* The message is written once, to where it will be read. */
static ALWAYS_INLINE void
put(weiri_actor *self, weiri_message *place, weiri_message *message, uint8_t flags)
{
    weiri_shard_count_waiting(self->shard, message->n_rows > 0 ? message->n_rows : 1);
    place->to    = message->to;
    place->from  = self->cell->address;
    place->about = message->about;
    place->as    = message->as;
    copy_head(place, message, flags);
    if (message->form != WEIRI_FORM_INLINE) {
        message->form = WEIRI_FORM_INLINE;
    }
    message->size = 0;
}

static inline weiri_message *
take_hand(weiri_shard *self, uint32_t level)
{
    self->handed = (int32_t)level;
    return &self->hands[self->hand];
}

/* Not into a lane without room. */
static void
put_here(weiri_actor *self, uint32_t level, weiri_message *message, uint8_t flags)
{
    weiri_shard *shard = self->shard;
    put(self,
        is_next(shard, level) ? take_hand(shard, level) : weiri_shard_put(shard, level),
        message, flags);
}

/* Not to an actor of this shard, or into a lane that has no room, or not at all. */
static OUT_OF_LINE weir_status
send_otherwise(weiri_actor *self, weiri_message *message)
{
    weiri_shard *shard  = self->shard;
    uint32_t     to     = address_shard(message->to);
    uint32_t     level  = address_level(message->to);
    weir_status  status = WEIR_OK;
    if (message->to != WEIRI_NOBODY
        && (level <= level_of(self) || level >= shard->n_levels || to == FAMILY_SHARD)) {
        return WEIR_EINVAL;
    }
    if (to == shard->index && address_slot(message->to) != 0) {
        status = make_room(&shard->lanes[level]);
        if (status == WEIR_OK) {
            put_here(self, level, message, message->flags & WEIRI_FLAG_DEAD);
        }
        return status;
    }
    if (to < shard->n_shards) {
        status = check_room(&shard->peers[to].ways[level].parked);
    }
    if (status == WEIR_OK) {
        message->flags &= WEIRI_FLAG_DEAD;
        message->key_size = 0;
        hand_over(self, message);
    }
    return status;
}

weir_status
weiri_actor_send(weiri_actor *self, weiri_message *message)
{
    weiri_shard *shard   = self->shard;
    uint32_t     level   = address_level(message->to);
    bool         is_here = address_shard(message->to) == shard->index
                   && address_slot(message->to) != 0 && level > level_of(self)
                   && level < shard->n_levels;
    if (is_here && is_next(shard, level)) {
        put(self, take_hand(shard, level), message, message->flags & WEIRI_FLAG_DEAD);
        return WEIR_OK;
    }
    if (is_here && goes_on(&shard->lanes[level])) {
        put(self, weiri_queue_put(&shard->lanes[level]), message,
            message->flags & WEIRI_FLAG_DEAD);
        return WEIR_OK;
    }
    return send_otherwise(self, message);
}

/* A key that goes to another shard: in the message, or in a block if it is long. */
static weir_status
pack_key(weiri_message *message, const void *key, uint32_t size)
{
    message->about = 0;
    if (size <= sizeof message->about) {
        memcpy(&message->about, key, size);
    } else {
        void *block = malloc(size);
        if (block == NULL) {
            return WEIR_ENOMEM;
        }
        memcpy(block, key, size);
        message->about = (uint64_t)(uintptr_t)block;
    }
    message->key_size = (uint8_t)size;
    return WEIR_OK;
}

static weir_status
send_keyed_here(weiri_actor *self, weiri_message *message, const void *key, uint32_t size)
{
    weiri_shard  *shard  = self->shard;
    weiri_address family = message->to;
    uint32_t      level  = address_level(family);
    weir_status   status = make_room(&shard->lanes[level]);
    if (status == WEIR_OK) {
        status =
            weiri_shard_instance(shard, address_slot(family), key, size, &message->to);
    }
    if (status == WEIR_OK) {
        put_here(self, level, message, WEIRI_FLAG_KEYED);
        message->to = family; /* for the next key */
    }
    return status;
}

static weir_status
send_keyed_away(weiri_actor *self, uint32_t to, weiri_message *message, const void *key,
    uint32_t size)
{
    weiri_shard *shard = self->shard;
    weir_status  status =
        check_room(&shard->peers[to].ways[address_level(message->to)].parked);
    if (status == WEIR_OK) {
        status = pack_key(message, key, size);
    }
    if (status == WEIR_OK) {
        message->id    = to;
        message->flags = WEIRI_FLAG_KEYED;
        hand_over(self, message);
        message->key_size = 0;
    }
    return status;
}

weir_status
weiri_actor_send_keyed(
    weiri_actor *self, weiri_message *message, const void *key, uint32_t size)
{
    weiri_shard *shard  = self->shard;
    uint32_t     family = address_slot(message->to);
    uint32_t     level  = address_level(message->to);
    if (address_shard(message->to) != FAMILY_SHARD || family >= shard->n_families
        || level <= level_of(self) || size == 0 || size > WEIRI_KEY_BYTES) {
        return WEIR_EINVAL;
    }
    uint32_t to = shard->n_shards == 1
                      ? 0
                      : weiri_family_shard(weiri_family_hash(key, size), shard->n_shards);
    return to == shard->index ? send_keyed_here(self, message, key, size)
                              : send_keyed_away(self, to, message, key, size);
}

weir_status
weiri_actor_signal(weiri_actor *self, weiri_message *message)
{
    weiri_shard *shard = self->shard;
    uint32_t     to    = address_shard(message->to);
    if (to == FAMILY_SHARD) {
        return WEIR_EINVAL;
    }
    bool is_full = to == shard->index || to >= shard->n_shards
                       ? shard->lanes[shard->n_levels].n >= WEIRI_SIGNALS
                       : shard->peers[to].ways[shard->n_levels].credit <= 0;
    if (is_full) {
        return WEIR_EFULL;
    }
    message->flags =
        WEIRI_FLAG_SIGNAL | (message->flags & (WEIRI_FLAG_ASK | WEIRI_FLAG_REPLY));
    hand_over(self, message);
    return WEIR_OK;
}

void
weiri_actor_wake(weiri_actor *self)
{
    bool is_over = self->shard->draining >= (int32_t)level_of(self);
    if ((self->cell->flags & CELL_WOKEN) == 0 && !is_over) {
        self->cell->flags |= CELL_WOKEN;
        weiri_shard_post(self->shard, self->cell, WEIRI_KIND_WAKE);
    }
}

weir_status
weiri_actor_wake_when_readable(weiri_actor *self, int fd)
{
    weiri_shard      *shard = self->shard;
    struct file_wake *files = realloc(shard->files, (shard->n_files + 1) * sizeof *files);
    if (files == NULL) {
        return WEIR_ENOMEM;
    }
    files[shard->n_files++] = (struct file_wake){ fd, self->cell->address };
    shard->files            = files;
    return WEIR_OK;
}

weir_status
weiri_actor_ask(
    weiri_actor *self, weiri_message *message, int64_t timeout_ns, uint32_t *id)
{
    weir_status status =
        weiri_shard_open_ask(self->shard, self->cell->address, timeout_ns, id);
    if (status != WEIR_OK) {
        return status;
    }
    message->flags = WEIRI_FLAG_ASK;
    message->id    = *id;
    status         = weiri_actor_signal(self, message);
    if (status != WEIR_OK) {
        (void)weiri_shard_close_ask(self->shard, *id, self->cell->address);
    }
    return status;
}

weir_status
weiri_actor_reply(weiri_actor *self, const weiri_message *request, weiri_message *reply)
{
    reply->to    = request->from;
    reply->id    = request->id;
    reply->flags = WEIRI_FLAG_REPLY;
    return weiri_actor_signal(self, reply);
}

weir_status
weiri_actor_inspect(weiri_actor *self, uint32_t shard, int64_t timeout_ns, uint32_t *id)
{
    if (shard >= self->shard->n_shards) {
        return WEIR_EINVAL;
    }
    weir_status status =
        weiri_shard_open_ask(self->shard, self->cell->address, timeout_ns, id);
    if (status == WEIR_OK) {
        weiri_message message = { .to = weiri_shard_system_address(shard),
            .from                     = self->cell->address,
            .kind                     = KIND_INSPECT,
            .id                       = *id };
        weiri_shard_signal(self->shard, message);
    }
    return status;
}

/* ---- others ---- */

/* A name that one who has gone had on this shard is free. */
static bool
is_taken(const weiri_actor *self, const char *name)
{
    weiri_address mine = weiri_directory_find(&self->shard->names, name);
    return (mine != WEIRI_NOBODY && weiri_shard_find(self->shard, mine) != NULL)
           || weiri_directory_find(&self->shard->node->names, name) != WEIRI_NOBODY;
}

weir_status
weiri_actor_spawn(
    weiri_actor *self, const weiri_actor_spec *spec, weiri_address *out, weir_error *err)
{
    weir_status status = WEIR_OK;
    uint32_t    n      = self->shard->n_levels;
    if (spec->level >= n && spec->level != WEIRI_CONTROL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "level %u of %u", spec->level, n);
    }
    if (spec->supervisor != WEIRI_NOBODY && address_level(spec->supervisor) != n) {
        return WEIR_FAIL(err, WEIR_EINVAL, "its supervisor is not at WEIRI_CONTROL");
    }
    if (spec->name != NULL && is_taken(self, spec->name)) {
        return WEIR_FAIL(err, WEIR_EINVAL, "there is an actor '%s'", spec->name);
    }
    status = weiri_shard_spawn(self->shard, spec, out);
    if (status == WEIR_OK && spec->name != NULL) {
        status = weiri_directory_put(&self->shard->names, spec->name, *out);
    }
    if (status != WEIR_OK) {
        return WEIR_FAIL(err, status, "an actor: %s", weir_status_text(status));
    }
    if (spec->supervisor != WEIRI_NOBODY) {
        weiri_shard_signal(self->shard,
            (weiri_message){
                .to = spec->supervisor, .about = *out, .kind = WEIRI_KIND_ADOPT });
    }
    return WEIR_OK;
}

static weir_status
signal_about(weiri_actor *self, weiri_address to, uint16_t kind, uint32_t id)
{
    weiri_message message = {
        .to = to, .about = self->cell->address, .kind = kind, .id = id
    };
    return weiri_actor_signal(self, &message);
}

weir_status
weiri_actor_stop(weiri_actor *self, weiri_address who)
{
    if (who == self->cell->address) {
        self->stops       = true;
        self->stop_reason = WEIRI_REASON_DONE;
        return WEIR_OK;
    }
    return signal_about(self, who, KIND_STOP, WEIRI_REASON_DONE);
}

void
weiri_actor_resume(weiri_actor *self)
{
    if (self->cell->state == ACTOR_PAUSED) {
        weiri_cell_step(self->cell, ACTOR_RESUME);
        weiri_shard_resume(self->shard, self->cell);
    }
}

weir_status
weiri_actor_monitor(weiri_actor *self, weiri_address who)
{
    return signal_about(self, who, KIND_MONITOR, 0);
}

weir_status
weiri_actor_link(weiri_actor *self, weiri_address who)
{
    weiri_message mine   = { .to = self->cell->address, .about = who, .kind = KIND_LINK };
    weir_status   status = weiri_actor_signal(self, &mine);
    if (status != WEIR_OK) {
        return status;
    }
    return signal_about(self, who, KIND_LINK, 0);
}

weir_status
weiri_actor_save(weiri_actor *self)
{
    const weiri_node_config *config = &self->shard->node->config;
    const weiri_cell_class *class   = self->cell->class;
    weiri_cell_extra *extra         = weiri_cell_extra_of(self->cell);
    if (class->behaviour->save == NULL) {
        return WEIR_EINVAL;
    }
    if (extra == NULL) {
        return WEIR_ENOMEM;
    }
    weiri_pack  pack   = { 0 };
    weir_status status = class->behaviour->save(weiri_cell_state(self->cell), &pack);
    if (status == WEIR_OK && pack.is_out_of_memory) {
        status = WEIR_ENOMEM;
    }
    if (status != WEIR_OK) {
        weiri_pack_fini(&pack);
        return status;
    }
    weiri_pack_fini(&extra->saved);
    extra->saved     = pack;
    extra->has_saved = true;
    if (config->on_saved != NULL) {
        config->on_saved(
            config->context, class->name, self->cell->address, &extra->saved);
    }
    return WEIR_OK;
}

/* ---- time ---- */

int64_t
weiri_actor_now(const weiri_actor *self, weiri_clock_kind which)
{
    return which == WEIRI_EVENT_TIME
               ? weiri_timer_wheel_now(self->shard->wheels[WEIRI_EVENT_TIME])
               : weiri_shard_ask_clock(self->shard);
}

weir_status
weiri_actor_set_timer(weiri_actor *self, weiri_clock_kind which, int64_t deadline_ns,
    uint64_t tag, weiri_timer_id *out)
{
    const weiri_timer timer = { .deadline_ns = deadline_ns,
        .owner                               = self->cell->address,
        .tag                                 = tag,
        .life                                = self->cell->n_restarts };
    uint64_t          id    = 0;
    weir_status status = weiri_timer_wheel_set(self->shard->wheels[which], &timer, &id);
    if (status == WEIR_OK) {
        self->shard->may_be_due = true;
        if (out != NULL) {
            *out = id << 1 | which; /* generations are used up to 2^31 */
        }
    }
    return status;
}

bool
weiri_actor_cancel_timer(weiri_actor *self, weiri_timer_id timer)
{
    return weiri_timer_wheel_cancel(self->shard->wheels[timer & 1], timer >> 1);
}

void
weiri_actor_advance(weiri_actor *self, int64_t to_ns)
{
    weiri_timer_wheel_advance(self->shard->wheels[WEIRI_EVENT_TIME], to_ns);
    self->shard->may_be_due = true;
}

/* ---- the node ---- */

void
weiri_actor_end_node(weiri_actor *self)
{
    weiri_shard_end(self->shard);
}

void
weiri_actor_stop_node(weiri_actor *self, weir_status status, const weir_error *err)
{
    weiri_shard_halt(self->shard, status, err);
}
