"""Questions that the data sets leave open, answered here without Weir, row by row."""

import bisect
import collections
import csv
import decimal
import gzip
import io
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import time

from common import instant, machine, milliseconds, near, quantile_of, rows_of, same, seconds


def by_symbol(case):
    """The days of each symbol: (date, close or None)."""
    days = collections.defaultdict(list)
    for row in rows_of(case, "stocks_5yr/stocks_5yr.csv.zst"):
        days[row["symbol"]].append((row["date"] + "T00:00:00Z",
                                    float(row["close"]) if row["close"] else None))
    return days


def stocks_cross(case):
    """Closes have four decimals at most, so that whole numbers add up without error."""
    expected = []
    for symbol, days in by_symbol(case).items():
        days = [day for day in days if day[1] is not None]
        sums = [0, *itertools.accumulate(round(close * 10000) for _, close in days)]
        was_below = False
        for i in range(200, len(sums)):
            of50, of200 = sums[i] - sums[i - 50], sums[i] - sums[i - 200]
            if was_below and 4 * of50 > of200:
                expected.append([days[i - 1][0], symbol, of50 / 500000, of200 / 2000000])
            was_below = 4 * of50 <= of200
    near("crosses", sorted(list(c.values()) for c in case.run("stocks_cross")), sorted(expected))


def stocks_climb(case):
    expected = []
    for symbol, days in by_symbol(case).items():
        foot = 0
        for i in range(1, len(days)):
            (_, before), (_, now) = days[i - 1], days[i]
            has_both = before is not None and now is not None
            if has_both and now > before:
                continue
            if has_both and now < 0.95 * before and i - 1 - foot >= 6:
                expected.append([symbol, days[foot][0], i - 1 - foot, before, now])
            foot = i
    near("climbs", sorted(list(c.values()) for c in case.run("stocks_climb")), sorted(expected))


def stocks_breadth(case):
    gains = collections.defaultdict(list)
    for symbol, days in by_symbol(case).items():
        days = [day for day in days if day[1] is not None]
        for (_, before), (date, now) in zip(days, days[1:]):
            gains[date].append((now / before - 1.0, symbol))
    out = case.run("stocks_breadth")
    panics = [(day, sum(g > 0 for g, _ in of), sum(g < 0 for g, _ in of))
              for day, of in sorted(gains.items())]
    same("days of panic", [tuple(p.values()) for p in out if "day" in p],
         [p for p in panics if p[2] >= 9 * p[1]])
    near("the three worst", [list(w.values()) for w in out if "date" in w],
         [[day, symbol, gain] for day, of in sorted(gains.items()) for gain, symbol in sorted(of)[:3]])


def ticks(case):
    quotes = [(milliseconds(row["ts"] + "Z"), row["ex"], float(row["bid"]), float(row["ask"]))
              for row in rows_of(case, "taq_ticks/quotes.csv.gz")]
    trades = [(milliseconds(row["ts"] + "Z"), row["ex"], int(row["size"]), float(row["price"]), row["ts"])
              for row in rows_of(case, "taq_ticks/trades.csv.gz")]
    return quotes, trades


def taq_spread(case):
    quotes, trades = ticks(case)
    quotes = [quote for quote in quotes if quote[2] > 0 and quote[3] > 0]
    times = [quote[0] for quote in quotes]
    hours = collections.defaultdict(list)
    for at, ex, size, price, text in trades:
        place = bisect.bisect_right(times, at) - 1
        if place >= 0 and at - times[place] <= 60000:
            _, quoted_at, bid, ask = quotes[place]
            hours[text[:13] + ":00:00Z"].append(
                (size, 2 * abs(price - (bid + ask) / 2), price > ask or price < bid, ex == quoted_at))
    near("hours", [list(h.values()) for h in case.run("taq_spread")],
         [[hour, len(of), sum(t[2] for t in of), sum(t[3] for t in of),
           math.fsum(t[0] * t[1] for t in of) / sum(t[0] for t in of)] for hour, of in hours.items()])


def taq_best(case):
    """What is written at a moment is seen later, so that a trade sees the quotes before it."""
    quotes, trades = ticks(case)
    book, next_quote, expected = {}, 0, []
    for at, ex, size, price, text in trades:
        while next_quote < len(quotes) and quotes[next_quote][0] < at:
            book[quotes[next_quote][1]] = quotes[next_quote][2]
            next_quote += 1
        best = max(book.values(), default=0.0)
        if price < best and "09:30" <= text[11:16] <= "15:59":
            expected.append([at, ex, size, price, best])
    near("trades below the best bid", [[milliseconds(t["ts"]), *list(t.values())[1:]]
                                       for t in case.run("taq_best")], expected)


