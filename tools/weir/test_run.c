/* Tests share nothing, so each worker process takes every n-th and writes what came of
 * them into a pipe; this one puts it in the order of the tests. */
#include "test_run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "story.h"

enum { JOBS = 64 };

/* ---- one test ---- */

struct notes {
    const weiri_plan *plan;
    FILE             *out;
};

static void
put_indented(FILE *out, const char *text, size_t size)
{
    while (size > 0) {
        const char *end  = memchr(text, '\n', size);
        size_t      line = end != NULL ? (size_t)(end - text) : size;
        fprintf(out, "    %.*s\n", (int)line, text);
        line += end != NULL;
        text += line;
        size -= line;
    }
}

static void
on_failed(void *context, const weiri_ruletest_failure *failure)
{
    const struct notes    *notes = context;
    const weiri_test_line *line  = failure->line;
    const char            *name  = notes->plan->streams[line->stream].schema.name;
    fprintf(notes->out, "  %s:%u: expected ", line->place.file, line->place.line);
    if (line->kind == WEIRI_TEST_EXPECT_NO) {
        fprintf(notes->out, "no such '%s', but %u came\n", name, failure->n_found);
    } else if (line->count == WEIRI_NONE) {
        fprintf(notes->out, "a such '%s', found %u\n", name, failure->n_found);
    } else {
        fprintf(
            notes->out, "%u such '%s', found %u\n", line->count, name, failure->n_found);
    }
    fprintf(notes->out, "  what came out of '%s':%s\n", name,
        failure->size > 0 ? "" : " nothing");
    put_indented(notes->out, failure->came, failure->size);
    if (failure->rule != NULL) {
        tell_failed_test(failure, "  ", notes->out);
    }
}

/* Whether a file that the test feeds could not be read. */
static bool
is_of_file(weir_status status)
{
    return status == WEIR_ENOENT || status == WEIR_EIO || status == WEIR_EDATA;
}

static weir_status
run_one(const weiri_plan *plan, const weiri_test *test, test_outcome *outcome,
    weiri_coverage *coverage)
{
    weir_error   err   = { .status = WEIR_OK };
    struct notes notes = { .plan = plan,
        .out                     = open_memstream(&outcome->text, &outcome->size) };
    if (notes.out == NULL) {
        return WEIR_ENOMEM;
    }
    const weiri_ruletest_report report = {
        .failed = on_failed, .context = &notes, .coverage = coverage
    };
    outcome->test   = test;
    outcome->status = weiri_ruletest_run(plan, test, &report, &outcome->n_failed, &err);
    if (is_of_file(outcome->status)) { /* of this test alone: the others can be run */
        fprintf(notes.out, "  %s\n", err.text);
        outcome->status   = WEIR_OK;
        outcome->n_failed = 1;
    } else if (outcome->status != WEIR_OK) {
        fprintf(notes.out, "%s",
            err.text[0] != '\0' ? err.text : weir_status_text(outcome->status));
    }
    return fclose(notes.out) == 0 ? WEIR_OK : WEIR_ENOMEM;
}

void
test_outcomes_fini(test_outcome *outcomes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        free(outcomes[i].text);
    }
}

/* ---- workers ---- */

struct work {
    const weiri_plan        *plan;
    const weiri_test *const *tests;
    uint32_t                 n;
    uint32_t                 n_jobs;
    weiri_coverage          *coverage;
};

/* What a worker writes for each test; its text follows. At the end come one with `index`
 * n, and what it covers. */
struct record {
    uint32_t    index;
    uint32_t    n_failed;
    weir_status status;
    size_t      size;
};

static bool
write_all(FILE *to, const void *bytes, size_t size)
{
    return size == 0 || fwrite(bytes, 1, size, to) == size;
}

static bool
work(const struct work *self, uint32_t job, FILE *to)
{
    for (uint32_t i = job; i < self->n; i += self->n_jobs) {
        test_outcome outcome = { .text = NULL };
        if (run_one(self->plan, self->tests[i], &outcome, self->coverage) != WEIR_OK) {
            return false;
        }
        const struct record record  = { i, outcome.n_failed, outcome.status,
             outcome.size };
        bool                is_done = write_all(to, &record, sizeof record)
                       && write_all(to, outcome.text, outcome.size);
        free(outcome.text);
        if (!is_done) {
            return false;
        }
    }
    const struct record end = { .index = self->n };
    return write_all(to, &end, sizeof end)
           && (self->coverage == NULL
               || write_all(to, self->coverage->hits,
                   self->coverage->n_points * sizeof *self->coverage->hits));
}

struct worker {
    pid_t  process;
    int    from;
    char  *bytes; /* what came of it */
    size_t size;
    size_t room;
    bool   is_done;
};

