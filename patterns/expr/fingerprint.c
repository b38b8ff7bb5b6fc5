#include "expr/fingerprint.h"

#include <string.h>

#include "expr/operations.h"

static uint64_t
add_constant(uint64_t hash, const weir_value *value)
{
    uint64_t bits = 0;
    hash = weiri_hash_number(weiri_hash_number(hash, value->type), value->is_null);
    if (value->is_null) {
        return hash;
    }
    switch ((weir_type)value->type) {
    case WEIR_STRING:
    case WEIR_LIST:
        return value->size == 0 ? weiri_hash_number(hash, 0)
                                : weiri_hash_bytes(weiri_hash_number(hash, value->size),
                                    value->as.s, value->size);
    case WEIR_FLOAT:
        memcpy(&bits, &value->as.f, sizeof bits);
        return weiri_hash_number(hash, bits);
    case WEIR_BOOL: return weiri_hash_number(hash, value->as.b);
    case WEIR_NULL:
    case WEIR_INT:
    case WEIR_TIME:
    case WEIR_DURATION: break;
    }
    return weiri_hash_number(hash, (uint64_t)value->as.i);
}

uint64_t
weiri_hash_expr(uint64_t hash, const weiri_expr *expr, const weir_schema *schema)
{
    if (expr == NULL) {
        return weiri_hash_number(hash, 0);
    }
    hash = weiri_hash_number(
        weiri_hash_number(weiri_hash_number(hash, 1 + (uint64_t)expr->kind), expr->type),
        expr->element);
    switch (expr->kind) {
    case WEIRI_EXPR_CONSTANT: return add_constant(hash, &expr->as.constant);
    case WEIRI_EXPR_FIELD:
        return weiri_hash_text(hash, schema->fields[expr->as.field].name);
    case WEIRI_EXPR_TIME: return hash;
    case WEIRI_EXPR_REGISTER: return weiri_hash_number(hash, expr->as.reg);
    case WEIRI_EXPR_CALL: break;
    }
    hash = weiri_hash_text(hash, expr->as.call.operation->name);
    hash = weiri_hash_number(hash, expr->as.call.n_args);
    for (uint32_t i = 0; i < expr->as.call.n_args; i++) {
        hash = weiri_hash_expr(hash, expr->as.call.args[i], schema);
    }
    return hash;
}
