#include "aggregate/foreign.h"

#include "expr/operations.h"
#include "expr/texts.h"
#include "weiri/limits.h"
#include "weiri/plugin.h"

enum { MAX_STATE = 64 << 20 };

/* A call into the plugin. */
struct calling {
    weiri_plugin_call base;
    weiri_list       *room; /* of text */
    weiri_pack       *out;  /* of state_save */
};

static char *
make_text(weir_plugin_call *call, size_t size)
{
    struct calling *self = (struct calling *)(void *)call;
    if (self->room == NULL || size > WEIRI_RECORD_BYTES) {
        weiri_plugin_fail(call, "it asks for room of text that it cannot have");
        return NULL;
    }
    if (size > self->room->room || self->room->bytes == NULL) {
        char *bytes = realloc(self->room->bytes, size + 1);
        if (bytes == NULL) {
            weiri_plugin_fail(call, "no memory");
            return NULL;
        }
        self->room->bytes = bytes;
        self->room->room  = (uint32_t)size;
    }
    return self->room->bytes;
}

static void
write_state(weir_plugin_call *call, const void *bytes, size_t size)
{
    struct calling *self = (struct calling *)(void *)call;
    if (self->out != NULL && size <= MAX_STATE && self->out->size <= MAX_STATE) {
        weiri_pack_bytes(self->out, bytes, size);
    } else {
        weiri_plugin_no_write(call, bytes, size);
    }
}

static const weir_plugin_host HOST = { sizeof(weir_plugin_host), weiri_plugin_fail,
    weiri_plugin_log, weiri_plugin_no_emit, weiri_plugin_no_timer, weiri_plugin_nothing,
    write_state, make_text, weiri_plugin_count, weiri_plugin_gauge,
    weiri_plugin_nothing };

static struct calling
calling_of(const weiri_foreign *foreign)
{
    return (struct calling){ .base = { .base = { .host = &HOST },
                                 .name       = foreign->name,
                                 .metrics    = foreign->metrics } };
}

static weir_plugin_setup
setup_of(const weiri_foreign *foreign)
{
    return (weir_plugin_setup){ .size = sizeof(weir_plugin_setup),
        .params                       = foreign->params,
        .n_params                     = foreign->table->n_params,
        .inputs                       = foreign->table->inputs,
        .n_inputs                     = foreign->table->n_inputs };
}

static bool
need_state(const weiri_foreign *foreign, weiri_foreign_tally *self, struct calling *call)
{
    const weir_plugin_setup setup = setup_of(foreign);
    if (self->state != NULL) {
        return true;
    }
    bool is_ok = foreign->table->state_new(&call->base.base, &setup, &self->state)
                 && !call->base.is_failed && self->state != NULL;
    self->state = is_ok ? self->state : NULL;
    return is_ok;
}

/* ---- values in and out ---- */

void
weiri_foreign_add(const weiri_foreign *foreign, weiri_foreign_tally *self,
    int64_t time_ns, const weir_value *values)
{
    struct calling call = calling_of(foreign);
    self->n++;
    if (self->is_broken == 0
        && (!need_state(foreign, self, &call)
            || !foreign->table->add(&call.base.base, self->state, time_ns, values)
            || call.base.is_failed)) {
        self->is_broken = 1;
    }
}

static void
values_of(const weiri_aggregate *plan, weiri_cell x, weiri_cell y, weir_value values[2])
{
    values[0] = weiri_cell_value(plan->argument->type, x);
    if (plan->second != NULL) {
        values[1] = weiri_cell_value(plan->second->type, y);
    }
}

void
weiri_foreign_add_cells(const weiri_aggregate *plan, weiri_foreign_tally *self,
    weiri_cell x, weiri_cell y, int64_t time_ns)
{
    weir_value values[2];
    values_of(plan, x, y, values);
    weiri_foreign_add(plan->foreign, self, time_ns, values);
}

