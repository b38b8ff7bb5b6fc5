#include "words.h"

#include <string.h>

#include "weiri/expr.h"

static const lsp_function FUNCTIONS[] = {
#include "functions.inc" /* made of docs/functions.md */
};

static const lsp_aggregate AGGREGATES[] = {
    { "count", "count(), count(x), count(condition)",
        "How many events; in how many x is not null; in how many it is true." },
    { "sum", "sum(x)", "The exact sum, rounded once." },
    { "avg", "avg(x)", "The mean." },
    { "min", "min(x)", "The least." },
    { "max", "max(x)", "The greatest." },
    { "first", "first(x)", "Of the earliest event in which it is not null." },
    { "last", "last(x)", "Of the latest event in which it is not null." },
    { "stddev", "stddev(x)", "Standard deviation of the population." },
    { "variance", "variance(x)", "Variance of the population." },
    { "median", "median(x)", "The middle value." },
    { "quantile", "quantile(x, q)",
        "The value below which the part q of them is, by proportion between two." },
    { "distinct", "distinct(x)", "How many different values." },
    { "collect", "collect(x)", "All values as a list, the first 10,000." },
    { "top", "top(n, x)", "The n most frequent values as a list." },
    { "ewma", "ewma(x, halflife)",
        "The mean, in which an event counts half as much for each half-life of age." },
    { "slope", "slope(x)", "By how much x rises in a second (least squares)." },
    { "correlation", "correlation(x, y)", "Pearson's." },
};

const lsp_function *
lsp_function_at(size_t i)
{
    return i < sizeof FUNCTIONS / sizeof FUNCTIONS[0] ? &FUNCTIONS[i] : NULL;
}

const lsp_aggregate *
lsp_aggregate_at(size_t i)
{
    return i < sizeof AGGREGATES / sizeof AGGREGATES[0] ? &AGGREGATES[i] : NULL;
}

static const lsp_aggregate *
find_aggregate(const char *name)
{
    const lsp_aggregate *aggregate;
    for (size_t i = 0; (aggregate = lsp_aggregate_at(i)) != NULL; i++) {
        if (strcmp(aggregate->name, name) == 0) {
            return aggregate;
        }
    }
    return NULL;
}

const char *
lsp_function_signature(const char *name)
{
    const char *other;
    for (size_t i = 0; (other = weiri_operation_name(i)) != NULL; i++) {
        if (strcmp(other, name) == 0) {
            return weiri_operation_signature(i);
        }
    }
    const lsp_aggregate *aggregate = find_aggregate(name);
    return aggregate != NULL ? aggregate->signature : NULL;
}

bool
lsp_function_is_known(const char *name)
{
    return name != NULL && lsp_function_signature(name) != NULL;
}

void
lsp_function_print(FILE *out, const char *name)
{
    const lsp_aggregate *aggregate = find_aggregate(name);
    const lsp_function  *function;
    const char          *other;
    bool                 is_function = false;
    fputs("```weir\n", out);
    if (aggregate != NULL) {
        fprintf(out, "%s\n", aggregate->signature);
    }
    for (size_t i = 0; (other = weiri_operation_name(i)) != NULL; i++) {
        if (strcmp(other, name) == 0) {
            is_function = true;
            fprintf(out, "%s%s\n", name, weiri_operation_signature(i));
        }
    }
    fputs("```\n", out);
    if (aggregate != NULL) {
        fprintf(out, "\nOver the events of a window or step: %s\n", aggregate->meaning);
    }
    for (size_t i = 0; is_function && (function = lsp_function_at(i)) != NULL; i++) {
        if (strcmp(function->name, name) == 0) {
            fprintf(out, "\n%s\n\nExample: %s\n", function->meaning, function->example);
        }
    }
}
