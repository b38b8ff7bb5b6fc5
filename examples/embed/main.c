/* Rules inside a C program: a password is guessed, and the program is told. */
#include <stdio.h>
#include <string.h>

#include <weir/engine.h>

static const char RULES[] =
    "stream auth { at time, ip string, user string, outcome string }\n"
    "rule guessed {\n"
    "  match  fail: auth(outcome == \"failed\"){3,} -> hit: auth(outcome == "
    "\"accepted\")\n"
    "  by     ip\n"
    "  within 10m\n"
    "  emit   intrusion { ip, user: hit.user, failures: count(fail) }\n"
    "}\n";

static void
print_intrusion(void *context, const weir_event *event)
{
    const weir_value *ip       = weir_event_get(event, "ip");
    const weir_value *failures = weir_event_get(event, "failures");
    (void)context;
    printf("%.*s got in after %lld failures\n", (int)ip->size, ip->as.s,
        (long long)failures->as.i);
}

int
main(void)
{
    weir_engine *engine = NULL;
    weir_error   err    = { 0 };
    weir_status  status = weir_engine_new(RULES, strlen(RULES), NULL, &engine, &err);
    if (status == WEIR_OK) {
        status = weir_engine_on(engine, "intrusion", print_intrusion, NULL, &err);
    }
    char line[4096];
    while (status == WEIR_OK && fgets(line, sizeof line, stdin) != NULL) {
        status = weir_engine_push_json(engine, "auth", line, strlen(line), &err);
    }
    if (status == WEIR_OK) {
        status = weir_engine_finish(engine, &err);
    }
    weir_engine_destroy(&engine);
    if (status != WEIR_OK) {
        fprintf(stderr, "%s\n", err.text);
    }
    return status == WEIR_OK ? 0 : 1;
}
