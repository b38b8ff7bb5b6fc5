#include "status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weiri/cluster.h"
#include "weiri/timetext.h"

/* One part as a line: a JSON object, or a word, a name and what there is to say. */
typedef struct line {
    FILE *stream;
    bool  is_json;
} line;

static void
print_quoted(FILE *stream, const char *text)
{
    putc('"', stream);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ') {
            fprintf(stream, "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            if (*text == '"' || *text == '\\') {
                putc('\\', stream);
            }
            putc(*text, stream);
        }
    }
    putc('"', stream);
}

static void
begin(const line *self, const char *part, const char *name)
{
    if (self->is_json) {
        fprintf(self->stream, "{\"part\":\"%s\",\"name\":", part);
        print_quoted(self->stream, name);
    } else {
        fprintf(self->stream, "%-10s %s:", part, name);
    }
}

static void
add_text(const line *self, const char *name, const char *value)
{
    if (self->is_json) {
        fprintf(self->stream, ",\"%s\":", name);
        print_quoted(self->stream, value);
    } else {
        fprintf(self->stream, " %s=%s", name, value);
    }
}

static void
add_number(const line *self, const char *name, uint64_t value)
{
    fprintf(
        self->stream, self->is_json ? ",\"%s\":%" PRIu64 : " %s=%" PRIu64, name, value);
}

static void
end(const line *self)
{
    fputs(self->is_json ? "}\n" : "\n", self->stream);
}

static void
add_time(const line *self, const char *name, int64_t ns)
{
    char text[WEIRI_TIME_TEXT];
    if (ns == INT64_MIN || ns == INT64_MAX) {
        add_text(self, name, ns == INT64_MIN ? "none" : "end");
        return;
    }
    weiri_time_format(ns, text);
    add_text(self, name, text);
}

/* What a file takes on its disk; stores are sparse. */
static uint64_t
disk_bytes(const char *folder, const char *name)
{
    enum { BLOCK = 512 };
    char        path[4096];
    struct stat about;
    bool        is = snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path
              && stat(path, &about) == 0;
    return is ? (uint64_t)about.st_blocks * BLOCK : 0;
}

static void
print_node(const line *out, const node_status *self)
{
    weiri_engine_counts counts = weiri_engine_get_counts(self->engine);
    begin(out, "node", self->setup->name);
    add_text(out, "phase", self->phase);
    add_text(out, "rules", self->rules);
    add_time(out, "rules_since", self->applied_ns);
    add_time(out, "started", self->started_ns);
    add_number(out, "pid", (uint64_t)getpid());
    add_number(out, "shards", self->setup->n_shards > 0 ? self->setup->n_shards : 1);
    add_time(out, "watermark", weiri_engine_watermark(self->engine));
    add_number(out, "events", counts.n_events);
    add_number(out, "events_per_s", (uint64_t)self->per_second);
    add_number(out, "late", counts.n_late);
    add_number(out, "dead", counts.n_dead);
    add_number(out, "matches", counts.n_matches);
    add_number(out, "dropped", counts.n_dropped);
    end(out);
}

static void
print_state(const line *out, const node_status *self)
{
    if (self->stateful == NULL) {
        return;
    }
    weiri_durable_counts counts = stateful_counts(self->stateful);
    begin(out, "state", self->setup->state);
    add_number(out, "state_bytes", disk_bytes(self->setup->state, "state"));
    add_number(out, "journal_bytes", disk_bytes(self->setup->state, "journal"));
    add_number(out, "checkpoints", counts.n_checkpoints);
    add_number(out, "longest_pause_us", (uint64_t)(counts.pause_ns / WEIRI_NS_PER_US));
    end(out);
}

static void
print_sources(const line *out, const node_status *self)
{
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        weiri_source_sight sight  = weiri_engine_source(self->engine, i);
        uint32_t           stream = self->plan->sources[i].stream;
        begin(out, "source", self->plan->streams[stream].schema.name);
        add_text(out, "from",
            self->plan->sources[i].path != NULL ? self->plan->sources[i].path : "stdin");
        add_number(out, "events", sight.n_events);
        add_number(out, "bytes", sight.n_bytes);
        add_number(out, "late", sight.n_late);
        add_number(out, "dead", sight.n_dead);
        add_time(out, "clock", sight.clock_ns);
        end(out);
    }
}

