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
    void                 *library;
    weir_plugin           about;
    weir_plugin_actor    *actors;    /* shape (about.n_actors,)    */
    weir_plugin_function *functions; /* shape (about.n_functions,) */
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
check_actor(const weir_plugin_actor *actor, weir_error *err)
{
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
check_function(const weir_plugin_function *function, weir_error *err)
{
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

/* ---- reading the tables ---- */

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

static weir_status
read_actors(weiri_plugin *self, weir_error *err)
{
    for (uint32_t i = 0; i < self->about.n_actors; i++) {
        weir_plugin_actor *actor = &self->actors[i];
        if (!copy_table(actor, sizeof *actor, LEAST(weir_plugin_actor, state_load),
                self->about.actors[i])) {
            return WEIR_FAIL(err, WEIR_EABI,
                "the table of actor %u is too small: set its 'size' to its sizeof",
                (unsigned)i + 1);
        }
        weir_status status = check_actor(actor, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
}

static weir_status
read_functions(weiri_plugin *self, weir_error *err)
{
    for (uint32_t i = 0; i < self->about.n_functions; i++) {
        weir_plugin_function *function = &self->functions[i];
        if (!copy_table(function, sizeof *function, LEAST(weir_plugin_function, evaluate),
                self->about.functions[i])) {
            return WEIR_FAIL(err, WEIR_EABI,
                "the table of function %u is too small: set its 'size' to its sizeof",
                (unsigned)i + 1);
        }
        weir_status status = check_function(function, err);
        if (status != WEIR_OK) {
            return status;
        }
    }
    return WEIR_OK;
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
    if (!is_name(about->name) || about->n_actors > PARTS || about->n_functions > PARTS
        || (about->n_actors > 0 && about->actors == NULL)
        || (about->n_functions > 0 && about->functions == NULL)) {
        return WEIR_FAIL(err, WEIR_EABI,
            "its table has no name like 'geo_2', or not as many actors and functions as "
            "it says");
    }
    return WEIR_OK;
}

static weir_status
read_tables(weiri_plugin *self, const weir_plugin *about, weir_error *err)
{
    weir_status status = read_about(self, about, err);
    if (status != WEIR_OK) {
        self->about.n_actors = self->about.n_functions = 0;
        return status;
    }
    self->actors = calloc(self->about.n_actors + (size_t)1, sizeof *self->actors);
    self->functions =
        calloc(self->about.n_functions + (size_t)1, sizeof *self->functions);
    if (self->actors == NULL || self->functions == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "%s", weir_status_text(WEIR_ENOMEM));
    }
    status = read_actors(self, err);
    return status == WEIR_OK ? read_functions(self, err) : status;
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
