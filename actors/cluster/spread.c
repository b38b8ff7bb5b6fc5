/* Which rule runs where, and which streams have to go from node to node for it. */
#include <stdlib.h>
#include <string.h>

#include "../flow/split.h"
#include "../graph/dispatch.h"
#include "../rule/rule.h"
#include "weiri/cluster.h"
#include "weiri/hash.h"
#include "weiri/moves.h"
#include "weiri/rows_pack.h"

enum { PLACE_BITS = 48 }; /* of an order: the place of its source is above */

uint32_t
weiri_rendezvous(const char *const *members, uint32_t n, uint64_t thing)
{
    uint32_t best   = 0;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t of = weiri_mix(
            weiri_text_hash(members[i], (uint32_t)strlen(members[i])) + weiri_mix(thing));
        if (i == 0 || of > weight) {
            best   = i;
            weight = of;
        }
    }
    return best;
}

/* ---- places ---- */

static uint32_t
count_sources(const weiri_plan *plan, uint32_t stream)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        n += plan->sources[i].stream == stream && plan->sources[i].numbered == NULL;
    }
    return n;
}

void
weiri_cluster_places(
    const weiri_plan *plan, uint32_t stream, uint32_t *first, uint32_t *end)
{
    uint32_t n    = count_sources(plan, stream);
    uint32_t self = plan->cluster != NULL ? plan->cluster->self : 0;
    *first        = self * n;
    *end          = *first + n;
}

/* Chunks of several sources may have become one. */
weir_status
weiri_cluster_own_rows(
    const weiri_plan *plan, uint32_t stream, weir_rows rows, weiri_rows_list *to)
{
    uint32_t    first  = 0;
    uint32_t    end    = 0;
    weir_status status = WEIR_OK;
    if (plan->streams[stream].origin == WEIRI_ORIGIN_LATE
        || plan->streams[stream].origin == WEIRI_ORIGIN_DEAD) {
        return weiri_rows_list_add(to, rows); /* they stay where they came */
    }
    weiri_cluster_places(plan, stream, &first, &end);
    const uint64_t *order = rows.chunk->order + rows.first;
    for (uint32_t from = 0; from < rows.n && status == WEIR_OK;) {
        uint32_t  n    = 0;
        weir_rows some = { .chunk = rows.chunk, .first = rows.first + from };
        bool is = order[from] >> PLACE_BITS >= first && order[from] >> PLACE_BITS < end;
        while (from + n < rows.n
               && is
                      == (order[from + n] >> PLACE_BITS >= first
                          && order[from + n] >> PLACE_BITS < end)) {
            n++;
        }
        some.n = n;
        from += n;
        status = is ? weiri_rows_list_add(to, some) : WEIR_OK;
    }
    return status;
}

/* ---- units ---- */

typedef struct spreader {
    weiri_plan         *plan;
    weiri_cluster_plan *cluster;
    uint32_t           *unit;    /* of each rule: its first rule             */
    bool               *is_last; /* of each rule: no rule reads what it gives */
    uint32_t           *size;    /* of each unit                             */
} spreader;

static bool
reads(const weiri_rule *rule, uint32_t stream)
{
    for (uint32_t i = 0; i < weiri_rule_n_inputs(rule); i++) {
        if (weiri_rule_input(rule, i) == stream) {
            return true;
        }
    }
    return false;
}

static bool
gives(const weiri_rule *rule, uint32_t stream)
{
    weiri_rule_target targets[2];
    weiri_rule_targets(rule, targets);
    return (targets[0].schema != NULL && targets[0].stream == stream)
           || (targets[1].schema != NULL && targets[1].stream == stream);
}

static void
join_units(spreader *self, uint32_t a, uint32_t b)
{
    uint32_t low  = self->unit[a] < self->unit[b] ? self->unit[a] : self->unit[b];
    uint32_t high = self->unit[a] < self->unit[b] ? self->unit[b] : self->unit[a];
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        self->unit[i] = self->unit[i] == high ? low : self->unit[i];
    }
}

/* Whether a rule reads what another gives, or looks at a table that it writes. */
static bool
reads_of(const weiri_rule *reader, const weiri_rule *giver)
{
    for (uint32_t i = 0; i < weiri_rule_n_inputs(reader); i++) {
        if (gives(giver, weiri_rule_input(reader, i))) {
            return true;
        }
    }
    return false;
}

