#!/usr/bin/env python3
"""Rules over data that nobody here wrote, against answers that were not worked out with Weir.

    run.py WEIR CASE DATA_FOLDER

A case is a rule file CASE.weir beside this script and a function below. Where the data is
not there, ends with 77 and says so: the data sets are not part of the project.
"""

import bisect
import calendar
import collections
import csv
import decimal
import functools
import gzip
import hashlib
import io
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Case:
    def __init__(self, weir, data):
        self.weir = weir
        self.data = data

    def need(self, *files):
        for file in files:
            if not os.path.exists(os.path.join(self.data, file)):
                print(f"skipped: there is no {file} in {os.path.relpath(self.data)}")
                sys.exit(77)

    def run(self, name, *options):
        """What rule file `name` prints, line by line, parsed."""
        with open(os.path.join(HERE, name + ".weir"), encoding="utf-8") as file:
            rules = file.read().replace("@DATA@", self.data).replace("@HERE@", HERE)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name + ".weir")
            with open(path, "w", encoding="utf-8") as file:
                file.write(rules)
            outputs = [subprocess.run([self.weir, "run", "--shards", shards, path, *options],
                                      stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True).stdout
                       for shards in ("1", "3")]
        same("output on three shards is that on one", outputs[0] == outputs[1], True)
        return [json.loads(line) for line in outputs[0].splitlines()]

    def published(self, dataset, question):
        self.need(f"answers/{dataset}.json")
        with open(os.path.join(self.data, "answers", dataset + ".json"), encoding="utf-8") as file:
            questions = json.load(file)["questions"]
        return next(q["answer"] for q in questions if q["id"] == question)


def same(what, got, expected):
    if got != expected:
        print(f"{what}: expected {expected}")
        print(f"{what}: got      {got}")
        sys.exit(1)
    size = f"{len(got)} alerts" if isinstance(got, list) else got
    print(f"{what}: {size}, as expected")


def digest(lines):
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def instant(text):
    """The data sets write times as they like, weir as RFC 3339."""
    return text.replace(" ", "T") + ("" if text.endswith("Z") else "Z")


def milliseconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 1000 \
        + (int(text[20:-1].ljust(3, "0")) if "." in text else 0)


def ssh(case, question, fields, rules=None):
    case.need("ssh_auth/ssh_events.csv")
    answer = case.published("ssh_auth", question)
    expected = [{name: alert[name] for name in fields} for alert in answer["list"]]
    same(f"ssh {question}", case.run(rules or f"ssh_{question.lower()}"), expected)
    same("number of alerts", len(expected), answer["alerts"])


def ssh_q1(case):
    ssh(case, "Q1", ["line", "ts", "ip", "failures"])


def ssh_q1_window(case):
    ssh(case, "Q1", ["line", "ts", "ip", "failures"], "ssh_q1_window")


def ssh_q3(case):
    ssh(case, "Q3", ["line", "ts", "ip", "distinct_users"])


def ssh_q2(case):
    ssh(case, "Q2", ["line", "ts", "ip", "user", "failed_rows"])


def ssh_q4(case):
    """The published list is in order of the logins; alerts come when the hour is over, which
    is the same order."""
    ssh(case, "Q4", ["line", "ts", "ip", "port", "user"])


def flights_filter(case):
    data = "flights_3m/flights_3m.csv.zst"
    case.need(data)
    unpack = subprocess.Popen(["zstd", "-dcq", os.path.join(case.data, data)], stdout=subprocess.PIPE)
    rows = (line.rstrip("\n").split(",") for line in io.TextIOWrapper(unpack.stdout, encoding="utf-8"))
    next(rows)
    expected = [
        {"date": r[0].replace(" ", "T") + ":00Z", "delay": int(r[1]), "destination": r[4]}
        for r in rows if r[3] == "ORD" and int(r[1]) >= 300]
    same("unpacking", unpack.wait(), 0)
    same("flights", case.run("flights_filter"), expected)
    if not expected:
        sys.exit("nothing was expected")


def flights_q1(case, rules="flights_q1"):
    case.need("flights_3m/flights_3m.csv.zst")
    answer = case.published("flights_3m", "Q1")
    alerts = case.run(rules)
    lines = [f"{a['date'][:16].replace('T', ' ')},{a['origin']}" for a in alerts]
    same("alerts", len(alerts), answer["alerts"])
    same("their SHA-256", digest(lines), answer["sha256_of_lines_date_comma_origin"])


