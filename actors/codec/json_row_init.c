/* json_row: what is made once, for a schema and for a chunk. */
#include <stdlib.h>

#include "json_row.h"

static weir_status
init_keys(json_row *self)
{
    const weiri_paths *paths = self->paths;
    for (uint32_t i = 0; i < paths->n_nodes; i++) {
        if (i > 0 && paths->nodes[i].first_child < 0) {
            continue;
        }
        if (json_keys_init(&self->keys[i], paths, (int32_t)i) != WEIR_OK) {
            return WEIR_ENOMEM;
        }
        for (uint32_t k = 1; k < self->keys[i].n; k++) {
            json_key              *key   = &self->keys[i].keys[k];
            const weiri_path_node *child = &paths->nodes[key->child];
            bool is_leaf = child->first_child < 0 && paths->next_field[child->field] < 0;
            if (is_leaf) {
                key->field = child->field;
                key->kind  = (uint8_t)self->leaves.of[child->field].kind;
            }
        }
    }
    return WEIR_OK;
}

weir_status
json_row_init(json_row *self, const weir_schema *schema, weir_error *err)
{
    *self = (json_row){ .schema = schema, .n_words = (schema->n_fields + 63) / 64 };
    weir_status status = weiri_paths_new(schema, &self->paths, err);
    if (status != WEIR_OK) {
        return status;
    }
    self->keys    = calloc(self->paths->n_nodes, sizeof *self->keys);
    self->around  = calloc(schema->n_fields + 1, sizeof *self->around);
    self->refused = calloc(schema->n_fields + 1, sizeof *self->refused);
    if (self->keys == NULL || self->refused == NULL || self->around == NULL
        || leaves_init(&self->leaves, schema) != WEIR_OK || init_keys(self) != WEIR_OK) {
        json_row_fini(self);
        return WEIR_FAIL(err, WEIR_ENOMEM, "JSON decoder: out of memory");
    }
    for (uint32_t f = 0; f < schema->n_fields; f++) {
        self->all.words[self->leaves.of[f].word] |= self->leaves.of[f].bit;
    }
    self->outer = self->all;
    for (size_t w = 0; json_row_is_each(self) && w < self->n_words; w++) {
        self->outer.words[w] &= ~self->paths->nodes[self->paths->item].below.words[w];
    }
    return WEIR_OK;
}

void
json_row_fini(json_row *self)
{
    for (uint32_t i = 0; self->keys != NULL && i < self->paths->n_nodes; i++) {
        json_keys_fini(&self->keys[i]);
    }
    free(self->keys);
    free(self->refused);
    free(self->around);
    leaves_fini(&self->leaves);
    weiri_paths_destroy(&self->paths);
    *self = (json_row){ 0 };
}

void
json_row_bind(json_row *self, weir_chunk *chunk)
{
    self->chunk   = chunk;
    self->columns = chunk->columns;
    leaves_bind(&self->leaves, chunk);
}