def air(case):
    for row in rows_of(case, "beijing_air/beijing_air.csv.zst"):
        yield row["ts"] + "Z", row["station"], float(row["pm25"]) if row["pm25"] else None


def air_gaps(case):
    was, missing, expected = {}, {}, []
    for at, station, pm25 in air(case):
        gap = missing.setdefault(station, [])
        if pm25 is None:
            gap.append(at)
            continue
        if len(gap) >= 48 and station in was:
            expected.append([station, gap[0], len(gap), was[station], pm25])
        was[station], missing[station] = pm25, []
    near("gaps", [list(g.values()) for g in case.run("air_gaps")], expected)


def air_city(case):
    hours, episodes = {}, []
    for at, station, pm25 in air(case):
        if pm25 is not None and pm25 > 300:
            hours.setdefault(at, []).append(pm25)
    for at, values in hours.items():
        if len(values) >= 8:
            if not episodes or seconds(at) - seconds(episodes[-1][-1][0]) >= 3 * 3600:
                episodes.append([])
            episodes[-1].append((at, values))
    expected = []
    for hours in episodes:
        values = [value for _, of in hours for value in of]
        if len(hours) >= 6:
            expected.append([hours[0][0], hours[-1][0], len(hours), max(values),
                             math.fsum(values) / len(values)])
    near("episodes", [list(e.values()) for e in case.run("air_city")], expected)


def air_streaks(case):
    stations, runs = {}, {}
    for at, station, pm25 in air(case):
        hours = stations.setdefault(station, [])
        if pm25 is not None and pm25 > 150:
            hours.append((at, pm25))
            continue
        if pm25 is not None and len(hours) >= 24:
            worst = max(value for _, value in hours)
            runs.setdefault(at[:4], []).append((-len(hours), hours[0][0], station, worst))
        hours.clear()
    expected = [[year, station, since, -hours, worst] for year, of in runs.items()
                for hours, since, station, worst in sorted(of)[:3]]
    same("streaks", [[b["year"][:4], *list(b.values())[1:]] for b in case.run("air_streaks")], expected)


def air_alone(case):
    hours, expected = {}, []
    for at, station, pm25 in air(case):
        if pm25 is not None:
            hours.setdefault(at, []).append((station, pm25))
    for at, of in hours.items():
        mean = math.fsum(pm25 for _, pm25 in of) / len(of)
        if len(of) >= 8:
            expected += [[at, station, pm25, mean] for station, pm25 in of if pm25 > 3 * mean]
    near("alone", sorted(list(a.values()) for a in case.run("air_alone")), sorted(expected))


def air_differ(case):
    hours = {}
    for at, station, pm25 in air(case):
        if pm25 is not None:
            hours.setdefault(at, []).append((station, pm25))
    near("pairs", sorted(list(d.values()) for d in case.run("air_differ")), sorted(
        [at, high, low, a - b] for at, of in hours.items()
        for high, a in of for low, b in of if a - b > 400))


def skab_found(case):
    state, labels, drops, now = {}, [], [], 0
    for row in rows_of(case, "skab/valve1.csv.gz"):
        run, now, flow = int(row["run"]), seconds(row["datetime"]), float(row["Volume_Flow_RateRMS"])
        flows, was_odd, was_low = state.get(run, (collections.deque(maxlen=60), False, False))
        is_odd = row["anomaly"] == "1.0"
        is_low = len(flows) == 60 and flow < 0.98 * (math.fsum(flows) / 60)
        if is_odd and not was_odd:
            labels.append((run, now, row["datetime"]))
        if is_low and not was_low:
            drops.append((run, now))
        flows.append(flow)
        state[run] = flows, is_odd, is_low
    expected = []
    for run, at, text in labels:
        took = [then - at for r, then in drops if r == run and 0 <= then - at <= 120]
        if took or at + 120 < now:
            expected.append((run, instant(text), took[0] if took else None))
    out = [(f["run"], f["label"], None if f["took"] is None else duration(f["took"]))
           for f in case.run("skab_found")]
    same("labels", sorted(out), sorted(expected))


def duration(text):
    """Seconds of a text like 1m30s."""
    return sum(int(n) * {"h": 3600, "m": 60, "s": 1}[unit]
               for n, unit in re.findall(r"(\d+)([hms])", text))


