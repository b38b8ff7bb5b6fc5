#define _GNU_SOURCE
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weiri/child.h"
#include "weiri/limits.h"
#include "weiri/plugin.h"
#include "weiri/timetext.h"

enum {
    BUDGET_MS   = 5000,
    HELLO_MS    = 10000,
    SLICE_MS    = 10,
    GOODBYE_MS  = 500,
    BACK_OFF_MS = 10, /* doubled each time, */
    LONGEST_MS  = 1000
};

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t
budget_ms(const weiri_remote *self)
{
    int64_t ns = self->plan->budget_ns;
    return ns < 0 ? BUDGET_MS : ns / WEIRI_NS_PER_MS + (ns % WEIRI_NS_PER_MS > 0);
}

weiri_remote *
weiri_remote_new(
    const weiri_actor_plan *plan, const char *name, weiri_metrics *metrics, bool is_keyed)
{
    weiri_remote *self = calloc(1, sizeof *self);
    if (self != NULL) {
        self->plan     = plan;
        self->name     = name;
        self->metrics  = metrics;
        self->is_keyed = is_keyed;
    }
    return self;
}

static void
drop_log(weiri_remote *self)
{
    while (self->n_log > 0) {
        weiri_pack_fini(&self->log[--self->n_log]);
    }
    self->log_bytes = 0;
}

/* ---- the process ---- */

/* This very program, if it is weir; else the one that is found by name. */
static const char *
own_command(char path[4096])
{
    ssize_t size              = readlink("/proc/self/exe", path, 4095);
    path[size > 0 ? size : 0] = 0;
    const char *slash         = strrchr(path, '/');
    return slash != NULL && strcmp(slash, "/weir") == 0 ? path : "weir";
}

static weir_status
start_child(weiri_remote *self, const char *address, weir_error *err)
{
    char               own[4096];
    char              *command = NULL;
    const char *const  words[] = { own_command(own), "host", self->plan->path, NULL };
    weiri_child_config config  = {
         .words = words, .name = WEIRI_REMOTE_VARIABLE, .value = address
    };
    if (self->plan->is_program) {
        if (asprintf(&command, "exec %s", self->plan->path) < 0) {
            return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
        }
        config.words   = NULL;
        config.command = command;
        config.folder  = self->plan->folder;
    }
    weir_status status = weiri_child_start(&config, &self->child, err);
    free(command);
    return status;
}

/* Where it is met: a new socket each time, so that nothing of the one before is left. */
static weir_status
begin(weiri_remote *self, weir_error *err)
{
    char        address[200];
    weir_status status = WEIR_OK;
    if (weiri_actor_comes(self->plan)) {
        snprintf(address, sizeof address, "%s", self->plan->path);
        return weiri_pair_open(address, true, &self->pair, err);
    }
    if (self->folder == NULL && (self->folder = weiri_child_folder()) == NULL) {
        return WEIR_FAIL(err, WEIR_EIO, "cannot make a folder for a socket");
    }
    snprintf(address, sizeof address, "ipc://%s/%u", self->folder,
        (unsigned)(self->n_started++ % 2));
    status = weiri_pair_open(address, true, &self->pair, err);
    return status == WEIR_OK ? start_child(self, address, err) : status;
}

static void
end(weiri_remote *self, int patience_ms)
{
    weiri_child_end(&self->child, patience_ms);
    weiri_pair_close(&self->pair);
    self->is_ready = false;
    self->sequence = 0;
    self->answered = 0;
}

/* ---- messages ---- */

static weir_status
send_within(weiri_remote *self, const weiri_pack *request, uint32_t n_rows,
    int64_t budget, weir_error *err)
{
    uint8_t head[WEIRI_FRAME_HEAD];
    if (request->is_out_of_memory) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weiri_message_head(self->sequence + 1, n_rows, request, head);
    int64_t     until = now_ms() + budget;
    char        how[64];
    weir_status status = WEIR_EAGAIN;
    while (status == WEIR_EAGAIN) {
        status = weiri_pair_send(
            self->pair, head, sizeof head, request->bytes, request->size, SLICE_MS, err);
        if (status == WEIR_EAGAIN && weiri_child_has_ended(&self->child, how)) {
            return WEIR_FAIL(err, WEIR_EDATA, "%s", how);
        }
        if (status == WEIR_EAGAIN && now_ms() >= until) {
            return WEIR_FAIL(err, WEIR_EDATA, "it does not take what it is sent");
        }
    }
    self->sequence += status == WEIR_OK ? 1 : 0;
    return status;
}

static weir_status
send(weiri_remote *self, const weiri_pack *request, uint32_t n_rows, weir_error *err)
{
    return send_within(self, request, n_rows, budget_ms(self), err);
}

