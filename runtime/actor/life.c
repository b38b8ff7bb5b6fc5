/* Lives: starting, failing, restarting, stopping; who is told of it. */
#include <stdlib.h>
#include <string.h>

#include "node.h"

static weir_status
init_state(weiri_shard *self, weiri_cell *which)
{
    const weiri_cell_class *class = which->class;
    weir_status status            = WEIR_OK;
    memset(weiri_cell_state(which), 0, class->state_bytes);
    if (class->behaviour->init != NULL) {
        status = class->behaviour->init(weiri_shard_enter(self, which),
            weiri_cell_state(which), class->config, &self->error);
    }
    if (status == WEIR_OK) {
        which->flags |= CELL_STARTED;
    }
    return status;
}

static void
fini_state(weiri_cell *which)
{
    if ((which->flags & CELL_STARTED) != 0 && which->class->behaviour->fini != NULL) {
        which->class->behaviour->fini(weiri_cell_state(which));
    }
    which->flags &= (uint8_t)~CELL_STARTED;
}

void
weiri_shard_start_cell(weiri_shard *self, weiri_cell *which)
{
    weiri_cell_step(which, ACTOR_START);
    weir_status status = init_state(self, which);
    if (status != WEIR_OK) {
        weiri_shard_fail_cell(self, which, status);
    }
}

/* ---- failing ---- */

void
weiri_shard_fail_cell(weiri_shard *self, weiri_cell *which, weir_status status)
{
    weiri_address supervisor = which->class->supervisor;
    which->n_failures++;
    self->counts.n_failures++;
    weiri_cell_step(which, ACTOR_FAIL);
    if (self->error.text[0] == '\0') {
        weir_error_set(
            &self->error, status, 0, __FILE__, __LINE__, "%s", weir_status_text(status));
    }
    if (which->class->name != NULL) {
        weir_error_prefix(&self->error, "actor '%s'", which->class->name);
    }
    self->error.status = status;
    if (supervisor == WEIRI_NOBODY) {
        weiri_shard_halt(self, status, &self->error);
    } else {
        weiri_message failed = { .to = supervisor,
            .about                   = which->address,
            .kind                    = WEIRI_KIND_FAILED,
            .n_rows                  = (uint32_t)status };
        weir_error   *copy   = malloc(sizeof *copy);
        if (copy != NULL) {
            *copy           = self->error;
            failed.form     = WEIRI_FORM_BYTES;
            failed.as.block = (weiri_bytes_part){ copy, sizeof *copy, free };
        }
        weiri_shard_signal(self, failed);
    }
    self->error = (weir_error){ 0 };
}

static weir_status
load_saved(weiri_shard *self, weiri_cell *which)
{
    const weiri_cell_extra *extra = which->extra;
    if (extra == NULL || !extra->has_saved || which->class->behaviour->load == NULL) {
        return WEIR_OK;
    }
    weiri_unpack in     = { .at = extra->saved.bytes,
            .end                = extra->saved.bytes + extra->saved.size };
    weir_status  status = which->class->behaviour->load(weiri_cell_state(which), &in);
    return status == WEIR_OK
               ? WEIR_OK
               : WEIR_FAIL(&self->error, status, "its saved state cannot be read%s%s",
                   in.wrong != NULL ? ": " : "", in.wrong != NULL ? in.wrong : "");
}

static void
recover(weiri_shard *self, weiri_cell *which)
{
    weiri_cell_step(which, ACTOR_RECOVER);
    weiri_shard_resume(self, which);
}

static void
restart(weiri_shard *self, weiri_cell *which)
{
    fini_state(which);
    which->n_restarts++; /* timers of the life before are void */
    self->counts.n_restarts++;
    weir_status status = init_state(self, which);
    if (status == WEIR_OK) {
        status = load_saved(self, which);
    }
    if (status != WEIR_OK) {
        weiri_shard_fail_cell(self, which, status);
    } else {
        recover(self, which);
    }
}

/* ---- stopping ---- */

static void
tell_watchers(weiri_shard *self, const weiri_cell *which, weiri_reason reason)
{
    weiri_address about = which->address;
    for (uint32_t i = 0; which->extra != NULL && i < which->extra->n_watchers; i++) {
        const weiri_watcher *watcher = &which->extra->watchers[i];
        if (!watcher->is_link) {
            weiri_shard_signal(self, (weiri_message){ .to = watcher->who,
                                         .about           = about,
                                         .kind            = WEIRI_KIND_DOWN,
                                         .n_rows          = reason });
        } else if (reason != WEIRI_REASON_DONE) {
            weiri_shard_signal(self, (weiri_message){ .to = watcher->who,
                                         .about           = about,
                                         .kind            = KIND_UNLINKED,
                                         .id              = reason });
        }
    }
}