def cloudwatch_hop(case):
    windows, expected = {}, []
    for row in rows_of(case, "nab/aws_cloudwatch.csv.gz"):
        last = seconds(row["timestamp"]) // 1800
        for start in range(last - 3, last + 1):
            windows.setdefault((row["metric"], start), []).append(float(row["value"]))
    for (metric, start), values in windows.items():
        middle, high = quantile_of(values, 0.5), quantile_of(values, 0.9)
        if len(values) >= 20 and high > 10 * middle:
            expected.append([metric, start * 1800, len(values), middle, high])
    near("rough spells", sorted([r["metric"], seconds(r["start"]), *list(r.values())[2:]]
                                for r in case.run("cloudwatch_hop")), sorted(expected))


def nab_missing(case):
    hours = [seconds(row["timestamp"]) // 3600
             for row in rows_of(case, "nab/ambient_temperature_system_failure.csv")]
    same("hours", [seconds(m["hour"]) // 3600 for m in case.run("nab_missing")],
         sorted(set(range(hours[0], hours[-1])) - set(hours)))


def nab_fall(case):
    rows = sorted(((instant(at), float(value)) for at, value in machine(case)), key=lambda row: row[0])
    top, expected = 0, []
    for i in range(1, len(rows)):
        if rows[i][1] >= rows[i - 1][1]:
            fell = rows[top][1] - rows[i - 1][1]
            if i - 1 - top >= 8 and fell > 10:
                expected.append([rows[top][0], rows[i - 1][0], i - 1 - top, fell])
            top = i
    near("falls", [list(f.values()) for f in case.run("nab_fall")], expected)


def flights(case):
    """Rows as lists: date, delay, distance, origin, destination."""
    case.need("flights_3m/flights_3m.csv.zst")
    path = os.path.join(case.data, "flights_3m/flights_3m.csv.zst")
    with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE) as unpack:
        rows = csv.reader(io.TextIOWrapper(unpack.stdout, encoding="utf-8"))
        next(rows)
        yield from rows


def flights_back(case):
    waiting, expected = {}, []
    for date, delay, _, origin, destination in flights(case):
        if int(delay) < 120:
            continue
        pair, at = (min(origin, destination), max(origin, destination)), seconds(date + ":00")
        out = next((out for out in waiting.get(pair, [])
                    if out[2] == origin and at - out[0] <= 3 * 3600), None)
        if out:
            expected.append([instant(out[1] + ":00"), instant(date + ":00"), destination, origin])
            waiting[pair] = []
        else:
            waiting.setdefault(pair, []).append((at, date, destination))
    same("there and back", [list(b.values()) for b in case.run("flights_back")], expected)


def flights_silent(case):
    latest, expected, date = {}, [], None
    for date, _, _, origin, _ in flights(case):
        latest.setdefault(origin, []).append(date)
    for origin, dates in latest.items():
        days = sorted(set(dates))
        for before, after in zip(days, days[1:] + [date]):
            if after[:10] != before[:10] \
                    and seconds(after + ":00") - seconds(before + ":00") > 3 * 86400:
                expected.append((origin, instant(before + ":00")))
    same("silences", sorted(tuple(s.values()) for s in case.run("flights_silent")), sorted(expected))


def flights_worst(case):
    delays, expected = {}, []
    for date, delay, _, origin, _ in flights(case):
        of = delays.setdefault(date[:10], {}).setdefault(origin, [0, 0])
        of[0] += 1
        of[1] += int(delay)
    for day, airports in delays.items():
        ranked = sorted((-late / n, origin, n) for origin, (n, late) in airports.items() if n >= 100)
        expected += [[day + "T00:00:00Z", origin, n, -mean] for mean, origin, n in ranked[:3]]
    near("the worst", [list(w.values()) for w in case.run("flights_worst")], expected)


def flights_tail(case):
    days = {}
    for date, delay, _, origin, destination in flights(case):
        delays, routes = days.setdefault(date[:10], ([], set()))
        delays.append(int(delay))
        routes.add((origin, destination))
    near("days", [list(d.values()) for d in case.run("flights_tail")],
         [[day + "T00:00:00Z", *(float(quantile_of(delays, p)) for p in (0.5, 0.95, 0.99)), len(routes)]
          for day, (delays, routes) in days.items()])


def invoices(case):
    return rows_of(case, "online_retail/online_retail.csv.zst")


