/* What an actor in a process remembers, as state of its rule.
 *
 * Of an actor with keys each key is by itself, as in the state of any other rule: what
 * the process said of it when it was asked last, and the events since. These stand in
 * the head, one by one: parts that several processes have saved are put together in the
 * order of the events, and each goes on with those of its own key groups.
 */
#include <stdlib.h>
#include <string.h>

#include "remote.h"
#include "weiri/limits.h"

enum { MOST_KEYS = 1 << 20 };

/* ---- requests ---- */

bool
weiri_remote_log(weiri_remote *self, const void *bytes, size_t size)
{
    if (self->n_log == self->log_room) {
        uint32_t    room = self->log_room == 0 ? WEIRI_REMOTE_LOG : 2 * self->log_room;
        weiri_pack *log  = realloc(self->log, room * sizeof *log);
        if (log == NULL) {
            return false;
        }
        self->log      = log;
        self->log_room = room;
    }
    weiri_pack *copy = &self->log[self->n_log];
    *copy            = (weiri_pack){ 0 };
    weiri_pack_bytes(copy, bytes, size);
    if (copy->is_out_of_memory) {
        weiri_pack_fini(copy);
        return false;
    }
    self->n_log++;
    self->log_bytes += size;
    return true;
}

/* An event of a request. */
typedef struct logged {
    int64_t        time_ns;
    uint64_t       number;
    const uint8_t *key;
    const uint8_t *bytes; /* as it stands in the request */
    uint32_t       key_size;
    uint32_t       size;
} logged;

/* The next event of an array of them. */
static logged
read_logged(weiri_message *in)
{
    logged   row   = { .bytes = in->cursor.at };
    uint32_t n     = weiri_message_read_array(in, WEIRI_REMOTE_HEAD, WEIRI_FIELDS);
    row.time_ns    = weiri_message_read_int(in);
    row.key        = (const uint8_t *)weiri_message_read_bytes(in, &row.key_size);
    int64_t number = weiri_message_read_int(in);
    row.number     = number > 0 ? (uint64_t)number : 0;
    for (uint32_t i = WEIRI_REMOTE_HEAD; i < n; i++) {
        weiri_message_skip(in);
    }
    row.size = (uint32_t)(in->cursor.at - row.bytes);
    return row;
}

static weiri_message
message_of(const uint8_t *bytes, size_t size)
{
    return (
        weiri_message){ .cursor = weiri_mp_cursor_at((const char *)bytes, size, size) };
}

/* ---- keys ---- */

/* Shape (plan->n_keys,) of a key's values; false: it is none of this actor. */
static bool
unpack_key(
    const weiri_actor_plan *plan, const uint8_t *bytes, size_t size, weir_value *values)
{
    weiri_unpack in = { .at = bytes, .end = bytes + size };
    for (uint32_t i = 0; i < plan->n_keys; i++) {
        values[i] = weiri_key_value_unpack(plan->keys[i]->type, &in);
    }
    return in.wrong == NULL && in.at == in.end;
}

/* Whether an event is of a key group that is wanted. */
static bool
is_of(const weiri_actor_plan *plan, const logged *row, const weiri_groups *groups,
    weir_value *values)
{
    return groups == NULL
           || (unpack_key(plan, row->key, row->key_size, values)
               && weiri_groups_has(
                   groups, weiri_place_group(weiri_key_place(values, plan->n_keys))));
}

/* One of [[key, bytes], …]. */
typedef struct pair {
    const uint8_t *key;
    const uint8_t *bytes;
    uint32_t       key_size;
    uint32_t       size;
} pair;

