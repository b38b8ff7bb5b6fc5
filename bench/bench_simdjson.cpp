/* The same lines as bench_decode reads, through simdjson, into the same columns: how much
 * a general parser costs here. Built only where simdjson is installed; never shipped.
 */
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "bench.h"

extern "C" {
#include "bench_input.h"
#include "weiri/timetext.h"
}

namespace
{

struct columns {
    std::vector<int64_t>          at, account;
    std::vector<double>           amount;
    std::vector<std::string_view> kind, country;
    std::string                   heap;
    std::vector<uint8_t>          ok;
    size_t                        n_rows = 0;

    void
    clear_at(size_t rows)
    {
        if (at.size() >= rows) {
            at.clear(), account.clear(), amount.clear(), kind.clear(), country.clear();
            ok.clear(), heap.clear();
        }
    }

    bool
    add(std::string_view time, int64_t account_, double amount_, std::string_view kind_,
        std::string_view country_, bool ok_)
    {
        int64_t ns = 0;
        if (!weiri_time_parse(time.data(), time.size(), &ns)) {
            return false;
        }
        at.push_back(ns);
        account.push_back(account_);
        amount.push_back(amount_);
        kind.push_back(keep(kind_));
        country.push_back(keep(country_));
        ok.push_back(ok_);
        n_rows++;
        clear_at(1024);
        return true;
    }

    std::string_view
    keep(std::string_view text)
    {
        size_t offset = heap.size();
        heap.append(text);
        return { heap.data() + offset, text.size() };
    }
};

struct job {
    const bench_input *in;
    columns            out;
};

[[noreturn]] void
fail(const char *what)
{
    std::fprintf(stderr, "bench_simdjson: %s\n", what);
    std::exit(EXIT_FAILURE);
}

void
with_dom(void *context)
{
    auto                          *self = static_cast<job *>(context);
    simdjson::dom::parser          parser;
    simdjson::padded_string        text(self->in->bytes, self->in->size);
    simdjson::dom::document_stream stream;
    self->out.n_rows = 0;
    if (parser.parse_many(text, 1 << 20).get(stream)) {
        fail("parse_many");
    }
    for (auto it : stream) {
        simdjson::dom::element doc;
        std::string_view       at, kind, country;
        int64_t                account = 0;
        double                 amount  = 0;
        bool                   ok      = false;
        if (it.get(doc) || doc["at"].get(at) || doc["account"].get(account)
            || doc["amount"].get(amount) || doc["kind"].get(kind)
            || doc["country"].get(country) || doc["ok"].get(ok)
            || !self->out.add(at, account, amount, kind, country, ok)) {
            fail("a record");
        }
    }
}

void
on_demand(void *context)
{
    auto                               *self = static_cast<job *>(context);
    simdjson::ondemand::parser          parser;
    simdjson::padded_string             text(self->in->bytes, self->in->size);
    simdjson::ondemand::document_stream stream;
    self->out.n_rows = 0;
    if (parser.iterate_many(text, 1 << 20).get(stream)) {
        fail("iterate_many");
    }
    for (auto &&it : stream) {
        simdjson::ondemand::document_reference doc;
        std::string_view                       at, kind, country;
        int64_t                                account = 0;
        double                                 amount  = 0;
        bool                                   ok      = false;
        if (std::move(it).get(doc) || doc["at"].get(at) || doc["account"].get(account)
            || doc["amount"].get(amount) || doc["kind"].get(kind)
            || doc["country"].get(country) || doc["ok"].get(ok)
            || !self->out.add(at, account, amount, kind, country, ok)) {
            fail("a record");
        }
    }
}

} // namespace

int
main(int argc, char **argv)
{
    int         runs = bench_runs(argc, argv);
    bench_input in   = bench_input_make(BENCH_JSON);
    job         work{ &in, {} };
    double      scan = bench_best(runs, bench_input_scan, &in);
    bench_json  out{};
    bench_json_open(&out, nullptr);
    double dom = bench_best(runs, with_dom, &work);
    if (work.out.n_rows != BENCH_EVENTS) {
        fail("records are missing");
    }
    bench_json_speed(&out, "simdjson_dom_parse_many", dom, BENCH_EVENTS, in.size, scan);
    double demand = bench_best(runs, on_demand, &work);
    if (work.out.n_rows != BENCH_EVENTS) {
        fail("records are missing");
    }
    bench_json_speed(&out, "simdjson_on_demand", demand, BENCH_EVENTS, in.size, scan);
    bench_json_close(&out);
    bench_input_free(&in);
}