void
weiri_shard_stop_cell(weiri_shard *self, weiri_cell *which, weiri_reason reason)
{
    tell_watchers(self, which, reason);
    weiri_shard_drop_held(self, which, WEIRI_REASON_STOPPED);
    fini_state(which);
    weiri_cells_remove(&self->cells, which);
}

/* A keyed actor that nobody would miss. */
static bool
is_gone(weiri_cell *which)
{
    const weiri_cell_class *class = which->class;
    const weiri_cell_extra *extra = which->extra;
    return class->is_family && class->behaviour->is_empty != NULL && which->n_pending == 0
           && (extra == NULL || (extra->held.n == 0 && extra->n_watchers == 0))
           && (which->flags & CELL_STARTED) != 0 && which->state != ACTOR_FAILED
           && class->behaviour->is_empty(weiri_cell_state(which));
}

void
weiri_shard_may_stop(weiri_shard *self, weiri_cell *which)
{
    if (self->current.stops) {
        self->current.stops = false;
        weiri_shard_stop_cell(self, which, self->current.stop_reason);
    } else if (is_gone(which)) {
        fini_state(which);
        weiri_cells_remove(&self->cells, which);
    }
}

/* ---- signals of the runtime ---- */

static void
add_watcher(weiri_shard *self, weiri_cell *which, weiri_address who, bool is_link)
{
    weiri_cell_extra *extra = weiri_cell_extra_of(which);
    weiri_watcher    *watchers =
        extra == NULL
               ? NULL
               : realloc(extra->watchers, (extra->n_watchers + 1) * sizeof *watchers);
    if (watchers == NULL) {
        weiri_shard_halt(self, WEIR_ENOMEM, NULL);
        return;
    }
    watchers[extra->n_watchers++] = (weiri_watcher){ who, is_link };
    extra->watchers               = watchers;
}

static void
control_failed(weiri_shard *self, weiri_cell *which, uint16_t kind)
{
    if (which->state != ACTOR_FAILED) {
        return;
    }
    if (kind == KIND_RESTART || (which->flags & CELL_STARTED) == 0) {
        restart(self, which);
    } else {
        recover(self, which);
    }
}

static void
control_life(weiri_shard *self, weiri_cell *which, const weiri_message *message)
{
    switch (message->kind) {
    case KIND_START:
        if (which->state == ACTOR_CREATED) {
            weiri_shard_start_cell(self, which);
        }
        break;
    case KIND_RESTART:
    case KIND_SKIP: control_failed(self, which, message->kind); break;
    case KIND_SUSPEND:
        if (which->state != ACTOR_FAILED) {
            weiri_cell_step(which, ACTOR_FAIL);
        }
        break;
    default: break;
    }
    weiri_shard_after(self, which);
}

void
weiri_shard_control(weiri_shard *self, weiri_cell *which, const weiri_message *message)
{
    self->current.stops = false;
    switch (message->kind) {
    case KIND_STOP: weiri_shard_stop_cell(self, which, (weiri_reason)message->id); break;
    case KIND_UNLINKED: weiri_shard_stop_cell(self, which, WEIRI_REASON_LINKED); break;
    case KIND_MONITOR: add_watcher(self, which, message->about, false); break;
    case KIND_LINK: add_watcher(self, which, message->about, true); break;
    case KIND_HELD: weiri_shard_take_up(self, which); break;
    default: control_life(self, which, message); break;
    }
}

bool
weiri_shard_control_nobody(weiri_shard *self, const weiri_message *message)
{
    weiri_message answer = { .to = message->about, .about = message->to };
    switch (message->kind) {
    case KIND_MONITOR:
        answer.kind   = WEIRI_KIND_DOWN;
        answer.n_rows = WEIRI_REASON_NOBODY;
        break;
    case KIND_LINK:
        answer.kind = KIND_UNLINKED;
        answer.id   = WEIRI_REASON_NOBODY;
        break;
    case WEIRI_KIND_FAILED: /* nobody will decide */
        answer.kind = KIND_STOP;
        answer.id   = WEIRI_REASON_FAILED;
        break;
    default: return message->kind < WEIRI_KIND_USER;
    }
    weiri_shard_signal(self, answer);
    return true;
}
