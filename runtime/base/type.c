#include "weir/schema.h"

#include <string.h>

const char *
weir_type_text(weir_type type)
{
    switch (type) {
#define X(name, number, text)                                                            \
    case name: return text;
        WEIR_TYPE_LIST(X)
#undef X
    }
    return "unknown type";
}

int32_t
weir_schema_find(const weir_schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (strcmp(schema->fields[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}