static void
print_rules(const line *out, const node_status *self)
{
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        weiri_rule_sight sight = { 0 };
        if (self->plan->rules[i].is_made) {
            continue;
        }
        begin(out, "rule", self->plan->rules[i].name);
        if (weiri_engine_rule(self->engine, i, &sight)) {
            add_number(out, "events", sight.n_events);
            add_number(out, "matches", sight.n_matches);
            add_number(out, "keys", sight.n_keys);
            add_number(out, "held", sight.n_held);
            add_number(out, "dropped", sight.n_dropped);
        }
        end(out);
    }
}

static void
print_peer(const line *out, const weiri_peers *peers, uint32_t peer)
{
    weiri_peer_counts counts;
    weiri_peers_counts_of(peers, peer, &counts);
    begin(out, "peer", weiri_peers_name(peers, peer));
    add_text(out, "is", weiri_peers_state(peers, peer));
    add_number(out, "connected", counts.n_connected);
    add_number(out, "sent", counts.n_sent);
    add_number(out, "sent_bytes", counts.n_sent_bytes);
    add_number(out, "received", counts.n_received);
    add_number(out, "received_bytes", counts.n_received_bytes);
    add_number(out, "held_back", counts.n_refused_send);
    add_number(out, "strange", counts.n_strange);
    end(out);
}

/* Those who came, and what became of those who were not let in. */
static void
print_peers(const line *out, const node_status *self)
{
    weiri_peers_counts counts;
    if (self->peers == NULL) {
        return;
    }
    for (uint32_t i = 0; i < weiri_peers_count(self->peers); i++) {
        print_peer(out, self->peers, i);
    }
    const char *address = weiri_peers_address(self->peers);
    weiri_peers_counts_read(self->peers, &counts);
    begin(out, "door", address != NULL ? address : "none");
    add_number(out, "came", counts.n_accepted);
    add_number(out, "open", counts.n_open);
    add_number(out, "unknown_key", counts.n_unknown_key);
    add_number(out, "revoked_key", counts.n_revoked_key);
    add_number(out, "failed_handshake", counts.n_handshake);
    add_number(out, "silent", counts.n_silent);
    add_number(out, "crowded_out", counts.n_crowded_out);
    add_number(out, "refused_us", counts.n_refused_us);
    end(out);
}

void
status_print(const node_status *self, bool is_json, FILE *stream)
{
    const line out = { .stream = stream, .is_json = is_json };
    print_node(&out, self);
    print_state(&out, self);
    print_sources(&out, self);
    print_rules(&out, self);
    print_peers(&out, self);
}

/* ---- a cluster ---- */

static const char *
state_of(const node_status *self, const char *member)
{
    uint32_t peer =
        self->peers != NULL ? weiri_peers_find(self->peers, member) : WEIRI_PEER_NOBODY;
    return peer != WEIRI_PEER_NOBODY ? weiri_peers_state(self->peers, peer) : "unknown";
}

static uint32_t
count_groups(const weiri_moves *moves, uint32_t member)
{
    uint32_t n = 0;
    for (uint32_t g = 0; g < WEIRI_KEY_GROUPS; g++) {
        n += weiri_moves_owner(moves, g) == member;
    }
    return n;
}

/* How far the events of a member are that have come here, of all its streams. */
static int64_t
clock_of(const node_status *self, uint32_t member)
{
    const weiri_cluster_plan *cluster  = self->plan->cluster;
    int64_t                   clock_ns = INT64_MAX;
    for (uint32_t i = 0; i < self->plan->n_sources; i++) {
        const weiri_source *source = &self->plan->sources[i];
        bool                is_its = source->numbered == NULL
                                         ? member == cluster->self && source->refresh_ns == 0
                                && !source->is_timeless
                                         : strcmp(source->path, cluster->members[member]) == 0;
        int64_t             of     = weiri_engine_source(self->engine, i).clock_ns;
        clock_ns                   = is_its && of < clock_ns ? of : clock_ns;
    }
    return clock_ns;
}

static void
print_member(const line *out, const node_status *self, uint32_t member)
{
    const weiri_cluster_plan *cluster = self->plan->cluster;
    const char               *name    = cluster->members[member];
    begin(out, "member", name);
    add_text(out, "is", member == cluster->self ? "here" : state_of(self, name));
    add_number(out, "key_groups", count_groups(weiri_engine_moves(self->engine), member));
    add_time(out, "clock", clock_of(self, member));
    end(out);
}

/* A move that was cut is done on this node when all before the cut is. */
static const char *
word_of(const node_status *self, const weiri_move *move)
{
    uint32_t here    = self->plan->cluster->self;
    bool     is_done = move->from == here || move->to == here
                           ? move->is_applied
                           : weiri_engine_watermark(self->engine) >= move->cut_ns;
    return move->is_void ? "void" : !move->is_cut ? "begun" : is_done ? "done" : "agreed";
}