static int
compare_pairs(const void *a, const void *b)
{
    const pair *x = a;
    const pair *y = b;
    uint32_t    n = x->key_size < y->key_size ? x->key_size : y->key_size;
    int         d = n > 0 ? memcmp(x->key, y->key, n) : 0;
    return d != 0 ? d : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

static pair
read_pair(weiri_message *in)
{
    pair it = { .key = NULL };
    weiri_message_read_array(in, 2, 2);
    it.key   = (const uint8_t *)weiri_message_read_bytes(in, &it.key_size);
    it.bytes = (const uint8_t *)weiri_message_read_bytes(in, &it.size);
    return it;
}

void
weiri_remote_check_keys(const weiri_remote *self, weiri_message *in)
{
    weir_value *values = calloc(self->plan->n_keys + (size_t)1, sizeof *values);
    uint32_t    n      = weiri_message_read_array(in, 0, MOST_KEYS);
    pair        last   = { .key = NULL };
    if (values == NULL) {
        weiri_message_fail(in, "no memory for its keys");
    }
    for (uint32_t i = 0; i < n && in->wrong == NULL; i++) {
        pair it = read_pair(in);
        if (in->wrong == NULL && !unpack_key(self->plan, it.key, it.key_size, values)) {
            weiri_message_fail(in, "it saves a key that it never was given");
        } else if (in->wrong == NULL && i > 0 && compare_pairs(&last, &it) >= 0) {
            weiri_message_fail(
                in, "it does not save each key once, in the order of their bytes");
        }
        last = it;
    }
    free(values);
}

/* ---- saving ---- */

static void
save_rows(const weiri_remote *self, const weiri_groups *groups, weir_value *values,
    weiri_pack *out)
{
    weiri_pack rows    = { 0 };
    uint64_t   n_rows  = 0;
    int64_t    last_ns = INT64_MIN; /* of what it was told about the time */
    for (uint32_t i = 0; i < self->n_log; i++) {
        uint32_t      size = 0;
        weiri_message in   = message_of(self->log[i].bytes, self->log[i].size);
        (void)weiri_message_read_array(&in, 2, 3);
        const char *word = weiri_message_read_text(&in, 15, &size);
        if (size == strlen("advance") && memcmp(word, "advance", size) == 0) {
            int64_t to = weiri_message_read_int(&in);
            last_ns    = to > last_ns ? to : last_ns;
            continue;
        }
        (void)weiri_message_read_bool(&in);
        uint32_t n = weiri_message_read_array(&in, 0, WEIRI_REMOTE_ROWS);
        for (uint32_t k = 0; k < n && in.wrong == NULL; k++) {
            logged row = read_logged(&in);
            if (in.wrong == NULL && is_of(self->plan, &row, groups, values)) {
                weiri_pack_text(&rows, row.bytes, row.size);
                n_rows++;
            }
        }
    }
    weiri_pack_number(out, n_rows);
    weiri_pack_bytes(out, rows.bytes, rows.size);
    weiri_pack_number(out, last_ns != INT64_MIN);
    weiri_pack_time(out, last_ns != INT64_MIN ? last_ns : 0);
    out->is_out_of_memory = out->is_out_of_memory || rows.is_out_of_memory;
    weiri_pack_fini(&rows);
}

static void
save_keys(const weiri_remote *self, weir_value *values, weiri_keyed *out)
{
    weiri_message in = message_of(self->state.bytes, self->state.size);
    uint32_t      n  = self->has_state ? weiri_message_read_array(&in, 0, MOST_KEYS) : 0;
    for (uint32_t i = 0; i < n && in.wrong == NULL; i++) {
        pair        it   = read_pair(&in);
        weiri_pack *pack = NULL;
        if (in.wrong == NULL && unpack_key(self->plan, it.key, it.key_size, values)) {
            pack = weiri_keyed_begin(out, values, self->plan->n_keys, 0);
        }
        if (pack != NULL) {
            weiri_pack_bytes(pack, it.bytes, it.size);
            weiri_keyed_end(out);
        }
    }
}

static void
save_whole(const weiri_remote *self, weiri_pack *out)
{
    weiri_pack_text(out, self->state.bytes, self->state.size);
    weiri_pack_number(out, self->n_log);
    for (uint32_t i = 0; i < self->n_log; i++) {
        weiri_pack_text(out, self->log[i].bytes, self->log[i].size);
    }
}

weir_status
weiri_remote_save(const weiri_remote *self, weiri_keyed *out, weir_error *err)
{
    weir_value *values = calloc(self->plan->n_keys + (size_t)1, sizeof *values);
    if (values == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "no memory for the state");
    }
    if (self->stand == WEIRI_REMOTE_LOST) {
        free(values);
        return WEIR_FAIL(err, WEIR_EINVAL,
            "its process does not save what it remembers, so its state cannot be kept");
    }
    weiri_pack_number(&out->head, self->has_state);
    weiri_pack_signed(&out->head, self->version);
    if (self->is_keyed) {
        save_rows(self, out->groups, values, &out->head);
    } else {
        save_whole(self, &out->head);
    }
    for (uint32_t i = 0; i < self->plan->n_keys; i++) {
        weiri_keyed_add_type(out, i, self->plan->keys[i]->type);
    }
    weiri_keyed_end_head(out);
    if (self->is_keyed) {
        save_keys(self, values, out);
    }
    free(values);
    return WEIR_OK;
}

/* ---- loading ---- */