def mills(price):
    """Tenths of a penny, halves up."""
    return int(decimal.Decimal(price).scaleb(3).to_integral(decimal.ROUND_HALF_UP))


def retail_refunds(case):
    returns, expected = {}, []
    for row in invoices(case):
        if row["invoice"].startswith("C") and int(row["quantity"]) < 0 and row["customer"]:
            of, at = returns.get(row["customer"], []), seconds(row["ts"])
            of = [r for r in of if at - r[0] <= 7 * 86400]
            of.append((at, row["invoice"], int(row["quantity"])))
            if len({r[1] for r in of}) >= 4:
                expected.append([int(row["seq"]), row["customer"], 4, -sum(r[2] for r in of)])
                of = []
            returns[row["customer"]] = of
    same("returning", [list(r.values()) for r in case.run("retail_refunds")], expected)


def retail_best(case):
    weeks, expected = {}, []
    for row in invoices(case):
        of = weeks.setdefault(seconds(row["ts"]) // (7 * 86400), collections.Counter())
        of[row["stock"]] += int(row["quantity"]) * mills(row["unit_price"])
    for week, of in weeks.items():
        ranked = sorted((-turnover, stock) for stock, turnover in of.items())
        expected += [[week, stock, -turnover] for turnover, stock in ranked[:5]]
    same("best", [[seconds(b["week"]) // (7 * 86400), b["stock"], b["mills"]]
                  for b in case.run("retail_best")], expected)


def retail_top(case):
    months, expected = {}, []
    for row in invoices(case):
        of = months.setdefault(row["ts"][:7], {}).setdefault(row["country"], collections.Counter())
        of[row["stock"]] += int(row["quantity"]) * mills(row["unit_price"])
    for month, countries in months.items():
        tops = []
        for country, of in countries.items():
            tops += sorted((-turnover, country, stock) for stock, turnover in of.items())[:2]
        expected += [[month, country, stock, -turnover] for turnover, country, stock in sorted(tops)]
    same("top", [[t["month"][:7], t["country"], t["stock"], t["mills"]]
                 for t in case.run("retail_top")], expected)


def retail_lost(case):
    seen, orders, expected, now = set(), {}, [], None
    for row in invoices(case):
        now = seconds(row["ts"])
        key = row["customer"], row["invoice"]
        if row["customer"] and not row["invoice"].startswith("C") and key not in seen:
            seen.add(key)
            orders.setdefault(row["customer"], []).append((now, row["ts"] + "Z"))
    for customer, of in orders.items():
        for n, ((at, text), (after, _)) in enumerate(zip(of, of[1:] + [(now, "")]), 1):
            if n >= 10 and after - at > 90 * 86400:
                expected.append((customer, text, n))
    same("lost", sorted(tuple(c.values()) for c in case.run("retail_lost")), sorted(expected))


def stocks_pair(case):
    closes = by_symbol(case)
    gains = {}
    for symbol in ("FOX", "FOXA"):
        days = [day for day in closes[symbol] if day[1] is not None]
        gains[symbol] = {date: now / before - 1.0 for (_, before), (date, now) in zip(days, days[1:])}
    pairs = [(date, gain, gains["FOXA"][date]) for date, gain in gains["FOX"].items()
             if date in gains["FOXA"]]
    expected = []
    for i in range(60, len(pairs) + 1):
        a, b = ([pair[side] for pair in pairs[i - 60:i]] for side in (1, 2))
        mean_a, mean_b = math.fsum(a) / 60, math.fsum(b) / 60
        together = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b)) / math.sqrt(
            math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b))
        if together < 0.95:
            expected.append([pairs[i - 1][0], together, statistics.pstdev(x - y for x, y in zip(a, b))])
    near("days apart", [list(a.values()) for a in case.run("stocks_pair")], expected)


def retail_months(case):
    months = {}
    for row in invoices(case):
        if row["customer"]:
            of = months.setdefault(row["ts"][:7], [set(), set(), 0, 0])
            of[0].add(row["customer"])
            of[1].add((row["customer"], row["invoice"]))
            of[2] += 1
            of[3] += int(row["quantity"]) * mills(row["unit_price"])
    same("months", [list(m.values()) for m in case.run("retail_months")],
         [[month, len(who), len(bills), n, total] for month, (who, bills, n, total) in months.items()])