static void
print_moves(const line *out, const node_status *self)
{
    char const *const *members = self->plan->cluster->members;
    const weiri_moves *moves   = weiri_engine_moves(self->engine);
    for (uint32_t i = 0; i < moves->n; i++) {
        const weiri_move *move = &moves->moves[i];
        char              name[WEIRI_SECTION_NAME];
        snprintf(name, sizeof name, "%s/%" PRIu64, members[move->from], move->number);
        begin(out, "move", name);
        add_number(out, "key_groups", weiri_groups_count(&move->groups));
        add_text(out, "from", members[move->from]);
        add_text(out, "to", members[move->to]);
        add_text(out, "is", word_of(self, move));
        add_time(out, "cut", move->is_cut ? move->cut_ns : INT64_MIN);
        end(out);
    }
}

static void
print_places(const line *out, const node_status *self)
{
    static const char *const WORDS[] = { "", "one node", "key", "event" };
    for (uint32_t i = 0; i < self->plan->n_rules; i++) {
        const weiri_rule *rule = &self->plan->rules[i];
        if (rule->is_made) {
            continue;
        }
        begin(out, "place", rule->name);
        add_text(out, "by", WORDS[rule->spread]);
        if (rule->spread == WEIRI_SPREAD_WHOLE) {
            add_text(out, "node", self->plan->cluster->members[rule->member]);
        }
        end(out);
    }
}

void
status_print_cluster(const node_status *self, bool is_json, FILE *stream)
{
    const line                out     = { .stream = stream, .is_json = is_json };
    const weiri_cluster_plan *cluster = self->plan->cluster;
    if (cluster == NULL) {
        return;
    }
    begin(&out, "cluster", cluster->name);
    add_text(&out, "seen_by", self->setup->name);
    add_number(&out, "nodes", cluster->n_members);
    add_text(&out, "hub", cluster->members[cluster->hub]);
    add_text(&out, "rules", self->rules);
    add_number(&out, "placement", weiri_engine_moves(self->engine)->version);
    add_time(&out, "watermark", weiri_engine_watermark(self->engine));
    end(&out);
    for (uint32_t m = 0; m < cluster->n_members; m++) {
        print_member(&out, self, m);
    }
    print_moves(&out, self);
    print_places(&out, self);
}

/* ---- links ---- */

/* Where the number of gaps is that of the link's receiver: events that will not come. */
static void
print_link(const line *out, const weiri_link_sight *sight)
{
    const weiri_link_counts *counts = &sight->counts;
    begin(out, "link", sight->stream);
    add_text(out, sight->is_sender ? "to" : "from", sight->peer);
    add_text(out, "is",
        counts->is_open             ? "open"
        : sight->refusal[0] != '\0' ? "refused"
        : sight->is_connected       ? "opening"
                                    : "away");
    add_number(out, "events", counts->n_rows);
    add_number(out, sight->is_sender ? "acknowledged" : "kept", counts->n_kept);
    add_number(
        out, sight->is_sender ? "backlog_bytes" : "waiting_bytes", counts->n_bytes);
    add_number(out, "credit_bytes", counts->n_credit);
    add_time(out, "watermark", counts->watermark_ns);
    add_number(out, "missing", counts->n_dropped);
    add_number(out, "again", counts->n_again);
    add_number(out, "bad", counts->n_bad);
    if (sight->refusal[0] != '\0') {
        add_text(out, "why", sight->refusal);
    }
    end(out);
}

/* In the order of streams and peers, which is no other tomorrow. */
static int
compare_links(const void *a, const void *b)
{
    const weiri_link_sight *one   = a;
    const weiri_link_sight *other = b;
    int                     by    = strcmp(one->stream, other->stream);
    by                            = by != 0 ? by : strcmp(one->peer, other->peer);
    return by != 0 ? by : (int)one->is_sender - (int)other->is_sender;
}

void
status_print_links(const node_status *self, bool is_json, FILE *stream)
{
    const line        out    = { .stream = stream, .is_json = is_json };
    weiri_link_sight *sights = calloc(WEIRI_LINKS, sizeof *sights);
    uint32_t          n      = 0;
    while (self->links != NULL && sights != NULL && n < WEIRI_LINKS
           && weiri_links_sight(self->links, n, &sights[n])) {
        n++;
    }
    if (n > 0) {
        qsort(sights, n, sizeof *sights, compare_links);
    }
    for (uint32_t i = 0; i < n; i++) {
        print_link(&out, &sights[i]);
    }
    free(sights);
}
