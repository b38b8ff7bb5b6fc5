/* geo: which country an IPv4 address belongs to, by a sorted list of ranges.
 *
 * The list is read when the actor is opened and never changes, so there is no state: each
 * event is looked up by itself, in as many steps as the list's length has bits.
 */
#include <weir/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTRY = 3, RANGES = 1 << 20 };

struct range {
    uint32_t first;
    uint32_t last;
    char     country[COUNTRY];
};

struct geo {
    struct range *ranges; /* sorted, apart from each other */
    size_t        n;
};

/* Four numbers below 256 with dots between, and nothing else; false if it is not. */
static bool
parse_address(const char *text, size_t size, uint32_t *out)
{
    uint32_t address = 0;
    size_t   at      = 0;
    for (int part = 0; part < 4; part++) {
        uint32_t number = 0;
        size_t   first  = at;
        while (at < size && text[at] >= '0' && text[at] <= '9' && at - first < 3) {
            number = 10 * number + (uint32_t)(text[at++] - '0');
        }
        if (at == first || number > 255
            || (part < 3 && (at == size || text[at++] != '.'))) {
            return false;
        }
        address = address << 8 | number;
    }
    *out = address;
    return at == size;
}

/* first,last,country */
static bool
parse_range(const char *line, struct range *out)
{
    size_t      size   = strcspn(line, "\r\n");
    const char *comma  = memchr(line, ',', size);
    const char *second = comma == NULL ? NULL : strchr(comma + 1, ',');
    if (second == NULL || (size_t)(second - line) + COUNTRY != size) {
        return false;
    }
    out->country[0] = second[1];
    out->country[1] = second[2];
    return parse_address(line, (size_t)(comma - line), &out->first)
           && parse_address(comma + 1, (size_t)(second - comma) - 1, &out->last)
           && out->first <= out->last;
}

static bool
add_range(weir_plugin_call *call, struct geo *self, const struct range *range)
{
    if (self->n > 0 && range->first <= self->ranges[self->n - 1].last) {
        return call->host->fail(
            call, "range %zu begins before the one above it ends", self->n + 1);
    }
    if ((self->n & (self->n - 1)) == 0) {
        size_t        room = self->n == 0 ? 1 : 2 * self->n;
        struct range *grown =
            room > RANGES ? NULL : realloc(self->ranges, room * sizeof *grown);
        if (grown == NULL) {
            return call->host->fail(call, "too many ranges");
        }
        self->ranges = grown;
    }
    self->ranges[self->n++] = *range;
    return true;
}

static bool
read_ranges(weir_plugin_call *call, struct geo *self, FILE *file)
{
    char line[100];
    for (size_t n = 1; fgets(line, sizeof line, file) != NULL; n++) {
        struct range range = { 0, 0, "" };
        if (line[0] == '#') {
            continue;
        }
        if (!parse_range(line, &range)) {
            return call->host->fail(
                call, "line %zu is not like '1.0.0.0,1.0.0.255,AU'", n);
        }
        if (!add_range(call, self, &range)) {
            return false;
        }
    }
    return true;
}

static void
close_geo(void *actor)
{
    struct geo *self = actor;
    free(self->ranges);
    free(self);
}

static bool
open_geo(weir_plugin_call *call, const weir_plugin_setup *setup, void **out)
{
    struct geo *self = calloc(1, sizeof *self);
    FILE       *file = fopen(setup->params[0].as.s, "r");
    if (self == NULL || file == NULL) {
        call->host->fail(call, "cannot open '%s'", setup->params[0].as.s);
        if (file != NULL) {
            fclose(file);
        }
        free(self);
        return false;
    }
    bool is_ok = read_ranges(call, self, file);
    fclose(file);
    if (!is_ok) {
        close_geo(self);
        return false;
    }
    *out = self;
    return true;
}

static const struct range *
find(const struct geo *self, uint32_t address)
{
    size_t first = 0;
    size_t n     = self->n;
    while (n > 0) {
        size_t half = n / 2;
        if (self->ranges[first + half].last < address) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first < self->n && self->ranges[first].first <= address ? &self->ranges[first]
                                                                   : NULL;
}

static bool
locate(weir_plugin_call *call, void *actor, void *state, uint32_t row, int64_t time_ns,
    const weir_value *values)
{
    uint32_t   address = 0;
    weir_value country = weir_plugin_null(WEIR_STRING);
    (void)state;
    (void)time_ns;
    if (!parse_address(values[0].as.s, values[0].size, &address)) {
        return call->host->fail(
            call, "'%.*s' is no IPv4 address", (int)values[0].size, values[0].as.s);
    }
    const struct range *range = find(actor, address);
    if (range != NULL) {
        country = weir_plugin_string(range->country, 2);
    }
    return call->host->emit(call, row, &country, 1);
}

static uint32_t
on_rows(weir_plugin_call *call, void *self, void *state, const weir_plugin_rows *rows)
{
    return weir_plugin_each(call, self, state, rows, locate);
}

static const weir_plugin_field params[] = {
    { .name = "db", .type = WEIR_STRING, .is_path = true },
};
static const weir_plugin_field inputs[]  = { { .name = "ip", .type = WEIR_STRING } };
static const weir_plugin_field outputs[] = {
    { .name = "country", .type = WEIR_STRING, .is_nullable = true },
};

static const weir_plugin_actor geo = {
    .size      = sizeof geo,
    .name      = "geo",
    .params    = params,
    .n_params  = 1,
    .inputs    = inputs,
    .n_inputs  = 1,
    .outputs   = outputs,
    .n_outputs = 1,
    .flags     = WEIR_PLUGIN_KEEPS_EVENT,
    .open      = open_geo,
    .close     = close_geo,
    .on_rows   = on_rows,
};
static const weir_plugin_actor *const actors[] = { &geo };

WEIR_PLUGIN_DEFINE("geo", "1.0.0", actors, 1, NULL, 0)