def flights_q1_window(case):
    flights_q1(case, "flights_q1_window")


def flights_q4(case):
    case.need("flights_3m/flights_3m.csv.zst")
    answer = case.published("flights_3m", "Q4")
    out = case.run("flights_q4")
    days = [[d["start"][:10], d["departures"], d["delay"]] for d in out if "start" in d]
    airports = [[a["origin"], a["departures"]] for a in out if "origin" in a]
    same("days", len(days), answer["days"])
    same("worst day", max(days, key=lambda d: d[2] / d[1]), answer["worst_mean_delay"])
    same("best day", min(days, key=lambda d: d[2] / d[1]), answer["best_mean_delay"])
    same("delay", sum(d[2] for d in days), answer["total_delay"])
    same("airports", len(airports), answer["origins"])
    same("the largest", airports[:5], answer["rows_by_origin_top5"])


def machine(case):
    file = "nab/machine_temperature_system_failure.csv"
    case.need(file)
    with open(os.path.join(case.data, file), encoding="utf-8") as rows:
        return list(csv.reader(rows))[1:]


def nab_q1(case):
    """The file has twelve rows that go back in time; the answer is the same with them sorted."""
    machine(case)
    answer = case.published("nab", "Q1")
    alerts = [[a["timestamp"], a["value"]] for a in case.run("nab_q1")]
    same("number of alerts", len(alerts), answer["alerts"])
    same("nab Q1", alerts, [[instant(at), value] for at, value in answer["list"]])


def nab_q3(case):
    machine(case)
    expected = [{**a, "hot": instant(a["hot"]), "cold": instant(a["cold"])}
                for a in case.published("nab", "Q3")["list"]]
    same("nab Q3", case.run("nab_q3"), expected)


def nab_q4(case):
    """No gap is as long as five minutes; readings come each five minutes, so that a second less
    makes each of them the last for a while."""
    times = sorted(instant(row[0]) for row in machine(case))
    same("nab Q4", case.run("nab_q4"), case.published("nab", "Q4")["list"])
    silent = [{"since": a} for a, b in zip(times, times[1:]) if a != b]
    same("a second less", case.run("nab_q4", "--set", "gap=299s"), silent)


def retail(case):
    case.need("online_retail/online_retail.csv.zst")


def retail_q1(case):
    retail(case)
    answer = case.published("online_retail", "Q1")
    pairs = case.run("retail_q1")
    same("pairs", len(pairs), answer["matches"])
    same("their value", f"{sum(p['value'] for p in pairs):.2f}", answer["value_total"])
    lines = [f"{p['cancel']},{p['order']}" for p in sorted(pairs, key=lambda p: p["cancel"])]
    same("their SHA-256", digest(lines), answer["sha256_of_lines_seqB_comma_seqA"])


def retail_q3(case):
    retail(case)
    answer = case.published("online_retail", "Q3")
    customers = [c["customer"] for c in case.run("retail_q3")]
    same("customers", len(customers), answer["customers"])
    same("their SHA-256", digest(sorted(customers)), answer["sha256_of_sorted_customer_lines"])


def retail_q5(case):
    retail(case)
    answer = case.published("online_retail", "Q5")
    hours = [[h["start"][:13], h["lines"], f"{h['turnover']:.2f}"] for h in case.run("retail_q5")]
    same("hours", len(hours), answer["windows"])
    same("the best", max(hours, key=lambda h: float(h[2])), answer["largest"])
    same("the worst", min(hours, key=lambda h: float(h[2])), answer["smallest"])
    total = sum(float(h[2]) for h in hours)
    same("near the total", abs(total - float(answer["total"])) < 0.005 * len(hours), True)


def otto(case, question, fields):
    case.need("otto_sample/events.csv")
    answer = case.published("otto_sample", question)
    alerts = case.run(f"otto_{question.lower()}")
    for alert in alerts:
        alert.update({name: milliseconds(alert[name]) for name in alert if isinstance(alert[name], str)})
    same(f"otto {question}", sorted(list(a.values()) for a in alerts), sorted(
        [list(a[f] for f in fields) for a in answer["list"]] if fields else answer["list"]))
    same("their number", len(alerts), answer.get("alerts", answer.get("matches")))


def otto_q1(case):
    otto(case, "Q1", ["session", "aid", "click", "cart", "order"])


