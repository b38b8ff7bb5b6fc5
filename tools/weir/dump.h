/* weir state dump: what rules hold, key by key. */
#ifndef WEIR_DUMP_H
#define WEIR_DUMP_H

#include "command.h"

typedef struct dump_request {
    const char *rule;  /* NULL: all */
    const char *key;   /* its values joined by commas; NULL: all */
    uint64_t    limit; /* things that are told, of each rule */
    bool        is_json;
} dump_request;

/* Tell what a state directory holds of each rule. Returns an exit status. */
int
dump_state(const weiri_plan *plan, const char *path, const dump_request *request);

#endif