/* Whoever reads what another gives belongs to it. */
static void
find_units(spreader *self)
{
    const weiri_plan *plan = self->plan;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        self->unit[i]    = i;
        self->is_last[i] = true;
    }
    for (uint32_t a = 0; a < plan->n_rules; a++) {
        for (uint32_t b = 0; b < plan->n_rules; b++) {
            if (reads_of(&plan->rules[b], &plan->rules[a])) {
                self->is_last[a] = false;
                join_units(self, a, b);
            }
        }
    }
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        self->size[self->unit[i]]++;
    }
}

static bool
reads_side(const weiri_plan *plan, const weiri_rule *rule)
{
    for (uint32_t i = 0; i < weiri_rule_n_inputs(rule); i++) {
        weiri_origin origin = plan->streams[weiri_rule_input(rule, i)].origin;
        if (origin == WEIRI_ORIGIN_LATE || origin == WEIRI_ORIGIN_DEAD) {
            return true;
        }
    }
    return false;
}

static bool
has_lists(const weir_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].type == WEIR_LIST) {
            return true;
        }
    }
    return false;
}

/* Whether events of its inputs can go from node to node one by one. */
static bool
can_spread(const weiri_plan *plan, const weiri_rule *rule)
{
    for (uint32_t i = 0; i < weiri_rule_n_inputs(rule); i++) {
        const weiri_stream *stream = &plan->streams[weiri_rule_input(rule, i)];
        if (stream->like > 0 || stream->origin == WEIRI_ORIGIN_TABLE
            || has_lists(&stream->schema) || stream->schema.n_fields >= WEIRI_FIELDS) {
            return false;
        }
    }
    return true;
}

static uint64_t
name_hash(const char *name)
{
    return weiri_text_hash(name, (uint32_t)strlen(name));
}

static bool
is_split_last(const spreader *self, uint32_t rule)
{
    const weiri_rule *of = &self->plan->rules[rule];
    return self->is_last[rule] && weiri_split_of(of) == WEIRI_SPLIT_KEYS
           && can_spread(self->plan, of);
}

/* Whether the last rules of a unit are spread, and the others are to be on the hub. */
static bool
is_of_hub(const spreader *self, uint32_t unit)
{
    for (uint32_t i = 0; self->size[unit] > 1 && i < self->plan->n_rules; i++) {
        if (self->unit[i] == unit && is_split_last(self, i)) {
            return true;
        }
    }
    return false;
}

static weir_status
place_rule(const spreader *self, uint32_t i, weir_error *err)
{
    weiri_rule *rule     = &self->plan->rules[i];
    uint32_t    unit     = self->unit[i];
    uint32_t    n        = self->cluster->n_members;
    weiri_split split    = weiri_split_of(rule);
    bool        is_alone = self->size[unit] == 1 && self->is_last[i];
    if (is_alone && split == WEIRI_SPLIT_TURNS) {
        rule->spread = WEIRI_SPREAD_ROWS;
        return WEIR_OK;
    }
    if (reads_side(self->plan, rule)) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "rule '%s': in a cluster late and dead events stay on the node that they "
            "came to: only queries without a window can read them, and no rule what "
            "those give",
            rule->name);
    }
    if (is_split_last(self, i)) {
        rule->spread = WEIRI_SPREAD_KEYS;
        return WEIR_OK;
    }
    rule->spread       = WEIRI_SPREAD_WHOLE;
    rule->member       = is_of_hub(self, unit) ? self->cluster->hub
                                               : weiri_rendezvous(self->cluster->members, n,
                                                   name_hash(self->plan->rules[unit].name));
    rule->is_elsewhere = rule->member != self->cluster->self;
    return WEIR_OK;
}

/* ---- streams ---- */

static weir_status
check_fields(const weir_schema *schema, weir_error *err)
{
    return schema->n_fields < WEIRI_FIELDS
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EINVAL,
                   "stream '%s': in a cluster a stream has fewer than %d fields",
                   schema->name, (int)WEIRI_FIELDS);
}

/* Where rules run, and what they read: nodes of other versions of Weir may differ. */
static uint64_t
placement(const spreader *self)
{
    const weiri_plan *plan = self->plan;
    uint64_t          hash = self->cluster->hub;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        hash = weiri_hash_join(hash, name_hash(plan->rules[i].name));
        hash = weiri_hash_join(hash, plan->rules[i].spread);
        for (uint32_t k = 0; k < weiri_rule_n_inputs(&plan->rules[i]); k++) {
            hash = weiri_hash_join(hash, weiri_rule_input(&plan->rules[i], k));
        }
    }
    return weiri_mix(hash);
}

static void
add_term(const spreader *self, const char *name, uint64_t hash)
{
    const weiri_link_term term = { .name = name, .hash = hash };
    WEIRI_ARENA_PUSH(
        self->plan->arena, self->cluster->terms, self->cluster->n_terms, term);
}