def otto_q2(case):
    otto(case, "Q2", None)


def otto_q3(case):
    otto(case, "Q3", None)


def rows_of(case, path):
    """The rows of a CSV file, packed or not, as dicts."""
    case.need(path)
    path = os.path.join(case.data, path)
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
        return csv.DictReader(io.StringIO(text.decode("utf-8")))
    return csv.DictReader(gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz")
                          else open(path, encoding="utf-8"))


@functools.lru_cache(None)
def seconds(text):
    return calendar.timegm(time.strptime(text.replace("T", " ")[:19], "%Y-%m-%d %H:%M:%S"))


def near(what, got, expected):
    """Rows alike, numbers to nine digits."""
    def text(row):
        return [f"{value:.9g}" if isinstance(value, float) else value for value in row]
    same(what, [text(row) for row in got], [text(row) for row in expected])


def air_ozone(case):
    last, days = {}, {}
    for row in rows_of(case, "beijing_air/beijing_air.csv.zst"):
        hours = last.setdefault(row["station"], collections.deque(maxlen=8))
        hours.append(row["o3"])
        values = [float(value) for value in hours if value]
        if len(values) >= 6:
            days.setdefault((row["ts"][:10], row["station"]), []).append(
                math.fsum(values) / len(values))
    expected = [[station, day + "T00:00:00Z", max(means), len(means)]
                for (day, station), means in days.items() if max(means) > 240]
    worst = [list(row.values()) for row in case.run("air_ozone")]
    near("days of much ozone", sorted(worst), sorted(expected))


def stocks_spike(case):
    before, alerts, expected = {}, {}, []
    for row in rows_of(case, "stocks_5yr/stocks_5yr.csv.zst"):
        if not row["volume"]:
            continue
        days = before.setdefault(row["symbol"], collections.deque(maxlen=20))
        at, volume = seconds(row["date"] + " 00:00:00"), int(row["volume"])
        if len(days) == 20 and volume > 5 * (sum(days) / 20):
            if at - alerts.get(row["symbol"], -1e18) >= 30 * 86400:
                alerts[row["symbol"]] = at
                expected.append([row["date"] + "T00:00:00Z", row["symbol"], volume,
                                 float(statistics.median(days))])
        days.append(volume)
    near("spikes", [[a["day"], a["symbol"], a["volume"], float(a["median"])]
                    for a in case.run("stocks_spike")], expected)


def bar_of(trades):
    prices = [price for _, price, _ in trades]
    shares = sum(size for _, _, size in trades)
    return [prices[0], max(prices), min(prices), prices[-1],
            math.fsum(price * size for _, price, size in trades) / shares, len(trades)]


