/* What a node says of itself when it is asked. */
#ifndef WEIR_STATUS_H
#define WEIR_STATUS_H

#include <stdio.h>

#include "stateful.h"
#include "weiri/links.h"
#include "weiri/nodefile.h"
#include "weiri/peers.h"

typedef struct node_status {
    const weiri_node_setup *setup;
    const weiri_peers      *peers; /* NULL: it speaks with nobody */
    weiri_links            *links; /* NULL: likewise              */
    const weiri_plan       *plan;
    const weiri_engine     *engine;
    const stateful_run     *stateful; /* NULL: no state is kept            */
    const char             *phase;
    const char             *rules;      /* version of the rules in force    */
    int64_t                 started_ns; /* on the system's clock            */
    int64_t                 applied_ns; /* when the rules came into force   */
    double                  per_second; /* events, of late                  */
} node_status;

/* A line a part: the node, its sources, its rules, its peers. */
void
status_print(const node_status *self, bool is_json, FILE *stream);

/* Its cluster as it sees it: the nodes and their key groups, which rules run where, what
 * has gone to the others and come from them. Nothing if it is in none. The peers are not
 * to change meanwhile. */
void
status_print_cluster(const node_status *self, bool is_json, FILE *stream);

/* Its links, one by one. */
void
status_print_links(const node_status *self, bool is_json, FILE *stream);

#endif