void
weiri_foreign_remove_cells(const weiri_aggregate *plan, weiri_foreign_tally *self,
    weiri_cell x, weiri_cell y, int64_t time_ns)
{
    const weir_plugin_aggregate *table = plan->foreign->table;
    struct calling               call  = calling_of(plan->foreign);
    weir_value                   values[2];
    values_of(plan, x, y, values);
    if (--self->n == 0) {
        weiri_foreign_clear(plan->foreign, self);
    } else if (self->is_broken == 0
               && (!table->remove(&call.base.base, self->state, time_ns, values)
                   || call.base.is_failed)) {
        self->is_broken = 1;
    }
}

void
weiri_foreign_merge(const weiri_foreign *foreign, weiri_foreign_tally *self,
    const weiri_foreign_tally *later)
{
    struct calling call = calling_of(foreign);
    self->n += later->n;
    if (later->n == 0 || self->is_broken != 0) {
        return;
    }
    if (later->is_broken != 0 || foreign->table->merge == NULL
        || !need_state(foreign, self, &call)
        || !foreign->table->merge(&call.base.base, self->state, later->state)
        || call.base.is_failed) {
        self->is_broken = 1;
    }
}

void
weiri_foreign_clear(const weiri_foreign *foreign, weiri_foreign_tally *self)
{
    if (self->state != NULL) {
        foreign->table->state_free(self->state);
    }
    *self = (weiri_foreign_tally){ .state = NULL };
}

weir_value
weiri_foreign_value(const weiri_foreign *foreign, const weiri_foreign_tally *self,
    weiri_list *room, uint64_t *faults)
{
    weir_type      type = (weir_type)foreign->table->result;
    weir_value     out  = weiri_null_of(type);
    struct calling call = calling_of(foreign);
    call.room           = room;
    if (self->n == 0) {
        return out;
    }
    if (self->is_broken != 0
        || !foreign->table->finish(&call.base.base, self->state, &out)
        || call.base.is_failed || weiri_plugin_value_fault(&out, type) != NULL) {
        ++*faults;
        return weiri_null_of(type);
    }
    out.type = (uint8_t)type;
    return out;
}

/* ---- bytes ---- */

bool
weiri_foreign_save(
    const weiri_foreign *foreign, const weiri_foreign_tally *self, weiri_pack *out)
{
    weiri_pack     bytes = { 0 };
    struct calling call  = calling_of(foreign);
    call.out             = &bytes;
    bool has_state       = self->state != NULL && self->is_broken == 0;
    bool is_ok           = !has_state
                 || (foreign->table->state_save(&call.base.base, self->state)
                     && !call.base.is_failed);
    weiri_pack_number(out, foreign->table->state_version);
    weiri_pack_number(out, self->n);
    weiri_pack_number(out, self->is_broken);
    if (has_state) {
        weiri_pack_text(out, bytes.bytes, bytes.size);
    }
    out->is_out_of_memory = out->is_out_of_memory || bytes.is_out_of_memory;
    weiri_pack_fini(&bytes);
    if (!is_ok) {
        out->wrong = "a plugin cannot save the state of its aggregate";
    }
    return is_ok;
}

bool
weiri_foreign_load(
    const weiri_foreign *foreign, weiri_foreign_tally *self, weiri_unpack *in)
{
    if (weiri_unpack_number(in) != foreign->table->state_version) {
        weiri_unpack_fail(in, "it was written by another version of the plugin");
    }
    self->n         = weiri_unpack_below(in, UINT64_C(1) << 56, "a count is too large");
    self->is_broken = weiri_unpack_below(in, 2, "an aggregate is broken or not");
    if (in->wrong != NULL || self->n == 0 || self->is_broken != 0) {
        return in->wrong == NULL;
    }
    uint32_t                size  = 0;
    const char             *bytes = weiri_unpack_text(in, &size);
    const weir_plugin_setup setup = setup_of(foreign);
    struct calling          call  = calling_of(foreign);
    bool                    is_ok =
        in->wrong == NULL
        && foreign->table->state_load(&call.base.base, &setup, bytes, size, &self->state);
    if (!is_ok || call.base.is_failed || self->state == NULL) {
        self->state = NULL;
        weiri_unpack_fail(in, "a plugin cannot read the state of its aggregate");
    }
    return in->wrong == NULL;
}