struct weiri_remote_load {
    weiri_remote       *self;
    const weiri_groups *groups;
    weir_value         *values; /* scratch */
    uint32_t            n_heads;
    logged             *rows; /* shape (n_rows,): borrowed from what is loaded */
    size_t              n_rows;
    size_t              room;
    bool                is_told; /* of the time */
    int64_t             told_ns;
};

weiri_remote_load *
weiri_remote_load_begin(weiri_remote *self, const weiri_keyed_load *how)
{
    weiri_remote_load *it = calloc(1, sizeof *it);
    if (it != NULL) {
        it->self   = self;
        it->groups = how->groups;
        it->values = calloc(self->plan->n_keys + (size_t)1, sizeof *it->values);
        if (it->values == NULL) {
            free(it);
            return NULL;
        }
    }
    return it;
}

void
weiri_remote_load_end(weiri_remote_load **self_p)
{
    if (*self_p != NULL) {
        free((*self_p)->rows);
        free((*self_p)->values);
        free(*self_p);
        *self_p = NULL;
    }
}

static weir_status
add_row(weiri_remote_load *it, const logged *row)
{
    enum { FIRST = 64 };
    if (it->n_rows == it->room) {
        size_t  room = it->room == 0 ? FIRST : 2 * it->room;
        logged *rows = realloc(it->rows, room * sizeof *rows);
        if (rows == NULL) {
            return WEIR_ENOMEM;
        }
        it->rows = rows;
        it->room = room;
    }
    it->rows[it->n_rows++] = *row;
    return WEIR_OK;
}

static weir_status
load_rows(weiri_remote_load *it, weiri_unpack *in)
{
    const weiri_actor_plan *plan   = it->self->plan;
    weir_status             status = WEIR_OK;
    uint64_t                n      = weiri_unpack_number(in);
    for (uint64_t i = 0; i < n && in->wrong == NULL && status == WEIR_OK; i++) {
        uint32_t      size  = 0;
        const char   *bytes = weiri_unpack_text(in, &size);
        weiri_message from  = message_of((const uint8_t *)bytes, size);
        logged        row   = read_logged(&from);
        weiri_message_end(&from);
        if (from.wrong != NULL || !unpack_key(plan, row.key, row.key_size, it->values)) {
            weiri_unpack_fail(in, "an event is none that the actor was given");
        } else if (is_of(plan, &row, it->groups, it->values)) {
            status = add_row(it, &row);
        }
    }
    bool    is_told = weiri_unpack_below(in, 2, "a time is told or not") != 0;
    int64_t to      = weiri_unpack_time(in);
    if (is_told) {
        it->told_ns = it->is_told && it->told_ns > to ? it->told_ns : to;
        it->is_told = true;
    }
    return status;
}

static weir_status
load_whole(weiri_remote_load *it, weiri_unpack *in)
{
    weiri_remote *self = it->self;
    uint32_t      size = 0;
    const char   *text = weiri_unpack_text(in, &size);
    if (it->n_heads > 1) {
        weiri_unpack_fail(in, "it is of several processes");
    }
    if (in->wrong == NULL && size > 0) {
        weiri_pack_bytes(&self->state, text, size);
    }
    uint64_t n = weiri_unpack_below(in, WEIRI_REMOTE_LOG, "it has too many requests");
    for (uint64_t i = 0; i < n && in->wrong == NULL; i++) {
        text = weiri_unpack_text(in, &size);
        if (in->wrong == NULL && !weiri_remote_log(self, text, size)) {
            return WEIR_ENOMEM;
        }
    }
    return self->state.is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
}

weir_status
weiri_remote_load_head(weiri_remote_load *it, weiri_unpack *in)
{
    weiri_remote *self    = it->self;
    bool          has     = weiri_unpack_below(in, 2, "a state is there or not") != 0;
    int64_t       version = weiri_unpack_signed(in);
    it->n_heads++;
    if (has && self->has_state && version != self->version) {
        weiri_unpack_fail(in, "it is of several versions of the actor");
    }
    self->version      = has || !self->has_state ? version : self->version;
    self->has_state    = self->has_state || has;
    weir_status status = self->is_keyed ? load_rows(it, in) : load_whole(it, in);
    if (in->wrong == NULL && in->at != in->end) {
        weiri_unpack_fail(in, "something follows a head");
    }
    return status;
}

static int
compare_logged(const void *a, const void *b)
{
    const logged *x = a;
    const logged *y = b;
    return x->time_ns != y->time_ns ? (x->time_ns > y->time_ns ? 1 : -1)
                                    : (x->number > y->number) - (x->number < y->number);
}