/* What it says without being asked: counts, gauges, lines of the log. */
static bool
take_aside(weiri_remote *self, weiri_message *in, const char *word, uint32_t n_left)
{
    char              name[65];
    uint32_t          size = 0;
    weiri_plugin_call call = { .name = self->name, .n_logged = &self->n_logged };
    if (strcmp(word, "log") == 0 && n_left == 1) {
        const char *text = weiri_message_read_text(in, 400, &size);
        if (in->wrong == NULL) {
            weiri_plugin_log(&call.base, "%.*s", (int)size, text);
        }
        return true;
    }
    bool is_count = strcmp(word, "count") == 0;
    if ((!is_count && strcmp(word, "gauge") != 0) || n_left != 2) {
        return false;
    }
    const char *text = weiri_message_read_text(in, 64, &size);
    memcpy(name, text, size);
    name[size] = 0;
    weir_value value =
        weiri_message_read_value(in, is_count ? WEIR_INT : WEIR_FLOAT, false);
    if (in->wrong == NULL && self->metrics != NULL && is_count && value.as.i >= 0) {
        weiri_metrics_count(self->metrics, self->name, name, (uint64_t)value.as.i);
    } else if (in->wrong == NULL && self->metrics != NULL && !is_count) {
        weiri_metrics_gauge(self->metrics, self->name, name, value.as.f);
    }
    return true;
}

/* The next message, waited for as long as the process lives; WEIR_EAGAIN: until a time.
 */
static weir_status
wait_for(weiri_remote *self, int64_t until, const uint8_t **bytes, size_t *size,
    weir_error *err)
{
    bool is_last = false;
    char how[64];
    for (;;) {
        weir_status status =
            weiri_pair_receive(self->pair, is_last ? 0 : SLICE_MS, bytes, size, err);
        if (status != WEIR_EAGAIN) {
            return status;
        }
        if (is_last) {
            return WEIR_FAIL(err, WEIR_EDATA, "%s", how);
        }
        if (weiri_child_has_ended(&self->child, how)) {
            is_last = true; /* what it sent before is still there */
        } else if (now_ms() >= until) {
            return WEIR_EAGAIN;
        }
    }
}

static weir_status
too_late(int64_t budget, weir_error *err)
{
    return WEIR_FAIL(
        err, WEIR_EDATA, "it did not answer within %lld ms", (long long)budget);
}

/* The next message that is an answer, its first word read: not what is said aside. */
static weir_status
next_answer(weiri_remote *self, int64_t budget, char word[16], weiri_message *out,
    uint32_t *n_left, weir_error *err)
{
    int64_t until    = now_ms() + budget;
    bool    is_aside = true;
    while (is_aside) {
        const uint8_t *bytes  = NULL;
        size_t         size   = 0;
        weir_status    status = wait_for(self, until, &bytes, &size, err);
        if (status != WEIR_OK) {
            return status == WEIR_EAGAIN ? too_late(budget, err) : status;
        }
        is_aside = weiri_message_begin(out, bytes, size, word, n_left)
                   && take_aside(self, out, word, *n_left);
        if (is_aside) {
            weiri_message_end(out);
            is_aside = out->wrong == NULL;
        }
        if (is_aside && now_ms() >= until) { /* it says this and that, and no more */
            return too_late(budget, err);
        }
    }
    return WEIR_OK;
}

static weir_status
receive(weiri_remote *self, int64_t budget, const char *wanted, weiri_message *out,
    uint32_t *n_left, weir_error *err)
{
    char        word[16];
    weir_status status = next_answer(self, budget, word, out, n_left, err);
    if (status != WEIR_OK) {
        return status;
    }
    if (out->wrong == NULL && strcmp(word, "error") == 0) {
        uint32_t    length = 0;
        const char *reason = weiri_message_read_text(out, WEIRI_RECORD_BYTES, &length);
        return WEIR_FAIL(err, WEIR_EDATA, "%.*s",
            (int)(length < WEIRI_PLUGIN_REASON ? length : WEIRI_PLUGIN_REASON), reason);
    }
    if (out->wrong == NULL
        && (strcmp(word, wanted) != 0 || out->sequence != self->answered + 1)) {
        out->wrong = "it answers something else than it was asked";
    }
    if (out->wrong != NULL) {
        return WEIR_FAIL(err, WEIR_EDATA, "it sent what cannot be read: %s", out->wrong);
    }
    self->answered++;
    return WEIR_OK;
}

static weir_status
wrong(const weiri_message *in, weir_error *err)
{
    return in->wrong == NULL
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EDATA, "it sent what cannot be read: %s", in->wrong);
}

/* ---- hello, and the state ---- */

