/* weiri_plugin: the door to dlfcn.h.
 *
 * Nothing in the object is believed before the magic number and the version have been
 * compared, and no function pointer is called before sizes have: tables are copied into
 * zeroed ones of ours, so that what an older plugin does not have is NULL. (The Erlang
 * NIF's entry works alike.)
 */
#include "weiri/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weiri/limits.h"

enum { PARTS = 256, NAME_BYTES = 64, FUNCTION_PARAMS = 16 };

/* What the tables of ABI 1.0 had: a smaller one was never promised. */
#define LEAST(type, last) (offsetof(type, last) + sizeof(((type *)NULL)->last))

struct weiri_plugin {
    void                  *library;
    weir_plugin            about;
    weir_plugin_actor     *actors;    /* shape (about.n_actors,)    */
    weir_plugin_function  *functions; /* shape (about.n_functions,) */
    weir_plugin_aggregate *aggregates;
    weir_plugin_source    *sources;
    weir_plugin_sink      *sinks;
    weir_plugin_codec     *codecs;
};

/* ---- what is declared ---- */

static bool
is_name(const char *name)
{
    if (name == NULL || name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return name[size] == 0 && size <= NAME_BYTES;
}

static bool
is_type(uint8_t type)
{
    return type >= WEIR_BOOL && type <= WEIR_DURATION;
}

static weir_status
check_fields(const weir_plugin_field *fields, uint32_t n, const char *of,
    const char *what, weir_error *err)
{
    if (n > WEIRI_FIELDS || (n > 0 && fields == NULL)) {
        return WEIR_FAIL(err, WEIR_EABI, "'%s' declares %u %ss, from 0 to %d can be", of,
            (unsigned)n, what, WEIRI_FIELDS);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!is_name(fields[i].name) || !is_type(fields[i].type)) {
            return WEIR_FAIL(err, WEIR_EABI,
                "'%s' declares %s %u without a name like 'city_2' or a type that it can "
                "have",
                of, what, (unsigned)i + 1);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(fields[i].name, fields[j].name) == 0) {
                return WEIR_FAIL(err, WEIR_EABI, "'%s' declares %s '%s' twice", of, what,
                    fields[i].name);
            }
        }
    }
    return WEIR_OK;
}

static weir_status
check_actor(const void *table, weir_error *err)
{
    const weir_plugin_actor *actor = table;
    if (!is_name(actor->name) || actor->on_rows == NULL) {
        return WEIR_FAIL(
            err, WEIR_EABI, "an actor needs a name like 'geo_2' and on_rows");
    }
    if ((actor->state_new == NULL) != (actor->state_free == NULL)
        || (actor->state_save == NULL) != (actor->state_load == NULL)
        || (actor->state_save != NULL && actor->state_new == NULL)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "actor '%s' has one of state_new and state_free, or of state_save and "
            "state_load, and not the other",
            actor->name);
    }
    if (actor->n_inputs > 0 && (actor->flags & WEIR_PLUGIN_TAKES_NUMBERS) != 0) {
        return WEIR_FAIL(err, WEIR_EABI,
            "actor '%s' takes all numbers and declares inputs as well", actor->name);
    }
    weir_status status =
        check_fields(actor->params, actor->n_params, actor->name, "parameter", err);
    if (status == WEIR_OK) {
        status = check_fields(actor->inputs, actor->n_inputs, actor->name, "input", err);
    }
    return status == WEIR_OK ? check_fields(
               actor->outputs, actor->n_outputs, actor->name, "output", err)
                             : status;
}

static weir_status
check_function(const void *table, weir_error *err)
{
    const weir_plugin_function *function = table;
    if (!is_name(function->name) || function->evaluate == NULL
        || !is_type(function->result) || function->n_params > FUNCTION_PARAMS) {
        return WEIR_FAIL(err, WEIR_EABI,
            "a function needs a name like 'score_2', the type of its result, at most %d "
            "parameters, and evaluate",
            FUNCTION_PARAMS);
    }
    return check_fields(
        function->params, function->n_params, function->name, "parameter", err);
}

static weir_status
check_aggregate(const void *table, weir_error *err)
{
    const weir_plugin_aggregate *of = table;
    if (!is_name(of->name) || !is_type(of->result) || of->n_inputs < 1 || of->n_inputs > 2
        || of->state_new == NULL || of->state_free == NULL || of->add == NULL
        || of->finish == NULL || of->state_save == NULL || of->state_load == NULL) {
        return WEIR_FAIL(err, WEIR_EABI,
            "an aggregate needs a name like 'mad_2', the type of its result, 1 or 2 "
            "inputs, state_new, state_free, add, finish, state_save and state_load");
    }
    weir_status status =
        check_fields(of->params, of->n_params, of->name, "parameter", err);
    return status == WEIR_OK
               ? check_fields(of->inputs, of->n_inputs, of->name, "input", err)
               : status;
}

