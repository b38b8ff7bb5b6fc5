#include "moving.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/cluster.h"

static weir_status
find_member(
    const weiri_cluster_plan *cluster, const char *name, uint32_t *out, weir_error *err)
{
    for (uint32_t m = 0; name != NULL && m < cluster->n_members; m++) {
        if (strcmp(cluster->members[m], name) == 0) {
            *out = m;
            return WEIR_OK;
        }
    }
    return WEIR_FAIL(err, WEIR_EINVAL, "cluster '%s' has no node '%s'", cluster->name,
        name != NULL ? name : "");
}

/* ---- key groups ---- */

/* The key groups that this node has and nobody is taking from it. */
static void
find_free(const weiri_moves *moves, weiri_groups *out)
{
    weiri_moves_mine(moves, out);
    for (uint32_t i = 0; i < moves->n; i++) {
        const weiri_move *move = &moves->moves[i];
        for (uint32_t w = 0; w < WEIRI_KEY_GROUPS / 64; w++) {
            if (move->from == moves->self && !move->is_void && !move->is_applied) {
                out->bits[w] &= ~move->groups.bits[w];
            }
        }
    }
}

static bool
read_number(const char **at, uint32_t below, uint32_t *out)
{
    char         *end   = NULL;
    unsigned long value = strtoul(*at, &end, 10);
    bool          is    = **at >= '0' && **at <= '9' && end != *at && value < below;
    *at                 = end;
    *out                = (uint32_t)value;
    return is;
}

/* The first of those that are free, as many as that is of all. */
static void
take_share(const weiri_groups *free, uint32_t percent, weiri_groups *out)
{
    uint32_t n = (weiri_groups_count(free) * percent + 99) / 100;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS && n > 0; g++) {
        if (weiri_groups_has(free, g)) {
            weiri_groups_add(out, g);
            n--;
        }
    }
}

/* `17`, `0-99,200-299`: those of them that are free; what is named alone has to be. */
static bool
take_ranges(const weiri_groups *free, const char *text, weiri_groups *out)
{
    for (;;) {
        uint32_t first = 0;
        uint32_t last  = 0;
        if (!read_number(&text, WEIRI_KEY_GROUPS, &first)) {
            return false;
        }
        last = first;
        if (*text == '-') {
            text++;
            if (!read_number(&text, WEIRI_KEY_GROUPS, &last) || last < first) {
                return false;
            }
        }
        for (uint32_t g = first; g <= last; g++) {
            if (weiri_groups_has(free, g) || first == last) {
                weiri_groups_add(out, g);
            }
        }
        if (*text != ',') {
            return *text == '\0';
        }
        text++;
    }
}

static weir_status
read_groups(
    const weiri_groups *free, const char *text, weiri_groups *out, weir_error *err)
{
    uint32_t    percent = 0;
    const char *at      = text;
    *out                = (weiri_groups){ .bits = { 0 } };
    if (strcmp(text, "all") == 0) {
        *out = *free;
        return WEIR_OK;
    }
    if (read_number(&at, 101, &percent) && strcmp(at, "%") == 0) {
        take_share(free, percent, out);
        return WEIR_OK;
    }
    return take_ranges(free, text, out)
               ? WEIR_OK
               : WEIR_FAIL(err, WEIR_EINVAL,
                   "'%s' are no key groups: say a number below %d, ranges of such "
                   "numbers (0-99,200), a percentage (10%%), or all",
                   text, (int)WEIRI_KEY_GROUPS);
}

/* ---- moves ---- */

static weir_status
begin(weiri_engine *engine, const weiri_cluster_plan *cluster, uint32_t to,
    const weiri_groups *groups, FILE *stream, weir_error *err)
{
    weir_status status = weiri_engine_move(engine, to, groups, err);
    if (status == WEIR_OK) {
        fprintf(stream, "move %s/%llu: %u key groups from %s to %s: begun\n",
            cluster->members[cluster->self],
            (unsigned long long)weiri_engine_moves(engine)->last,
            weiri_groups_count(groups), cluster->members[cluster->self],
            cluster->members[to]);
    }
    return status;
}

/* Each to the one among the others that would have it if this node were not there. */
static weir_status
drain(weiri_engine *engine, const weiri_cluster_plan *cluster, const weiri_groups *free,
    FILE *stream, weir_error *err)
{
    const char  *others[WEIRI_CLUSTER_MEMBERS];
    weiri_groups to[WEIRI_CLUSTER_MEMBERS] = { { .bits = { 0 } } };
    uint32_t     n                         = 0;
    weir_status  status                    = WEIR_OK;
    for (uint32_t m = 0; m < cluster->n_members; m++) {
        if (m != cluster->self) {
            others[n++] = cluster->members[m];
        }
    }
    if (n == 0 || weiri_groups_count(free) == 0) {
        return WEIR_FAIL(err, WEIR_EINVAL,
            "node '%s' has no key groups that others could have",
            cluster->members[cluster->self]);
    }
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        if (weiri_groups_has(free, g)) {
            uint32_t best = weiri_rendezvous(others, n, g);
            weiri_groups_add(&to[best < cluster->self ? best : best + 1], g);
        }
    }
    for (uint32_t m = 0; m < cluster->n_members && status == WEIR_OK; m++) {
        if (weiri_groups_count(&to[m]) > 0) {
            status = begin(engine, cluster, m, &to[m], stream, err);
        }
    }
    return status;
}

weir_status
moving_obey(weiri_engine *engine, const weiri_plan *plan, const control_request *request,
    FILE *stream, weir_error *err)
{
    const weiri_cluster_plan *cluster = plan->cluster;
    const weiri_moves        *moves   = weiri_engine_moves(engine);
    const char               *text    = control_field(request, "groups", NULL);
    uint32_t                  from    = 0;
    uint32_t                  to      = 0;
    weiri_groups              free;
    weiri_groups              groups;
    if (cluster == NULL || moves == NULL) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the node is in no cluster");
    }
    weir_status status =
        find_member(cluster, control_field(request, "from", NULL), &from, err);
    if (status == WEIR_OK && from != cluster->self) {
        status = WEIR_FAIL(err, WEIR_EINVAL,
            "this is node '%s': key groups are given away by the node that has them: ask "
            "'%s', with its node file",
            cluster->members[cluster->self], cluster->members[from]);
    }
    if (status != WEIR_OK) {
        return status;
    }
    find_free(moves, &free);
    if (text == NULL) {
        return drain(engine, cluster, &free, stream, err);
    }
    status = find_member(cluster, control_field(request, "to", NULL), &to, err);
    if (status == WEIR_OK) {
        status = read_groups(&free, text, &groups, err);
    }
    return status == WEIR_OK ? begin(engine, cluster, to, &groups, stream, err) : status;
}
