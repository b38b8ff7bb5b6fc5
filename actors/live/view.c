#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "page.h"
#include "weiri/timetext.h"

enum { TRIES = 1000 };

struct weiri_view {
    weiri_live_page *page;
    uint64_t         at; /* in the ring */
    bool             has_wished;
    uint64_t         wish; /* its version */
};

weir_status
weiri_view_open(const char *path, weiri_view **out, weir_error *err)
{
    struct stat about = { 0 };
    weiri_view *self  = calloc(1, sizeof *self);
    int         fd    = open(path, O_RDWR | O_CLOEXEC);
    if (self == NULL || fd < 0) {
        int code = errno;
        free(self);
        if (fd >= 0) {
            close(fd);
        }
        return code == ENOENT ? WEIR_FAIL(err, WEIR_ENOENT, "no node has made '%s'", path)
                              : WEIR_FAIL_OS(err, code, "cannot look at '%s'", path);
    }
    void *page = MAP_FAILED;
    if (fstat(fd, &about) == 0 && about.st_size == (off_t)sizeof(weiri_live_page)) {
        page = mmap(
            NULL, sizeof(weiri_live_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    self->page = page == MAP_FAILED ? NULL : page;
    if (self->page == NULL || self->page->magic != WEIRI_LIVE_MAGIC
        || self->page->size != sizeof(weiri_live_page)) {
        weiri_view_close(&self);
        return WEIR_FAIL(err, WEIR_EDATA, "'%s' is no live page of this version", path);
    }
    self->at = atomic_load(&self->page->ring_end);
    *out     = self;
    return WEIR_OK;
}

void
weiri_view_close(weiri_view **self_p)
{
    weiri_view *self = *self_p;
    *self_p          = NULL;
    if (self != NULL) {
        if (self->page != NULL) {
            munmap(self->page, sizeof *self->page);
        }
        free(self);
    }
}

static bool
is_there(const weiri_view *self)
{
    int64_t pid = atomic_load(&self->page->pid);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Copies until the writer was not at it meanwhile. */
bool
weiri_view_read(const weiri_view *self, char *text, size_t *size)
{
    const weiri_live_page *page = self->page;
    *size                       = 0;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = atomic_load_explicit(&page->version, memory_order_acquire);
        uint64_t n      = page->text_size;
        if (before % 2 == 0 && n <= WEIRI_LIVE_TEXT) {
            memcpy(text, page->text, (size_t)n);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&page->version, memory_order_relaxed) == before) {
                *size = (size_t)n;
                break;
            }
        }
    }
    return is_there(self);
}

void
weiri_view_tap(weiri_view *self, const weiri_tap_wish *wish)
{
    struct timespec  now;
    weiri_live_page *page = self->page;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!self->has_wished) {
        self->has_wished = true;
        uint64_t version = atomic_load(&page->tap_version) | 1;
        atomic_store(&page->tap_version, version);
        atomic_thread_fence(memory_order_release);
        page->tap_wish = *wish;
        self->wish     = version + 1;
        atomic_store_explicit(&page->tap_version, self->wish, memory_order_release);
    }
    atomic_store_explicit(&page->tap_until_ns,
        (uint64_t)(now.tv_sec + 1) * WEIRI_NS_PER_S + (uint64_t)now.tv_nsec,
        memory_order_release);
}

static void
get(const weiri_live_page *page, uint64_t at, void *bytes, size_t size)
{
    size_t from  = (size_t)(at % WEIRI_LIVE_RING);
    size_t first = size < WEIRI_LIVE_RING - from ? size : WEIRI_LIVE_RING - from;
    memcpy(bytes, page->ring + from, first);
    memcpy((char *)bytes + first, page->ring, size - first);
}

/* The next line, whoever it answers. */
static size_t
next_line(weiri_view *self, char *line, weiri_live_head *head, uint64_t *n_lost)
{
    const weiri_live_page *page = self->page;
    uint64_t end = atomic_load_explicit(&page->ring_end, memory_order_acquire);
    if (end == self->at) {
        return 0;
    }
    get(page, self->at, head, sizeof *head);
    uint32_t size     = head->size;
    bool     is_whole = size <= WEIRI_LIVE_LINE && end - self->at <= WEIRI_LIVE_RING;
    if (is_whole) {
        get(page, self->at + sizeof *head, line, size);
        atomic_thread_fence(memory_order_acquire);
        /* The writer may have come round while it was copied. */
        uint64_t now = atomic_load_explicit(&page->ring_end, memory_order_relaxed);
        is_whole     = now - self->at <= WEIRI_LIVE_RING - WEIRI_LIVE_LINE;
    }
    if (!is_whole) {
        uint64_t now = atomic_load_explicit(&page->ring_end, memory_order_acquire);
        *n_lost += now - self->at;
        self->at = now;
        return 0;
    }
    self->at += sizeof *head + size;
    return size;
}

size_t
weiri_view_next(weiri_view *self, char *line, weiri_live_kind *kind, uint64_t *n_lost)
{
    weiri_live_head head = { 0 };
    size_t          size = next_line(self, line, &head, n_lost);
    while (size > 0 && self->has_wished && head.wish != self->wish) {
        size = next_line(self, line, &head, n_lost); /* what another had asked for */
    }
    *kind = (weiri_live_kind)head.kind;
    return size;
}