static weir_status
check_source(const void *table, weir_error *err)
{
    const weir_plugin_source *of = table;
    if (!is_name(of->name) || (of->read == NULL) == (of->read_rows == NULL)
        || (of->position == NULL) != (of->seek == NULL)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "a source needs a name like 'mqtt_2', either read or read_rows, and both of "
            "position and seek or neither");
    }
    if ((of->n_outputs > 0) != (of->read_rows != NULL)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "source '%s' has outputs without read_rows, or the other way", of->name);
    }
    weir_status status =
        check_fields(of->params, of->n_params, of->name, "parameter", err);
    return status == WEIR_OK
               ? check_fields(of->outputs, of->n_outputs, of->name, "output", err)
               : status;
}

static weir_status
check_sink(const void *table, weir_error *err)
{
    const weir_plugin_sink *of = table;
    if (!is_name(of->name) || (of->write == NULL) == (of->write_rows == NULL)
        || (of->position == NULL) != (of->resume == NULL)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "a sink needs a name like 'mqtt_2', either write or write_rows, and both of "
            "position and resume or neither");
    }
    return check_fields(of->params, of->n_params, of->name, "parameter", err);
}

static weir_status
check_codec(const void *table, weir_error *err)
{
    const weir_plugin_codec *of = table;
    if (!is_name(of->name) || (of->decode == NULL && of->encode == NULL)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "a codec needs a name like 'avro_2', and decode, encode or both");
    }
    return check_fields(of->params, of->n_params, of->name, "parameter", err);
}

/* ---- reading the tables ---- */

/* A kind of part: what its table was when it came to be. */
struct part_kind {
    const char *name;
    size_t      size;
    size_t      least;
    weir_status (*check)(const void *table, weir_error *err);
};

#define PART(type, last) sizeof(type), LEAST(type, last)

static const struct part_kind ACTORS     = { "actor", PART(weir_plugin_actor, state_load),
        check_actor };
static const struct part_kind FUNCTIONS  = { "function",
     PART(weir_plugin_function, evaluate), check_function };
static const struct part_kind AGGREGATES = { "aggregate",
    PART(weir_plugin_aggregate, state_load), check_aggregate };
static const struct part_kind SOURCES = { "source", PART(weir_plugin_source, acknowledge),
    check_source };
static const struct part_kind SINKS   = { "sink", PART(weir_plugin_sink, resume),
      check_sink };
static const struct part_kind CODECS  = { "codec", PART(weir_plugin_codec, encode),
     check_codec };

/* Copy a table that says its own size. */
static bool
copy_table(void *to, size_t room, size_t least, const void *from)
{
    size_t size = 0;
    if (from == NULL) {
        return false;
    }
    memcpy(&size, from, sizeof size);
    if (size < least) {
        return false;
    }
    memcpy(to, from, size < room ? size : room);
    return true;
}

