/* A flow on a node: an actor for each of its nodes, and one that opens turns.
 *
 * The opener stands alone on shard 0, so that a source that waits for input holds nobody
 * else up. It lets no more than WEIRI_FLOW_TURNS be on the way, which bounds what waits
 * in the nodes; how much waits between them is bounded by the credit of the node.
 */
#include <stdlib.h>

#include "node.h"
#include "weiri/node.h"

enum { KIND_PARCEL = WEIRI_KIND_USER, KIND_DONE };

static const int64_t ASK_NS = INT64_C(10000000000); /* until an answer is given up */

typedef struct all {
    weiri_flow              *flow;
    const weiri_flow_source *source;
    weiri_address            opener;
    weiri_address           *addresses; /* of the nodes, shape (n_nodes,) */
    struct place            *places;    /* of the nodes, shape (n_nodes,) */
} all;

/* Config and state of a node's actor. */
typedef struct place {
    all     *run;
    uint32_t node;
} place;

typedef struct opener {
    all     *run;
    uint32_t n_done[WEIRI_FLOW_TURNS]; /* leaves that have done a turn */
    uint64_t n_opened;                 /* turns */
    uint64_t n_finished;
    bool     is_last;    /* no other will be opened               */
    bool     is_waiting; /* for input, until a turn is finished   */
    bool     is_asking;  /* shard `asked` how it stands           */
    uint32_t asked;
    uint64_t next_ask; /* when so many turns are finished       */
} opener;

/* Whoever sends. */
typedef struct sender {
    all         *run;
    weiri_actor *actor;
} sender;

static void
release_parcel(void *bytes)
{
    weiri_parcel *parcel = bytes;
    weiri_parcel_drop(&parcel);
}

static weir_status
on_send(void *context, uint32_t node, weiri_parcel **parcel_p)
{
    const sender *self    = context;
    uint64_t      n_rows  = weiri_parcel_n_rows(*parcel_p);
    weiri_message message = {
        .to       = self->run->addresses[node],
        .kind     = KIND_PARCEL,
        .n_rows   = n_rows < UINT32_MAX ? (uint32_t)n_rows : UINT32_MAX,
        .form     = WEIRI_FORM_BYTES,
        .as.block = { .bytes = *parcel_p,
            .size            = sizeof **parcel_p,
            .release         = release_parcel },
    };
    weir_status status = weiri_actor_send(self->actor, &message);
    if (status == WEIR_OK) {
        *parcel_p = NULL;
    }
    return status;
}

static weir_status
on_done(void *context, const weiri_turn *turn)
{
    const sender *self    = context;
    weiri_message message = {
        .to       = self->run->opener,
        .kind     = KIND_DONE,
        .size     = sizeof turn->number,
        .as.words = { turn->number },
    };
    return weiri_actor_signal(self->actor, &message);
}

static weiri_flow_port
port_of(sender *self)
{
    return (weiri_flow_port){ .context = self, .send = on_send, .done = on_done };
}

/* ---- nodes ---- */

static weir_status
place_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    (void)actor;
    (void)err;
    *(place *)state = *(const place *)config;
    return WEIR_OK;
}

static weir_status
place_on_message(weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    const place *self = state;
    if (message->kind != KIND_PARCEL) {
        return WEIR_OK;
    }
    sender          from   = { .run = self->run, .actor = actor };
    weiri_flow_port port   = port_of(&from);
    weiri_parcel   *parcel = message->as.block.bytes;
    message->form          = WEIRI_FORM_INLINE; /* taken */
    return weiri_flow_receive(self->run->flow, self->node, &parcel, &port, err);
}

static const weiri_behaviour PLACE = {
    .size       = sizeof(weiri_behaviour),
    .name       = "flow node",
    .state_size = sizeof(place),
    .init       = place_init,
    .on_message = place_on_message,
};

/* ---- the opener ---- */

static bool
is_full(const opener *self)
{
    return self->n_opened - self->n_finished == WEIRI_FLOW_TURNS;
}

static weir_status
opener_init(weiri_actor *actor, void *state, const void *config, weir_error *err)
{
    (void)err;
    opener *self = state;
    self->run    = *(all *const *)config;
    weiri_actor_wake(actor);
    return WEIR_OK;
}

/* Whoever can go on goes on; when the last turn is finished, all is done. */
static void
go_on(opener *self, weiri_actor *actor)
{
    if (self->is_last && self->n_finished == self->n_opened) {
        weiri_actor_end_node(actor);
    } else if (!self->is_last && !is_full(self) && !self->is_waiting) {
        weiri_actor_wake(actor);
    }
}

static weir_status
open_turn(opener *self, weiri_actor *actor, weir_error *err)
{
    if (self->is_last || is_full(self)) {
        return WEIR_OK;
    }
    all            *run     = self->run;
    sender          from    = { .run = run, .actor = actor };
    weiri_flow_port port    = port_of(&from);
    weiri_turn      turn    = { 0 };
    bool            is_turn = false;
    weir_status     status  = run->source->next(
             run->source->context, self->n_finished == self->n_opened, &turn, &is_turn, err);
    self->is_waiting = status == WEIR_EAGAIN;
    self->is_last    = status == WEIR_EOF;
    if (status == WEIR_EAGAIN || status == WEIR_EOF) {
        return WEIR_OK;
    }
    if (status == WEIR_OK && is_turn) {
        status        = weiri_flow_open(run->flow, &turn, &port, err);
        self->is_last = turn.is_end;
        self->n_opened++;
        self->n_finished += weiri_flow_n_leaves(run->flow) == 0;
    }
    return status;
}