/* ---- over lists, after a match ---- */

/* Take the next element off a list; false at its end. */
static bool
next_of(const char **at, const weir_value *list, weir_value *out)
{
    const char *end = list->as.s + list->size;
    if (*at >= end) {
        return false;
    }
    *out = (weir_value){ .type = (uint8_t)list->as.s[0], .is_null = *(*at)++ != 0 };
    if (out->is_null) {
        return true;
    }
    if (out->type == WEIR_BOOL) {
        out->as.b = *(*at)++ != 0;
    } else if (out->type == WEIR_STRING) {
        memcpy(&out->size, *at, sizeof out->size);
        out->as.s = *at + sizeof out->size;
        *at       = out->as.s + out->size;
    } else {
        memcpy(&out->as, *at, sizeof(int64_t));
        *at += sizeof(int64_t);
    }
    return true;
}

static weir_value
over_lists(weiri_call *call, const weir_value *args, uint32_t n_args)
{
    enum { MOST = 3 };
    const weiri_foreign *foreign      = call->prepared;
    weiri_foreign_tally  tally        = { .state = NULL };
    weiri_list           room         = { .bytes = NULL };
    const char          *at[MOST]     = { NULL };
    weir_value           values[MOST] = { { .type = WEIR_INT } };
    for (uint32_t i = 0; i < n_args && i < MOST; i++) {
        at[i] = args[i].as.s + (args[i].size > 0 ? 1 : 0);
    }
    for (bool is_more = true; is_more;) {
        bool has_null = false;
        for (uint32_t i = 0; i < n_args && i < MOST; i++) {
            is_more  = next_of(&at[i], &args[i], &values[i]) && is_more;
            has_null = has_null || (is_more && values[i].is_null);
        }
        if (is_more && !has_null) {
            weiri_foreign_add(foreign, &tally, values[n_args - 1].as.i, values);
        }
    }
    weir_value out = weiri_foreign_value(foreign, &tally, &room, &call->faults);
    if (out.type == WEIR_STRING && !out.is_null) {
        char *copy = weiri_text_pool_make(call->texts, out.size + (size_t)1);
        memcpy(copy, out.size > 0 ? out.as.s : "", out.size);
        out.as.s = copy;
    }
    weiri_foreign_clear(foreign, &tally);
    weiri_list_fini(&room);
    return out;
}

weiri_operation *
weiri_operation_of_aggregate(weiri_arena *arena, const weiri_foreign *foreign)
{
    weiri_operation *self = weiri_arena_alloc(arena, sizeof *self);
    self->id              = WEIRI_OP_PLUGIN;
    self->kind            = WEIRI_MAYBE;
    self->name            = foreign->name;
    self->signature       = "(lists) -> value";
    self->scalar          = over_lists;
    self->foreign         = foreign;
    return self;
}

weiri_expr *
weiri_expr_call_aggregate(weiri_arena *arena, const weiri_operation *operation,
    weiri_expr *const *args, uint32_t n_args)
{
    weiri_expr  *self   = weiri_arena_alloc(arena, sizeof *self);
    weiri_expr **copies = weiri_arena_alloc(arena, (n_args + 1) * sizeof(weiri_expr *));
    for (uint32_t i = 0; i < n_args; i++) {
        copies[i] = args[i];
    }
    self->kind              = WEIRI_EXPR_CALL;
    self->type              = (weir_type)operation->foreign->table->result;
    self->element           = WEIR_NULL;
    self->is_nullable       = true;
    self->as.call.operation = operation;
    self->as.call.args      = copies;
    self->as.call.n_args    = n_args;
    return self;
}
