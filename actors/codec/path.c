#include "path.h"

#include <stdlib.h>
#include <string.h>

#include "weiri/limits.h"
#include "weiri/numtext.h"

static const char *
place_of(const weir_field *field)
{
    return field->from != NULL ? field->from : field->name;
}

/* How many nodes a path can need at most. */
static size_t
n_parts(const char *path)
{
    size_t n = 1;
    for (const char *p = path; path[0] == '/' && *p != '\0'; p++) {
        n += *p == '/' ? 1 : 0;
    }
    return n;
}

static weiri_paths *
allocate(const weir_schema *schema)
{
    size_t n_nodes = 1;
    size_t n_text  = 1;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        n_nodes += n_parts(place_of(&schema->fields[i]));
        n_text += strlen(place_of(&schema->fields[i]));
    }
    weiri_paths *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->nodes      = calloc(n_nodes, sizeof *self->nodes);
    self->next_field = calloc(schema->n_fields + 1, sizeof *self->next_field);
    self->text       = calloc(1, n_text);
    if (self->nodes == NULL || self->next_field == NULL || self->text == NULL) {
        weiri_paths_destroy(&self);
    }
    return self;
}

void
weiri_paths_destroy(weiri_paths **self_p)
{
    if (*self_p == NULL) {
        return;
    }
    free((*self_p)->nodes);
    free((*self_p)->next_field);
    free((*self_p)->text);
    free(*self_p);
    *self_p = NULL;
}

int32_t
weiri_paths_child(const weiri_paths *self, int32_t node, const char *key, size_t size)
{
    int32_t child = self->nodes[node].first_child;
    while (child >= 0
           && (self->nodes[child].key_size != size
               || memcmp(self->nodes[child].key, key, size) != 0)) {
        child = self->nodes[child].next_sibling;
    }
    return child;
}

int32_t
weiri_paths_item(const weiri_paths *self, int32_t node, int64_t index)
{
    int32_t child = self->nodes[node].first_child;
    while (child >= 0 && self->nodes[child].index != index) {
        child = self->nodes[child].next_sibling;
    }
    return child;
}

/* RFC 6901: digits without a leading zero. */
static int32_t
index_of(const char *key, size_t size)
{
    int64_t index = -1;
    bool    is_canonical =
        size > 0 && key[0] >= '0' && key[0] <= '9' && (key[0] != '0' || size == 1);
    if (!is_canonical || !weiri_int_parse(key, size, &index) || index > INT32_MAX) {
        return -1;
    }
    return (int32_t)index;
}

static int32_t
add_node(weiri_paths *self, const char *key, size_t size)
{
    self->nodes[self->n_nodes] = (weiri_path_node){ .key = key,
        .key_size                                        = (uint32_t)size,
        .index                                           = index_of(key, size),
        .first_child                                     = -1,
        .next_sibling                                    = -1,
        .field                                           = -1 };
    return (int32_t)self->n_nodes++;
}

static int32_t
child_for(weiri_paths *self, int32_t node, const char *key, size_t size)
{
    int32_t child = weiri_paths_child(self, node, key, size);
    if (child >= 0) {
        return child;
    }
    child         = add_node(self, key, size);
    int32_t *link = &self->nodes[node].first_child;
    while (*link >= 0) {
        link = &self->nodes[*link].next_sibling;
    }
    *link = child;
    return child;
}

/* One part of a pointer, ~0 and ~1 undone, to *text; *path goes to the next '/'. */
static bool
unescape_part(const char **path, char **text)
{
    const char *p = *path;
    for (; *p != '\0' && *p != '/'; p++) {
        if (*p == '~') {
            p++;
            if (*p != '0' && *p != '1') {
                return false;
            }
            *(*text)++ = *p == '0' ? '~' : '/';
        } else {
            *(*text)++ = *p;
        }
    }
    *path = p;
    return true;
}

static weir_status
add_pointer(weiri_paths *self, const weir_field *field, char **text, int32_t *node,
    weir_error *err)
{
    const char *path  = place_of(field);
    int         depth = 0;
    while (*path == '/') {
        char *key = *text;
        path++;
        if (!unescape_part(&path, text)) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "field '%s': in the path '%s', '~' has to be written ~0, and '/' inside "
                "a name ~1",
                field->name, field->from);
        }
        if (++depth > WEIRI_NESTING) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "field '%s': its path has more than %d parts", field->name,
                WEIRI_NESTING);
        }
        int32_t parent = *node;
        *node          = child_for(self, *node, key, (size_t)(*text - key));
        if (*text - key != 1 || *key != '*' || *node == self->item) {
            continue;
        }
        if (self->item >= 0) {
            return WEIR_FAIL(err, WEIR_EINVAL,
                "field '%s': a stream takes the items of one array", field->name);
        }
        self->each = parent;
        self->item = *node;
    }
    return WEIR_OK;
}

static weir_status
add_field(weiri_paths *self, const weir_field *field, int32_t index, char **text,
    weir_error *err)
{
    const char *place = place_of(field);
    int32_t     node  = 0;
    if (place[0] == '/' && field->from != NULL) {
        weir_status status = add_pointer(self, field, text, &node, err);
        if (status != WEIR_OK) {
            return status;
        }
    } else {
        node = child_for(self, 0, place, strlen(place));
    }
    int32_t *link = &self->nodes[node].field;
    while (*link >= 0) {
        link = &self->next_field[*link];
    }
    *link = index;
    return WEIR_OK;
}

static void
add_to_set(weiri_field_set *set, int32_t field)
{
    set->words[field / 64] |= UINT64_C(1) << (field % 64);
}

/* Children have larger indices than their parents: from the end, each is complete when
 * its parent takes it. */
static void
collect_below(weiri_paths *self)
{
    for (uint32_t i = self->n_nodes; i-- > 0;) {
        weiri_path_node *node = &self->nodes[i];
        for (int32_t f = node->field; f >= 0; f = self->next_field[f]) {
            add_to_set(&node->below, f);
        }
        for (int32_t c = node->first_child; c >= 0; c = self->nodes[c].next_sibling) {
            for (int w = 0; w < WEIRI_FIELD_WORDS; w++) {
                node->below.words[w] |= self->nodes[c].below.words[w];
            }
        }
    }
}

weir_status
weiri_paths_new(const weir_schema *schema, weiri_paths **out, weir_error *err)
{
    weiri_paths *self = allocate(schema);
    if (self == NULL) {
        return WEIR_FAIL(err, WEIR_ENOMEM, "stream '%s': out of memory", schema->name);
    }
    self->each = -1;
    self->item = -1;
    char *text = self->text;
    add_node(self, text, 0);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        self->next_field[i] = -1;
        weir_status status  = add_field(self, &schema->fields[i], (int32_t)i, &text, err);
        if (status != WEIR_OK) {
            weiri_paths_destroy(&self);
            return status;
        }
    }
    collect_below(self);
    *out = self;
    return WEIR_OK;
}
