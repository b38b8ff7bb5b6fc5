/* A writer to a link: rows. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../bytes/ops.h"
#include "hub.h"
#include "weiri/timetext.h"

typedef struct link_writer {
    weiri_writer base;
    weiri_end   *end;
    weir_schema *schema;
} link_writer;

static weiri_worker *
lock(const weiri_writer *base)
{
    weiri_worker *worker = ((const link_writer *)base)->end->links->worker;
    weiri_worker_lock(worker);
    return worker;
}

static weir_status
close_link(weiri_writer *base, weir_error *err)
{
    link_writer *self = (link_writer *)base;
    (void)err;
    if (self->end != NULL) {
        weiri_worker *worker = lock(base);
        weiri_end_destroy(&self->end);
        weiri_worker_unlock(worker);
    }
    weiri_schema_free(&self->schema);
    free(self);
    return WEIR_OK;
}

static weir_status
judge(const link_writer *self, weir_status status, weir_error *err)
{
    return status == WEIR_OK ? status : WEIR_FAIL(err, status, "%s", self->schema->name);
}

static weir_status
flush_link(weiri_writer *base, weir_error *err)
{
    (void)base;
    (void)err;
    return WEIR_OK; /* what was advanced over is on its way */
}

static weir_status
give_rows(weiri_writer *base, weir_rows rows, weir_error *err)
{
    link_writer *self = (link_writer *)base;
    base->n_written += rows.n;
    return judge(self, weiri_sender_stage(self->end->sender, rows), err);
}

/* Wakes the thread where it has something to do at once. */
static void
look(weiri_end *end)
{
    end->due_ns = INT64_MIN;
    weiri_links_wake(end->links);
}

static weir_status
advance(weiri_writer *base, int64_t watermark_ns, weir_error *err)
{
    link_writer  *self   = (link_writer *)base;
    weiri_worker *worker = lock(base);
    weir_status   status = weiri_sender_commit(self->end->sender, watermark_ns);
    look(self->end);
    weiri_worker_unlock(worker);
    return judge(self, status, err);
}

static weir_status
end_link(weiri_writer *base, int64_t newest_ns, weir_error *err)
{
    link_writer  *self   = (link_writer *)base;
    weiri_worker *worker = lock(base);
    weir_status   status = weiri_sender_end(self->end->sender, newest_ns);
    look(self->end);
    weiri_worker_unlock(worker);
    return judge(self, status, err);
}

static weir_status
settle(weiri_writer *base, weir_error *err)
{
    link_writer  *self   = (link_writer *)base;
    weiri_worker *worker = lock(base);
    weir_status   status = weiri_sender_settle(self->end->sender);
    weiri_worker_unlock(worker);
    return judge(self, status, err);
}

/* Without the lock: in a forked process nobody would ever give it back. */
static void
save(const weiri_writer *base, weiri_pack *out)
{
    weiri_sender_save(((const link_writer *)base)->end->sender, out);
}

static bool
is_full(weiri_writer *base)
{
    weiri_worker *worker = lock(base);
    bool          is     = weiri_sender_is_full(((link_writer *)base)->end->sender);
    weiri_worker_unlock(worker);
    return is;
}

static weiri_link_farewell
farewell(weiri_writer *base)
{
    weiri_worker       *worker = lock(base);
    weiri_link_farewell is = weiri_sender_farewell(((link_writer *)base)->end->sender);
    weiri_worker_unlock(worker);
    return is;
}

static weiri_link_standing
standing(weiri_writer *base)
{
    weiri_worker       *worker = lock(base);
    weiri_link_standing of = weiri_sender_standing(((link_writer *)base)->end->sender);
    weiri_worker_unlock(worker);
    return of;
}

static void
release(weiri_writer *base, weiri_link_parting parting)
{
    weiri_end    *end    = ((link_writer *)base)->end;
    weiri_worker *worker = lock(base);
    weiri_sender_release(end->sender, parting);
    look(end);
    weiri_worker_unlock(worker);
}

static const weiri_writer_ops OPS = { .close = close_link,
    .flush                                   = flush_link,
    .rows                                    = give_rows,
    .advance                                 = advance,
    .end                                     = end_link,
    .settle                                  = settle,
    .save                                    = save,
    .is_full                                 = is_full,
    .standing                                = standing,
    .farewell                                = farewell,
    .release                                 = release };

/* Odd if it lasts. */
static weir_status
random_epoch(bool is_lasting, uint64_t *out, weir_error *err)
{
    *out = 0;
    while (*out / 2 == 0) {
        if (getrandom(out, sizeof *out, 0) < 0 && errno != EINTR) {
            return WEIR_FAIL_OS(err, errno, "no random number can be had");
        }
    }
    *out = *out / 2 * 2 + is_lasting;
    return WEIR_OK;
}

static weir_status
make_sender(
    link_writer *self, const weiri_link_config *config, weiri_unpack *in, weir_error *err)
{
    weiri_links        *links  = self->end->links;
    weiri_sender_config how    = { .schema = self->schema,
           .self                           = links->self,
           .peer                           = config->peer,
           .backlog_bytes                  = config->backlog_bytes,
           .is_dropping                    = config->is_dropping,
           .terms                          = config->terms,
           .n_terms                        = config->n_terms,
           .is_lasting                     = config->is_lasting,
           .timing                         = weiri_link_timing_of(
                                       config->silence_ns > 0 ? config->silence_ns : 3 * WEIRI_NS_PER_S),
           .port = weiri_end_port(self->end) };
    weir_status         status = random_epoch(config->is_lasting, &how.epoch, err);
    if (status == WEIR_OK) {
        status = weiri_sender_new(&how, &self->end->sender, err);
    }
    if (status == WEIR_OK && in != NULL) {
        status = weiri_sender_load(self->end->sender, in, err);
    }
    return status;
}

static weir_status
make(link_writer *self, weiri_links *links, const weiri_link_config *config,
    weiri_unpack *in, weir_error *err)
{
    weir_status status = weiri_end_new(links, config, true, &self->end, err);
    if (status == WEIR_OK) {
        status = make_sender(self, config, in, err);
    }
    if (status != WEIR_OK) {
        weiri_end_destroy(&self->end);
        return status;
    }
    weiri_links_spread_origins(links);
    if (self->end->peer < links->n_peers && links->is_connected[self->end->peer]) {
        weiri_sender_on_connection(self->end->sender, true, weiri_links_now(links));
        look(self->end);
    }
    return WEIR_OK;
}

weir_status
weiri_writer_link(weiri_links *links, const weiri_link_config *config, weiri_unpack *in,
    weiri_writer **out, weir_error *err)
{
    link_writer *self = calloc(1, sizeof *self);
    if (self == NULL || (self->schema = weiri_schema_copy(config->schema)) == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->schema->name);
    }
    self->base.ops     = &OPS;
    self->base.is_link = true;
    weiri_worker_lock(links->worker);
    weir_status status = make(self, links, config, in, err);
    if (status == WEIR_OK) {
        self->base.n_written = weiri_sender_get_counts(self->end->sender).n_rows;
    }
    weiri_worker_unlock(links->worker);
    if (status != WEIR_OK) {
        (void)close_link(&self->base, NULL);
        return status;
    }
    *out = &self->base;
    return WEIR_OK;
}