/* Requests anew, of the events in order; then what the time is. */
static bool
log_rows(weiri_remote_load *it)
{
    weiri_pack out   = { 0 };
    bool       is_ok = true;
    if (it->n_rows > 1) {
        qsort(it->rows, it->n_rows, sizeof *it->rows, compare_logged);
    }
    for (size_t first = 0; first < it->n_rows && is_ok;) {
        size_t   end  = first;
        size_t   size = 0;
        uint32_t most = WEIRI_REMOTE_ROWS;
        while (end < it->n_rows && end - first < most && size <= WEIRI_REMOTE_BYTES) {
            size += it->rows[end++].size;
        }
        out.size = 0;
        weiri_message_array(&out, 3);
        weiri_message_word(&out, "rows");
        weiri_message_bool(&out, it->self->plan->on_error != WEIRI_ON_ERROR_SKIP);
        weiri_message_array(&out, (uint32_t)(end - first));
        for (; first < end; first++) {
            weiri_pack_bytes(&out, it->rows[first].bytes, it->rows[first].size);
        }
        is_ok = !out.is_out_of_memory && weiri_remote_log(it->self, out.bytes, out.size);
    }
    if (is_ok && it->is_told) {
        out.size = 0;
        weiri_message_array(&out, 2);
        weiri_message_word(&out, "advance");
        weiri_message_int(&out, it->told_ns);
        is_ok = !out.is_out_of_memory && weiri_remote_log(it->self, out.bytes, out.size);
    }
    weiri_pack_fini(&out);
    return is_ok;
}

/* The state that a process is to be given: the keys there are, in the order of bytes. */
static weir_status
load_pairs(weiri_remote_load *it, weiri_keyed_reader *from)
{
    size_t            n      = 0;
    size_t            room   = 0;
    size_t            size   = 0;
    pair             *pairs  = NULL;
    weir_status       status = WEIR_OK;
    weiri_pack       *out    = &it->self->state;
    weiri_keyed_entry entry;
    while (status == WEIR_OK && weiri_keyed_next(from, it->groups, &entry)) {
        if (n == room) {
            room        = room == 0 ? 64 : 2 * room;
            pair *grown = realloc(pairs, room * sizeof *pairs);
            status      = grown != NULL ? WEIR_OK : WEIR_ENOMEM;
            pairs       = grown != NULL ? grown : pairs;
        }
        if (status == WEIR_OK) {
            pairs[n++] = (pair){ .key = entry.key.at,
                .bytes                = entry.state.at,
                .key_size             = (uint32_t)(entry.key.end - entry.key.at),
                .size                 = (uint32_t)(entry.state.end - entry.state.at) };
            size += pairs[n - 1].key_size + (size_t)pairs[n - 1].size;
        }
    }
    if (n > MOST_KEYS || size > WEIRI_REMOTE_STATE) {
        weiri_unpack_fail(&from->in, "it is more than one process can be given: go on "
                                     "with as many shards as there were");
    } else if (status == WEIR_OK) {
        if (n > 1) {
            qsort(pairs, n, sizeof *pairs, compare_pairs);
        }
        weiri_message_array(out, (uint32_t)n);
        for (size_t i = 0; i < n; i++) {
            weiri_message_array(out, 2);
            weiri_message_bytes(out, pairs[i].key, pairs[i].key_size);
            weiri_message_bytes(out, pairs[i].bytes, pairs[i].size);
        }
        status = out->is_out_of_memory ? WEIR_ENOMEM : WEIR_OK;
    }
    free(pairs);
    return status;
}

weir_status
weiri_remote_load_keys(weiri_remote_load *it, weiri_keyed_reader *from)
{
    weiri_remote *self   = it->self;
    bool          is_own = weiri_keyed_has_values(from, self->plan->n_keys);
    for (uint32_t i = 0; is_own && i < self->plan->n_keys; i++) {
        is_own = weiri_keyed_has_type(from, i, self->plan->keys[i]->type);
    }
    if (!is_own) {
        return WEIR_OK; /* noted in `from` */
    }
    weir_status status = WEIR_OK;
    if (self->is_keyed) {
        status = load_pairs(it, from);
        status = status == WEIR_OK && !log_rows(it) ? WEIR_ENOMEM : status;
    }
    self->stand =
        self->has_state || self->n_log > 0 ? WEIRI_REMOTE_SAVED : WEIRI_REMOTE_STATELESS;
    return status;
}