/* What nodes say to each other when they meet, so that they find what differs. What is
 * too much to be told one by one is told as one. */
static void
find_terms(const spreader *self)
{
    enum { OF_ALL = 4, MOST = WEIRI_LINK_TERMS - OF_ALL };
    const weiri_plan *plan    = self->plan;
    uint64_t          order   = 0;
    uint64_t          rest    = 0;
    uint64_t          members = name_hash(self->cluster->name);
    for (uint32_t i = 0; i < plan->n_declared; i++) {
        order = weiri_hash_join(order, name_hash(plan->declared[i].name));
        if (i < MOST) {
            add_term(self, plan->declared[i].name, plan->declared[i].hash);
        } else {
            rest = weiri_hash_join(rest, plan->declared[i].hash);
        }
    }
    for (uint32_t m = 0; m < self->cluster->n_members; m++) {
        members = weiri_hash_join(members, name_hash(self->cluster->members[m]));
    }
    add_term(self, "the list of nodes", members);
    add_term(self, "the order of the statements", order);
    add_term(self, "the end of a long list of rules", rest);
    add_term(self, "the placement by this version of Weir", placement(self));
}

/* The stream with one more field, for the order. All fields are sent. */
static const weiri_stream *
make_numbered(weiri_plan *plan, uint32_t index)
{
    weiri_stream *of     = &plan->streams[index];
    uint32_t      n      = of->schema.n_fields;
    weir_field   *fields = weiri_arena_alloc(plan->arena, (n + 1) * sizeof *fields);
    weiri_stream *out    = weiri_arena_alloc(plan->arena, sizeof *out);
    bool         *used   = weiri_arena_alloc(plan->arena, n + (size_t)1);
    memcpy(fields, of->schema.fields, n * sizeof *fields);
    fields[n] = (weir_field){ .name = "(order)", .type = WEIR_INT };
    memset(used, true, n + (size_t)1);
    memset(of->used, true, n);
    *out                 = *of;
    out->used            = used;
    out->late            = WEIRI_NONE;
    out->dead            = WEIRI_NONE;
    out->schema.fields   = fields;
    out->schema.n_fields = n + 1;
    return out;
}

static void
add_source(weiri_plan *plan, const weiri_given *given, const char *peer)
{
    const weiri_source source = { .stream = given->stream,
        .endpoint                         = WEIRI_ENDPOINT_NODE,
        .path                             = peer,
        .format                           = WEIRI_FORMAT_FRAMES,
        .idle_ns                          = -1,
        .numbered                         = given->numbered,
        .is_moves                         = given->is_moves,
        .place                            = { .file = "" } };
    WEIRI_ARENA_PUSH(plan->arena, plan->sources, plan->n_sources, source);
}

/* Who needs which events of a stream. */
static void
add_readers(const spreader *self, weiri_given *given)
{
    weiri_plan *plan = self->plan;
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        weiri_rule *rule = &plan->rules[i];
        if (!reads(rule, given->stream)) {
            continue;
        }
        if (rule->spread == WEIRI_SPREAD_WHOLE && !given->is_derived) {
            given->all |= UINT64_C(1) << rule->member;
        } else if (rule->spread == WEIRI_SPREAD_KEYS) {
            const weiri_rule *route = rule;
            WEIRI_ARENA_PUSH(plan->arena, given->routes, given->n_routes, route);
        }
    }
}

static weir_status
add_given(spreader *self, uint32_t stream, bool is_derived, weir_error *err)
{
    weiri_plan         *plan    = self->plan;
    weiri_cluster_plan *cluster = self->cluster;
    weiri_given         given   = {
                  .stream = stream, .is_derived = is_derived, .is_moves = stream == cluster->moves
    };
    add_readers(self, &given);
    if (is_derived && given.n_routes == 0) {
        return WEIR_OK;
    }
    weir_status status = check_fields(&plan->streams[stream].schema, err);
    if (status != WEIR_OK) {
        return status;
    }
    given.numbered       = make_numbered(plan, stream);
    bool is_giver        = !is_derived || cluster->self == cluster->hub;
    cluster->own[stream] = !is_derived ? WEIRI_OWN_PLACES
                           : is_giver  ? WEIRI_OWN_ALL
                                       : WEIRI_OWN_NONE;
    for (uint32_t m = 0; m < cluster->n_members; m++) {
        if (m != cluster->self && (!is_derived || m == cluster->hub)) {
            add_source(plan, &given, cluster->members[m]);
        }
    }
    if (is_giver) {
        WEIRI_ARENA_PUSH(plan->arena, cluster->given, cluster->n_given, given);
    }
    return WEIR_OK;
}