def taq_bars(case):
    trades = [(row["ts"], float(row["price"]), int(row["size"]))
              for row in rows_of(case, "taq_ticks/trades.csv.gz")]
    spans = {}
    for trade in trades:
        spans.setdefault(seconds(trade[0]) // 300, []).append(trade)
    out = case.run("taq_bars")
    near("bars", [[seconds(bar["start"]) // 300] + [float(v) for v in list(bar.values())[1:]]
                  for bar in out if "start" in bar],
         [[span] + [float(v) for v in bar_of(members)] for span, members in spans.items()])
    batches = [trades[i:i + 1000] for i in range(0, len(trades), 1000)]
    near("batches", [[b["shares"], b["high"]] for b in out if "shares" in b],
         [[sum(t[2] for t in batch), max(t[1] for t in batch)] for batch in batches])


def slope_of(points):
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, math.fsum(y for _, y in points) / n
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) \
        / math.fsum((x - mean_x) ** 2 for x, _ in points)


def quantile_of(values, p):
    values = sorted(values)
    place = p * (len(values) - 1)
    low, part = int(place), place - int(place)
    high = values[min(low + 1, len(values) - 1)]
    return values[low] * (1 - part) + high * part


def skab_trend(case):
    expected, points, held = [], {}, {}
    for row in rows_of(case, "skab/valve1.csv.gz"):
        at, run = seconds(row["datetime"]), int(row["run"])
        window = points.setdefault(run, [])
        window.append((at, float(row["Volume_Flow_RateRMS"])))
        window[:] = [point for point in window if point[0] >= at - 59]
        flows = [flow for _, flow in window]
        holds = len(window) >= 50 and slope_of(window) < -0.02 and statistics.pstdev(flows) > 0.5
        if holds and not held.get(run):
            expected.append([run, instant(row["datetime"]), quantile_of(flows, 0.5),
                             slope_of(window), quantile_of(flows, 0.1), max(flows)])
        held[run] = holds
    near("drops", [list(drop.values()) for drop in case.run("skab_trend")], expected)


class Bursts:
    """Sessions of one metric: what is known of the open one at each hour, and when it ends."""

    def __init__(self, metric, out):
        self.metric, self.out = metric, out
        self.times, self.most, self.tick = [], None, None

    def tell(self):
        if len(self.times) >= 5:
            self.out.append([self.metric, self.times[0], self.times[-1] + 1800, len(self.times),
                             self.most])

    def go_on(self, now):
        while self.times and min(self.tick or math.inf, self.times[-1] + 1800) <= now:
            is_end = self.times[-1] + 1800 <= (self.tick or math.inf)
            self.tell()
            self.tick = None
            if is_end:
                self.times, self.most = [], None

    def add(self, now, value):
        self.go_on(now)
        self.times.append(now)
        self.most = value if self.most is None else max(self.most, value)
        self.tick = self.tick or now // 3600 * 3600 + 3600


def cloudwatch_sessions(case):
    """The file ends with time: the early result of an open session is told no more then."""
    before, bursts, expected, now = {}, {}, [], 0
    for row in rows_of(case, "nab/aws_cloudwatch.csv.gz"):
        metric, value, now = row["metric"], float(row["value"]), seconds(row["timestamp"])
        week = before.setdefault(metric, collections.deque(maxlen=2016))
        if len(week) == 2016 and value > quantile_of(week, 0.99):
            bursts.setdefault(metric, Bursts(metric, expected)).add(now, value)
        week.append(value)
    for burst in bursts.values():
        burst.go_on(now)
        burst.tell()
    near("bursts", sorted([b["metric"], seconds(b["start"]), seconds(b["end"]), b["n"], b["most"]]
                          for b in case.run("cloudwatch_sessions")), sorted(expected))


def until(case):
    """Address a: two failures, a login, one more failure, a login. Only without `until` are
    the failures on both sides of the login counted together. Address c: five minutes to the
    second are within five minutes."""
    b = {"ip": "b", "failures": 4, "at": "1970-01-01T00:00:42Z"}
    a = {"ip": "a", "failures": 3, "at": "1970-01-01T00:00:50Z"}
    c = {"ip": "c", "failures": 3, "at": "1970-01-01T00:06:00Z"}
    same("with until", case.run("until_with"), [b, c])
    same("without", case.run("until_without"), [b, a, c])


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


def invoices(case):
    return rows_of(case, "online_retail/online_retail.csv.zst")


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
        mills = decimal.Decimal(row["unit_price"]).scaleb(3).to_integral(decimal.ROUND_HALF_UP)
        of[row["stock"]] += int(row["quantity"]) * int(mills)
    for week, of in weeks.items():
        ranked = sorted((-mills, stock) for stock, mills in of.items())
        expected += [[week, stock, -mills] for mills, stock in ranked[:5]]
    same("best", [[seconds(b["week"]) // (7 * 86400), b["stock"], b["mills"]]
                  for b in case.run("retail_best")], expected)


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


CASES = {f.__name__: f for f in (
    ssh_q1, ssh_q1_window, ssh_q2, ssh_q3, ssh_q4, flights_filter, flights_q1, flights_q1_window,
    flights_q4, nab_q1, nab_q3, nab_q4, retail_q1, retail_q3, retail_q5, otto_q1, otto_q2, otto_q3,
    until, air_ozone, stocks_spike, taq_bars, skab_trend, cloudwatch_sessions, stocks_cross,
    stocks_climb, stocks_breadth, taq_spread, taq_best, air_gaps, air_city, air_differ, skab_found,
    cloudwatch_hop, nab_missing, nab_fall, flights_back, flights_silent, flights_worst,
    retail_refunds, retail_best, retail_lost)}


def main():
    if len(sys.argv) != 4 or sys.argv[2] not in CASES:
        sys.exit(__doc__ + "\ncases: " + " ".join(CASES))
    CASES[sys.argv[2]](Case(sys.argv[1], os.path.abspath(sys.argv[3])))


if __name__ == "__main__":
    main()