/* The tables of one kind, copied; *n is 0 if there is no room for them. */
static weir_status
read_parts(const struct part_kind *kind, const void *parts, uint32_t *n, void **out,
    weir_error *err)
{
    const void *const *tables = parts;
    char              *copies = calloc(*n + (size_t)1, kind->size);
    if (copies == NULL) {
        *n = 0;
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    *out = copies;
    for (uint32_t i = 0; i < *n; i++) {
        void *copy = copies + i * kind->size;
        if (!copy_table(copy, kind->size, kind->least, tables[i])) {
            return WEIR_FAIL(err, WEIR_EABI,
                "the table of %s %u is too small: set its 'size' to its sizeof",
                kind->name, (unsigned)i + 1);
        }
        weir_status status = kind->check(copy, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static bool
is_list(const void *parts, uint32_t n)
{
    return n <= PARTS && (n == 0 || parts != NULL);
}

static weir_status
read_about(weiri_plugin *self, const weir_plugin *about, weir_error *err)
{
    if (about == NULL || about->magic != WEIR_PLUGIN_MAGIC) {
        return WEIR_FAIL(err, WEIR_EABI,
            "it is no plugin of Weir: its weir_plugin_entry does not begin with the "
            "magic number");
    }
    if (about->abi_major != WEIR_PLUGIN_ABI_MAJOR
        || about->abi_minor > WEIR_PLUGIN_ABI_MINOR) {
        bool is_newer = about->abi_major > WEIR_PLUGIN_ABI_MAJOR
                        || about->abi_major == WEIR_PLUGIN_ABI_MAJOR;
        return WEIR_FAIL(err, WEIR_EABI,
            "it was built for plugin ABI %u.%u, this Weir speaks %d.%d: %s",
            about->abi_major, about->abi_minor, WEIR_PLUGIN_ABI_MAJOR,
            WEIR_PLUGIN_ABI_MINOR,
            is_newer ? "use a newer Weir, or build it with this one's weir/plugin.h"
                     : "build it again with this Weir's weir/plugin.h");
    }
    if (about->size < LEAST(weir_plugin, n_functions)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "its table is too small: use WEIR_PLUGIN_DEFINE, which sets its size");
    }
    memcpy(&self->about, about,
        about->size < sizeof self->about ? about->size : sizeof self->about);
    about = &self->about;
    if (!is_name(about->name) || !is_list(about->actors, about->n_actors)
        || !is_list(about->functions, about->n_functions)
        || !is_list(about->aggregates, about->n_aggregates)
        || !is_list(about->sources, about->n_sources)
        || !is_list(about->sinks, about->n_sinks)
        || !is_list(about->codecs, about->n_codecs)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "its table has no name like 'geo_2', or not as many actors, functions and "
            "other parts as it says");
    }
    return WEIR_OK;
}

static weir_status
read_tables(weiri_plugin *self, const weir_plugin *about, weir_error *err)
{
    weir_status  status = read_about(self, about, err);
    weir_plugin *of     = &self->about;
    if (status != WEIR_OK) {
        *of = (weir_plugin){ 0 };
        return status;
    }
    const struct {
        const struct part_kind *kind;
        const void             *parts;
        uint32_t               *n;
        void                  **out;
    } all[] = {
        { &ACTORS, of->actors, &of->n_actors, (void **)&self->actors },
        { &FUNCTIONS, of->functions, &of->n_functions, (void **)&self->functions },
        { &AGGREGATES, of->aggregates, &of->n_aggregates, (void **)&self->aggregates },
        { &SOURCES, of->sources, &of->n_sources, (void **)&self->sources },
        { &SINKS, of->sinks, &of->n_sinks, (void **)&self->sinks },
        { &CODECS, of->codecs, &of->n_codecs, (void **)&self->codecs },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0] && status == WEIR_OK; i++) {
        status = read_parts(all[i].kind, all[i].parts, all[i].n, all[i].out, err);
    }
    return status;
}

/* ---- opening and closing ---- */

/* dlerror is per thread where it matters, and names the file itself. */
static const char *
reason(void)
{
    const char *text = dlerror(); /* NOLINT(concurrency-mt-unsafe) */
    return text == NULL ? "no reason is given" : text;
}

static weir_status
load(weiri_plugin *self, const char *path, weir_error *err)
{
    char beside[4096]; /* without a slash the system would search its own folders */
    int  size                         = snprintf(beside, sizeof beside, "./%s", path);
    bool is_bare                      = strchr(path, '/') == NULL;
    const weir_plugin *(*entry)(void) = NULL;
    if (size < 0 || (size_t)size >= sizeof beside) {
        return WEIR_FAIL(err, WEIR_EINVAL, "the path is too long");
    }
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return WEIR_FAIL(err, WEIR_ENOENT, "there is no such file");
    }
    self->library = dlopen(is_bare ? beside : path, RTLD_NOW | RTLD_LOCAL);
    if (self->library == NULL) {
        return WEIR_FAIL(err, WEIR_EIO, "it cannot be loaded: %s", reason());
    }
    void *symbol = dlsym(self->library, "weir_plugin_entry");
    if (symbol == NULL) {
        return WEIR_FAIL(err, WEIR_EABI,
            "it is no plugin of Weir: it has no weir_plugin_entry, which "
            "WEIR_PLUGIN_DEFINE makes");
    }
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from one to the other */
    return read_tables(self, entry(), err);
}

weir_status
weiri_plugin_open(const char *path, weiri_plugin **out, weir_error *err)
{
    weiri_plugin *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    weir_status status = load(self, path, err);
    if (status != WEIR_OK) {
        weiri_plugin_close(&self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void
weiri_plugin_close(weiri_plugin **self_p)
{
    weiri_plugin *self = *self_p;
    if (self == NULL) {
        return;
    }
    if (self->library != NULL) {
        dlclose(self->library);
    }
    free(self->actors);
    free(self->functions);
    free(self->aggregates);
    free(self->sources);
    free(self->sinks);
    free(self->codecs);
    free(self);
    *self_p = NULL;
}

const char *
weiri_plugin_name(const weiri_plugin *self)
{
    return self->about.name;
}

const weir_plugin_actor *
weiri_plugin_actor(const weiri_plugin *self, uint32_t i)
{
    return i < self->about.n_actors ? &self->actors[i] : NULL;
}

const weir_plugin_function *
weiri_plugin_function(const weiri_plugin *self, uint32_t i)
{
    return i < self->about.n_functions ? &self->functions[i] : NULL;
}

const weir_plugin_aggregate *
weiri_plugin_aggregate(const weiri_plugin *self, uint32_t i)
{
    return i < self->about.n_aggregates ? &self->aggregates[i] : NULL;
}

const weir_plugin_source *
weiri_plugin_source(const weiri_plugin *self, uint32_t i)
{
    return i < self->about.n_sources ? &self->sources[i] : NULL;
}

const weir_plugin_sink *
weiri_plugin_sink(const weiri_plugin *self, uint32_t i)
{
    return i < self->about.n_sinks ? &self->sinks[i] : NULL;
}

const weir_plugin_codec *
weiri_plugin_codec(const weiri_plugin *self, uint32_t i)
{
    return i < self->about.n_codecs ? &self->codecs[i] : NULL;
}