def ssh_kinds(case):
    """Of the events since the last match the earliest begins with which all three kinds are there."""
    kinds = ("invalid_user", "failed_password", "max_attempts")
    since, expected = {}, []
    for row in rows_of(case, "ssh_auth/ssh_events.csv"):
        if row["event"] not in kinds:
            continue
        at, of = seconds(row["ts"][:19]), since.setdefault(row["ip"], [])
        of.append((at, row["event"], int(row["line"])))
        for begin in range(len(of)):
            if at - of[begin][0] <= 60:
                lines = [next((line for _, event, line in of[begin:] if event == kind), None)
                         for kind in kinds]
                if None not in lines:
                    expected.append([row["ip"], *lines])
                    since[row["ip"]] = []
                break
    same("all kinds", [list(k.values()) for k in case.run("ssh_kinds")], expected)


def otto_late(case):
    rows = [(int(r["ts_ms"]), int(r["session"]), int(r["aid"]), r["type"])
            for r in rows_of(case, "otto_sample/events.csv")]
    ordered, waits = [], []
    for i, (at, session, aid, kind) in enumerate(rows):
        if kind != "carts":
            continue
        order = next((r[0] for r in rows[i + 1:] if r[1:] == (session, aid, "orders")), None)
        if order is not None and order - at <= 3600000:
            ordered.append((session, aid, at))
        elif at + 3600000 < rows[-1][0]:
            waits.append((session, aid, at))
    out = case.run("otto_late")
    same("ordered", sorted((o["session"], o["aid"], milliseconds(o["cart"])) for o in out if "cart" in o),
         sorted(ordered))
    same("too late", sorted((o["session"], o["aid"], milliseconds(o["waiting"]))
                            for o in out if "waiting" in o), sorted(waits))


def taq_ticks(case):
    """Only the longest run that ends at a trade counts, and it may begin where one ended."""
    places, expected = collections.defaultdict(list), []
    for at, ex, size, price, _ in ticks(case)[1]:
        of = places[ex]
        if of and price > of[-1][2] and at - of[-1][0] <= 1000:
            of.append((at, size, price))
            continue
        if len(of) > 4 and price <= of[-1][2]:
            expected.append([ex, of[0][0], len(of) - 1, sum(t[1] for t in of[1:]), of[-1][2] - of[0][2], at])
        places[ex] = [(at, size, price)]
    near("runs", [[r["ex"], milliseconds(r["from"]), r["n"], r["shares"], r["by"], milliseconds(r["to"])]
                  for r in case.run("taq_ticks")], expected)


def taq_burst(case):
    window, was, expected = collections.deque(), False, []
    for at, ex, bid, ask in ticks(case)[0]:
        window.append((at, ex, bid, ask))
        while at - window[0][0] > 99:
            window.popleft()
        if len(window) > 60 and not was:
            expected.append([at, len(window), len({q[1] for q in window}),
                             max(q[3] for q in window) - min(q[2] for q in window)])
        was = len(window) > 60
    near("bursts", [[milliseconds(b["ts"]), *list(b.values())[1:]] for b in case.run("taq_burst")], expected)


def cloudwatch_decay(case):
    past, expected = {}, []
    for row in rows_of(case, "nab/aws_cloudwatch.csv.gz"):
        at, value = seconds(row["timestamp"]), float(row["value"])
        before, n, total, weight = past.get(row["metric"], (at, 0, 0.0, 0.0))
        if n >= 288 and total > 0 and value > 20 * (total / weight):
            expected.append([row["metric"], instant(row["timestamp"]), value, total / weight])
        decay = 0.5 ** ((at - before) / 3600)
        past[row["metric"]] = at, n + 1, total * decay + value, weight * decay + 1.0
    near("jumps", [list(j.values()) for j in case.run("cloudwatch_decay")], expected)


def ssh_lines(case):
    """The published list, by time and address: a line's number is not in the log."""
    case.need("ssh_auth/auth.log.gz")
    expected = [[a["ts"], a["ip"], a["failures"]] for a in case.published("ssh_auth", "Q1")["list"]]
    same("ssh Q1 from lines", [list(a.values()) for a in case.run("ssh_lines")], expected)


