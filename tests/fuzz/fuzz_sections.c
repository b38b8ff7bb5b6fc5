#define _POSIX_C_SOURCE 200809L
/* Any bytes as the state of a whole run: refused, or what comes of it is harmless.
 *
 * The first byte says how: a list of sections as it comes (the hash at its end is made
 * here, since no fuzzer would guess it), or the sections of a real run, of which the
 * second byte picks one that gets the rest from the place that the third and fourth say;
 * the lowest bit of the first says whether it ends there. State by key gets its checksum.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weiri/dsl.h"
#include "weiri/engine.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 4, MODES = 4, MOST_TURNS = 64 };

static const char RULES[] =
    "stream r { at time unit ms, id int, s string }\n"
    "source r from file(\"/dev/null\") format json lateness 1s\n"
    "sink a to file(\"/dev/null\") format json\n"
    "sink b to file(\"/dev/null\") format json\n"
    "sink c to file(\"/dev/null\") format json\n"
    "sink d to file(\"/dev/null\") format json\n"
    "rule one {\n match p: r -> q: r(s == p.s)\n by id\n within 1m\n"
    " emit a { id, s: q.s }\n}\n"
    "rule two {\n from r\n by id\n window tumbling 10s\n emit b { id, n: count() }\n}\n"
    "rule three {\n from late.r\n emit c { id, was: original_at }\n}\n"
    "rule four {\n from dead.r\n emit d { line, reason }\n}\n";

static const char EVENTS[] = "{\"at\":1000,\"id\":1,\"s\":\"x\"}\n"
                             "{\"at\":5000,\"id\":2,\"s\":\"y\"}\n"
                             "{\"at\":5100,\"id\":1,\"s\":\"x\"}\n"
                             "{\"at\":100,\"id\":1,\"s\":\"late\"}\n"
                             "dead\n"
                             "{\"at\":5200,\"id\":3,\"s\":\"waits\"}\n";

static weiri_plan *
compile(void)
{
    const weiri_compile_options options     = { 0 };
    weiri_diagnostics          *diagnostics = NULL;
    weiri_plan                 *plan        = NULL;
    weir_error                  err         = { .status = WEIR_OK };
    if (weiri_diagnostics_new(&diagnostics) != WEIR_OK
        || weiri_compile_text(
               "fuzz.weir", RULES, sizeof RULES - 1, &options, diagnostics, &plan, &err)
               != WEIR_OK) {
        weiri_diagnostics_print(diagnostics, stderr, false);
        abort();
    }
    weiri_diagnostics_destroy(&diagnostics);
    return plan;
}

/* Turns until nothing more comes. */
static weir_status
drive(weiri_engine *engine)
{
    weir_error  err    = { .status = WEIR_OK };
    weir_status status = WEIR_OK;
    for (int i = 0; i < MOST_TURNS && status == WEIR_OK; i++) {
        status = weiri_engine_turn(engine, &err);
    }
    return status;
}