static void
write_hello(const weiri_remote *self, weiri_pack *out)
{
    const weir_plugin_actor *actor = self->plan->actor;
    weiri_message_array(out, 8);
    weiri_message_word(out, "hello");
    weiri_message_int(out, WEIRI_REMOTE_PROTOCOL);
    weiri_message_word(out, actor->name);
    weiri_message_map(out, actor->n_params);
    for (uint32_t i = 0; i < actor->n_params; i++) {
        weiri_message_word(out, actor->params[i].name);
        weiri_message_value(out, &self->plan->params[i]);
    }
    weiri_message_fields(out, self->plan->inputs, self->plan->n_inputs);
    weiri_message_fields(out, actor->outputs, actor->n_outputs);
    weiri_message_bool(out, self->is_keyed);
    if (self->plan->idle_ns < 0) {
        weiri_message_nil(out);
    } else {
        weiri_message_int(out, self->plan->idle_ns);
    }
}

/* ["hello", protocol, takes, gives, state, version] */
static weir_status
read_hello(weiri_remote *self, weiri_message *in, uint32_t n_left, weir_error *err)
{
    static const char *const STANDS[] = { "none", "saved", "lost" };
    const weir_plugin_actor *actor    = self->plan->actor;
    uint32_t                 size     = 0;
    bool                     is_known = false;
    if (n_left != 5) {
        weiri_message_fail(in, "its hello has not six parts");
    }
    int64_t protocol = weiri_message_read_int(in);
    if (in->wrong == NULL && protocol != WEIRI_REMOTE_PROTOCOL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "it speaks protocol %lld, this Weir speaks %d",
            (long long)protocol, WEIRI_REMOTE_PROTOCOL);
    }
    weiri_message_check_fields(in, self->plan->inputs, self->plan->n_inputs,
        "it takes other fields than the rules say");
    weiri_message_check_fields(
        in, actor->outputs, actor->n_outputs, "it gives other fields than the rules say");
    const char *text = weiri_message_read_text(in, 16, &size);
    for (int i = 0; i < 3; i++) {
        if (size == strlen(STANDS[i]) && memcmp(text, STANDS[i], size) == 0) {
            self->stand = (weiri_remote_stand)i;
            is_known    = true;
        }
    }
    int64_t version = weiri_message_read_int(in);
    weiri_message_end(in);
    if (in->wrong == NULL && !is_known) {
        weiri_message_fail(in, "it does not say what becomes of its state");
    }
    if (in->wrong == NULL && self->has_state && version != self->version) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "its state was written by another version of it: %lld, this is %lld",
            (long long)self->version, (long long)version);
    }
    self->version = version;
    return wrong(in, err);
}

/* What it has answered before is answered again, to nobody. */
static weir_status
replay(weiri_remote *self, weir_error *err)
{
    weir_status   status = WEIR_OK;
    uint32_t      n_left = 0;
    weiri_message in;
    for (uint32_t i = 0; i < self->n_log && status == WEIR_OK; i++) {
        status = send(self, &self->log[i], 0, err);
        if (status == WEIR_OK) {
            status = receive(self, budget_ms(self), "result", &in, &n_left, err);
        }
    }
    return status;
}

static weir_status
restore(weiri_remote *self, weir_error *err)
{
    weiri_pack    out    = { 0 };
    uint32_t      n_left = 0;
    weiri_message in;
    if (!self->has_state) {
        return WEIR_OK;
    }
    weiri_message_array(&out, 2);
    weiri_message_word(&out, "restore");
    if (self->is_keyed) {
        weiri_pack_bytes(&out, self->state.bytes, self->state.size);
    } else {
        weiri_message_bytes(&out, self->state.bytes, self->state.size);
    }
    weir_status status = send(self, &out, 0, err);
    weiri_pack_fini(&out);
    return status == WEIR_OK
               ? receive(self, budget_ms(self) + HELLO_MS, "done", &in, &n_left, err)
               : status;
}

/* Ask for the state, and forget what led to it. */
static weir_status
ask_state(weiri_remote *self, weir_error *err)
{
    weiri_pack    out    = { 0 };
    uint32_t      n_left = 0;
    weiri_message in;
    weiri_message_array(&out, 1);
    weiri_message_word(&out, "save");
    weir_status status = send(self, &out, 0, err);
    weiri_pack_fini(&out);
    if (status == WEIR_OK) {
        status = receive(self, budget_ms(self) + HELLO_MS, "state", &in, &n_left, err);
    }
    if (status != WEIR_OK) {
        return status;
    }
    const char *bytes = (const char *)in.cursor.at;
    uint32_t    size  = 0;
    if (self->is_keyed) {
        weiri_remote_check_keys(self, &in);
        size = (uint32_t)((const char *)in.cursor.at - bytes);
    } else {
        bytes = weiri_message_read_bytes(&in, &size);
    }
    weiri_message_end(&in);
    if (in.wrong != NULL || size > WEIRI_REMOTE_STATE) {
        weiri_message_fail(&in, "its state is more than 60 MiB");
        return wrong(&in, err);
    }
    self->state.size = 0;
    weiri_pack_bytes(&self->state, bytes, size);
    self->has_state = true;
    drop_log(self);
    return self->state.is_out_of_memory ? WEIR_FAIL(err, WEIR_ENOMEM, "no memory")
                                        : WEIR_OK;
}