def ssh_doors(case):
    case.need("ssh_auth/auth.log.gz")
    hours = {}
    with gzip.open(os.path.join(case.data, "ssh_auth/auth.log.gz"), "rt", encoding="utf-8") as log:
        for line in log:
            date, _, text = line.rstrip("\n").partition("]: ")
            if " sshd[" not in date:
                continue
            hour = hours.setdefault(time.strftime(
                "%Y-%m-%dT%H:00:00Z", time.strptime("2017 " + date[:15], "%Y %b %d %H:%M:%S")),
                [0, set(), set(), set()])
            if text.startswith("Invalid user ") and " from " in text:
                hour[3].add(text[len("Invalid user "):text.rindex(" from ")])
            elif text.startswith("Failed password for ") and text.endswith(" ssh2"):
                hour[1].add(text.split(" ")[-4])
            elif text.startswith("error: maximum authentication attempts exceeded for "):
                hour[2].add(text.split(" from ")[-1].split(" ")[0])
            elif not text.startswith(("Disconnect", "Connection")):
                continue
            hour[0] += 1
    same("hours", [list(h.values()) for h in case.run("ssh_doors")],
         [[at, n, len(failed), len(sent), len(tried)]
          for at, (n, failed, sent, tried) in hours.items() if tried and sent])


def otto_nested(case):
    case.need("otto_sample/train.jsonl")
    expected = case.published("otto_sample", "Q2")
    same("abandoned carts", sorted([milliseconds(a["at"]), a["session"], a["aid"]]
                                   for a in case.run("otto_nested")), sorted(expected["list"]))


def otto_funnel(case):
    case.need("otto_sample/train.jsonl")
    days = {}
    with open(os.path.join(case.data, "otto_sample/train.jsonl"), encoding="utf-8") as sessions:
        for session in map(json.loads, sessions):
            for event in session["events"]:
                day = days.setdefault(event["ts"] // 86400000, collections.defaultdict(set))
                day[event["type"]].add(session["session"])
    same("days", [[milliseconds(d["day"]) // 86400000, *list(d.values())[1:]]
                  for d in case.run("otto_funnel")],
         [[day, *(len(of[kind]) for kind in ("clicks", "carts", "orders"))]
          for day, of in sorted(days.items())])


def retail_price(case):
    last, expected = {}, []
    for row in invoices(case):
        price = float(row["unit_price"])
        if int(row["quantity"]) > 0 and price > 0 and not row["invoice"].startswith("C"):
            before = last.get(row["stock"])
            if before is not None and not before / 2 <= price <= before * 2:
                expected.append([int(row["seq"]), row["stock"], before, price])
            last[row["stock"]] = price
    same("jumps", [list(j.values()) for j in case.run("retail_price")], expected)


def stocks_gap(case):
    case.need("stocks_5yr/stocks_5yr.csv.zst")
    last, expected = {}, []
    for row in rows_of(case, "stocks_5yr/stocks_5yr.csv.zst"):
        before = last.get(row["symbol"])
        if before and row["open"] and row["close"] and float(row["open"]) >= before * 1.03 \
                and float(row["close"]) < before:
            expected.append([row["date"] + "T00:00:00Z", row["symbol"], before, float(row["open"]),
                             float(row["close"])])
        last[row["symbol"]] = float(row["close"]) if row["close"] else None
    same("gaps", [list(g.values()) for g in case.run("stocks_gap")], expected)


def flights_wave(case):
    hours = collections.defaultdict(lambda: [0, 0])
    for date, delay, _, _, destination in flights(case):
        of = hours[seconds(date + ":00") // 3600, destination]
        of[0] += 1
        of[1] += int(delay) >= 60
    def is_late(of):
        return of[0] >= 20 and 2 * of[1] >= of[0]
    same("waves", sorted([seconds(w["hour"]) // 3600, *(w[n] for n in ("destination", "late", "n"))]
                         for w in case.run("flights_wave")),
         sorted([hour, to, of[1] + hours[hour + 1, to][1], of[0] + hours[hour + 1, to][0]]
                for (hour, to), of in list(hours.items())
                if is_late(of) and is_late(hours.get((hour + 1, to), [0, 0]))))


CASES = {f.__name__: f for f in (
    stocks_cross, stocks_climb, stocks_breadth, taq_spread, taq_best, air_gaps, air_city, air_streaks,
    air_alone,
    air_differ, skab_found, cloudwatch_hop, nab_missing, nab_fall, flights_back, flights_silent,
    flights_worst, flights_tail, retail_refunds, retail_best, retail_top, retail_lost, stocks_pair,
    retail_months, ssh_kinds, otto_late, taq_ticks, taq_burst, cloudwatch_decay,
    ssh_lines, ssh_doors, otto_nested, otto_funnel, retail_price, stocks_gap, flights_wave)}
