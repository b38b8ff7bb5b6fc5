#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    weiri_arena *arena;
    const char  *at;
    bool         is_bad;
} reader;

static json
read_value(reader *r);

static void
skip_space(reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

static bool
accept(reader *r, const char *token)
{
    skip_space(r);
    size_t n = strlen(token);
    if (strncmp(r->at, token, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

static char
unescaped(char c)
{
    static const char from[] = "nrtbf";
    static const char to[]   = "\n\r\t\b\f";
    const char       *found  = strchr(from, c);
    return found != NULL && c != 0 ? to[found - from] : c;
}

/* Without \u, which the corpora do not need in what is compared. */
static const char *
read_text(reader *r)
{
    const char *end = r->at;
    while (*end != '"' && *end != 0) {
        end += *end == '\\' && end[1] != 0 ? 2 : 1;
    }
    char  *text = weiri_arena_alloc(r->arena, (size_t)(end - r->at) + 1);
    size_t n    = 0;
    for (const char *c = r->at; c < end; c++) {
        text[n++] = *c == '\\' ? unescaped(*++c) : *c;
    }
    r->is_bad = r->is_bad || *end != '"';
    r->at     = *end == '"' ? end + 1 : end;
    return text;
}

static void
read_items(reader *r, json *out, const char *close)
{
    uint32_t n = 0;
    if (accept(r, close)) {
        return;
    }
    do {
        if (out->kind == JSON_OBJECT) {
            r->is_bad        = r->is_bad || !accept(r, "\"");
            const char *name = read_text(r);
            r->is_bad        = r->is_bad || !accept(r, ":");
            n                = out->n_items;
            WEIRI_ARENA_PUSH(r->arena, out->names, n, name);
        }
        json item = read_value(r);
        WEIRI_ARENA_PUSH(r->arena, out->items, out->n_items, item);
    } while (!r->is_bad && accept(r, ","));
    r->is_bad = r->is_bad || !accept(r, close);
}

static json
read_value(reader *r)
{
    json v = { .kind = JSON_NULL };
    if (accept(r, "null")) {
        return v;
    }
    if (accept(r, "true") || accept(r, "false")) {
        v.kind = r->at[-2] == 'u' ? JSON_TRUE : JSON_FALSE;
    } else if (accept(r, "\"")) {
        v.kind = JSON_STRING;
        v.text = read_text(r);
    } else if (accept(r, "[")) {
        v.kind = JSON_ARRAY;
        read_items(r, &v, "]");
    } else if (accept(r, "{")) {
        v.kind = JSON_OBJECT;
        read_items(r, &v, "}");
    } else {
        char *end = NULL;
        v.kind    = JSON_NUMBER;
        v.number  = strtod(r->at, &end);
        r->is_bad = r->is_bad || end == r->at;
        r->at     = end;
    }
    return v;
}

const json *
json_parse(weiri_arena *arena, const char *text)
{
    reader r   = { .arena = arena, .at = text };
    json  *out = weiri_arena_alloc(arena, sizeof *out);
    *out       = read_value(&r);
    skip_space(&r);
    return r.is_bad || *r.at != 0 ? NULL : out;
}

const json *
json_get(const json *object, const char *name)
{
    for (uint32_t i = 0; object != NULL && i < object->n_items; i++) {
        if (object->names != NULL && strcmp(object->names[i], name) == 0) {
            return object->items[i].kind == JSON_NULL ? NULL : &object->items[i];
        }
    }
    return NULL;
}

double
json_number(const json *object, const char *name, double otherwise)
{
    const json *v = json_get(object, name);
    return v != NULL && v->kind == JSON_NUMBER ? v->number : otherwise;
}

bool
json_true(const json *object, const char *name)
{
    const json *v = json_get(object, name);
    return v != NULL && v->kind == JSON_TRUE;
}

const char *
json_text(const json *object, const char *name, const char *otherwise)
{
    const json *v = json_get(object, name);
    return v != NULL && v->kind == JSON_STRING ? v->text : otherwise;
}