static weir_status
make_ready(weiri_remote *self, weir_error *err)
{
    if (self->is_ready) {
        return WEIR_OK;
    }
    weiri_pack    hello  = { 0 };
    uint32_t      n_left = 0;
    weiri_message in;
    int64_t       budget = budget_ms(self) > HELLO_MS ? budget_ms(self) : HELLO_MS;
    end(self, 0);
    weir_status status = begin(self, err);
    if (status == WEIR_OK) {
        write_hello(self, &hello);
        status = send_within(self, &hello, 0, budget, err);
    }
    weiri_pack_fini(&hello);
    if (status == WEIR_OK) {
        status = receive(self, budget, "hello", &in, &n_left, err);
    }
    if (status == WEIR_OK) {
        status = read_hello(self, &in, n_left, err);
    }
    if (status == WEIR_OK) {
        status = restore(self, err);
    }
    if (status == WEIR_OK) {
        status = replay(self, err);
    }
    if (status == WEIR_OK && weiri_remote_is_due(self)) {
        status = ask_state(self, err); /* what several have answered came together */
    }
    self->is_ready = status == WEIR_OK;
    return status;
}

/* ---- for the host ---- */

weir_status
weiri_remote_send(
    weiri_remote *self, const weiri_pack *request, uint32_t n_rows, weir_error *err)
{
    weir_status status = make_ready(self, err);
    return status == WEIR_OK ? send(self, request, n_rows, err) : status;
}

weir_status
weiri_remote_receive(weiri_remote *self, const char *word, weiri_message *out,
    uint32_t *n_left, weir_error *err)
{
    weir_status status = receive(self, budget_ms(self), word, out, n_left, err);
    self->n_restarts   = status == WEIR_OK ? 0 : self->n_restarts;
    return status;
}

bool
weiri_remote_is_due(const weiri_remote *self)
{
    return self->stand == WEIRI_REMOTE_SAVED
           && (self->n_log >= WEIRI_REMOTE_LOG - WEIRI_REMOTE_WINDOW
               || self->log_bytes > WEIRI_REMOTE_BYTES);
}

weir_status
weiri_remote_keep(weiri_remote *self, const weiri_pack *request, weir_error *err)
{
    if (self->stand != WEIRI_REMOTE_SAVED) {
        return WEIR_OK;
    }
    if (!weiri_remote_log(self, request->bytes, request->size)) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    bool is_much = weiri_remote_is_due(self);
    bool is_idle = self->answered == self->sequence; /* nothing is on its way */
    if (!is_much || !is_idle) {
        return self->n_log < WEIRI_REMOTE_LOG
                   ? WEIR_OK
                   : WEIR_FAIL(err, WEIR_EFULL, "its state was never asked for");
    }
    weir_status status = ask_state(self, err);
    while (status == WEIR_EDATA && self->n_restarts < WEIRI_REMOTE_RESTARTS) {
        weiri_remote_restart(self);
        status = make_ready(self, err);
        status = status == WEIR_OK ? ask_state(self, err) : status;
    }
    return status;
}

weir_status
weiri_remote_settle(weiri_remote *self, weir_error *err)
{
    return self->is_ready && self->stand == WEIRI_REMOTE_SAVED ? ask_state(self, err)
                                                               : WEIR_OK;
}

void
weiri_remote_restart(weiri_remote *self)
{
    uint32_t n  = self->n_restarts++;
    int64_t  ms = n < 7 ? (int64_t)BACK_OFF_MS << n : LONGEST_MS;
    end(self, 0);
    if (n > 0) {
        struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
        nanosleep(&pause, NULL);
    }
}

void
weiri_remote_destroy(weiri_remote **self_p)
{
    weiri_remote *self = *self_p;
    *self_p            = NULL;
    if (self == NULL) {
        return;
    }
    if (self->is_ready) {
        weiri_pack bye     = { 0 };
        weir_error ignored = { .status = WEIR_OK };
        weiri_message_array(&bye, 1);
        weiri_message_word(&bye, "goodbye");
        uint8_t head[WEIRI_FRAME_HEAD];
        weiri_message_head(self->sequence + 1, 0, &bye, head);
        (void)!weiri_pair_send(
            self->pair, head, sizeof head, bye.bytes, bye.size, 0, &ignored);
        weiri_pack_fini(&bye);
    }
    end(self, self->is_ready ? GOODBYE_MS : 0);
    weiri_child_no_folder(&self->folder);
    drop_log(self);
    free(self->log);
    weiri_pack_fini(&self->state);
    free(self);
}