/* Whether sources of this node deliver a stream to be sent on; tables are everywhere. */
static bool
is_delivered(const weiri_plan *plan, uint32_t stream)
{
    return plan->streams[stream].origin == WEIRI_ORIGIN_SOURCE
           && count_sources(plan, stream) > 0;
}

static bool
is_given_by_rules(const weiri_plan *plan, uint32_t stream)
{
    for (uint32_t i = 0; i < plan->n_rules; i++) {
        if (gives(&plan->rules[i], stream)) {
            return true;
        }
    }
    return false;
}

/* The fields of what is said of moves, in the order of WEIRI_WORD_FIELDS. */
static void
add_words(spreader *self)
{
#define X(title, kind) { .name = #title, .type = (kind) },
    static const weir_field FIELDS[] = { WEIRI_WORD_FIELDS(X) };
#undef X
    enum { N = sizeof FIELDS / sizeof FIELDS[0] };
    weiri_plan  *plan   = self->plan;
    weiri_stream stream = { .origin = WEIRI_ORIGIN_SOURCE,
        .of                         = WEIRI_NONE,
        .late                       = WEIRI_NONE,
        .dead                       = WEIRI_NONE,
        .used                       = weiri_arena_alloc(plan->arena, N) };
    stream.schema       = (weir_schema){
              .name = "(moves)", .fields = FIELDS, .n_fields = N, .time_field = 0
    };
    self->cluster->moves = plan->n_streams;
    WEIRI_ARENA_PUSH(plan->arena, plan->streams, plan->n_streams, stream);
}

static weir_status
check_sources(const spreader *self, weir_error *err)
{
    const weiri_plan *plan = self->plan;
    for (uint32_t i = 0; i < plan->n_sources; i++) {
        if (plan->sources[i].endpoint != WEIRI_ENDPOINT_NODE) {
            continue;
        }
        for (uint32_t m = 0; m < self->cluster->n_members; m++) {
            if (strcmp(plan->sources[i].path, self->cluster->members[m]) == 0) {
                return WEIR_FAIL(err, WEIR_EINVAL,
                    "stream '%s': '%s' is a node of the cluster, which sends what is "
                    "needed by itself",
                    plan->streams[plan->sources[i].stream].schema.name,
                    plan->sources[i].path);
            }
        }
    }
    return WEIR_OK;
}

static weir_status
spread(spreader *self, weir_error *err)
{
    weiri_plan *plan   = self->plan;
    weir_status status = check_sources(self, err);
    find_units(self);
    for (uint32_t i = 0; i < plan->n_rules && status == WEIR_OK; i++) {
        status = place_rule(self, i, err);
    }
    if (status == WEIR_OK) {
        add_words(self);
    }
    for (uint32_t s = 0; s < plan->n_streams && status == WEIR_OK; s++) {
        if (is_delivered(plan, s)) {
            status = add_given(self, s, false, err);
        } else if (is_given_by_rules(plan, s)) {
            status = add_given(self, s, true, err);
        }
    }
    return status == WEIR_OK ? add_given(self, self->cluster->moves, false, err) : status;
}

weir_status
weiri_cluster_spread(weiri_plan *plan, const char *name, const char *const *members,
    uint32_t n, uint32_t self, weir_error *err)
{
    weiri_cluster_plan *cluster = weiri_arena_alloc(plan->arena, sizeof *cluster);
    size_t              rules   = plan->n_rules + (size_t)1;
    spreader            all     = { .plan = plan,
                       .cluster           = cluster,
                       .unit    = weiri_arena_alloc(plan->arena, rules * sizeof(uint32_t)),
                       .is_last = weiri_arena_alloc(plan->arena, rules),
                       .size    = weiri_arena_alloc(plan->arena, rules * sizeof(uint32_t)) };
    if (n == 0 || n > WEIRI_CLUSTER_MEMBERS) {
        return WEIR_FAIL(
            err, WEIR_EINVAL, "a cluster has 1 to %d nodes", (int)WEIRI_CLUSTER_MEMBERS);
    }
    cluster->name      = name;
    cluster->members   = members;
    cluster->n_members = n;
    cluster->self      = self;
    cluster->hub       = weiri_rendezvous(members, n, name_hash(name));
    cluster->own =
        weiri_arena_alloc(plan->arena, (plan->n_streams + (size_t)1) * sizeof(weiri_own));
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        cluster->owners[g] = (uint16_t)weiri_rendezvous(members, n, g);
    }
    weir_status status = spread(&all, err);
    if (status == WEIR_OK) {
        find_terms(&all);
        plan->cluster = cluster;
    }
    return status;
}
