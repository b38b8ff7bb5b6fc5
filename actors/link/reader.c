/* A reader of a link: whole frames. */
#include <stdlib.h>

#include "../bytes/ops.h"
#include "hub.h"
#include "weiri/timetext.h"

enum { PATIENCE_NS = 100000000 }; /* of "for ever", so that the caller can look about */

typedef struct link_reader {
    weiri_reader base;
    weiri_end   *end;
    weir_schema *schema;
} link_reader;

static void
close_link(weiri_reader *base)
{
    link_reader  *self   = (link_reader *)base;
    weiri_worker *worker = self->end != NULL ? self->end->links->worker : NULL;
    if (worker != NULL) {
        weiri_worker_lock(worker);
        weiri_end_destroy(&self->end);
        weiri_worker_unlock(worker);
    }
    weiri_schema_free(&self->schema);
    free(self);
}

static weir_status
read_link(weiri_reader *base, char *bytes, size_t size, int64_t wait_ns, size_t *n,
    weir_error *err)
{
    link_reader  *self   = (link_reader *)base;
    weiri_links  *links  = self->end->links;
    weiri_worker *worker = links->worker;
    (void)err;
    int64_t most  = wait_ns < 0 ? PATIENCE_NS : wait_ns;
    int64_t until = most > 0 ? weiri_links_now(links) + most : 0;
    weiri_worker_lock(worker);
    while (most > 0 && !weiri_receiver_has_frames(self->end->receiver)) {
        weiri_links_pause(links, most);
        most = links->config.now == NULL ? until - weiri_links_now(links) : 0;
    }
    *n = weiri_receiver_take(self->end->receiver, (uint8_t *)bytes, size);
    weiri_worker_unlock(worker);
    return *n > 0 ? WEIR_OK : WEIR_EAGAIN;
}

static void
begin_link(weiri_reader *base, const weiri_link_place *place)
{
    weiri_end *end = ((link_reader *)base)->end;
    weiri_worker_lock(end->links->worker);
    weiri_receiver_begin(end->receiver, place);
    end->due_ns = INT64_MIN;
    weiri_links_wake(end->links);
    weiri_worker_unlock(end->links->worker);
}

static void
keep_link(weiri_reader *base)
{
    weiri_end *end = ((link_reader *)base)->end;
    weiri_worker_lock(end->links->worker);
    weiri_receiver_keep(end->receiver);
    end->due_ns = INT64_MIN;
    weiri_links_wake(end->links);
    weiri_worker_unlock(end->links->worker);
}

static weiri_link_farewell
farewell(weiri_reader *base)
{
    weiri_end *end = ((link_reader *)base)->end;
    weiri_worker_lock(end->links->worker);
    weiri_link_farewell is = weiri_receiver_farewell(end->receiver);
    weiri_worker_unlock(end->links->worker);
    return is;
}

static void
release(weiri_reader *base, weiri_link_parting parting)
{
    weiri_end *end = ((link_reader *)base)->end;
    weiri_worker_lock(end->links->worker);
    weiri_receiver_release(end->receiver, parting);
    end->due_ns = INT64_MIN;
    weiri_links_wake(end->links);
    weiri_worker_unlock(end->links->worker);
}

static const weiri_reader_ops OPS = { .close = close_link,
    .read                                    = read_link,
    .begin                                   = begin_link,
    .keep                                    = keep_link,
    .farewell                                = farewell,
    .release                                 = release };

static weir_status
make(link_reader *self, weiri_links *links, const weiri_link_config *config,
    weir_error *err)
{
    weir_status status = weiri_end_new(links, config, false, &self->end, err);
    if (status != WEIR_OK) {
        return status;
    }
    const weiri_receiver_config how = { .schema = self->schema,
        .self                                   = links->self,
        .peer                                   = config->peer,
        .terms                                  = config->terms,
        .n_terms                                = config->n_terms,
        .is_lasting                             = config->is_lasting,
        .timing                                 = weiri_link_timing_of(
                                            config->silence_ns > 0 ? config->silence_ns : 3 * WEIRI_NS_PER_S),
        .port = weiri_end_port(self->end) };
    status                          = weiri_receiver_new(&how, &self->end->receiver, err);
    if (status != WEIR_OK) {
        weiri_end_destroy(&self->end);
    }
    weiri_links_spread_origins(links);
    return status;
}

weir_status
weiri_reader_link(weiri_links *links, const weiri_link_config *config, weiri_reader **out,
    weir_error *err)
{
    link_reader *self = calloc(1, sizeof *self);
    if (self == NULL || (self->schema = weiri_schema_copy(config->schema)) == NULL) {
        free(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", config->schema->name);
    }
    self->base.ops     = &OPS;
    self->base.is_link = true;
    weiri_worker_lock(links->worker);
    weir_status status = make(self, links, config, err);
    weiri_worker_unlock(links->worker);
    if (status != WEIR_OK) {
        close_link(&self->base);
        return status;
    }
    *out = &self->base;
    return WEIR_OK;
}