static void
save(weiri_engine *engine, weiri_sections *out)
{
    weir_error err = { .status = WEIR_OK };
    if (weiri_engine_flush(engine, &err) != WEIR_OK
        || weiri_engine_save(engine, out, &err) != WEIR_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

/* The sections of a run that has read all events and not ended. */
static void
run_once(const weiri_plan *plan, weiri_sections *out)
{
    int                  ends[2];
    char                 path[32];
    weiri_redirect       from    = { .path = path };
    weiri_engine_options options = { .redirects = &from, .n_redirects = 1 };
    weiri_engine        *engine  = NULL;
    weir_error           err     = { .status = WEIR_OK };
    if (pipe(ends) != 0
        || write(ends[1], EVENTS, sizeof EVENTS - 1) != (ssize_t)sizeof EVENTS - 1) {
        abort();
    }
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    if (weiri_engine_new(plan, &options, &engine, &err) != WEIR_OK
        || weiri_engine_turn(engine, &err) != WEIR_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    save(engine, out);
    weiri_engine_destroy(&engine);
    close(ends[0]);
    close(ends[1]);
}

static void
try_load(const weiri_plan *plan, const weiri_sections *sections)
{
    const weiri_restore  restore = { .sections = sections };
    weiri_engine_options options = { .restore = &restore };
    weiri_engine        *engine  = NULL;
    weir_error           err     = { .status = WEIR_OK };
    weir_status          status  = weiri_engine_new(plan, &options, &engine, &err);
    if (status != WEIR_OK) {
        if (status == WEIR_ENOENT || err.text[0] == '\0') {
            abort(); /* it has to say why */
        }
        return;
    }
    weiri_sections again = { 0 };
    save(engine, &again); /* what was loaded can be saved */
    weiri_sections_fini(&again);
    status = drive(engine);
    if (status == WEIR_EOF) {
        status = weiri_engine_end(engine, &err);
    }
    weir_status closed = weiri_engine_close(engine, &err);
    if (status == WEIR_OK && closed != WEIR_OK) {
        abort(); /* nothing is wrong with the outputs */
    }
    weiri_engine_destroy(&engine);
}

/* Bytes as a list, with a hash that fits. */
static void
try_list(const weiri_plan *plan, const uint8_t *data, size_t size)
{
    weiri_pack     pack     = { 0 };
    weiri_sections sections = { 0 };
    weir_error     err      = { .status = WEIR_OK };
    weiri_pack_bytes(&pack, data, size);
    weiri_pack_fixed(&pack, weiri_hash_bytes(WEIRI_HASH_BEGIN, data, size));
    if (weiri_sections_unpack(&sections, pack.bytes, pack.size, &err) == WEIR_OK) {
        try_load(plan, &sections);
    }
    weiri_sections_fini(&sections);
    weiri_pack_fini(&pack);
}

/* State by key gets the checksum that fits. */
static void
seal(weiri_pack *pack)
{
    enum { CHECKSUM = 8 };
    if (pack->size > CHECKSUM + 5 && memcmp(pack->bytes, "weirK", 5) == 0) {
        pack->size -= CHECKSUM;
        weiri_pack_fixed(pack, weiri_checksum(WEIRI_HASH_BEGIN, pack->bytes, pack->size));
    }
}

/* The sections of `base`, one of them changed. */
static void
try_change(
    const weiri_plan *plan, const weiri_sections *base, const uint8_t *data, size_t size)
{
    weiri_sections changed = { 0 };
    for (uint32_t i = 0; i < base->n; i++) {
        const weiri_pack *was = &base->items[i].bytes;
        weiri_pack *pack      = weiri_sections_begin_named(&changed, base->items[i].name);
        if (pack == NULL) {
            abort();
        }
        if (i != data[1] % base->n) {
            weiri_pack_bytes(pack, was->bytes, was->size);
            continue;
        }
        size_t at   = (data[2] | (size_t)data[3] << 8) % (was->size + 1);
        size_t rest = at + size - HEAD;
        weiri_pack_bytes(pack, was->bytes, at);
        weiri_pack_bytes(pack, data + HEAD, size - HEAD);
        if (data[0] % 2 == 0 && rest < was->size) {
            weiri_pack_bytes(pack, was->bytes + rest, was->size - rest);
        }
        seal(pack);
    }
    try_load(plan, &changed);
    weiri_sections_fini(&changed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Made once for all inputs: the compiler has a target of its own. */
    static weiri_plan    *plan;
    static weiri_sections base;
    if (plan == NULL) {
        plan = compile();
        run_once(plan, &base);
        try_load(plan, &base);
    }
    if (size < HEAD) {
        return 0;
    }
    if (data[0] % MODES == 0) {
        try_list(plan, data + 1, size - 1);
    } else {
        try_change(plan, &base, data, size);
    }
    return 0;
}