static bool
start(struct worker *worker, const struct work *self, uint32_t job)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    worker->process = fork();
    if (worker->process == 0) {
        close(ends[0]);
        FILE *to      = fdopen(ends[1], "wb");
        bool  is_done = to != NULL && work(self, job, to) && fclose(to) == 0;
        _exit(is_done ? 0 : 1);
    }
    close(ends[1]);
    worker->from = ends[0];
    if (worker->process < 0) {
        close(ends[0]);
    }
    return worker->process > 0;
}

/* Take what a pipe holds; false when memory is out. */
static bool
drain(struct worker *worker)
{
    if (worker->room - worker->size < 4096) {
        size_t room  = 2 * worker->room + 8192;
        char  *bytes = realloc(worker->bytes, room);
        if (bytes == NULL) {
            return false;
        }
        worker->bytes = bytes;
        worker->room  = room;
    }
    ssize_t n =
        read(worker->from, worker->bytes + worker->size, worker->room - worker->size);
    worker->size += n > 0 ? (size_t)n : 0;
    worker->is_done = n == 0 || (n < 0 && errno != EINTR);
    return true;
}

static bool
gather(struct worker *workers, uint32_t n_workers)
{
    for (;;) {
        struct pollfd waits[JOBS];
        uint32_t      n_open = 0;
        for (uint32_t i = 0; i < n_workers; i++) {
            waits[i] = (struct pollfd){ .fd = workers[i].is_done ? -1 : workers[i].from,
                .events                     = POLLIN };
            n_open += !workers[i].is_done;
        }
        if (n_open == 0) {
            return true;
        }
        if (poll(waits, n_workers, -1) < 0 && errno != EINTR) {
            return false;
        }
        for (uint32_t i = 0; i < n_workers; i++) {
            if (waits[i].fd >= 0 && waits[i].revents != 0 && !drain(&workers[i])) {
                return false;
            }
        }
    }
}

/* The records of a worker that has ended; false if they are not whole. */
static bool
read_records(const struct work *self, const struct worker *worker, test_outcome *outcomes)
{
    struct record record;
    size_t        at = 0;
    while (worker->size - at >= sizeof record) {
        memcpy(&record, worker->bytes + at, sizeof record);
        at += sizeof record;
        if (record.index >= self->n) {
            break;
        }
        test_outcome *outcome = &outcomes[record.index];
        *outcome              = (test_outcome){ self->tests[record.index], record.status,
                         record.n_failed, malloc(record.size + 1), record.size };
        if (outcome->text == NULL || worker->size - at < record.size) {
            return false;
        }
        memcpy(outcome->text, worker->bytes + at, record.size);
        outcome->text[record.size] = '\0';
        at += record.size;
    }
    for (uint32_t i = 0; self->coverage != NULL && i < self->coverage->n_points; i++) {
        uint64_t hits = 0;
        if (worker->size - at < sizeof hits) {
            return false;
        }
        memcpy(&hits, worker->bytes + at, sizeof hits);
        self->coverage->hits[i] += hits;
        at += sizeof hits;
    }
    return at == worker->size;
}

static bool
has_ended_well(const struct worker *worker)
{
    int status = 0;
    while (waitpid(worker->process, &status, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
run_workers(const struct work *self, test_outcome *outcomes)
{
    struct worker workers[JOBS] = { { .process = 0 } };
    uint32_t      n             = 0;
    bool          is_fine       = true;
    fflush(stdout);
    while (n < self->n_jobs && is_fine) {
        is_fine = start(&workers[n], self, n);
        n += is_fine;
    }
    is_fine = gather(workers, n) && is_fine;
    for (uint32_t i = 0; i < n; i++) {
        close(workers[i].from);
        is_fine = has_ended_well(&workers[i]) && is_fine;
    }
    for (uint32_t i = 0; i < n; i++) {
        is_fine = is_fine && read_records(self, &workers[i], outcomes);
        free(workers[i].bytes);
    }
    return is_fine;
}

weir_status
tests_run(const weiri_plan *plan, const weiri_test *const *tests, uint32_t n,
    uint32_t n_jobs, test_outcome *outcomes, weiri_coverage *coverage, weir_error *err)
{
    const struct work work = { plan, tests, n, n_jobs < JOBS ? n_jobs : JOBS, coverage };
    if (work.n_jobs > 1 && n > 1) {
        return run_workers(&work, outcomes)
                   ? WEIR_OK
                   : WEIR_FAIL(err, WEIR_EIO, "a process that ran tests has failed");
    }
    for (uint32_t i = 0; i < n; i++) {
        if (run_one(plan, tests[i], &outcomes[i], coverage) != WEIR_OK) {
            return WEIR_FAIL(err, WEIR_ENOMEM, "out of memory");
        }
    }
    return WEIR_OK;
}