static void
count_done(opener *self, uint64_t turn)
{
    uint32_t slot = (uint32_t)(turn % WEIRI_FLOW_TURNS);
    if (++self->n_done[slot] == weiri_flow_n_leaves(self->run->flow)) {
        self->n_done[slot] = 0;
        self->n_finished++;
        self->is_waiting = false;
        if (self->run->source->finished != NULL) {
            self->run->source->finished(self->run->source->context, turn);
        }
    }
}

/* One shard after another is asked how it stands, the next when one has answered and some
 * turns have gone by. */
static weir_status
ask_shard(opener *self, weiri_actor *actor)
{
    enum { TURNS_BETWEEN = 16 };
    uint32_t n_shards = self->run->flow->n_shards + 1;
    if (self->run->source->report == NULL || self->is_last || self->is_asking
        || self->n_finished < self->next_ask) {
        return WEIR_OK;
    }
    uint32_t id     = 0;
    self->asked     = (self->asked + 1) % n_shards;
    self->next_ask  = self->n_finished + TURNS_BETWEEN / n_shards + 1;
    self->is_asking = true;
    return weiri_actor_inspect(actor, self->asked, ASK_NS, &id);
}

static void
take_report(opener *self, const weiri_message *message)
{
    const weiri_flow_source *source = self->run->source;
    self->is_asking                 = false;
    if (message->form == WEIRI_FORM_BYTES
        && message->as.block.size == sizeof(weiri_shard_report)) {
        source->report(source->context, self->asked, message->as.block.bytes);
    }
}

static weir_status
opener_on_message(
    weiri_actor *actor, void *state, weiri_message *message, weir_error *err)
{
    opener     *self   = state;
    weir_status status = WEIR_OK;
    if (message->kind == WEIRI_KIND_WAKE) {
        status = open_turn(self, actor, err);
    } else if (message->kind == KIND_DONE) {
        count_done(self, message->as.words[0]);
        status = ask_shard(self, actor);
    } else if ((message->flags & WEIRI_FLAG_REPLY) != 0
               || message->kind == WEIRI_KIND_UNANSWERED) {
        take_report(self, message);
    }
    if (status == WEIR_OK) {
        go_on(self, actor);
    }
    return status;
}

static const weiri_behaviour OPENER = {
    .size       = sizeof(weiri_behaviour),
    .name       = "flow opener",
    .state_size = sizeof(opener),
    .init       = opener_init,
    .on_message = opener_on_message,
};

/* ---- the whole ---- */

static weir_status
spawn_all(all *self, all *const *config, weiri_node *node, weir_error *err)
{
    const weiri_actor_spec spec   = { .behaviour = &OPENER, .config = config };
    weir_status            status = weiri_node_spawn(node, &spec, &self->opener, err);
    for (uint32_t i = 0; i < self->flow->n_nodes && status == WEIR_OK; i++) {
        self->places[i]     = (place){ .run = self, .node = i };
        weiri_actor_spec of = { .behaviour = &PLACE, .config = &self->places[i] };
        weiri_flow_place(self->flow, i, &of.shard, &of.level);
        of.shard++;
        status = weiri_node_spawn(node, &of, &self->addresses[i], err);
    }
    return status;
}

static weir_status
run_node(weiri_node *node, const weiri_flow_carriage *how, weir_error *err)
{
    if (how->seed == NULL) {
        return weiri_node_run(node, err);
    }
    const weiri_simulation simulation = { .seed = *how->seed };
    return weiri_node_simulate(node, &simulation, err);
}

static weiri_node_config
config_of(const weiri_flow *flow, const weiri_flow_carriage *how)
{
    weiri_node_config config = {
        .n_shards = flow->n_shards + 1,
        .n_levels = 1,
        .credit   = how->credit,
        .mailbox  = how->mailbox,
    };
    for (uint32_t i = 0; i < flow->n_nodes; i++) {
        uint32_t level  = flow->nodes[i]->level;
        config.n_levels = level >= config.n_levels ? level + 1 : config.n_levels;
    }
    return config;
}

weir_status
weiri_flow_run(weiri_flow *self, const weiri_flow_source *source,
    const weiri_flow_carriage *how, weir_error *err)
{
    all         whole  = { .flow = self, .source = source };
    all *const  config = &whole;
    weiri_node *node   = NULL;
    whole.addresses    = calloc(self->n_nodes + (size_t)1, sizeof *whole.addresses);
    whole.places       = calloc(self->n_nodes + (size_t)1, sizeof *whole.places);
    weir_status status = WEIR_ENOMEM;
    if (whole.addresses == NULL || whole.places == NULL) {
        status = WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    } else {
        const weiri_node_config of = config_of(self, how);
        status                     = weiri_node_new(&of, &node, err);
    }
    if (status == WEIR_OK) {
        status = spawn_all(&whole, &config, node, err);
    }
    if (status == WEIR_OK) {
        status = run_node(node, how, err);
    }
    weiri_node_destroy(&node);
    free(whole.addresses);
    free(whole.places);
    return status;
}
